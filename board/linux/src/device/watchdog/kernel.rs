//! A watchdog of the kernel, `/dev/watchdogN`. No kernel driver has run this yet.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    path::Path,
};

use super::{Abilities, WatchdogDevice, WatchdogError, ioctl};
use crate::device::node;

/// A watchdog that is open, and runs.
#[derive(Debug)]
pub(super) struct KernelWatchdog(File);

impl KernelWatchdog {
    /// Opens it, which starts it.
    pub(super) fn open(path: &Path) -> Result<Self, WatchdogError> {
        let file = OpenOptions::new().write(true).open(path);
        file.map(Self).map_err(|error| WatchdogError::NotOpened(node::not_opened(path, &error)))
    }
}

impl WatchdogDevice for KernelWatchdog {
    fn abilities(&mut self) -> io::Result<Abilities> {
        let options = ioctl::support(&self.0)?.options;
        let can = |option: u32| options & option != 0;
        Ok(Abilities { set_timeout: can(ioctl::CAN_SET_TIMEOUT), stop: can(ioctl::CAN_STOP) })
    }

    fn set_timeout(&mut self, seconds: u32) -> io::Result<u32> {
        let seconds = i32::try_from(seconds).unwrap_or(i32::MAX);
        ioctl::set_timeout(&self.0, seconds).map(i32::unsigned_abs)
    }

    fn timeout(&mut self) -> io::Result<u32> {
        ioctl::timeout(&self.0).map(i32::unsigned_abs)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }
}
