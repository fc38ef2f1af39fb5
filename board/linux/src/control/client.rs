//! The asking end of the control socket.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    os::unix::net::UnixStream,
    path::Path,
    time::Duration,
};

use super::{ControlReply, ControlRequest, LINE_BYTES_MAX, place::Place};
use crate::owner::{LockError, OwnerLock};

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Nobody listens: no everstep runs this board.
    #[error("no everstep runs this board")]
    NobodyRuns,
    /// Someone listens and does not answer in time.
    #[error("the everstep that runs this board does not answer within {seconds} s")]
    TimedOut {
        /// How long was waited.
        seconds: u64,
    },
    /// Only the owner of the board's state may ask.
    #[error("no permission for the board's control socket: use the account that runs everstep")]
    Denied,
    /// The answer is no reply of this version.
    #[error("the everstep that runs this board answers in another version: use its own command")]
    NotUnderstood(#[source] serde_json::Error),
    /// Anything else the system says.
    #[error("the board's control socket failed")]
    Io(#[source] io::Error),
}

/// Asks the owner of the board whose state lies in `folder`, and waits at most `wait_max`.
///
/// # Errors
///
/// See [`AskError`]. After `TimedOut` the request may still be carried out.
pub fn ask(folder: &Path, request: &ControlRequest, wait_max: Duration) -> Result<ControlReply, AskError> {
    let place = Place::of(folder).map_err(classify)?;
    let mut stream = UnixStream::connect(&place.path).map_err(classify)?;
    let text = exchange(&mut stream, request, wait_max).map_err(|error| match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
            AskError::TimedOut { seconds: wait_max.as_secs() }
        }
        // The owner went away between the connection and the answer.
        io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof => {
            AskError::NobodyRuns
        }
        _ => AskError::Io(error),
    })?;
    serde_json::from_str(&text).map_err(AskError::NotUnderstood)
}

/// How a request got where it belongs.
#[derive(Debug)]
pub enum Reached {
    /// The owner answered.
    Answer(ControlReply),
    /// Nobody runs the board, so the caller owns it now and can do it itself.
    Owner(OwnerLock),
}

/// Why a request did not get anywhere.
#[derive(Debug, thiserror::Error)]
pub enum ReachError {
    /// The owner can't be asked.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// Nobody answers, and the board can't be owned.
    #[error(transparent)]
    Lock(#[from] LockError),
}

/// Asks the owner, or becomes it where there is none. An owner that has yet to open its socket, or has
/// closed it already, is given a little time.
///
/// # Errors
///
/// See [`ReachError`].
pub fn reach(folder: &Path, request: &ControlRequest, wait_max: Duration) -> Result<Reached, ReachError> {
    for _ in 0..TRIES_MAX {
        match ask(folder, request, wait_max) {
            Err(AskError::NobodyRuns) => {}
            answered => return Ok(Reached::Answer(answered?)),
        }
        match OwnerLock::take(folder) {
            Err(LockError::Held { .. }) => pause(),
            taken => return Ok(Reached::Owner(taken?)),
        }
    }
    Ok(Reached::Owner(OwnerLock::take(folder)?))
}

/// Tries of `reach`, and the time between them: an owner opens its socket right after its lock.
const TRIES_MAX: u32 = 20;
const PAUSE: Duration = Duration::from_millis(50);

#[expect(clippy::disallowed_methods, reason = "another process is waited for, in real time")]
fn pause() {
    std::thread::sleep(PAUSE);
}

fn exchange(stream: &mut UnixStream, request: &ControlRequest, wait_max: Duration) -> io::Result<String> {
    stream.set_read_timeout(Some(wait_max))?;
    stream.set_write_timeout(Some(wait_max))?;
    let mut line = serde_json::to_string(request)?;
    line.push('\n');
    stream.write_all(line.as_bytes())?;
    let mut text = String::new();
    BufReader::new(stream.take(LINE_BYTES_MAX as u64)).read_line(&mut text)?;
    if text.is_empty() { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(text) }
}

fn classify(error: io::Error) -> AskError {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => AskError::NobodyRuns,
        io::ErrorKind::PermissionDenied => AskError::Denied,
        _ => AskError::Io(error),
    }
}
