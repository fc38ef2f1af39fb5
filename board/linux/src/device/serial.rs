//! `serial_line`: a device that speaks lines of text over a serial port, read with `read_NAME` and set
//! with `set_NAME`.

use std::{path::PathBuf, time::Duration};

use everstep_core::Class;
use everstep_tool::{Device, device::Sensor};
use everstep_tools_device::{
    BootPolicy, Quantity, ReadSensor, Settings, State,
    line::{DataBits, Parity, PortSettings},
    serial::{Ask, Command, Echo, Ending, Form, FormError, Shows, TextDevice, TextLine},
};
use serde::{Deserialize, Serialize};

use super::{
    assemble::Assembly, kinds::Section, lines::Lines, look::Verdict, machine::Machine, modbus::seen,
};
use crate::config::Whole;

/// What is wrong with the section: the key, and what is allowed.
type Wrong = (&'static str, String);

/// `kind = "serial_line"`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SerialLineSection {
    /// The serial port.
    pub port: PathBuf,
    /// Bits a second.
    #[serde(default)]
    pub baud: Whole<9_600, 300, 4_000_000>,
    /// Data bits of a byte, 7 or 8.
    #[serde(default)]
    pub data_bits: DataBits,
    /// Parity.
    #[serde(default)]
    pub parity: Parity,
    /// Stop bits of a byte.
    #[serde(default)]
    pub stop_bits: Whole<1, 1, 2>,
    /// What ends a line.
    #[serde(default)]
    pub ending: Ending,
    /// Whether the device sends back what it is told, before it answers.
    #[serde(default)]
    pub echo: bool,
    /// Milliseconds an answer may take.
    #[serde(default)]
    pub answer_ms_max: Whole<500, 10, 1_000>,
    /// What is sent to ask for the value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ask: Option<String>,
    /// The line that answers, with `{value}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ask_answer: Option<String>,
    /// What is sent to set the value, with `{value}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// The line that says it was taken; may repeat `{value}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command_answer: Option<String>,
    /// The words the value can be, where it is no number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub states: Option<Vec<String>>,
    /// Printed after the number; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub unit: String,
    /// Decimals that mean something, and that a command is sent with.
    #[serde(default)]
    pub digits: Whole<0, 0, 9>,
    /// Lowest that it can truly be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// Highest that it can truly be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// Lowest that it may be set to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set_min: Option<f64>,
    /// Highest that it may be set to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set_max: Option<f64>,
    /// What a boot does with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot: Option<BootPolicy>,
    /// What it is set to when a run ends early, and after a boot with `boot = "safe"`, where it is a
    /// number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub safe_value: Option<f64>,
    /// The same where it is a word; the first one without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub safe: Option<String>,
    /// Milliseconds after which a lost command can act no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settle_ms: Option<Whole<2_000, 20, 600_000>>,
}

fn form((key, form): (&'static str, Result<Form, FormError>)) -> Result<Form, Wrong> {
    form.map_err(|error| (key, error.to_string()))
}

impl SerialLineSection {
    fn settings(&self) -> PortSettings {
        PortSettings {
            path: self.port.clone(),
            baud: self.baud.get(),
            data_bits: self.data_bits,
            parity: self.parity,
            stop_bits: u8::try_from(self.stop_bits.get()).unwrap_or(1),
        }
    }

    fn asked(&self) -> Result<Option<Ask>, Wrong> {
        match (&self.ask, &self.ask_answer) {
            (None, None) => Ok(None),
            (None, Some(_)) => Err(("ask", "`ask_answer` answers `ask`: say what is asked".into())),
            (Some(text), answer) => {
                form(("ask", Form::fixed(text)))?;
                let answer = answer.as_deref().unwrap_or("{value}");
                let answer = form(("ask_answer", Form::of_value(answer)))?;
                Ok(Some(Ask { text: text.clone(), answer }))
            }
        }
    }

    fn commanded(&self) -> Result<Option<Command>, Wrong> {
        match (&self.command, &self.command_answer) {
            (None, None) => Ok(None),
            (None, Some(_)) => {
                Err(("command", "`command_answer` answers `command`: say what is sent".into()))
            }
            (Some(_), None) => Err((
                "command_answer",
                "say what line the device answers a command with, such as \"OK\"".into(),
            )),
            (Some(text), Some(answer)) => Ok(Some(Command {
                text: form(("command", Form::of_value(text)))?,
                answer: form(("command_answer", Form::parse(answer)))?,
            })),
        }
    }

    /// What the value is. Without `ask` no number is ever read, so that no range is needed.
    fn shows(&self, name: &str) -> Result<Shows, Wrong> {
        let name = name.to_owned();
        if let Some(words) = &self.states {
            let is_distinct =
                |index: usize, word: &String| !words.iter().take(index).any(|other| other == word);
            let fit = words.iter().enumerate().all(|(index, word)| is_distinct(index, word));
            let one_word = |word: &String| Form::fixed(word).is_ok() && word.trim() == word;
            if words.len() < 2 || !fit || !words.iter().all(one_word) {
                return Err((
                    "states",
                    "there are at least two words, each another, in printable ASCII".into(),
                ));
            }
            let numbers = [
                ("min", self.min),
                ("max", self.max),
                ("set_min", self.set_min),
                ("set_max", self.set_max),
                ("safe_value", self.safe_value),
            ];
            return match numbers.into_iter().find(|(_, given)| given.is_some()) {
                Some((key, _)) => Err((key, "the value is a word: remove this key, or `states`".into())),
                None => Ok(Shows::Words { name, words: words.clone() }),
            };
        }
        if self.safe.is_some() {
            return Err(("safe", "the value is a number: use `safe_value`, or name the `states`".into()));
        }
        let (min, max) = match (&self.ask, self.min, self.max) {
            (Some(_), Some(min), Some(max)) => (min, max),
            (Some(_), None, _) => return Err(("min", "say the lowest number that it can truly be".into())),
            (Some(_), _, None) => return Err(("max", "say the highest number that it can truly be".into())),
            (None, min, max) => (min.unwrap_or(f64::MIN), max.unwrap_or(f64::MAX)),
        };
        below(("min", min), ("max", max))?;
        let digits = u8::try_from(self.digits.get()).unwrap_or_default();
        Ok(Shows::Number(Quantity { name, unit: self.unit.clone(), digits, range: min..=max }))
    }

    /// What it may be set to, and its safe state.
    fn settable(&self, shows: &Shows) -> Result<Option<(Settings, State)>, Wrong> {
        if self.command.is_none() {
            let given = [
                ("set_min", self.set_min.is_some()),
                ("set_max", self.set_max.is_some()),
                ("boot", self.boot.is_some()),
                ("safe_value", self.safe_value.is_some()),
                ("safe", self.safe.is_some()),
                ("settle_ms", self.settle_ms.is_some()),
            ];
            return given.into_iter().find(|(_, given)| *given).map_or(Ok(None), |(key, _)| {
                Err((key, "only a device with a `command` is set: add one, or remove this key".into()))
            });
        }
        match shows {
            Shows::Words { words, .. } => {
                let safe = self.safe.as_ref().or(words.first()).cloned().unwrap_or_default();
                if !words.contains(&safe) {
                    return Err(("safe", format!("`{safe}` is no state: there are {}", words.join(", "))));
                }
                Ok(Some((Settings::States(words.clone()), State::Named(safe))))
            }
            Shows::Number(quantity) => {
                let needed = |key, value: Option<f64>| {
                    value.ok_or_else(|| (key, format!("a device that is set to a number needs `{key}`")))
                };
                let (min, max) = (needed("set_min", self.set_min)?, needed("set_max", self.set_max)?);
                let safe = needed("safe_value", self.safe_value)?;
                below(("set_min", min), ("set_max", max))?;
                if !(min..=max).contains(&safe) {
                    let text = format!("{safe} is not within `set_min` to `set_max`, {min} to {max}");
                    return Err(("safe_value", text));
                }
                let settings = Settings::Number { unit: self.unit.clone(), min, max };
                Ok(Some((settings, quantity.set_to(safe))))
            }
        }
    }

    /// What a lost command means: where the device can be asked, it tells.
    fn class(&self) -> Class {
        match self.ask {
            Some(_) => Class::ReadBack { settle_ms: self.settle_ms.unwrap_or_default().get() },
            None => Class::Never,
        }
    }

    fn line(&self, name: &str, lines: &mut Lines) -> Result<TextLine, Wrong> {
        let echo = if self.echo { Echo::Expected } else { Echo::None };
        let answer_max = Duration::from_millis(self.answer_ms_max.get().into());
        lines.text(name, &self.settings(), (self.ending, echo), answer_max)
    }

    fn driver(&self, name: &str, lines: &mut Lines) -> Result<TextDevice, Wrong> {
        let line = self.line(name, lines)?;
        Ok(TextDevice::new(line, self.asked()?, self.commanded()?, self.shows(name)?))
    }
}

fn below((key, low): (&'static str, f64), (name, high): (&'static str, f64)) -> Result<(), Wrong> {
    if low.is_finite() && high.is_finite() && low < high {
        return Ok(());
    }
    Err((key, format!("{low} is not below `{name}`, {high}")))
}

impl Section for SerialLineSection {
    fn moves(&self) -> bool {
        self.command.is_some()
    }

    fn check(&self) -> Result<(), Wrong> {
        self.settings().check()?;
        if self.asked()?.is_none() && self.commanded()?.is_none() {
            return Err(("ask", "say what is asked with `ask`, what is set with `command`, or both".into()));
        }
        let shows = self.shows("")?;
        self.commanded()?;
        self.settable(&shows)?;
        let (settle, answer) = (self.settle_ms.unwrap_or_default().get(), self.answer_ms_max.get());
        match (self.settle_ms, &self.ask) {
            (Some(_), None) => {
                Err(("settle_ms", "only a device with `ask` is read back: add it, or remove this key".into()))
            }
            _ if settle < answer.saturating_mul(2) => {
                let text = format!(
                    "{settle} is less than twice `answer_ms_max`, {answer}: late answers must be over"
                );
                Err(("settle_ms", text))
            }
            _ => Ok(()),
        }
    }

    fn add<M: Machine>(&self, name: &str, board: &mut Assembly<'_, M>) -> Result<(), Wrong> {
        let device = Device::new(name, self.driver(name, &mut board.lines)?);
        if self.ask.is_some() {
            board.parts.tool(ReadSensor::new(device.clone(), &[name.to_owned()]));
        }
        if let Some((settings, safe)) = self.settable(&self.shows(name)?)? {
            let last = board.last(name).map(str::to_owned);
            let is = (self.boot.unwrap_or_default(), safe);
            board.parts.settable_over_a_line(device, is, settings, last.as_deref(), self.class());
        }
        Ok(())
    }

    fn look<M: Machine>(&self, _machine: &M) -> (Verdict, String) {
        let mut lines = Lines::default();
        if self.ask.is_some() {
            return match self.driver("value", &mut lines) {
                Ok(mut driver) => seen(driver.read()),
                Err((_, what)) => (Verdict::Wrong, what),
            };
        }
        match crate::line::open_port(&self.settings()) {
            Ok(_) => {
                (Verdict::Warn, format!("{} opens; without `ask` nothing can be asked", self.port.display()))
            }
            Err(what) => (Verdict::Wrong, what),
        }
    }
}

#[cfg(test)]
mod tests;
