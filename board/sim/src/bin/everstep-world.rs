//! The world of a simulated board, a cold room or a declared plant, on a Unix socket.
//!
//! Goes on while agents come and go; ends when told to, or when nobody has asked anything for long.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use clap::{Args, Parser, Subcommand};
use everstep_board_sim::{
    TIME_SCALE_MAX, ask,
    plant::PlantFile,
    protocol::Request,
    server::{Options, Server, WorldFile},
    simulated::{Point, Story},
    tasks::{Ended, Subjects, Task, TaskFile},
    world::{LineFault, RoomFile, Verdict},
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
    /// Check the end state: of a task of tasks.toml, or of a cold room against a temperature
    Check(Box<Check>),
}

#[derive(Args)]
struct Check {
    /// The world's socket
    #[arg(long, value_name = "PATH")]
    socket: PathBuf,
    /// The temperature the cold room's task asked for, in degrees Celsius
    #[arg(
        long,
        value_name = "C",
        allow_negative_numbers = true,
        conflicts_with = "tasks",
        required_unless_present = "tasks"
    )]
    target_c: Option<f64>,
    /// The board's tasks, such as board/pump/tasks.toml; a plant's beside its plant.toml
    #[arg(long, value_name = "PATH", requires = "task")]
    tasks: Option<PathBuf>,
    /// Which of them
    #[arg(long, value_name = "ID", requires = "tasks")]
    task: Option<String>,
    /// The agent's alerts, a line each, such as target/pump/alerts.txt [default: it sent none]
    #[arg(long, value_name = "PATH", requires = "tasks")]
    alerts: Option<PathBuf>,
    /// What the agent answered
    #[arg(long, value_name = "TEXT")]
    answer: String,
    /// When it answered, in milliseconds of the world's time [default: now]
    #[arg(long, value_name = "MS")]
    at_ms: Option<u64>,
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
    #[arg(long, value_name = "PATH", conflicts_with = "plant")]
    room: Option<PathBuf>,
    /// A plant instead of a room, such as board/pump/plant.toml
    #[arg(long, value_name = "PATH", conflicts_with_all = ["air_c", "ice_mm", "door_open_s"])]
    plant: Option<PathBuf>,
    /// How it stands at the start, such as `{"tank_level":42,"pump_north":"on"}`
    #[arg(long, value_name = "JSON", value_parser = parse::<Points>)]
    start: Option<Points>,
    /// Draw the start of a task of this file, such as board/pump/tasks.toml
    #[arg(long, value_name = "PATH", requires = "task")]
    tasks: Option<PathBuf>,
    /// Of which task
    #[arg(long, value_name = "ID", requires = "tasks")]
    task: Option<String>,
    /// From which seed
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
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
    #[arg(long, value_name = "JSON", value_parser = parse::<Value>)]
    fault: Vec<Value>,
    /// Something wrong on a line, such as `{"device":"pump","when":"after","count":1}`
    #[arg(long, value_name = "JSON", value_parser = parse::<LineFault>)]
    line_fault: Vec<LineFault>,
    /// End after this many real seconds without a request; 0 is never
    #[arg(long, value_name = "S", default_value_t = 3600)]
    idle_s_max: u64,
}

/// Values by name.
type Points = BTreeMap<String, Point>;

fn parse<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Serve(serve) => self::serve(*serve),
        Command::Ask { socket, request } => send(&socket, &request),
        Command::Check(check) => self::check(&check),
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

/// The world that was asked for, as it stands at the start.
fn world(serve: &Serve) -> Result<WorldFile, (u8, String)> {
    let mut world = match (&serve.plant, &serve.room) {
        (Some(path), _) => WorldFile::Plant(PlantFile::load(path).map_err(usage)?),
        (None, Some(path)) => WorldFile::Room(RoomFile::load(path).map_err(usage)?),
        (None, None) => WorldFile::Room(RoomFile::default()),
    };
    if let (Some(path), Some(id)) = (&serve.tasks, &serve.task) {
        let subjects = Subjects::of(&world);
        let start = find(path, id, &subjects)?.draw(&subjects, serve.seed);
        world.start_at(&start).map_err(usage)?;
    }
    let number = |name: &str, value: Option<f64>| value.map(|value| (name.to_owned(), Point::Number(value)));
    let mut start = serve.start.clone().unwrap_or_default();
    start.extend(number("air_c", serve.air_c));
    start.extend(number("ice_mm", serve.ice_mm));
    start.extend(number("door_open_s", serve.door_open_s.map(f64::from)));
    world.start_at(&start).map_err(usage)?;
    Ok(world)
}

fn find(path: &Path, id: &str, subjects: &Subjects) -> Result<Task, (u8, String)> {
    let mut file = TaskFile::load(path, subjects).map_err(usage)?;
    let Some(index) = file.task.iter().position(|task| task.id == id) else {
        let ids: Vec<_> = file.task.iter().map(|task| task.id.as_str()).collect();
        return Err(usage(format!(
            "task file {} has no task `{id}`: it has {}",
            path.display(),
            ids.join(", ")
        )));
    };
    Ok(file.task.swap_remove(index))
}

fn serve(serve: Serve) -> Done {
    let world = world(&serve)?;
    let mut timeline = [0; 16];
    File::open("/dev/urandom")
        .and_then(|mut random| random.read_exact(&mut timeline))
        .map_err(|error| failed(format!("/dev/urandom: {error}")))?;
    let server = Server::bind(&Options {
        socket: serve.socket.clone(),
        log: serve.log,
        world,
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

fn check(check: &Check) -> Done {
    let Check { socket, target_c, tasks, task, answer, at_ms, .. } = check;
    let wrong = if let (Some(path), Some(id)) = (tasks, task) {
        let task = find(path, id, &Subjects::of(&beside(path)?))?;
        let story: Story =
            ask(socket, IO_MAX, &Request::Story { at_ms: *at_ms }).map_err(|error| away(socket, &error))?;
        let alerts = lines(check.alerts.as_deref())?;
        let wrong = task.judge(Ended { story: &story, answer, alerts });
        print(&json!({"passed": wrong.is_empty(), "wrong": wrong, "task": id, "end": story.end}))?;
        wrong
    } else {
        let target_c = target_c.unwrap_or_default();
        let request = Request::Check { target_c, answer: answer.clone(), at_ms: *at_ms };
        let verdict: Verdict = ask(socket, IO_MAX, &request).map_err(|error| away(socket, &error))?;
        print(&json!(verdict))?;
        verdict.wrong
    };
    Ok(if wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
}

/// The world a file of tasks is for: the plant beside it, otherwise the cold room.
fn beside(tasks: &Path) -> Result<WorldFile, (u8, String)> {
    let plant = tasks.with_file_name("plant.toml");
    if !plant.exists() {
        return Ok(WorldFile::Room(RoomFile::default()));
    }
    Ok(WorldFile::Plant(PlantFile::load(&plant).map_err(usage)?))
}

/// How many lines a file has; none where there is no file.
fn lines(path: Option<&Path>) -> Result<u64, (u8, String)> {
    let Some(path) = path else { return Ok(0) };
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(u64::try_from(text.lines().count()).unwrap_or(u64::MAX)),
        // The file is made with the first alert.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(failed(format!("alerts {}: {error}", path.display()))),
    }
}

fn away(socket: &Path, error: &io::Error) -> (u8, String) {
    failed(format!("the world at {}: {error}", socket.display()))
}

fn print(value: &Value) -> Result<(), (u8, String)> {
    let mut out = io::stdout();
    writeln!(out, "{value}").and_then(|()| out.flush()).map_err(failed)
}
