//! Programs that are compared: started, watched through `/proc`, and ended with their handle.

use std::{
    fs,
    io::ErrorKind,
    process::{Child, Command},
};

use anyhow::{Context, Result, anyhow};

/// A program that ends with its handle.
pub(crate) struct Program(pub(crate) Child);

/// What a program holds in memory, in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Resident {
    pub(crate) all: u64,
    /// What no file backs.
    pub(crate) anonymous: u64,
}

impl Program {
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        let child = command.spawn().with_context(|| format!("{}", command.get_program().display()))?;
        Ok(Self(child))
    }

    pub(crate) fn resident(&self) -> Result<Resident> {
        let text = fs::read_to_string(format!("/proc/{}/status", self.0.id()))?;
        Ok(Resident { all: kilobytes(&text, "VmRSS:")?, anonymous: kilobytes(&text, "RssAnon:")? })
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        match self.0.kill() {
            Err(error) if error.kind() != ErrorKind::InvalidInput => {}
            _ => drop(self.0.wait()),
        }
    }
}

fn kilobytes(status: &str, key: &str) -> Result<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(key));
    let number =
        line.and_then(|line| line.split_whitespace().next()).and_then(|text| text.parse::<u64>().ok());
    number.map(|count| count * 1024).ok_or_else(|| anyhow!("no {key} in /proc/PID/status"))
}
