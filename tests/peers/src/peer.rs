//! A peer's process: started for one test, steered over its input, killed when it is dropped.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test's set-up may fail")]

use std::{
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{Arc, Mutex, mpsc},
    thread,
};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::Notify;

/// Names the Python that has the peers' packages.
const PYTHON: &str = "EVERSTEP_PEERS_PYTHON";

/// A device in a process of its own.
pub struct Peer {
    child: Child,
    control: Mutex<Control>,
    at: String,
    log: PathBuf,
    cut: Arc<Mutex<Arc<Notify>>>,
    _folder: TempDir,
}

struct Control {
    input: ChildStdin,
    replies: mpsc::Receiver<Value>,
}

impl Peer {
    /// A Modbus server on a loopback port.
    #[must_use]
    pub fn modbus_tcp() -> Self {
        Self::start("modbus_server.py", &["tcp"])
    }

    /// A Modbus server on a serial line.
    #[must_use]
    pub fn modbus_rtu() -> Self {
        Self::start("modbus_server.py", &["rtu"])
    }

    /// A device that speaks lines of text on a serial line.
    #[must_use]
    pub fn text() -> Self {
        Self::start("text_device.py", &[])
    }

    /// The same, sending back what it is told.
    #[must_use]
    pub fn text_with_echo() -> Self {
        Self::start("text_device.py", &["--echo"])
    }

    fn start(program: &str, arguments: &[&str]) -> Self {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let python = std::env::var_os(PYTHON)
            .map_or_else(|| here.join("../../target/test-venv/bin/python"), PathBuf::from);
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let mut child = Command::new(&python)
            .arg(here.join(program))
            .arg("--log")
            .arg(&log)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}; run scripts/test-peers.sh", python.display()));
        let input = child.stdin.take().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let hello = line(&mut output).unwrap_or_else(|| panic!("{program} ended at once"));
        let at = hello["at"].as_str().unwrap().to_owned();
        let (sender, replies) = mpsc::channel();
        let cut = Arc::new(Mutex::new(Arc::new(Notify::new())));
        let told = Arc::clone(&cut);
        // Ends with the process.
        thread::spawn(move || {
            while let Some(line) = line(&mut output) {
                match line.get("reply") {
                    Some(reply) if sender.send(reply.clone()).is_err() => return,
                    Some(_) => {}
                    None => told.lock().unwrap().notify_one(),
                }
            }
        });
        Self { child, control: Mutex::new(Control { input, replies }), at, log, cut, _folder: folder }
    }

    /// Where it is: `host:port`, or the device file of the line's near end.
    #[must_use]
    pub fn at(&self) -> &str {
        &self.at
    }

    /// Tells it something, and returns its reply.
    ///
    /// # Panics
    ///
    /// If the process is gone.
    pub fn tell(&self, command: &Value) -> Value {
        let mut control = self.control.lock().unwrap();
        writeln!(control.input, "{command}").unwrap();
        control.replies.recv().unwrap_or_else(|_| panic!("the peer is gone after {command}"))
    }

    /// What it does with the next writes and reads; afterwards it does well. Cuts it asked for before
    /// are forgotten.
    ///
    /// # Panics
    ///
    /// If the process is gone.
    pub fn fates(&self, write: &[Value], read: &[Value]) {
        self.tell(&json!({"do": "fates", "write": write, "read": read}));
        *self.cut.lock().unwrap() = Arc::default();
    }

    /// Makes it a new device with an empty log.
    pub fn reset(&self) {
        self.tell(&json!({"do": "reset"}));
    }

    /// Brings everything that is on its way to its end: what a device promises to have done by
    /// `settle_ms`.
    pub fn settle(&self) {
        self.tell(&json!({"do": "settle"}));
    }

    /// Sets registers.
    pub fn set(&self, table: &str, address: u16, values: &[u16]) {
        self.tell(&json!({"do": "set", "table": table, "address": address, "values": values}));
    }

    /// What a table shows.
    #[must_use]
    pub fn get(&self, table: &str, address: u16, count: u16) -> Value {
        self.tell(&json!({"do": "get", "table": table, "address": address, "count": count}))
    }

    /// Ends once the peer says that the power is to go now.
    ///
    /// # Panics
    ///
    /// If a test failed while it was listening.
    pub async fn cut(&self) {
        let cut = Arc::clone(&self.cut.lock().unwrap());
        cut.notified().await;
    }

    /// Everything it did, in order.
    ///
    /// # Panics
    ///
    /// If its log is not what it writes.
    #[must_use]
    pub fn log(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(&self.log).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn line(output: &mut BufReader<ChildStdout>) -> Option<Value> {
    let mut line = String::new();
    (output.read_line(&mut line).ok()? > 0).then(|| serde_json::from_str(&line).ok()).flatten()
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It ends by itself when its input does; a stuck one does not.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
