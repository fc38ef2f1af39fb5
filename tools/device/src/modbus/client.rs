//! One request and its answer, over TCP or a serial line.

use std::{io, time::Duration};

use everstep_tool::DeviceError;
use tokio_modbus::{
    Error, ProtocolError, Request, Response, Slave,
    client::{Client as _, Context, rtu, tcp},
    slave::SlaveContext as _,
};

use super::{
    exception,
    transport::{Transport, at_once},
};
use crate::line::{AfterDoubt, Open, PortSettings, Ready, Session, Turn, Turns, turn_max};

/// Shortest silence between two frames (Modbus over Serial Line V1.02, section 2.5.1.1).
const GAP_MIN: Duration = Duration::from_micros(1_750);
/// The same in tenths of a character.
const GAP_TENTHS: u32 = 35;

/// How frames are told apart.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Framing {
    /// By a header with a transaction number.
    Tcp,
    /// By silence and a checksum, on a serial line with such a silence.
    Rtu {
        /// Silence between two frames.
        gap: Duration,
    },
}

impl Framing {
    /// That of a serial port.
    #[must_use]
    pub fn rtu(port: &PortSettings) -> Self {
        Self::Rtu { gap: (port.bytes_take(GAP_TENTHS) / 10).max(GAP_MIN) }
    }
}

/// A connection that the devices of one server, or of one serial line, share. One request is under way
/// at a time.
#[derive(Clone)]
pub struct ModbusClient {
    turns: Turns<Exchange>,
    turn_max: Duration,
}

struct Exchange {
    session: Session,
    framing: Framing,
    context: Option<Context>,
}

impl ModbusClient {
    /// A connection that `open` opens when it is needed; `name` is what people and errors call it. An
    /// answer may take `answer_max`.
    #[must_use]
    pub fn new(name: &str, open: Open, framing: Framing, answer_max: Duration) -> Self {
        let after_doubt = match framing {
            Framing::Tcp => AfterDoubt::HangUp,
            Framing::Rtu { gap } => AfterDoubt::Wait { gap },
        };
        let session = Session::new(name, open, answer_max, after_doubt);
        let turns = Turns::new(Exchange { session, framing, context: None });
        Self { turns, turn_max: turn_max(answer_max) }
    }

    /// Opens the connection, or the port, where it is not open. Sends nothing. Blocks.
    ///
    /// # Errors
    ///
    /// Why it can't be used: [`DeviceError::NotSent`].
    pub fn reach(&self) -> Result<(), DeviceError> {
        let mut exchange = self.turn()?;
        exchange.session.ready()?;
        exchange.session.trust();
        Ok(())
    }

    /// Sends `request` to `unit_id` and waits for its answer. Blocks. An answer that does not belong
    /// to the request is never returned.
    ///
    /// # Errors
    ///
    /// [`DeviceError::NotSent`] where not one byte left, or the server says that it did nothing.
    pub(super) fn request(&self, unit_id: u8, request: &Request<'_>) -> Result<Response, DeviceError> {
        self.turn()?.perform(unit_id, request)
    }

    fn turn(&self) -> Result<Turn<'_, Exchange>, DeviceError> {
        let busy = || DeviceError::NotSent("the line is still busy with another device".into());
        self.turns.take(self.turn_max).ok_or_else(busy)
    }
}

impl Exchange {
    fn perform(&mut self, unit_id: u8, request: &Request<'_>) -> Result<Response, DeviceError> {
        let ready = self.session.ready()?;
        let Some(wire) = self.session.wire() else {
            return Err(DeviceError::NotSent(format!("{} is not open", self.session.name())));
        };
        let framing = self.framing;
        let attach = || {
            let (transport, slave) = (Transport(wire.clone()), Slave(unit_id));
            match framing {
                Framing::Tcp => tcp::attach_slave(transport, slave),
                Framing::Rtu { .. } => rtu::attach_slave(transport, slave),
            }
        };
        // A new connection counts its transactions anew, and an old one goes on.
        if ready == Ready::Opened {
            self.context = None;
        }
        let context = self.context.get_or_insert_with(attach);
        context.set_slave(Slave(unit_id));
        let answer = at_once(context.call(request.clone()));
        let failed = match answer {
            Some(Ok(Ok(response))) => match fits(request, &response) {
                Ok(()) => {
                    self.session.trust();
                    return Ok(response);
                }
                Err(what) => io::Error::new(io::ErrorKind::InvalidData, what),
            },
            Some(Ok(Err(code))) => {
                self.session.trust();
                let server = format!("unit {unit_id} of {}", self.session.name());
                return Err(exception::error(&server, &asked(request), code));
            }
            Some(Err(Error::Transport(error))) => error,
            Some(Err(Error::Protocol(error))) => io::Error::new(io::ErrorKind::InvalidData, mismatch(&error)),
            None => io::Error::other("the exchange did not end"),
        };
        let sent = wire.lock().sent();
        self.context = None;
        self.session.doubt(failed.kind());
        Err(self.lost(unit_id, request, &failed, sent))
    }

    /// Why there is no answer. Whether the request had an effect is certain only if no byte left.
    fn lost(&self, unit_id: u8, request: &Request<'_>, error: &io::Error, sent: usize) -> DeviceError {
        let (name, asked) = (self.session.name(), asked(request));
        let why = match error.kind() {
            io::ErrorKind::TimedOut => {
                let ms = self.session.answer_max().as_millis();
                format!("no answer within {ms} ms (`answer_ms_max`)")
            }
            _ => error.to_string(),
        };
        if sent == 0 {
            return DeviceError::NotSent(format!("{name}: {why}; nothing was sent"));
        }
        DeviceError::Unknown(format!("unit {unit_id} of {name} was asked to {asked}: {why}"))
    }
}

/// Whether a response answers just this request: `tokio-modbus` compares the function only.
fn fits(request: &Request<'_>, response: &Response) -> Result<(), String> {
    let fits = match (request, response) {
        (
            Request::ReadCoils(_, count) | Request::ReadDiscreteInputs(_, count),
            Response::ReadCoils(bits) | Response::ReadDiscreteInputs(bits),
        ) => bits.len() == usize::from(*count).next_multiple_of(8),
        (
            Request::ReadHoldingRegisters(_, count) | Request::ReadInputRegisters(_, count),
            Response::ReadHoldingRegisters(words) | Response::ReadInputRegisters(words),
        ) => words.len() == usize::from(*count),
        (Request::WriteSingleCoil(address, on), Response::WriteSingleCoil(at, is)) => {
            (address, on) == (at, is)
        }
        (Request::WriteSingleRegister(address, word), Response::WriteSingleRegister(at, is)) => {
            (address, word) == (at, is)
        }
        (Request::WriteMultipleRegisters(address, words), Response::WriteMultipleRegisters(at, count)) => {
            address == at && words.len() == usize::from(*count)
        }
        _ => false,
    };
    if fits { Ok(()) } else { Err(format!("an answer came that belongs to no request of now: {response:?}")) }
}

fn mismatch(error: &ProtocolError) -> String {
    match error {
        ProtocolError::HeaderMismatch { .. } => "an answer of another unit or to another request came".into(),
        ProtocolError::FunctionCodeMismatch { .. } => "an answer to another function came".into(),
    }
}

/// A request in words.
fn asked(request: &Request<'_>) -> String {
    match request {
        Request::ReadCoils(address, _) => format!("read coil {address}"),
        Request::ReadDiscreteInputs(address, _) => format!("read discrete input {address}"),
        Request::ReadHoldingRegisters(address, _) => format!("read holding register {address}"),
        Request::ReadInputRegisters(address, _) => format!("read input register {address}"),
        Request::WriteSingleCoil(address, _) => format!("write coil {address}"),
        Request::WriteSingleRegister(address, _) | Request::WriteMultipleRegisters(address, _) => {
            format!("write holding register {address}")
        }
        other => format!("perform function {}", other.function_code()),
    }
}

#[cfg(test)]
mod tests;
