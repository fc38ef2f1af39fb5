//! What a number is of, and how it is told.

use std::ops::RangeInclusive;

use everstep_tool::device::{Reading, Shown};

use crate::{actuators::State, sensor::rounded};

/// What a number is of, and how it is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantity {
    /// Of what, such as `tank_level`.
    pub name: String,
    /// Printed after the number; may be empty.
    pub unit: String,
    /// Decimals that mean something.
    pub digits: u8,
    /// What it can truly be.
    pub range: RangeInclusive<f64>,
}

impl Quantity {
    /// `value` with the decimals that mean something, as a reader of its text has it.
    #[must_use]
    pub fn rounded(&self, value: f64) -> f64 {
        rounded(value, self.digits).parse().unwrap_or(value)
    }

    /// A reading of `value`, which is not yet checked against the range.
    #[must_use]
    pub fn reading(&self, value: f64) -> Reading {
        let (digits, unit) = (self.digits, self.unit.clone());
        Reading {
            name: self.name.clone(),
            shown: Shown::Level { value, digits, unit, range: self.range.clone() },
        }
    }

    /// Set to `value`.
    #[must_use]
    pub fn set_to(&self, value: f64) -> State {
        State::SetTo { value: self.rounded(value), unit: self.unit.clone() }
    }
}
