//! The 16-line expander PCA9535, and those that speak like it: PCA9555, TCA9535, TCA9555.
//!
//! Written here because the crates for it keep the outputs in memory, or reset the chip at start: what
//! stands in the chip's own registers is what a restart has to know.

use embedded_hal::i2c::I2c;
use everstep_tool::device::{DeviceError, Reading, Sensor, Shown};
use serde::{Deserialize, Serialize};

use crate::{
    actuators::{Actuate, State},
    bus::BusFault,
    i2c::{I2cChip, I2cSession},
};

/// Lines of the chip.
pub const LINES: u8 = 16;

/// Registers of the first eight lines; those of the others follow each.
const INPUT: u8 = 0;
const OUTPUT: u8 = 2;
const CONFIGURATION: u8 = 6;

/// Which level of a line is active.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Active {
    /// High.
    #[default]
    High,
    /// Low.
    Low,
}

impl Active {
    /// Whether a line at this level is active; and the level of a line that is, or is not.
    #[must_use]
    pub const fn of(self, high: bool) -> bool {
        match self {
            Self::High => high,
            Self::Low => !high,
        }
    }
}

/// One line of an expander.
#[derive(Debug)]
pub struct ExpanderLine<B> {
    chip: I2cChip<B>,
    line: u8,
    active: Active,
}

impl<B> ExpanderLine<B> {
    /// The line of this number, from 0 to 15.
    #[must_use]
    pub const fn new(chip: I2cChip<B>, line: u8, active: Active) -> Self {
        Self { chip, line, active }
    }

    const fn bit(&self) -> u8 {
        1 << (self.line % 8)
    }

    /// The line's own among the registers that begin at `first`.
    const fn register(&self, first: u8) -> u8 {
        first + self.line / 8
    }
}

impl<B: I2c<Error: Into<BusFault>>> ExpanderLine<B> {
    fn is_set(&self, chip: &mut I2cSession<'_, B>, first: u8) -> Result<bool, DeviceError> {
        let mut byte = [0];
        chip.read(self.register(first), &mut byte)?;
        Ok(byte[0] & self.bit() != 0)
    }

    /// Changes one bit and leaves the others as the chip has them. Whether it was written.
    fn put(&self, chip: &mut I2cSession<'_, B>, first: u8, high: bool) -> Result<bool, DeviceError> {
        let register = self.register(first);
        let mut byte = [0];
        chip.read(register, &mut byte)?;
        let wanted = if high { byte[0] | self.bit() } else { byte[0] & !self.bit() };
        if wanted != byte[0] {
            chip.write(register, &[wanted])?;
        }
        Ok(wanted != byte[0])
    }
}

/// A line that is driven.
#[derive(Debug)]
pub struct ExpanderOutput<B>(ExpanderLine<B>);

impl<B> ExpanderOutput<B> {
    /// Takes the line; asks nothing of it yet.
    #[must_use]
    pub const fn new(line: ExpanderLine<B>) -> Self {
        Self(line)
    }
}

impl<B: I2c<Error: Into<BusFault>> + Send> Actuate for ExpanderOutput<B> {
    /// None while the line is not driven, as after power-on.
    fn state(&mut self) -> Result<Option<State>, DeviceError> {
        let line = &self.0;
        line.chip.with(|chip| {
            if line.is_set(chip, CONFIGURATION)? {
                return Ok(None);
            }
            let on = line.active.of(line.is_set(chip, OUTPUT)?);
            Ok(Some(if on { State::On } else { State::Off }))
        })
    }

    fn set(&mut self, state: State) -> Result<(), DeviceError> {
        let line = &self.0;
        let on = match state {
            State::On => true,
            State::Off => false,
            _ => return Err(DeviceError::NotSent(format!("a line can't be set to {state}"))),
        };
        line.chip.with(|chip| {
            // The level before the direction, so that the line is never driven to the other one.
            let moved = line.put(chip, OUTPUT, line.active.of(on))?;
            match line.put(chip, CONFIGURATION, false) {
                Ok(_) => Ok(()),
                // The line may be an output already: then its level has changed.
                Err(error) if moved => Err(DeviceError::Unknown(error.to_string())),
                Err(error) => Err(error),
            }
        })
    }
}

/// A line that is looked at.
#[derive(Debug)]
pub struct ExpanderInput<B> {
    line: ExpanderLine<B>,
    name: String,
    states: [String; 2],
}

impl<B> ExpanderInput<B> {
    /// Takes the line. `states` are its words for inactive and active.
    #[must_use]
    pub fn new(line: ExpanderLine<B>, name: &str, states: &[String; 2]) -> Self {
        Self { line, name: name.to_owned(), states: states.clone() }
    }
}

impl<B: I2c<Error: Into<BusFault>> + Send> Sensor for ExpanderInput<B> {
    fn read(&mut self) -> Result<Vec<Reading>, DeviceError> {
        let line = &self.line;
        let active = line.chip.with(|chip| {
            if line.is_set(chip, CONFIGURATION)? {
                line.is_set(chip, INPUT).map(|high| line.active.of(high))
            } else {
                // What it shows would be what somebody drives it to.
                let (number, place) = (line.line, line.chip.place());
                Err(DeviceError::NotSent(format!("{place}: line {number} is set up as an output")))
            }
        })?;
        let [inactive, word] = &self.states;
        let shown = Shown::State(if active { word } else { inactive }.clone());
        Ok(vec![Reading { name: self.name.clone(), shown }])
    }
}

#[cfg(test)]
mod tests;
