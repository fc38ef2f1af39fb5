//! Traits for devices that `embedded-hal` has no words for. They block.

use std::ops::RangeInclusive;

use super::DeviceError;

/// What one sensor, or one actuator that can be looked at, shows. Not yet checked against its range.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// Of what, such as `tank_level`.
    pub name: String,
    /// What it shows.
    pub shown: Shown,
}

/// What can be shown.
#[derive(Clone, Debug, PartialEq)]
pub enum Shown {
    /// A measured number.
    Level {
        /// The number, as it came from the sensor.
        value: f64,
        /// Decimals that mean something.
        digits: u8,
        /// Printed after the number; may be empty.
        unit: String,
        /// What the sensor can truly show.
        range: RangeInclusive<f64>,
    },
    /// A number that something is set to.
    SetTo {
        /// The number.
        value: f64,
        /// Printed after the number; may be empty.
        unit: String,
    },
    /// A state's name: `on`, `closed`.
    State(String),
    /// Seconds a timer still runs; 0 while it is off.
    LeftS(u32),
}

/// Reads several things at one moment.
pub trait Sensor: Send {
    /// Reads them all, in the order they are to be told.
    ///
    /// # Errors
    ///
    /// Which sensor does not answer.
    fn read(&mut self) -> Result<Vec<Reading>, DeviceError>;
}

/// Something with named states: a valve, a door, a lock.
pub trait Selector: Send {
    /// Moves to `state`. Moving to where it is already changes nothing.
    ///
    /// # Errors
    ///
    /// [`DeviceError::NotSent`] only where it certainly did not move.
    fn select(&mut self, state: &str) -> Result<(), DeviceError>;

    /// The state it was told to be in.
    ///
    /// # Errors
    ///
    /// Why it can't be asked.
    fn selected(&mut self) -> Result<String, DeviceError>;
}

/// Something that steers towards a number by itself: a thermostat, a pressure controller.
pub trait Regulator: Send {
    /// Sets the number.
    ///
    /// # Errors
    ///
    /// [`DeviceError::NotSent`] only where it certainly was not set.
    fn set_value(&mut self, value: f64) -> Result<(), DeviceError>;

    /// The number it is set to.
    ///
    /// # Errors
    ///
    /// Why it can't be asked.
    fn value(&mut self) -> Result<f64, DeviceError>;
}

/// A device with a timer of its own: once started it ends by itself.
pub trait Timer: Send {
    /// Starts it for `seconds`. Not repeatable: a second start makes it run for longer.
    ///
    /// # Errors
    ///
    /// [`DeviceError::NotSent`] only where it certainly did not start.
    fn start(&mut self, seconds: u32) -> Result<(), DeviceError>;
}

/// A device's name in words: `pump_north` is the pump north.
#[must_use]
pub fn spoken(name: &str) -> String {
    name.replace('_', " ")
}
