//! Pulses of an output: on for some time, off for some time, and counted by another device where there is
//! one.

use embedded_hal::{
    delay::DelayNs,
    digital::{OutputPin, StatefulOutputPin},
};
use everstep_tool::{
    Cancel, DeviceError,
    device::{Counter, Pulser},
};

use crate::{
    actuators::{Actuate, State},
    relay::Relay,
};

/// An output that is pulsed; at rest it is off.
#[derive(Debug)]
pub struct PulseOutput<P, D> {
    pin: P,
    delay: D,
    pulse_ms: u32,
    gap_ms: u32,
}

impl<P, D> PulseOutput<P, D> {
    /// Pulses of `pulse_ms`, with at least `gap_ms` behind each.
    pub const fn new(pin: P, delay: D, pulse_ms: u32, gap_ms: u32) -> Self {
        Self { pin, delay, pulse_ms, gap_ms }
    }
}

impl<P: OutputPin<Error: Into<DeviceError>> + Send, D: DelayNs + Send> PulseOutput<P, D> {
    fn one(&mut self) -> Result<(), DeviceError> {
        if let Err(error) = self.pin.set_high() {
            // It may be on all the same, and must not stay so.
            let _ = self.pin.set_low();
            return Err(error.into());
        }
        self.delay.delay_ms(self.pulse_ms);
        if self.pin.set_low().is_err() {
            let off = self.pin.set_low().map_err(Into::into);
            off.map_err(|error| DeviceError::Unknown(format!("it may still be on: {error}")))?;
        }
        self.delay.delay_ms(self.gap_ms);
        Ok(())
    }
}

impl<P: OutputPin<Error: Into<DeviceError>> + Send, D: DelayNs + Send> Pulser for PulseOutput<P, D> {
    fn pulse(&mut self, pulses: u32, cancel: &Cancel) -> Result<(), DeviceError> {
        for given in 0..pulses {
            let pulse = if cancel.is_asked() {
                Err(DeviceError::NotSent("the call was cancelled".into()))
            } else {
                self.one()
            };
            match pulse {
                Ok(()) => {}
                Err(error) if given == 0 => return Err(error),
                Err(error) => {
                    let text = format!("{given} of {pulses} pulses were given: {error}");
                    return Err(DeviceError::Unknown(text));
                }
            }
        }
        Ok(())
    }
}

impl<P: StatefulOutputPin<Error: Into<DeviceError>> + Send, D: DelayNs + Send> Actuate for PulseOutput<P, D> {
    fn state(&mut self) -> Result<Option<State>, DeviceError> {
        Relay::new(&mut self.pin).state()
    }

    /// Off only: a pulse is no state.
    fn set(&mut self, state: State) -> Result<(), DeviceError> {
        match state {
            State::Off => Relay::new(&mut self.pin).set(State::Off),
            _ => Err(DeviceError::NotSent(format!("a pulsed output can't be set to {state}"))),
        }
    }
}

/// A pulser whose pulses another device counts.
#[derive(Debug)]
pub struct CountedBy<P, C> {
    pulser: P,
    counter: C,
}

impl<P, C> CountedBy<P, C> {
    /// Takes both.
    pub const fn new(pulser: P, counter: C) -> Self {
        Self { pulser, counter }
    }
}

impl<P: Pulser, C: Counter> Pulser for CountedBy<P, C> {
    fn pulse(&mut self, pulses: u32, cancel: &Cancel) -> Result<(), DeviceError> {
        self.pulser.pulse(pulses, cancel)
    }
}

impl<P: Pulser, C: Counter> Counter for CountedBy<P, C> {
    fn count(&mut self) -> Result<u64, DeviceError> {
        self.counter.count()
    }
}

impl<P: Actuate, C: Send> Actuate for CountedBy<P, C> {
    fn state(&mut self) -> Result<Option<State>, DeviceError> {
        self.pulser.state()
    }

    fn set(&mut self, state: State) -> Result<(), DeviceError> {
        self.pulser.set(state)
    }
}

#[cfg(test)]
mod tests;
