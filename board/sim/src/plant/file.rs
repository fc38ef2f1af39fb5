//! `plant.toml`: what a declared plant is like.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::SENSORS;
use crate::simulated::Point;

/// Shortest time constant: a piece of time is at most a second, and shorter ones would overshoot.
pub const TAU_S_MIN: f64 = 10.0;
/// Longest time constant.
const TAU_S_MAX: f64 = 1e9;
/// Largest number in a plant.
const NUMBER_MAX: f64 = 1e9;
/// Most quantities, and most actuators.
const NAMES_MAX: usize = 64;
/// Most decimals of a sensor.
const DIGITS_MAX: u8 = 6;
/// Most states of a switch.
const STATES_MAX: usize = 16;

/// `plant.toml`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlantFile {
    /// What can be measured.
    #[serde(default)]
    pub quantity: BTreeMap<String, Quantity>,
    /// What can be moved.
    #[serde(default)]
    pub actuator: BTreeMap<String, Actuator>,
}

/// Something that is measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quantity {
    /// Printed after the number; may be empty.
    pub unit: String,
    /// Decimals that a sensor shows.
    pub digits: u8,
    /// It never gets below.
    pub min: f64,
    /// It never gets above.
    pub max: f64,
    /// At the start.
    pub start: f64,
    /// Constant change for each hour.
    #[serde(default)]
    pub rate_per_h: f64,
    /// It relaxes to this by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub toward: Option<f64>,
    /// Time constant of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tau_s: Option<f64>,
}

/// Something that is moved, by kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Actuator {
    /// On or off.
    Relay {
        /// `on` or `off`.
        start: String,
        /// What it does while it is on.
        #[serde(default)]
        effect: BTreeMap<String, Effect>,
    },
    /// 0 to 100.
    Percent {
        /// At the start.
        start: u8,
        /// What it does at 100.
        #[serde(default)]
        effect: BTreeMap<String, Effect>,
    },
    /// Named states; the first is the resting one.
    Switch {
        /// The states.
        states: Vec<String>,
        /// One of them.
        start: String,
        /// What it does in the last of them.
        #[serde(default)]
        effect: BTreeMap<String, Effect>,
    },
    /// A number that something else is steered to.
    Setpoint {
        /// Printed after the number; may be empty.
        unit: String,
        /// Lowest.
        min: f64,
        /// Highest.
        max: f64,
        /// At the start.
        start: f64,
        /// What follows it.
        #[serde(default)]
        effect: BTreeMap<String, Effect>,
    },
    /// Runs for some seconds, and ends by itself.
    Timed {
        /// What it does while it runs.
        #[serde(default)]
        effect: BTreeMap<String, Effect>,
    },
}

/// What an actuator does to a quantity, in full; it does a share of that where it is not full on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Effect {
    /// Changes it for each hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_per_h: Option<f64>,
    /// Pulls it towards this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub toward: Option<f64>,
    /// Pulls it towards what is set; of a set-point only.
    pub follows: bool,
    /// Time constant of a pull.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tau_s: Option<f64>,
}

/// An effect, checked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Flow {
    Rate { per_s: f64 },
    Toward { to: f64, tau_s: f64 },
    Follows { tau_s: f64 },
}

/// Why a plant file can't be used.
#[derive(Debug, thiserror::Error)]
pub enum PlantFileError {
    /// It can't be read.
    #[error("plant file {} can't be read: {source}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// It is no TOML, or has keys that a plant has not.
    #[error("plant file {}: {what}", .path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// What, and where.
        what: String,
    },
    /// Something in it is not allowed.
    #[error("plant file {}: {source}", .path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// What.
        #[source]
        source: WrongPlant,
    },
}

/// A key of a plant, and what is wrong with it.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{key}: {what}")]
pub struct WrongPlant {
    /// The key.
    pub key: String,
    /// What is wrong, and what is allowed.
    pub what: String,
}

fn wrong(key: impl Into<String>, what: impl Into<String>) -> WrongPlant {
    WrongPlant { key: key.into(), what: what.into() }
}

impl PlantFile {
    /// Reads and checks a plant file.
    ///
    /// # Errors
    ///
    /// See [`PlantFileError`].
    pub fn load(path: &Path) -> Result<Self, PlantFileError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| PlantFileError::Read { path: path.to_owned(), source })?;
        let plant: Self = toml::from_str(&text).map_err(|error| PlantFileError::Syntax {
            path: path.to_owned(),
            what: crate::tasks::syntax(&text, &error),
        })?;
        plant.check().map_err(|source| PlantFileError::Wrong { path: path.to_owned(), source })?;
        Ok(plant)
    }

    /// Refuses what can't be computed with, or would be ambiguous.
    ///
    /// # Errors
    ///
    /// The key and what is allowed.
    pub fn check(&self) -> Result<(), WrongPlant> {
        if self.quantity.len() > NAMES_MAX || self.actuator.len() > NAMES_MAX {
            return Err(wrong("quantity, actuator", format!("at most {NAMES_MAX} of each are allowed")));
        }
        for (name, quantity) in &self.quantity {
            let key = format!("quantity.{name}");
            check_name(&key, name)?;
            if self.actuator.contains_key(name) {
                return Err(wrong(key, "an actuator has the same name: choose another"));
            }
            quantity.check(&key)?;
        }
        for (name, actuator) in &self.actuator {
            let key = format!("actuator.{name}");
            check_name(&key, name)?;
            actuator.check(&key)?;
            for (target, effect) in actuator.effect() {
                let key = format!("{key}.effect.{target}");
                if !self.quantity.contains_key(target) {
                    let known: Vec<_> = self.quantity.keys().map(String::as_str).collect();
                    let what = format!("there is no such quantity: there are {}", known.join(", "));
                    return Err(wrong(key, what));
                }
                let flow = effect.flow(&key)?;
                if matches!(flow, Flow::Follows { .. }) && !matches!(actuator, Actuator::Setpoint { .. }) {
                    return Err(wrong(key, "`follows` is for actuators of kind `setpoint`"));
                }
            }
        }
        Ok(())
    }

    /// Changes how the plant stands at the start.
    ///
    /// # Errors
    ///
    /// A name the plant does not have, or a value it can't have.
    pub fn start_at(&mut self, start: &BTreeMap<String, Point>) -> Result<(), WrongPlant> {
        for (name, point) in start {
            let key = format!("start.{name}");
            if let Some(quantity) = self.quantity.get_mut(name) {
                let Point::Number(number) = point else {
                    return Err(wrong(key, format!("`{point}` is no number")));
                };
                quantity.start = *number;
            } else if let Some(actuator) = self.actuator.get_mut(name) {
                actuator.start_at(point).map_err(|what| wrong(key, what))?;
            } else {
                return Err(wrong(key, "the plant has no quantity or actuator of this name"));
            }
        }
        self.check()
    }
}

impl Quantity {
    fn check(&self, key: &str) -> Result<(), WrongPlant> {
        let Self { digits, min, max, start, rate_per_h, toward, tau_s, .. } = *self;
        if digits > DIGITS_MAX {
            return Err(wrong(format!("{key}.digits"), format!("{digits} is more than {DIGITS_MAX}")));
        }
        check_range(key, min, max)?;
        if !(min..=max).contains(&start) {
            return Err(wrong(format!("{key}.start"), format!("{start} is not within {min} to {max}")));
        }
        check_number(&format!("{key}.rate_per_h"), rate_per_h)?;
        match (toward, tau_s) {
            (None, None) => Ok(()),
            (Some(toward), Some(tau_s)) => {
                check_number(&format!("{key}.toward"), toward)?;
                check_tau(key, tau_s)
            }
            _ => Err(wrong(key, "`toward` and `tau_s` belong together: one of them is missing")),
        }
    }
}

impl Actuator {
    /// What it does to quantities.
    #[must_use]
    pub const fn effect(&self) -> &BTreeMap<String, Effect> {
        match self {
            Self::Relay { effect, .. }
            | Self::Percent { effect, .. }
            | Self::Switch { effect, .. }
            | Self::Setpoint { effect, .. }
            | Self::Timed { effect } => effect,
        }
    }

    /// Its kind, as plant files call it.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Relay { .. } => "relay",
            Self::Percent { .. } => "percent",
            Self::Switch { .. } => "switch",
            Self::Setpoint { .. } => "setpoint",
            Self::Timed { .. } => "timed",
        }
    }

    /// Where it is at the start.
    #[must_use]
    pub fn start(&self) -> Point {
        match self {
            Self::Relay { start, .. } | Self::Switch { start, .. } => Point::Word(start.clone()),
            Self::Percent { start, .. } => Point::Number(f64::from(*start)),
            Self::Setpoint { start, .. } => Point::Number(*start),
            Self::Timed { .. } => Point::switch(false),
        }
    }

    fn start_at(&mut self, point: &Point) -> Result<(), String> {
        self.allows(point)?;
        match (self, point) {
            (Self::Relay { start, .. } | Self::Switch { start, .. }, Point::Word(word)) => {
                start.clone_from(word);
            }
            (Self::Setpoint { start, .. }, Point::Number(number)) => *start = *number,
            (Self::Percent { start, .. }, Point::Number(number)) => {
                *start = percent(*number).unwrap_or(*start);
            }
            _ => return Err("a timed actuator is off at the start".into()),
        }
        Ok(())
    }

    /// Whether it can be at `point`.
    ///
    /// # Errors
    ///
    /// What is allowed instead.
    pub fn allows(&self, point: &Point) -> Result<(), String> {
        let (is_allowed, allowed) = match (self, point) {
            (Self::Relay { .. } | Self::Timed { .. }, point) => {
                let is_switch = *point == Point::switch(true) || *point == Point::switch(false);
                (is_switch, "on or off".to_owned())
            }
            (Self::Percent { .. }, Point::Number(number)) => {
                (percent(*number).is_some(), "a whole number, 0 to 100".to_owned())
            }
            (Self::Percent { .. }, _) => (false, "a whole number, 0 to 100".to_owned()),
            (Self::Switch { states, .. }, Point::Word(word)) => (states.contains(word), states.join(" or ")),
            (Self::Switch { states, .. }, _) => (false, states.join(" or ")),
            (Self::Setpoint { min, max, .. }, Point::Number(number)) => {
                ((*min..=*max).contains(number), format!("{min} to {max}"))
            }
            (Self::Setpoint { min, max, .. }, _) => (false, format!("{min} to {max}")),
        };
        if is_allowed { Ok(()) } else { Err(format!("`{point}` is not allowed: it must be {allowed}")) }
    }

    fn check(&self, key: &str) -> Result<(), WrongPlant> {
        match self {
            Self::Switch { states, .. } => {
                let mut distinct = states.clone();
                distinct.sort();
                distinct.dedup();
                if !(2..=STATES_MAX).contains(&states.len()) || distinct.len() != states.len() {
                    let what = format!("a switch has 2 to {STATES_MAX} states, each another");
                    return Err(wrong(format!("{key}.states"), what));
                }
                states.iter().try_for_each(|state| check_name(&format!("{key}.states"), state))?;
            }
            Self::Setpoint { min, max, .. } => check_range(key, *min, *max)?,
            Self::Relay { .. } | Self::Percent { .. } | Self::Timed { .. } => {}
        }
        self.allows(&self.start()).map_err(|what| wrong(format!("{key}.start"), what))
    }
}

impl Effect {
    /// The one thing it does.
    pub(super) fn flow(&self, key: &str) -> Result<Flow, WrongPlant> {
        match *self {
            Self { rate_per_h: Some(rate_per_h), toward: None, follows: false, tau_s: None } => {
                check_number(key, rate_per_h)?;
                Ok(Flow::Rate { per_s: rate_per_h / 3_600.0 })
            }
            Self { rate_per_h: None, toward: Some(to), follows: false, tau_s: Some(tau_s) } => {
                check_number(key, to)?;
                check_tau(key, tau_s)?;
                Ok(Flow::Toward { to, tau_s })
            }
            Self { rate_per_h: None, toward: None, follows: true, tau_s: Some(tau_s) } => {
                check_tau(key, tau_s)?;
                Ok(Flow::Follows { tau_s })
            }
            _ => Err(wrong(
                key,
                "an effect is `rate_per_h`, or `toward` with `tau_s`, or `follows = true` with `tau_s`",
            )),
        }
    }
}

/// A whole number of percent.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be whole and small")]
pub(super) fn percent(number: f64) -> Option<u8> {
    (number.fract() == 0.0 && (0.0..=100.0).contains(&number)).then_some(number as u8)
}

fn check_name(key: &str, name: &str) -> Result<(), WrongPlant> {
    let mut letters = name.bytes();
    let begins = letters.next().is_some_and(|letter| letter.is_ascii_lowercase());
    let goes_on = letters.all(|letter| matches!(letter, b'a'..=b'z' | b'0'..=b'9' | b'_'));
    if !begins || !goes_on || name.len() > 32 {
        return Err(wrong(key, "a name has up to 32 letters a to z, digits and underscores, a letter first"));
    }
    if name == SENSORS {
        return Err(wrong(key, "this name is the sensors' own: choose another"));
    }
    Ok(())
}

fn check_number(key: &str, number: f64) -> Result<(), WrongPlant> {
    if number.is_finite() && number.abs() <= NUMBER_MAX {
        return Ok(());
    }
    Err(wrong(key, format!("{number} is not within -{NUMBER_MAX} to {NUMBER_MAX}")))
}

fn check_range(key: &str, min: f64, max: f64) -> Result<(), WrongPlant> {
    check_number(&format!("{key}.min"), min)?;
    check_number(&format!("{key}.max"), max)?;
    if min < max {
        Ok(())
    } else {
        Err(wrong(format!("{key}.min"), format!("{min} is not below max, {max}")))
    }
}

fn check_tau(key: &str, tau_s: f64) -> Result<(), WrongPlant> {
    if (TAU_S_MIN..=TAU_S_MAX).contains(&tau_s) {
        return Ok(());
    }
    Err(wrong(format!("{key}.tau_s"), format!("{tau_s} is not within {TAU_S_MIN} to {TAU_S_MAX}")))
}

#[cfg(test)]
mod tests;
