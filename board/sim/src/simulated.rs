//! What a world's process asks of whatever it simulates: the cold room or a declared plant.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    protocol::Request,
    world::{Change, DeviceName, Verdict},
};

/// Something with devices and a time of its own. Pure: time comes in from outside.
pub trait Simulated: Send {
    /// The devices that can be opened, each with a line of its own.
    fn devices(&self) -> Vec<DeviceName>;

    /// The world's time, from 0.
    fn now_ms(&self) -> u64;

    /// Lets time pass until `until_ms`; earlier times change nothing.
    fn step_to(&mut self, until_ms: u64);

    /// Does what is asked of a device.
    ///
    /// # Errors
    ///
    /// Why nothing was done.
    fn perform(&mut self, device: &DeviceName, request: &Request) -> Result<Value, String>;

    /// Makes something go wrong, or right again.
    ///
    /// # Errors
    ///
    /// What is wrong with `fault`; nothing was changed.
    fn fault(&mut self, fault: &Value) -> Result<(), String>;

    /// Everything, as it truly is.
    fn snapshot(&self) -> Value;

    /// How it stood at the start, and how it stands now. Where `at_ms` is given, quantities are those
    /// of that moment: they go on flowing after an agent has ended.
    fn story(&self, at_ms: Option<u64>) -> Story;

    /// Checks a cold room against a temperature.
    ///
    /// # Errors
    ///
    /// In a world that is no cold room.
    fn check(&self, target_c: f64, answer: &str, at_ms: Option<u64>) -> Result<Verdict, String>;

    /// Takes the changes since the last time they were taken.
    fn take_changes(&mut self) -> Vec<Change>;
}

/// A value of a quantity or an actuator, as files and the protocol write it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Point {
    /// True or false; only the cold room's start has such.
    Truth(bool),
    /// A number: a quantity, a speed in percent, a set-point.
    Number(f64),
    /// A state's name: `on`, `closed`.
    Word(String),
}

impl Point {
    /// The word `on` or `off`.
    #[must_use]
    pub fn switch(on: bool) -> Self {
        Self::Word(if on { "on" } else { "off" }.into())
    }

    /// As JSON; whole numbers without a fraction.
    #[must_use]
    pub fn json(&self) -> Value {
        match self {
            Self::Truth(truth) => Value::Bool(*truth),
            Self::Number(number) => whole(*number).map_or_else(|| Value::from(*number), Value::from),
            Self::Word(word) => Value::from(word.as_str()),
        }
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truth(truth) => write!(f, "{truth}"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Word(word) => f.write_str(word),
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "checked to be whole and within 53 bits")]
fn whole(number: f64) -> Option<i64> {
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    (number.fract() == 0.0 && number.abs() < EXACT_MAX).then_some(number as i64)
}

/// How a world stood at the start, and later.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Story {
    /// At the start.
    pub start: Standing,
    /// Later.
    pub end: Standing,
}

/// How a world stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Standing {
    /// The world's time.
    pub world_ms: u64,
    /// Quantities as they truly are.
    pub quantities: BTreeMap<String, f64>,
    /// The same, as a working sensor prints them.
    pub shown: BTreeMap<String, f64>,
    /// What the actuators truly do.
    pub actuators: BTreeMap<String, Point>,
    /// What ran, for devices that run for some time or give pulses.
    pub runs: BTreeMap<String, Ran>,
}

/// How often something ran.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ran {
    /// How many times it was started, or how many pulses it gave.
    pub times: u64,
    /// For how many seconds it was started, in all.
    pub seconds: u64,
    /// Seconds it still runs.
    pub left_s: u32,
}

/// `value` as a sensor with `digits` decimals shows it.
#[must_use]
pub fn shown(value: f64, digits: u8) -> f64 {
    // By way of the text, so that it is the number that a reader of the text has.
    let text = format!("{value:.digits$}", digits = usize::from(digits));
    text.parse::<f64>().map_or(value, |number| number + 0.0)
}
