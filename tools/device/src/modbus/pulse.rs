//! Pulses that a register gives: a count written to it, and a counter beside it that tells of them.

use everstep_tool::{
    Cancel, DeviceError,
    device::{Counter, Pulser},
};

use super::{
    client::ModbusClient,
    number::{NumberKind, Numeral, RegisterTable, WordOrder},
    register::Place,
};

/// A holding register that gives as many pulses as are written to it.
#[derive(Clone)]
pub struct CommandRegister {
    client: ModbusClient,
    place: Place,
}

/// The same, with a counter of all pulses ever given.
#[derive(Clone)]
pub struct CountedRegister {
    command: CommandRegister,
    counter: Place,
}

impl CommandRegister {
    /// The holding register `register` of `unit_id`.
    #[must_use]
    pub const fn new(client: ModbusClient, unit_id: u8, register: u16) -> Self {
        let numeral = Numeral { kind: NumberKind::U16, order: WordOrder::HighFirst, scale: 1.0, offset: 0.0 };
        Self { client, place: Place { unit_id, table: RegisterTable::Holding, register, numeral } }
    }

    /// The same, with the counter at `counter`, a whole number that only grows.
    #[must_use]
    pub const fn counted(self, counter: Place) -> CountedRegister {
        CountedRegister { command: self, counter }
    }
}

impl Pulser for CommandRegister {
    /// Over in one request, so that there is nothing to cancel.
    fn pulse(&mut self, pulses: u32, _cancel: &Cancel) -> Result<(), DeviceError> {
        let words = self.place.numeral.write(f64::from(pulses)).map_err(DeviceError::NotSent)?;
        self.client.write_words(&self.place, &words)
    }
}

impl Pulser for CountedRegister {
    fn pulse(&mut self, pulses: u32, cancel: &Cancel) -> Result<(), DeviceError> {
        self.command.pulse(pulses, cancel)
    }
}

impl Counter for CountedRegister {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "u16 or u32 as a whole number"
    )]
    fn count(&mut self) -> Result<u64, DeviceError> {
        let words = self.command.client.read_words(&self.counter)?;
        let count = self.counter.numeral.read(&words);
        count
            .map(|count| count as u64)
            .ok_or_else(|| DeviceError::Unknown(format!("{} registers came for the counter", words.len())))
    }
}
