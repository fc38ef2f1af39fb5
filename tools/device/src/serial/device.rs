//! A device with one thing to ask for, and one to set.

use everstep_tool::{
    DeviceError,
    device::{Reading, Sensor, Shown},
};

use super::{form::Form, talk::TextLine};
use crate::{
    actuators::{Actuate, State},
    quantity::Quantity,
    sensor::rounded,
};

/// How it is asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    /// What is sent.
    pub text: String,
    /// The line that answers, with the value.
    pub answer: Form,
}

/// How it is set.
#[derive(Clone, Debug, PartialEq)]
pub struct Command {
    /// What is sent, with the value.
    pub text: Form,
    /// The line that says it was taken; may repeat the value.
    pub answer: Form,
}

/// What its value is.
#[derive(Clone, Debug, PartialEq)]
pub enum Shows {
    /// A number.
    Number(Quantity),
    /// One of these words.
    Words {
        /// Of what, such as `door`.
        name: String,
        /// The words.
        words: Vec<String>,
    },
}

/// A device behind a line of text.
#[derive(Clone)]
pub struct TextDevice {
    line: TextLine,
    ask: Option<Ask>,
    command: Option<Command>,
    shows: Shows,
}

/// What floating-point arithmetic leaves of a number of so many decimals.
const ROUNDING_MAX: f64 = 1e-9;

impl TextDevice {
    /// A device on `line`.
    #[must_use]
    pub const fn new(line: TextLine, ask: Option<Ask>, command: Option<Command>, shows: Shows) -> Self {
        Self { line, ask, command, shows }
    }

    /// Asks for the value; `None` where it can't be asked.
    fn value(&self) -> Result<Option<Value>, DeviceError> {
        let Some(Ask { text, answer }) = &self.ask else { return Ok(None) };
        let fits = |line: &str| self.shows.read(answer.value_in(line)?);
        self.line.ask(text, &answer.to_string(), fits).map(Some)
    }
}

/// A value that a device told.
enum Value {
    Number(f64),
    Word(String),
}

impl Shows {
    /// The value that `text` is; `None` where it is none.
    fn read(&self, text: &str) -> Option<Value> {
        match self {
            Self::Number(_) => number(text).map(Value::Number),
            Self::Words { words, .. } => {
                words.iter().find(|word| *word == text).map(|word| Value::Word(word.clone()))
            }
        }
    }

    fn state(&self, value: Value) -> State {
        match (value, self) {
            (Value::Number(number), Self::Number(quantity)) => quantity.set_to(number),
            (Value::Number(value), Self::Words { .. }) => State::SetTo { value, unit: String::new() },
            (Value::Word(word), _) => State::Named(word),
        }
    }

    /// How a state it can be set to is sent.
    fn write(&self, state: &State) -> Result<String, DeviceError> {
        match (self, state) {
            (Self::Number(quantity), State::SetTo { value, .. }) => {
                let near = quantity.rounded(*value);
                // A value that is rounded in silence is not the one that was asked for.
                if (near - value).abs() <= ROUNDING_MAX {
                    return Ok(rounded(*value, quantity.digits));
                }
                let digits = quantity.digits;
                Err(DeviceError::NotSent(format!(
                    "{value} can't be sent with {digits} decimals: the nearest is {near}"
                )))
            }
            (Self::Words { words, .. }, State::Named(word)) if words.contains(word) => Ok(word.clone()),
            (Self::Number(Quantity { name, .. }) | Self::Words { name, .. }, other) => {
                Err(DeviceError::NotSent(format!("{name} can't be set to {other}")))
            }
        }
    }

    /// Whether two texts are one value: a device may write 21.50 for 21.5.
    fn are_equal(&self, one: &str, other: &str) -> bool {
        let state = |text: &str| self.read(text).map(|value| self.state(value));
        state(one).is_some() && state(one) == state(other)
    }
}

/// A number as devices write it, and nothing else that Rust would take for one.
fn number(text: &str) -> Option<f64> {
    let is_written = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    text.parse::<f64>().ok().filter(|number| is_written && number.is_finite())
}

impl Sensor for TextDevice {
    fn read(&mut self) -> Result<Vec<Reading>, DeviceError> {
        let (Shows::Number(Quantity { name, .. }) | Shows::Words { name, .. }) = &self.shows;
        let value = self
            .value()?
            .ok_or_else(|| DeviceError::NotSent(format!("{name} can't be asked: it has no `ask`")))?;
        Ok(vec![match (value, &self.shows) {
            (Value::Number(number), Shows::Number(quantity)) => quantity.reading(number),
            (value, shows) => {
                Reading { name: name.clone(), shown: Shown::State(shows.state(value).to_string()) }
            }
        }])
    }
}

impl Actuate for TextDevice {
    fn state(&mut self) -> Result<Option<State>, DeviceError> {
        Ok(self.value()?.map(|value| self.shows.state(value)))
    }

    fn set(&mut self, state: State) -> Result<(), DeviceError> {
        let value = self.shows.write(&state)?;
        let Some(Command { text, answer }) = &self.command else {
            return Err(DeviceError::NotSent("it can't be set: it has no `command`".into()));
        };
        let fits = |line: &str| {
            let told = answer.value_in(line)?;
            (told.is_empty() || self.shows.are_equal(told, &value)).then_some(())
        };
        self.line.ask(&text.fill(&value), &answer.fill(&value), fits)
    }

    fn is_in(&mut self, state: &State) -> Result<bool, DeviceError> {
        let asked = self.shows.write(state)?;
        let asked = self.shows.read(&asked).map(|value| self.shows.state(value));
        Ok(self.value()?.is_some_and(|value| Some(self.shows.state(value)) == asked))
    }
}

#[cfg(test)]
mod tests;
