//! The watchdog: a timer of the machine that restarts it when nobody feeds it any more.
//!
//! It runs from [`start`] on, and goes on running when the process dies: that is what it is for.
//! Only [`Heartbeat::rest`] stops it.

#[cfg(test)]
mod fake;
mod ioctl;
mod kernel;
mod seen;

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{
    assemble::Assembly,
    kinds::{LinuxSection, Section},
    look::Verdict,
    machine::Machine,
    section::{DeviceKind, DeviceSection},
};
use crate::config::Whole;

/// Where the kernel tells of a watchdog without starting it.
const SYS: &str = "/sys";
/// What stops a watchdog, where its driver lets it be stopped.
const MAGIC: &[u8] = b"V";
/// What feeds it.
const FOOD: &[u8] = b".";

/// `kind = "watchdog"`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WatchdogSection {
    /// The device.
    #[serde(default = "default_path")]
    pub path: PathBuf,
    /// Seconds without being fed after which the machine restarts.
    #[serde(default)]
    pub timeout_s: Whole<60, 2, 3_600>,
}

fn default_path() -> PathBuf {
    "/dev/watchdog".into()
}

impl Section for WatchdogSection {
    fn moves(&self) -> bool {
        false
    }

    fn check(&self) -> Result<(), (&'static str, String)> {
        Ok(())
    }

    /// No tool: the runtime feeds it, never a model.
    fn add<M: Machine>(&self, name: &str, board: &mut Assembly<'_, M>) -> Result<(), (&'static str, String)> {
        board.claim("kind", "the board's one watchdog".into(), name)
    }

    /// Opening it would start it, so that only what the kernel tells of it is looked at.
    fn look<M: Machine>(&self, _machine: &M) -> (Verdict, String) {
        seen::look(&self.path, self.timeout_s.get(), Path::new(SYS))
    }
}

/// What keeps a machine from being restarted.
pub trait Heartbeat: Send {
    /// Says that the runtime is well, for another `timeout_s` seconds. Does not block. Where it fails, the
    /// machine restarts in time: there is nothing else to do.
    fn beat(&mut self);

    /// Says that the runtime ends on purpose, so that the machine is not restarted for it.
    fn rest(&mut self);
}

/// Why a watchdog was not started, or is refused.
#[derive(Debug, thiserror::Error)]
pub enum WatchdogError {
    /// It can't be opened.
    #[error("{0}")]
    NotOpened(String),
    /// It is no watchdog, or its driver fails.
    #[error("{path}: {source}", path = path.display())]
    Failed {
        /// The device.
        path: PathBuf,
        /// What the kernel says.
        #[source]
        source: io::Error,
    },
    /// Its driver has other seconds than were asked for.
    #[error(
        "{path} runs for {actual_s} s where {wanted_s} s were asked for: set `timeout_s = {actual_s}`{still}",
        path = path.display(), still = still(*runs)
    )]
    Timeout {
        /// The device.
        path: PathBuf,
        /// What the board file says.
        wanted_s: u32,
        /// What its driver has.
        actual_s: u32,
        /// Whether it could not be stopped again.
        runs: bool,
    },
}

impl WatchdogError {
    /// The key of the section that the error is about.
    #[must_use]
    pub const fn key(&self) -> &'static str {
        match self {
            Self::NotOpened(_) | Self::Failed { .. } => "path",
            Self::Timeout { .. } => "timeout_s",
        }
    }
}

const fn still(runs: bool) -> &'static str {
    if runs { "; it could not be stopped, the machine restarts" } else { "" }
}

/// What a watchdog's driver can.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Abilities {
    /// It can be told how long to run.
    set_timeout: bool,
    /// It can be stopped.
    stop: bool,
}

/// The requests of a watchdog's driver.
trait WatchdogDevice: Send {
    /// What it can.
    fn abilities(&mut self) -> io::Result<Abilities>;

    /// Asks for `seconds`; the seconds it runs from now on.
    fn set_timeout(&mut self, seconds: u32) -> io::Result<u32>;

    /// The seconds it runs.
    fn timeout(&mut self) -> io::Result<u32>;

    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;
}

/// A watchdog that runs.
#[derive(Debug)]
struct Watchdog<D> {
    device: D,
}

/// The watchdog of a board: the name of its section, and the section.
#[must_use]
pub fn find(sections: &BTreeMap<String, DeviceSection>) -> Option<(&str, &WatchdogSection)> {
    sections.iter().find_map(|(name, section)| match &section.kind {
        DeviceKind::Linux(LinuxSection::Watchdog(section)) => Some((name.as_str(), section)),
        _ => None,
    })
}

/// Starts the watchdog of a section. From here on it has to be fed.
///
/// # Errors
///
/// See [`WatchdogError`]. It is stopped again where its driver lets it be.
pub fn start(section: &WatchdogSection) -> Result<Box<dyn Heartbeat>, WatchdogError> {
    let device = kernel::KernelWatchdog::open(&section.path)?;
    Ok(Box::new(Watchdog::start(device, section)?))
}

impl<D: WatchdogDevice> Watchdog<D> {
    fn start(mut device: D, section: &WatchdogSection) -> Result<Self, WatchdogError> {
        let wanted_s = section.timeout_s.get();
        let path = || section.path.clone();
        let actual = device.abilities().and_then(|can| {
            let seconds = if can.set_timeout { device.set_timeout(wanted_s) } else { device.timeout() };
            seconds.map(|seconds| (seconds, can))
        });
        match actual {
            Ok((actual_s, _)) if actual_s == wanted_s => Ok(Self { device }),
            Ok((actual_s, can)) => {
                let runs = device.write(MAGIC).is_err() || !can.stop;
                Err(WatchdogError::Timeout { path: path(), wanted_s, actual_s, runs })
            }
            Err(source) => {
                // What it is can't be told, so it must not run.
                let _ = device.write(MAGIC);
                Err(WatchdogError::Failed { path: path(), source })
            }
        }
    }
}

impl<D: WatchdogDevice> Heartbeat for Watchdog<D> {
    fn beat(&mut self) {
        let _ = self.device.write(FOOD);
    }

    fn rest(&mut self) {
        let _ = self.device.write(MAGIC);
    }
}

#[cfg(test)]
mod tests;
