//! A switch with named states, and a regulator with a set-point: set by a tool, and by the boot policy.

use everstep_tool::device::{DeviceError, Regulator, Selector};

use crate::actuators::{Actuate, State};

/// A switch with named states.
#[derive(Clone, Debug)]
pub struct StateSwitch<S> {
    selector: S,
}

impl<S> StateSwitch<S> {
    /// Takes the device.
    pub const fn new(selector: S) -> Self {
        Self { selector }
    }
}

impl<S: Selector> Actuate for StateSwitch<S> {
    fn state(&mut self) -> Result<Option<State>, DeviceError> {
        self.selector.selected().map(|state| Some(State::Named(state)))
    }

    fn set(&mut self, state: State) -> Result<(), DeviceError> {
        match state {
            State::Named(state) => self.selector.select(&state),
            _ => Err(DeviceError::NotSent(format!("a switch with named states can't be set to {state}"))),
        }
    }
}

/// A regulator with a set-point in some unit.
#[derive(Clone, Debug)]
pub struct Setpoint<R> {
    regulator: R,
    unit: String,
}

impl<R> Setpoint<R> {
    /// Takes the device.
    pub fn new(regulator: R, unit: &str) -> Self {
        Self { regulator, unit: unit.to_owned() }
    }
}

impl<R: Regulator> Actuate for Setpoint<R> {
    fn state(&mut self) -> Result<Option<State>, DeviceError> {
        let unit = self.unit.clone();
        self.regulator.value().map(|value| Some(State::SetTo { value, unit }))
    }

    fn set(&mut self, state: State) -> Result<(), DeviceError> {
        match state {
            State::SetTo { value, .. } => self.regulator.set_value(value),
            _ => Err(DeviceError::NotSent(format!("a set-point can't be set to {state}"))),
        }
    }
}
