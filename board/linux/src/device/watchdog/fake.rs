//! A watchdog in the kernel's stead: one that may have seconds of its own, and may refuse to be stopped.

use std::{io, sync::Arc, sync::Mutex};

use super::{Abilities, WatchdogDevice};

#[derive(Clone, Debug)]
pub(super) struct FakeWatchdog {
    /// Seconds it can run, whatever it is asked for.
    pub(super) runs_s: std::ops::RangeInclusive<u32>,
    pub(super) can: Abilities,
    pub(super) broken: bool,
    /// Takes no bytes.
    pub(super) deaf: bool,
    pub(super) written: Arc<Mutex<Vec<u8>>>,
}

impl Default for FakeWatchdog {
    fn default() -> Self {
        let can = Abilities { set_timeout: true, stop: true };
        Self { runs_s: 1..=128, can, broken: false, deaf: false, written: Arc::default() }
    }
}

impl WatchdogDevice for FakeWatchdog {
    fn abilities(&mut self) -> io::Result<Abilities> {
        if self.broken {
            return Err(io::Error::from_raw_os_error(libc::ENOTTY));
        }
        Ok(self.can)
    }

    fn set_timeout(&mut self, seconds: u32) -> io::Result<u32> {
        assert!(self.can.set_timeout, "it was asked whether it can be set");
        Ok(seconds.clamp(*self.runs_s.start(), *self.runs_s.end()))
    }

    fn timeout(&mut self) -> io::Result<u32> {
        Ok(*self.runs_s.end())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.deaf {
            return Err(io::Error::from_raw_os_error(libc::EIO));
        }
        self.written.lock().unwrap().extend(bytes);
        Ok(())
    }
}
