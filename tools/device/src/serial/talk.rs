//! One question and its answer, as lines of text on a serial port.

use std::{io, time::Duration};

use everstep_tool::DeviceError;
use serde::{Deserialize, Serialize};

use crate::line::{AfterDoubt, Open, Session, Turns, Wire, turn_max};

/// Bytes of a line without its end; a longer one is no line.
pub const LINE_BYTES_MAX: usize = 256;
/// Lines that may come before the answer.
const STRAYS_MAX: usize = 16;
/// Characters of a line that an error repeats.
const SHOWN_CHARS_MAX: usize = 60;
/// Silence before a question on a port where all went well.
const GAP: Duration = Duration::from_millis(5);

/// What ends a line.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// Carriage return and line feed. An answer may end in a line feed alone.
    #[default]
    Crlf,
    /// Line feed.
    Lf,
    /// Carriage return.
    Cr,
}

/// Whether the device sends back what it is told, before it answers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Echo {
    /// It does.
    Expected,
    /// It does not: a line equal to what was sent may be the answer.
    None,
}

impl Ending {
    const fn bytes(self) -> &'static [u8] {
        match self {
            Self::Crlf => b"\r\n",
            Self::Lf => b"\n",
            Self::Cr => b"\r",
        }
    }

    const fn last(self) -> u8 {
        match self {
            Self::Crlf | Self::Lf => b'\n',
            Self::Cr => b'\r',
        }
    }
}

/// A serial port with devices that speak lines of text. One question is under way at a time.
#[derive(Clone)]
pub struct TextLine {
    turns: Turns<Talk>,
    turn_max: Duration,
}

struct Talk {
    session: Session,
    ending: Ending,
    echo: Echo,
}

impl TextLine {
    /// A port that `open` opens when it is needed; `name` is what people and errors call it. An answer
    /// may take `answer_max`.
    #[must_use]
    pub fn new(name: &str, open: Open, ending: Ending, echo: Echo, answer_max: Duration) -> Self {
        let session = Session::new(name, open, answer_max, AfterDoubt::Wait { gap: GAP });
        let turns = Turns::new(Talk { session, ending, echo });
        Self { turns, turn_max: turn_max(answer_max) }
    }

    /// Sends `text` and waits for a line that `fits`; `form` is how errors call such a line. Blocks.
    /// Other lines before it are passed over.
    ///
    /// # Errors
    ///
    /// [`DeviceError::NotSent`] where not one byte left.
    pub(super) fn ask<T>(
        &self,
        text: &str,
        form: &str,
        fits: impl Fn(&str) -> Option<T>,
    ) -> Result<T, DeviceError> {
        let Some(mut talk) = self.turns.take(self.turn_max) else {
            return Err(DeviceError::NotSent("the port is still busy with another device".into()));
        };
        talk.session.ready()?;
        let Some(wire) = talk.session.wire() else {
            return Err(DeviceError::NotSent(format!("{} is not open", talk.session.name())));
        };
        let mut heard = Heard::new(talk.ending);
        match talk.exchange(&wire, text, &mut heard, fits) {
            Ok(answer) => {
                // What follows an answer was not asked for, and could be taken for the next one.
                if heard.buffer.is_empty() {
                    talk.session.trust();
                }
                Ok(answer)
            }
            Err(error) => {
                talk.session.doubt(error.kind());
                let name = talk.session.name();
                if wire.lock().sent() == 0 {
                    return Err(DeviceError::NotSent(format!("{name}: {error}; nothing was sent")));
                }
                let heard = heard.told();
                let why = match error.kind() {
                    io::ErrorKind::TimedOut => {
                        let ms = talk.session.answer_max().as_millis();
                        format!("no line `{form}` within {ms} ms (`answer_ms_max`), {heard}")
                    }
                    _ => format!("{error}, {heard}"),
                };
                Err(DeviceError::Unknown(format!("{name} was sent `{text}`: {why}")))
            }
        }
    }
}

impl Talk {
    fn exchange<T>(
        &self,
        wire: &Wire,
        text: &str,
        heard: &mut Heard,
        fits: impl Fn(&str) -> Option<T>,
    ) -> io::Result<T> {
        let mut out = text.as_bytes().to_vec();
        out.extend_from_slice(self.ending.bytes());
        let mut wire = wire.lock();
        let mut left = out.as_slice();
        while !left.is_empty() {
            let sent = wire.write(left)?;
            left = left.get(sent..).unwrap_or_default();
        }
        wire.flush()?;

        let mut echo_is_due = self.echo == Echo::Expected;
        let mut bytes = [0; 64];
        for _ in 0..STRAYS_MAX {
            while !heard.has_line() {
                if heard.buffer.len() > LINE_BYTES_MAX {
                    return Err(invalid(format!(
                        "more than {LINE_BYTES_MAX} bytes came without the end of a line (`ending`)"
                    )));
                }
                let read = wire.read(&mut bytes)?;
                heard.buffer.extend_from_slice(bytes.get(..read).unwrap_or_default());
            }
            let line = heard.next_line();
            if echo_is_due && line.as_deref() == Some(text) {
                echo_is_due = false;
            } else if let Some(answer) = line.as_deref().and_then(&fits) {
                return Ok(answer);
            }
        }
        Err(invalid(format!("{STRAYS_MAX} lines came, and none of them answers")))
    }
}

fn invalid(what: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// What came since the question.
struct Heard {
    ending: Ending,
    buffer: Vec<u8>,
    /// The newest whole line.
    newest: Option<Vec<u8>>,
}

impl Heard {
    const fn new(ending: Ending) -> Self {
        Self { ending, buffer: Vec::new(), newest: None }
    }

    fn has_line(&self) -> bool {
        self.buffer.contains(&self.ending.last())
    }

    /// The next whole line, where it is text. NUL bytes before the first character are passed over: that
    /// is the noise of a line driver that is switched on.
    fn next_line(&mut self) -> Option<String> {
        let end = self.buffer.iter().position(|byte| *byte == self.ending.last())?;
        let mut line: Vec<u8> = self.buffer.drain(..=end).collect();
        line.pop();
        let text: Vec<u8> = line.iter().copied().skip_while(|byte| *byte == 0).collect();
        self.newest = Some(line);
        let text = String::from_utf8(text).ok()?;
        let text = text.trim_matches(['\r', '\n', ' ']);
        (!text.contains(char::is_control)).then(|| text.to_owned())
    }

    /// What came, for an error.
    fn told(&self) -> String {
        let (bytes, end) = match &self.newest {
            _ if !self.buffer.is_empty() => (&self.buffer, " without the end of a line"),
            Some(line) => (line, ""),
            None => return "nothing came".into(),
        };
        let text: String = bytes.escape_ascii().to_string().chars().take(SHOWN_CHARS_MAX).collect();
        format!("`{text}` came{end}")
    }
}

#[cfg(test)]
mod tests;
