//! Reads and writes of a file descriptor that end in time.

use std::{
    io::{self, Read, Write},
    os::fd::AsFd,
    time::{Duration, Instant},
};

use embedded_io::ErrorType;
use everstep_tools_device::line::Line;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// A descriptor that does not block by itself: it is waited for, until a moment.
pub(super) struct Timed<F> {
    file: F,
    until: Instant,
}

impl<F: AsFd + Read + Write> Timed<F> {
    /// Takes a descriptor that was set not to block.
    pub(super) fn new(file: F) -> Self {
        Self { file, until: now() }
    }

    /// Waits until there may be something to do, at most until `until`.
    fn wait(&self, what: PollFlags, until: Instant) -> io::Result<()> {
        loop {
            let left = until.saturating_duration_since(now());
            let left = Timespec { tv_sec: left.as_secs().cast_signed(), tv_nsec: left.subsec_nanos().into() };
            let mut files = [PollFd::new(&self.file, what)];
            match poll(&mut files, Some(&left)) {
                Ok(0) => return Err(io::ErrorKind::TimedOut.into()),
                // Also where the other end is gone: reading or writing tells what happened.
                Ok(_) => return Ok(()),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn read_until(&mut self, bytes: &mut [u8], until: Instant) -> io::Result<usize> {
        loop {
            match self.file.read(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.wait(PollFlags::IN, until)?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                done => return done,
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a line is waited for in real time, and a board knows it")]
fn now() -> Instant {
    Instant::now()
}

impl<F> ErrorType for Timed<F> {
    type Error = io::Error;
}

impl<F: AsFd + Read + Write> embedded_io::Read for Timed<F> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.read_until(bytes, self.until)
    }
}

impl<F: AsFd + Read + Write> embedded_io::Write for Timed<F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match self.file.write(bytes) {
                Ok(0) if !bytes.is_empty() => return Err(io::ErrorKind::WriteZero.into()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.wait(PollFlags::OUT, self.until)?;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                done => return done,
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl<F: AsFd + Read + Write + Send> Line for Timed<F> {
    fn begin(&mut self, limit: Duration) {
        self.until = now() + limit;
    }

    fn hush(&mut self, silence: Duration, limit: Duration) -> io::Result<usize> {
        let latest = now() + limit;
        let (mut stray, mut bytes) = (0_usize, [0; 256]);
        loop {
            match self.read_until(&mut bytes, now() + silence) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => stray = stray.saturating_add(read),
                Err(error) if error.kind() == io::ErrorKind::TimedOut => return Ok(stray),
                Err(error) => return Err(error),
            }
            if now() > latest {
                return Err(io::ErrorKind::TimedOut.into());
            }
        }
    }
}
