//! A number in a Modbus register: read as a sensor, and set like an actuator.

use std::borrow::Cow;

use everstep_tool::{
    DeviceError,
    device::{Reading, Sensor},
};
use tokio_modbus::{Request, Response};

use super::{
    client::ModbusClient,
    number::{Numeral, RegisterTable},
};
use crate::{
    actuators::{Actuate, State},
    quantity::Quantity,
};

/// Where a number lies on a server.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    /// The server's unit, behind a gateway or on a serial line.
    pub unit_id: u8,
    /// Which registers.
    pub table: RegisterTable,
    /// Address of the first one, from 0.
    pub register: u16,
    /// How they hold it.
    pub numeral: Numeral,
}

/// A number in a register.
#[derive(Clone)]
pub struct Register {
    client: ModbusClient,
    place: Place,
    quantity: Quantity,
}

impl ModbusClient {
    /// The registers of `place`, as they are.
    pub(super) fn read_words(&self, place: &Place) -> Result<Vec<u16>, DeviceError> {
        let count = place.numeral.kind.words();
        let request = match place.table {
            RegisterTable::Holding => Request::ReadHoldingRegisters(place.register, count),
            RegisterTable::Input => Request::ReadInputRegisters(place.register, count),
        };
        match self.request(place.unit_id, &request)? {
            Response::ReadHoldingRegisters(words) | Response::ReadInputRegisters(words) => Ok(words),
            other => Err(unfitting(&other)),
        }
    }

    /// Writes the registers of `place`, all at once.
    pub(super) fn write_words(&self, place: &Place, words: &[u16]) -> Result<(), DeviceError> {
        let request = match *words {
            [word] => Request::WriteSingleRegister(place.register, word),
            _ => Request::WriteMultipleRegisters(place.register, Cow::Borrowed(words)),
        };
        self.request(place.unit_id, &request).map(|_| ())
    }
}

/// An answer that was checked, and is none of the request all the same.
pub(super) fn unfitting(response: &Response) -> DeviceError {
    DeviceError::Unknown(format!("an answer came that belongs to no request of now: {response:?}"))
}

impl Register {
    /// The number at `place`.
    #[must_use]
    pub const fn new(client: ModbusClient, place: Place, quantity: Quantity) -> Self {
        Self { client, place, quantity }
    }

    /// The value, without what arithmetic leaves behind the digits that mean something.
    fn value(&self, words: &[u16]) -> Result<f64, DeviceError> {
        let value = self.place.numeral.read(words).ok_or_else(|| {
            DeviceError::Unknown(format!("{} registers came for {}", words.len(), self.quantity.name))
        })?;
        Ok(self.quantity.rounded(value))
    }

    /// The registers that `state` asks for.
    fn words(&self, state: &State) -> Result<Vec<u16>, DeviceError> {
        match state {
            State::SetTo { value, .. } => self.place.numeral.write(*value).map_err(DeviceError::NotSent),
            other => Err(DeviceError::NotSent(format!("a register can't be set to {other}"))),
        }
    }
}

impl Sensor for Register {
    fn read(&mut self) -> Result<Vec<Reading>, DeviceError> {
        let words = self.client.read_words(&self.place)?;
        Ok(vec![self.quantity.reading(self.value(&words)?)])
    }
}

impl Actuate for Register {
    fn state(&mut self) -> Result<Option<State>, DeviceError> {
        let words = self.client.read_words(&self.place)?;
        Ok(Some(self.quantity.set_to(self.value(&words)?)))
    }

    fn set(&mut self, state: State) -> Result<(), DeviceError> {
        let words = self.words(&state)?;
        self.client.write_words(&self.place, &words)
    }

    fn is_in(&mut self, state: &State) -> Result<bool, DeviceError> {
        // Compared as the registers hold it, so that no rounding tells two equal values apart.
        let asked = self.words(state)?;
        Ok(self.client.read_words(&self.place)? == asked)
    }
}
