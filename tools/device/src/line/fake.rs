//! A line whose other end is a script, in a time of its own.

use std::{
    collections::VecDeque,
    io,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use embedded_io::{ErrorType, Read, Write};

use super::{Line, Open};

/// What the other end says to some bytes: how long after them, and what.
type Reply = Box<dyn FnMut(&[u8]) -> Vec<(u64, Vec<u8>)> + Send>;

/// Everything about the other end, shared with the test.
#[derive(Clone)]
pub(crate) struct Peer(Arc<Mutex<State>>);

struct State {
    now: Duration,
    reply: Reply,
    coming: VecDeque<(Duration, Vec<u8>)>,
    written: Vec<Vec<u8>>,
    opened: u32,
    /// Whether what is on its way is lost with the connection.
    is_connection: bool,
    /// What opening, and then what writing, fails with.
    refuses: Option<String>,
    broken: Option<io::ErrorKind>,
    hung_up: bool,
    hangs_up_after_write: bool,
}

impl Peer {
    /// The other end of a serial port.
    pub(crate) fn port(reply: impl FnMut(&[u8]) -> Vec<(u64, Vec<u8>)> + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(State {
            now: Duration::ZERO,
            reply: Box::new(reply),
            coming: VecDeque::new(),
            written: Vec::new(),
            opened: 0,
            is_connection: false,
            refuses: None,
            broken: None,
            hung_up: false,
            hangs_up_after_write: false,
        })))
    }

    /// The other end of connections.
    pub(crate) fn connection(reply: impl FnMut(&[u8]) -> Vec<(u64, Vec<u8>)> + Send + 'static) -> Self {
        let peer = Self::port(reply);
        peer.lock().is_connection = true;
        peer
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// Opens lines to this peer.
    pub(crate) fn open(&self) -> Open {
        let peer = self.clone();
        Box::new(move |_| {
            let mut state = peer.lock();
            if let Some(why) = &state.refuses {
                return Err(why.clone());
            }
            state.opened += 1;
            if state.is_connection {
                state.coming.clear();
                state.hung_up = false;
            }
            Ok(Box::new(FakeLine { peer: peer.clone(), until: Duration::ZERO }) as Box<dyn Line>)
        })
    }

    /// What was written, one entry a write.
    pub(crate) fn written(&self) -> Vec<Vec<u8>> {
        self.lock().written.clone()
    }

    /// How often a line was opened.
    pub(crate) fn opened(&self) -> u32 {
        self.lock().opened
    }

    /// Milliseconds that passed.
    pub(crate) fn now_ms(&self) -> u128 {
        self.lock().now.as_millis()
    }

    /// Says something unasked, `after_ms` from now.
    pub(crate) fn say(&self, after_ms: u64, bytes: &[u8]) {
        let mut state = self.lock();
        let at = state.now + Duration::from_millis(after_ms);
        state.coming.push_back((at, bytes.to_vec()));
    }

    /// Makes opening fail.
    pub(crate) fn refuse(&self, why: &str) {
        self.lock().refuses = Some(why.to_owned());
    }

    /// Makes writing fail.
    pub(crate) fn break_writes(&self, error: Option<io::ErrorKind>) {
        self.lock().broken = error;
    }

    /// Closes the connection.
    pub(crate) fn hang_up(&self) {
        self.lock().hung_up = true;
    }
}

impl Peer {
    /// Closes the connection when something is written to it.
    pub(crate) fn hang_up_after_write(&self) {
        self.lock().hangs_up_after_write = true;
    }
}

struct FakeLine {
    peer: Peer,
    until: Duration,
}

impl FakeLine {
    /// Waits for the next bytes, until `until` at most.
    fn next(&self, until: Duration) -> io::Result<Vec<u8>> {
        let mut state = self.peer.lock();
        match state.coming.front() {
            Some((at, _)) if *at <= until.max(state.now) => {
                let (at, bytes) = state.coming.pop_front().unwrap();
                state.now = state.now.max(at);
                Ok(bytes)
            }
            _ if state.hung_up => Ok(Vec::new()),
            _ => {
                state.now = state.now.max(until);
                Err(io::ErrorKind::TimedOut.into())
            }
        }
    }
}

impl ErrorType for FakeLine {
    type Error = io::Error;
}

impl Read for FakeLine {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let mut came = self.next(self.until)?;
        if came.len() > bytes.len() {
            let rest = came.split_off(bytes.len());
            let mut state = self.peer.lock();
            let now = state.now;
            state.coming.push_front((now, rest));
        }
        bytes[..came.len()].copy_from_slice(&came);
        Ok(came.len())
    }
}

impl Write for FakeLine {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.peer.lock();
        if let Some(error) = state.broken {
            return Err(error.into());
        }
        state.written.push(bytes.to_vec());
        state.hung_up |= state.hangs_up_after_write;
        let now = state.now;
        for (after_ms, bytes) in (state.reply)(bytes) {
            state.coming.push_back((now + Duration::from_millis(after_ms), bytes));
        }
        state.coming.make_contiguous().sort_by_key(|(at, _)| *at);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Line for FakeLine {
    fn begin(&mut self, limit: Duration) {
        self.until = self.peer.lock().now + limit;
    }

    fn hush(&mut self, silence: Duration, limit: Duration) -> io::Result<usize> {
        let latest = self.peer.lock().now + limit;
        let mut stray = 0;
        loop {
            let now = self.peer.lock().now;
            if now > latest {
                return Err(io::ErrorKind::TimedOut.into());
            }
            match self.next(now + silence) {
                Ok(bytes) if bytes.is_empty() => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(bytes) => stray += bytes.len(),
                Err(_) => return Ok(stray),
            }
        }
    }
}
