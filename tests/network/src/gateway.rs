//! The gateway example: the board `board/site` with its other ends on loopback, worked by the real binary.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use anyhow::{Context, Result, ensure};
use peer_tests::Peer;
use serde_json::Value;

use crate::mqtt::Broker;

/// What `forecast.token` holds: it is to be seen nowhere but at the other end.
const TOKEN: &str = "token-of-the-forecast-9f2c71";
/// The level that the tank shows, in tenths of a percent.
const LEVEL: u16 = 415;
/// Where the tank's level is, in the input registers.
const LEVEL_REGISTER: u16 = 10;
/// The process waits for an operator.
const WAITS: i32 = 5;

/// What the other ends saw.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Seen {
    /// Requests at the HTTP endpoint that carried the secret.
    pub forecasts: usize,
    /// Messages at the broker.
    pub reports: usize,
    /// Writes of the inlet's coil before the operator's word.
    pub opened_before: usize,
    /// Writes of the inlet's coil in all.
    pub opened: usize,
    /// Places in which the secret was found: files of the state folder, and what the commands printed.
    pub leaks: usize,
}

impl Seen {
    /// What they are to see: everything once, and nothing moved before the operator's word.
    pub const EXPECTED: Self = Self { forecasts: 1, reports: 1, opened_before: 0, opened: 1, leaks: 0 };
}

/// The board and its other ends.
struct Site {
    folder: PathBuf,
    everstep: PathBuf,
    /// Where programs of the peers are.
    path: String,
    modbus: Peer,
    broker: Broker,
    forecasts: Arc<AtomicUsize>,
    printed: String,
}

/// Runs the example in `folder`, which is made anew, and shows each command with what it printed through
/// `show`.
///
/// # Errors
///
/// What is missing, or what a command printed where it did not end as it should.
pub fn rehearse(folder: &Path, show: &mut dyn FnMut(&str)) -> Result<Seen> {
    let mut site = Site::start(folder)?;
    site.everstep(&["check"], 0, show)?;
    site.everstep(&["mcp", "pin", "clock"], 0, show)?;
    site.everstep(&["run"], WAITS, show)?;
    let opened_before = site.opened();
    site.everstep(&["status"], 0, show)?;
    let call = site.waiting()?;
    site.everstep(&["approve", &call], 0, show)?;
    site.everstep(&["run"], 0, show)?;
    Ok(Seen {
        forecasts: site.forecasts.load(Ordering::SeqCst),
        reports: site.broker.received("site/tank/level"),
        opened_before,
        opened: site.opened(),
        leaks: site.leaks()?,
    })
}

impl Site {
    fn start(folder: &Path) -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let (modbus, broker) = (Peer::modbus_tcp(), Broker::open());
        modbus.set("input", LEVEL_REGISTER, &[LEVEL]);
        let forecasts = Arc::default();
        let endpoint = serve_forecast(Arc::clone(&forecasts))?;

        if folder.exists() {
            fs::remove_dir_all(folder).with_context(|| format!("removing {}", folder.display()))?;
        }
        fs::create_dir_all(folder)?;
        let board = fs::read_to_string(root.join("board/site/agent.toml"))?
            .replace("../../target/site", "state")
            .replace("127.0.0.1:1502", modbus.at())
            .replace("127.0.0.1:1883", &broker.at())
            .replace("127.0.0.1:8080", &endpoint);
        fs::write(folder.join("agent.toml"), board)?;
        for name in ["script.toml", "mcp-clock.json"] {
            fs::copy(root.join("board/site").join(name), folder.join(name))
                .with_context(|| name.to_owned())?;
        }
        write_secret(&folder.join("forecast.token"))?;

        let venv = root.join("target/test-venv/bin");
        let path = std::env::var("PATH").unwrap_or_default();
        Ok(Self {
            folder: folder.to_owned(),
            everstep: everstep()?,
            path: format!("{}:{path}", venv.display()),
            modbus,
            broker,
            forecasts,
            printed: String::new(),
        })
    }

    /// Runs a command of the binary, which is to end with `code`.
    fn everstep(&mut self, arguments: &[&str], code: i32, show: &mut dyn FnMut(&str)) -> Result<()> {
        let board = self.folder.join("agent.toml");
        let output = Command::new(&self.everstep)
            .args(arguments)
            .arg("--board")
            .arg(&board)
            .env("PATH", &self.path)
            .output()
            .context("starting everstep")?;
        let printed =
            format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        show(&format!("$ everstep {}\n{printed}", arguments.join(" ")));
        self.printed.push_str(&printed);
        let ended = output.status.code();
        ensure!(ended == Some(code), "everstep {} ended with {ended:?}, not {code}", arguments.join(" "));
        Ok(())
    }

    /// The call that waits for the operator.
    fn waiting(&self) -> Result<String> {
        let (_, rest) = self.printed.rsplit_once("everstep approve ").context("no call waits")?;
        Ok(rest.chars().take_while(char::is_ascii_digit).collect())
    }

    fn opened(&self) -> usize {
        self.modbus
            .log()
            .iter()
            .filter(|act| act.get("table").and_then(Value::as_str) == Some("coil"))
            .count()
    }

    /// Counts where the secret is to be seen. What finds it in other forms is the canary test of the binary.
    fn leaks(&self) -> Result<usize> {
        let mut leaks = self.printed.matches(TOKEN).count();
        let mut folders = vec![self.folder.join("state")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder)? {
                let entry = entry?;
                let kind = entry.file_type()?;
                if kind.is_dir() {
                    folders.push(entry.path());
                } else if kind.is_file() {
                    let bytes = fs::read(entry.path())?;
                    leaks += usize::from(bytes.windows(TOKEN.len()).any(|part| part == TOKEN.as_bytes()));
                }
            }
        }
        Ok(leaks)
    }
}

fn write_secret(path: &Path) -> Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    Ok(file.write_all(TOKEN.as_bytes())?)
}

/// The binary beside this program; a test's program lies one folder deeper.
fn everstep() -> Result<PathBuf> {
    let here = std::env::current_exe().context("this program's own path")?;
    let mut places = here.ancestors().skip(1).take(2).map(|folder| folder.join("everstep"));
    places.find(|path| path.is_file()).context("everstep is missing: run `make gateway`")
}

/// An endpoint that tells the rain to whoever shows the secret. Returns where it listens.
fn serve_forecast(served: Arc<AtomicUsize>) -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").context("a port on loopback")?;
    let at = listener.local_addr()?.to_string();
    // Ends with the process.
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
            let head: Vec<String> = lines.by_ref().take_while(|line| !line.is_empty()).collect();
            let wanted = format!("bearer {TOKEN}");
            let knows = head.iter().any(|line| line.to_ascii_lowercase().ends_with(&wanted));
            let (status, body) =
                if knows { ("200 OK", r#"{"rain_mm": 2}"#) } else { ("401 Unauthorized", "{}") };
            served.fetch_add(usize::from(knows), Ordering::SeqCst);
            let length = body.len();
            let head =
                format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\nconnection: close\r\n");
            // Whoever hung up gets no answer.
            let _ = write!(stream, "{head}content-length: {length}\r\n\r\n{body}");
        }
    });
    Ok(at)
}
