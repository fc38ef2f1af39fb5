//! A coil or a discrete input: two states, with names.

use everstep_tool::{
    DeviceError,
    device::{Reading, Sensor, Shown},
};
use serde::{Deserialize, Serialize};
use tokio_modbus::{Request, Response};

use super::{client::ModbusClient, register::unfitting};
use crate::actuators::{Actuate, State};

/// Where a bit is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CoilTable {
    /// Coils, which can be written (functions 1 and 5).
    #[default]
    Coil,
    /// Discrete inputs, which can't (function 2).
    Discrete,
}

/// A coil or a discrete input.
#[derive(Clone)]
pub struct Coil {
    client: ModbusClient,
    bit: Bit,
    name: String,
    states: Option<[String; 2]>,
}

/// Where a bit lies on a server.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Bit {
    /// The server's unit, behind a gateway or on a serial line.
    pub unit_id: u8,
    /// Which bits.
    pub table: CoilTable,
    /// Its address, from 0.
    pub address: u16,
}

impl Coil {
    /// The bit of `name`, such as `inlet_valve`. `states` names 0 and 1; without, they are off and on.
    #[must_use]
    pub fn new(client: ModbusClient, bit: Bit, name: &str, states: Option<[String; 2]>) -> Self {
        Self { client, bit, name: name.to_owned(), states }
    }

    fn read_bit(&self) -> Result<bool, DeviceError> {
        let request = match self.bit.table {
            CoilTable::Coil => Request::ReadCoils(self.bit.address, 1),
            CoilTable::Discrete => Request::ReadDiscreteInputs(self.bit.address, 1),
        };
        match self.client.request(self.bit.unit_id, &request)? {
            Response::ReadCoils(bits) | Response::ReadDiscreteInputs(bits) if !bits.is_empty() => {
                Ok(bits.first() == Some(&true))
            }
            other => Err(unfitting(&other)),
        }
    }

    fn state_of(&self, bit: bool) -> State {
        match (&self.states, bit) {
            (Some([zero, _]), false) => State::Named(zero.clone()),
            (Some([_, one]), true) => State::Named(one.clone()),
            (None, false) => State::Off,
            (None, true) => State::On,
        }
    }

    fn bit_of(&self, state: &State) -> Result<bool, DeviceError> {
        let named = [false, true].into_iter().find(|bit| self.state_of(*bit) == *state);
        named.ok_or_else(|| DeviceError::NotSent(format!("the {} can't be set to {state}", self.name)))
    }
}

impl Sensor for Coil {
    fn read(&mut self) -> Result<Vec<Reading>, DeviceError> {
        let shown = Shown::State(self.state_of(self.read_bit()?).to_string());
        Ok(vec![Reading { name: self.name.clone(), shown }])
    }
}

impl Actuate for Coil {
    fn state(&mut self) -> Result<Option<State>, DeviceError> {
        self.read_bit().map(|bit| Some(self.state_of(bit)))
    }

    fn set(&mut self, state: State) -> Result<(), DeviceError> {
        let bit = self.bit_of(&state)?;
        self.client.request(self.bit.unit_id, &Request::WriteSingleCoil(self.bit.address, bit)).map(|_| ())
    }
}
