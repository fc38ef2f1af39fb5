//! The world of a simulated board: a cold room on a Unix socket.
//!
//! Goes on while agents come and go; ends when told to, or when nobody has asked anything for long.

use std::{
    fs::File,
    io::{self, Read, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use clap::{Args, Parser, Subcommand};
use everstep_board_sim::{
    TIME_SCALE_MAX, ask,
    protocol::Request,
    server::{Options, Server},
    world::{Fault, LineFault, RoomFile, Verdict},
};
use serde_json::{Value, json};

/// Exit code of a check that did not pass, and of anything else that failed.
const FAILED: u8 = 1;
/// Exit code of wrong usage.
const USAGE: u8 = 2;
/// How long an answer may take.
const IO_MAX: Duration = Duration::from_secs(10);

/// The world of a simulated board
#[derive(Parser)]
#[command(version, after_help = "Exit codes: 0 done, 1 failed or not as the task asks, 2 wrong usage")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Be a world until told to end; prints one line when it listens
    Serve(Box<Serve>),
    /// Send one request, such as `{"op":"snapshot"}`, and print the answer
    Ask {
        /// The world's socket
        #[arg(long, value_name = "PATH")]
        socket: PathBuf,
        /// The request
        request: String,
    },
    /// Check the room against the task to bring it to a temperature and report
    Check {
        /// The world's socket
        #[arg(long, value_name = "PATH")]
        socket: PathBuf,
        /// The temperature the task asked for, in degrees Celsius
        #[arg(long, value_name = "C", allow_negative_numbers = true)]
        target_c: f64,
        /// What the agent answered
        #[arg(long, value_name = "TEXT")]
        answer: String,
        /// When it answered, in milliseconds of the world's time [default: now]
        #[arg(long, value_name = "MS")]
        at_ms: Option<u64>,
    },
}

#[derive(Args)]
struct Serve {
    /// Where to listen
    #[arg(long, value_name = "PATH")]
    socket: PathBuf,
    /// Where changes go, one JSON object a line
    #[arg(long, value_name = "PATH")]
    log: Option<PathBuf>,
    /// The room, such as board/coldroom/room.toml [default: the built-in one]
    #[arg(long, value_name = "PATH")]
    room: Option<PathBuf>,
    /// World seconds in a real second; 0 is stepped by command
    #[arg(long, value_name = "N", default_value_t = 600, value_parser = clap::value_parser!(u32).range(..=i64::from(TIME_SCALE_MAX)))]
    time_scale: u32,
    /// Air at the start, in degrees Celsius
    #[arg(long, value_name = "C", allow_negative_numbers = true)]
    air_c: Option<f64>,
    /// Ice at the start, in millimetres
    #[arg(long, value_name = "MM")]
    ice_mm: Option<f64>,
    /// Seconds the door stands open at the start
    #[arg(long, value_name = "S")]
    door_open_s: Option<u32>,
    /// Date at the start, in seconds since 1970 UTC [default: the clock is not set]
    #[arg(long, value_name = "S")]
    unix_s: Option<u64>,
    /// Something that goes wrong, such as `{"compressor_stuck":{"at":true}}`; may be given often
    #[arg(long, value_name = "JSON", value_parser = parse::<Fault>)]
    fault: Vec<Fault>,
    /// Something wrong on a line, such as `{"device":"pump","when":"after","count":1}`
    #[arg(long, value_name = "JSON", value_parser = parse::<LineFault>)]
    line_fault: Vec<LineFault>,
    /// End after this many real seconds without a request; 0 is never
    #[arg(long, value_name = "S", default_value_t = 3600)]
    idle_s_max: u64,
}

fn parse<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Serve(serve) => self::serve(*serve),
        Command::Ask { socket, request } => send(&socket, &request),
        Command::Check { socket, target_c, answer, at_ms } => check(&socket, target_c, answer, at_ms),
    };
    done.unwrap_or_else(|(code, why)| {
        let _ = writeln!(io::stderr(), "everstep-world: {why}");
        ExitCode::from(code)
    })
}

type Done = Result<ExitCode, (u8, String)>;

fn failed(error: impl std::fmt::Display) -> (u8, String) {
    (FAILED, error.to_string())
}

fn usage(error: impl std::fmt::Display) -> (u8, String) {
    (USAGE, error.to_string())
}

fn serve(serve: Serve) -> Done {
    let mut room = match &serve.room {
        Some(path) => RoomFile::load(path).map_err(usage)?,
        None => RoomFile::default(),
    };
    let start = &mut room.start;
    start.air_c = serve.air_c.unwrap_or(start.air_c);
    start.ice_mm = serve.ice_mm.unwrap_or(start.ice_mm);
    start.door_open_s = serve.door_open_s.unwrap_or(start.door_open_s);
    room.check().map_err(usage)?;
    let mut timeline = [0; 16];
    File::open("/dev/urandom")
        .and_then(|mut random| random.read_exact(&mut timeline))
        .map_err(|error| failed(format!("/dev/urandom: {error}")))?;
    let server = Server::bind(&Options {
        socket: serve.socket.clone(),
        log: serve.log,
        room,
        time_scale: serve.time_scale,
        timeline,
        unix_at_start_s: serve.unix_s,
        faults: serve.fault,
        line_faults: serve.line_fault,
        idle_s_max: serve.idle_s_max,
    })
    .map_err(usage)?;
    print(&json!({"listens": serve.socket, "time_scale": serve.time_scale}))?;
    server.run().map_err(failed)?;
    Ok(ExitCode::SUCCESS)
}

fn send(socket: &Path, request: &str) -> Done {
    let request: Request = serde_json::from_str(request).map_err(usage)?;
    let answer: Value = ask(socket, IO_MAX, &request).map_err(|error| away(socket, &error))?;
    print(&answer)?;
    Ok(ExitCode::SUCCESS)
}

fn check(socket: &Path, target_c: f64, answer: String, at_ms: Option<u64>) -> Done {
    let request = Request::Check { target_c, answer, at_ms };
    let verdict: Verdict = ask(socket, IO_MAX, &request).map_err(|error| away(socket, &error))?;
    print(&json!(verdict))?;
    Ok(if verdict.passed { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
}

fn away(socket: &Path, error: &io::Error) -> (u8, String) {
    failed(format!("the world at {}: {error}", socket.display()))
}

fn print(value: &Value) -> Result<(), (u8, String)> {
    let mut out = io::stdout();
    writeln!(out, "{value}").and_then(|()| out.flush()).map_err(failed)
}
