//! A relay: switched by a tool, and by the boot policy.

use embedded_hal::digital::{OutputPin, PinState, StatefulOutputPin};
use everstep_tool::DeviceError;

use crate::actuators::{Actuate, State};

/// A relay behind an output pin; high closes it.
#[derive(Clone, Copy, Debug)]
pub struct Relay<P> {
    pin: P,
}

impl<P> Relay<P> {
    /// Takes the pin.
    pub const fn new(pin: P) -> Self {
        Self { pin }
    }
}

impl<P: OutputPin<Error: Into<DeviceError>>> Relay<P> {
    fn switch(&mut self, on: bool) -> Result<(), DeviceError> {
        self.pin.set_state(PinState::from(on)).map_err(Into::into)
    }
}

impl<P: StatefulOutputPin<Error: Into<DeviceError>> + Send> Actuate for Relay<P> {
    fn state(&mut self) -> Result<Option<State>, DeviceError> {
        let on = self.pin.is_set_high().map_err(Into::into)?;
        Ok(Some(if on { State::On } else { State::Off }))
    }

    fn set(&mut self, state: State) -> Result<(), DeviceError> {
        match state {
            State::On => self.switch(true),
            State::Off | State::Percent(0) => self.switch(false),
            State::Percent(_) | State::Named(_) | State::SetTo { .. } => {
                Err(DeviceError::NotSent(format!("a relay can't be set to {state}")))
            }
        }
    }
}
