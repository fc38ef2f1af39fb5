//! The connection to one device: knows which requests certainly had no effect.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    time::Duration,
};

use everstep_tool::device::{DeviceError, spoken};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::{
    protocol::{LINE_BYTES_MAX, Reply, Request},
    world::DeviceName,
};

/// A line to one device of a world.
#[derive(Debug)]
pub(super) struct Line {
    socket: PathBuf,
    device: DeviceName,
    io_max: Duration,
    stream: Option<BufReader<UnixStream>>,
}

/// How far a request came.
enum Lost {
    /// Not one byte of it left.
    Unsent(io::Error),
    /// It left, or part of it; no answer came.
    Unanswered(io::Error),
}

impl Line {
    pub(super) fn new(socket: &Path, device: DeviceName, io_max: Duration) -> Self {
        Self { socket: socket.to_owned(), device, io_max, stream: None }
    }

    /// Sends a command.
    pub(super) fn tell(&mut self, request: &Request) -> Result<(), DeviceError> {
        self.ask::<Value>(request).map(drop)
    }

    /// Sends a request and reads the answer. Connects anew, once, where nothing was sent.
    pub(super) fn ask<T: DeserializeOwned>(&mut self, request: &Request) -> Result<T, DeviceError> {
        let was_open = self.stream.is_some();
        let mut answer = self.exchange(request);
        if was_open && matches!(answer, Err(Lost::Unsent(_))) {
            answer = self.exchange(request);
        }
        let device = spoken(self.device.as_str());
        match answer {
            Ok(Reply::Ok(value)) => serde_json::from_value(value).map_err(|error| {
                DeviceError::Unknown(format!("{device} gave an answer that can't be read: {error}"))
            }),
            Ok(Reply::Error(why)) => Err(DeviceError::NotSent(why)),
            Err(Lost::Unsent(error)) => {
                Err(DeviceError::NotSent(format!("{device} can't be reached: {}", plain(&error))))
            }
            Err(Lost::Unanswered(error)) => {
                Err(DeviceError::Unknown(format!("{device} gave no answer: {}", plain(&error))))
            }
        }
    }

    fn exchange(&mut self, request: &Request) -> Result<Reply, Lost> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => self.open().map_err(Lost::Unsent)?,
        };
        let reply = exchange(&mut stream, request)?;
        // Only a connection that is in step is kept; one that lost an answer is closed, so that the
        // answer can't be taken for another's.
        self.stream = Some(stream);
        Ok(reply)
    }

    /// Connects, and shuts out every earlier connection to the device, also another process's.
    fn open(&self) -> io::Result<BufReader<UnixStream>> {
        let mut stream = connect(&self.socket, self.io_max)?;
        let opened = exchange(&mut stream, &Request::Open { device: self.device.clone() });
        match opened {
            Ok(Reply::Ok(_)) => Ok(stream),
            Ok(Reply::Error(why)) => Err(io::Error::other(why)),
            Err(Lost::Unsent(error) | Lost::Unanswered(error)) => Err(error),
        }
    }
}

/// Asks a world something that is about no device.
///
/// # Errors
///
/// What the system says, or the world.
pub fn ask<T: DeserializeOwned>(socket: &Path, io_max: Duration, request: &Request) -> io::Result<T> {
    let mut stream = connect(socket, io_max)?;
    match exchange(&mut stream, request) {
        Ok(Reply::Ok(value)) => serde_json::from_value(value).map_err(io::Error::other),
        Ok(Reply::Error(why)) => Err(io::Error::other(why)),
        Err(Lost::Unsent(error) | Lost::Unanswered(error)) => Err(error),
    }
}

fn connect(socket: &Path, io_max: Duration) -> io::Result<BufReader<UnixStream>> {
    let stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(io_max))?;
    stream.set_write_timeout(Some(io_max))?;
    Ok(BufReader::new(stream))
}

fn exchange(stream: &mut BufReader<UnixStream>, request: &Request) -> Result<Reply, Lost> {
    let mut text = json!(request).to_string();
    text.push('\n');
    // One write: where it fails, nothing has left. A part that has left can't be taken back.
    let sent = stream.get_mut().write(text.as_bytes()).map_err(Lost::Unsent)?;
    let rest = text.as_bytes().get(sent..).unwrap_or_default();
    stream.get_mut().write_all(rest).map_err(Lost::Unanswered)?;
    let mut line = Vec::new();
    stream.take(LINE_BYTES_MAX).read_until(b'\n', &mut line).map_err(Lost::Unanswered)?;
    if line.last() != Some(&b'\n') {
        return Err(Lost::Unanswered(io::ErrorKind::ConnectionAborted.into()));
    }
    serde_json::from_slice(&line).map_err(|error| Lost::Unanswered(error.into()))
}

/// An I/O error in words for the model, without numbers of the system's.
fn plain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => "time-out".into(),
        io::ErrorKind::ConnectionAborted
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionRefused
        | io::ErrorKind::BrokenPipe => "connection lost".into(),
        io::ErrorKind::NotFound => "nobody listens".into(),
        _ => error.to_string(),
    }
}
