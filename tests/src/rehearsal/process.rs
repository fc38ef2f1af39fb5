//! The process under rehearsal: started, watched line by line, killed.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::Duration,
};

use anyhow::{Context, Result};
use serde_json::Value;

/// A silence of this long ends a rehearsal: nothing in the cold room takes half as long.
const SILENCE_MAX: Duration = Duration::from_mins(2);

/// `everstep run`, with its events.
pub(crate) struct Process {
    child: Child,
    lines: Receiver<Value>,
}

/// What a process did next.
pub(crate) enum Next {
    /// It reported something.
    Event(Value),
    /// It said nothing in the time given.
    Silence,
    /// It closed its output: it is ending.
    Closed,
}

impl Process {
    /// Starts `program` with `arguments`. What it prints for people goes to the terminal, unless
    /// `quiet`, then to the file `log`.
    pub(crate) fn start(program: &Path, arguments: &[String], quiet: bool, log: &Path) -> Result<Self> {
        let words = std::fs::File::options()
            .create(true)
            .append(true)
            .open(log)
            .with_context(|| format!("log {}", log.display()))?;
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(if quiet { Stdio::from(words) } else { Stdio::inherit() })
            .spawn()
            .with_context(|| format!("start {}", program.display()))?;
        let stdout = child.stdout.take().context("the process has no output")?;
        Ok(Self { child, lines: watch(stdout) })
    }

    /// Waits for the next event, at most `limit`.
    pub(crate) fn next(&self, limit: Option<Duration>) -> Next {
        match self.lines.recv_timeout(limit.unwrap_or(SILENCE_MAX)) {
            Ok(event) => Next::Event(event),
            Err(RecvTimeoutError::Timeout) => Next::Silence,
            Err(RecvTimeoutError::Disconnected) => Next::Closed,
        }
    }

    /// Kills it with SIGKILL, and returns what it had still reported.
    pub(crate) fn kill(mut self) -> Result<Vec<Value>> {
        self.child.kill().context("kill")?;
        self.child.wait().context("wait for the killed process")?;
        Ok(self.lines.iter().collect())
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Result<ExitStatus> {
        self.child.wait().context("wait for the process")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // An error on the way must leave no process behind; one that has ended can't be killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn watch(stdout: ChildStdout) -> Receiver<Value> {
    let (lines, received) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            // A killed process may leave half a line.
            let Ok(event) = serde_json::from_str(&line) else { continue };
            if lines.send(event).is_err() {
                break;
            }
        }
    });
    received
}
