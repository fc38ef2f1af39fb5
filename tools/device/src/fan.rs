//! A fan, or anything else that runs at some percent: set by a tool, and by the boot policy.

use embedded_hal::pwm::SetDutyCycle;
use everstep_tool::DeviceError;

use crate::actuators::{Actuate, State};

/// A fan behind a duty cycle. It remembers what it was set to in this process.
#[derive(Clone, Copy, Debug)]
pub struct Fan<F> {
    duty: F,
    percent: Option<u8>,
}

impl<F> Fan<F> {
    /// Takes the output; what it was set to before is not known.
    pub const fn new(duty: F) -> Self {
        Self { duty, percent: None }
    }
}

impl<F: SetDutyCycle<Error: Into<DeviceError>>> Fan<F> {
    fn turn(&mut self, percent: u8) -> Result<(), DeviceError> {
        if percent > 100 {
            return Err(DeviceError::NotSent(format!("a fan can't be set to {percent} percent")));
        }
        self.percent = None;
        self.duty.set_duty_cycle_percent(percent).map_err(Into::into)?;
        self.percent = Some(percent);
        Ok(())
    }
}

impl<F: SetDutyCycle<Error: Into<DeviceError>> + Send> Actuate for Fan<F> {
    fn state(&mut self) -> Result<Option<State>, DeviceError> {
        Ok(self.percent.map(State::Percent))
    }

    fn set(&mut self, state: State) -> Result<(), DeviceError> {
        self.turn(match state {
            State::Off => 0,
            State::On => 100,
            State::Percent(percent) => percent,
            State::Named(_) | State::SetTo { .. } => {
                return Err(DeviceError::NotSent(format!("a fan can't be set to {state}")));
            }
        })
    }
}
