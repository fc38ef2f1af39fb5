//! mosquitto in a process of its own, which can be killed and started again. It keeps its state in a
//! folder, and every packet in its log.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};

use tempfile::TempDir;

/// Longest that the broker is waited for.
const LIMIT: Duration = Duration::from_mins(1);
/// Where Debian has it, which isn't everybody's path.
const PROGRAM: &str = "/usr/sbin/mosquitto";
/// What its log says once it listens.
const RUNNING: &str = " running";

/// A broker.
pub struct Broker {
    folder: TempDir,
    port: u16,
    running: Mutex<Option<Running>>,
    log: Arc<Log>,
}

struct Running {
    child: Child,
    reader: JoinHandle<()>,
}

#[derive(Default)]
struct Log {
    lines: Mutex<Vec<String>>,
    more: Condvar,
}

impl Broker {
    /// One that lets everybody in, and knows after its death what it knew before.
    #[must_use]
    pub fn open() -> Self {
        Self::with(|folder| {
            format!(
                "allow_anonymous true\npersistence true\npersistence_location {}/\n\
                 autosave_interval 1\nautosave_on_changes true\n",
                folder.display()
            )
        })
    }

    /// One set up by `more`, which is given the folder and may write files there.
    ///
    /// # Panics
    ///
    /// If it does not start.
    #[must_use]
    pub fn with(more: impl FnOnce(&Path) -> String) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let more = more(folder.path());
        // Free now, and taken in a moment: the kernel gives out others first.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let config = format!("listener {port} 127.0.0.1\nuser root\nlog_dest stderr\nlog_type all\n{more}");
        fs::write(folder.path().join("mosquitto.conf"), config).unwrap();
        let broker = Self { folder, port, running: Mutex::default(), log: Arc::default() };
        broker.start();
        broker
    }

    /// Starts it again.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub fn start(&self) {
        // Whoever asks meanwhile waits until it listens.
        let mut running = self.running.lock().unwrap();
        let before = self.count(RUNNING);
        let mut child = Command::new(PROGRAM)
            .arg("-c")
            .arg(self.folder.path().join("mosquitto.conf"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{PROGRAM}: {error}; run scripts/test-network.sh"));
        let output = BufReader::new(child.stderr.take().unwrap());
        let log = Arc::clone(&self.log);
        let reader = thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                log.lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
                log.more.notify_all();
            }
        });
        self.until(RUNNING, before + 1);
        *running = Some(Running { child, reader });
    }

    /// Kills it where it stands. Its log is whole afterwards.
    ///
    /// # Panics
    ///
    /// If it can't be killed.
    pub fn kill(&self) {
        if let Some(mut running) = self.running.lock().unwrap().take() {
            running.child.kill().unwrap();
            running.child.wait().unwrap();
            running.reader.join().unwrap();
        }
    }

    /// `host:port`
    #[must_use]
    pub fn at(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Its port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Where its files are.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Lines of its log that hold `what`.
    #[must_use]
    pub fn count(&self, what: &str) -> usize {
        let lines = self.log.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().filter(|line| line.contains(what)).count()
    }

    /// Messages to `topic` that came in so far.
    ///
    /// # Panics
    ///
    /// If the broker is stuck.
    #[must_use]
    pub fn received(&self, topic: &str) -> usize {
        self.catch_up();
        let lines = self.log.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let topic = format!("'{topic}'");
        lines.iter().filter(|line| line.contains("Received PUBLISH from ") && line.contains(&topic)).count()
    }

    /// Waits until its log holds everything that it did before now.
    fn catch_up(&self) {
        let running = self.running.lock().unwrap();
        if running.is_none() {
            return;
        }
        // It does one thing after the other, and tells of each connection.
        let knock = TcpStream::connect(self.at()).unwrap();
        let knock = format!("New connection from {} ", knock.local_addr().unwrap());
        self.until(&knock, 1);
    }

    /// Waits until its log has so many lines that hold `what`.
    ///
    /// # Panics
    ///
    /// If it never has.
    pub fn until(&self, what: &str, count: usize) {
        let lines = self.log.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let is_missing =
            |lines: &mut Vec<String>| lines.iter().filter(|line| line.contains(what)).count() < count;
        let (lines, waited) = self
            .log
            .more
            .wait_timeout_while(lines, LIMIT, is_missing)
            .unwrap_or_else(PoisonError::into_inner);
        assert!(!waited.timed_out(), "no `{what}` ({count}) in {lines:#?}");
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let running = self.running.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = running {
            let _ = running.child.kill();
            let _ = running.child.wait();
        }
    }
}
