//! A line that is opened when it is needed, and believed only as long as nothing went wrong on it.

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use everstep_tool::DeviceError;

use super::{Line, Open};

/// A line that is opened when it is needed.
///
/// After a time-out an answer may still be on its way, and must not be taken for that of the next
/// request. So the next request waits until it can't come any more.
pub(crate) struct Session {
    name: String,
    open: Open,
    answer_max: Duration,
    after_doubt: AfterDoubt,
    wire: Option<Wire>,
    is_trusted: bool,
}

/// What makes late answers impossible.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum AfterDoubt {
    /// A new connection: an answer on the old one reaches nobody.
    HangUp,
    /// Silence for as long as an answer may take. Between requests that went well, `gap` is enough.
    Wait {
        /// How long.
        gap: Duration,
    },
}

/// How long a device waits for the others on its line: for one of them that waits for silence and for its
/// answer, and so that its own call still fits its time.
pub(crate) fn turn_max(answer_max: Duration) -> Duration {
    (answer_max * 3).clamp(Duration::from_secs(1), Duration::from_secs(2))
}

/// Whether [`Session::ready`] opened the line.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Ready {
    /// Just now.
    Opened,
    /// It was open.
    WasOpen,
}

/// An open line that counts what it took.
#[derive(Clone)]
pub(crate) struct Wire(Arc<Mutex<Tap>>);

pub(crate) struct Tap {
    /// Gone once it was hung up, whoever still holds the wire.
    line: Option<Box<dyn Line>>,
    /// Bytes that left since the request began.
    sent: usize,
}

impl Session {
    /// A line that `open` opens; `name` is what people and errors call it.
    pub(crate) fn new(name: &str, open: Open, answer_max: Duration, after_doubt: AfterDoubt) -> Self {
        Self { name: name.to_owned(), open, answer_max, after_doubt, wire: None, is_trusted: false }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) const fn answer_max(&self) -> Duration {
        self.answer_max
    }

    /// The open line; `None` after a doubt about a connection.
    pub(crate) fn wire(&self) -> Option<Wire> {
        self.wire.clone()
    }

    /// Brings the line to where a request may be sent and its answer be believed, and gives that
    /// exchange its time.
    ///
    /// # Errors
    ///
    /// [`DeviceError::NotSent`], always: nothing is sent here.
    pub(crate) fn ready(&mut self) -> Result<Ready, DeviceError> {
        let mut ready = Ready::WasOpen;
        match self.silence() {
            Ok(()) => {}
            Err(error) if self.after_doubt != AfterDoubt::HangUp && is_late(&error) => {
                return Err(self.never_silent());
            }
            // It was closed, or pulled out: it is opened anew once.
            Err(_) => self.hang_up(),
        }
        if self.wire.is_none() {
            let line = (self.open)(self.answer_max).map_err(DeviceError::NotSent)?;
            self.wire = Some(Wire(Arc::new(Mutex::new(Tap { line: Some(line), sent: 0 }))));
            ready = Ready::Opened;
            // On a port that was just opened an answer to an earlier process may still arrive.
            self.is_trusted = self.after_doubt == AfterDoubt::HangUp;
            if let Err(error) = self.silence() {
                self.hang_up();
                return Err(if is_late(&error) { self.never_silent() } else { self.failed(&error) });
            }
        }
        // What goes wrong from here on, a panic too, leaves a line that is not believed.
        self.is_trusted = false;
        if let Some(wire) = &self.wire {
            let mut tap = wire.lock();
            tap.sent = 0;
            if let Some(line) = &mut tap.line {
                line.begin(self.answer_max);
            }
        }
        Ok(ready)
    }

    /// Waits until nothing is on its way to here.
    fn silence(&mut self) -> io::Result<()> {
        let Some(wire) = &self.wire else { return Ok(()) };
        let mut tap = wire.lock();
        match self.after_doubt {
            AfterDoubt::HangUp => {
                // Whatever came unasked has no request; and who has hung up answers none.
                let stray = tap.line()?.hush(Duration::ZERO, Duration::ZERO)?;
                if stray > 0 || !self.is_trusted { Err(io::ErrorKind::InvalidData.into()) } else { Ok(()) }
            }
            AfterDoubt::Wait { gap } => {
                let strays = if self.is_trusted { tap.line()?.hush(gap, self.answer_max)? } else { 1 };
                if strays > 0 {
                    tap.line()?.hush(self.answer_max, self.answer_max * 2)?;
                }
                Ok(())
            }
        }
    }

    fn never_silent(&self) -> DeviceError {
        let name = &self.name;
        DeviceError::NotSent(format!(
            "{name} is never silent, so that no answer could be told from the rest; nothing was sent: look for \
             another master or for noise on the line"
        ))
    }

    fn failed(&self, error: &io::Error) -> DeviceError {
        DeviceError::NotSent(format!("{} failed before anything was sent: {error}", self.name))
    }

    /// The exchange went well: its answer was the last that is owed.
    pub(crate) const fn trust(&mut self) {
        self.is_trusted = true;
    }

    /// The exchange went wrong.
    pub(crate) fn doubt(&mut self, error: io::ErrorKind) {
        self.is_trusted = false;
        // A port that timed out is only silent; one that failed in another way may be gone.
        let is_slow = matches!(error, io::ErrorKind::TimedOut | io::ErrorKind::InvalidData);
        if self.after_doubt == AfterDoubt::HangUp || !is_slow {
            self.hang_up();
        }
    }

    fn hang_up(&mut self) {
        if let Some(wire) = self.wire.take() {
            wire.lock().line = None;
        }
        self.is_trusted = false;
    }
}

fn is_late(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::TimedOut
}

impl Wire {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Tap> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tap {
    fn line(&mut self) -> io::Result<&mut Box<dyn Line>> {
        self.line.as_mut().ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    /// Bytes that left since the request began.
    pub(crate) const fn sent(&self) -> usize {
        self.sent
    }

    /// Sends some of `bytes`.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let sent = self.line()?.write(bytes)?;
        self.sent = self.sent.saturating_add(sent);
        Ok(sent)
    }

    /// Sends what the system holds back.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.line()?.flush()
    }

    /// Reads some bytes, at least one.
    pub(crate) fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self.line()?.read(bytes)? {
            0 => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the other end hung up")),
            read => Ok(read),
        }
    }
}
