//! The asking end of the control socket.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    os::unix::net::UnixStream,
    path::Path,
    time::Duration,
};

use super::{ControlReply, ControlRequest, LINE_BYTES_MAX, place::Place};

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
