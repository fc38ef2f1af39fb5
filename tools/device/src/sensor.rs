//! `read_NAME`: everything a sensor shows, in one line.

use everstep_core::{Class, Outcome};
use everstep_tool::{
    BoxFuture, Context, Device, Tool, ToolCall, ToolSpec, Trust,
    device::{Reading, Sensor, Shown, spoken},
};
use serde_json::json;

use crate::actuators::State;

/// Reads the sensor called NAME.
pub struct ReadSensor<S> {
    spec: ToolSpec,
    device: Device<S>,
}

impl<S: Sensor + 'static> ReadSensor<S> {
    /// The tool of `device`, which shows these things.
    #[must_use]
    pub fn new(device: Device<S>, shows: &[String]) -> Self {
        let shows: Vec<_> = shows.iter().map(|name| spoken(name)).collect();
        let spec = ToolSpec {
            name: format!("read_{}", device.name()),
            summary: format!("read {}", shows.join(", ")),
            arguments: json!({"type": "object", "properties": {}, "additionalProperties": false}),
            class: Class::Observe,
            trust: Trust::Inside,
            device: Some(device.name().to_owned()),
            run_ms_max: 5_000,
        };
        Self { spec, device }
    }
}

impl<S: Sensor + 'static> Tool for ReadSensor<S> {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn run<'a>(&'a self, _call: &'a ToolCall, cx: &'a Context) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            match self.device.call(cx, Sensor::read).await {
                Ok(readings) => describe(&readings).map_or_else(Outcome::NotStarted, Outcome::Done),
                Err(error) => error.into(),
            }
        })
    }
}

/// The readings in words, or which sensor shows what it can't.
///
/// # Errors
///
/// A number outside of its range, in words the model can read.
pub fn describe(readings: &[Reading]) -> Result<String, String> {
    let words: Result<Vec<_>, _> = readings.iter().map(words).collect();
    words.map(|words| words.join(", "))
}

fn words(Reading { name, shown }: &Reading) -> Result<String, String> {
    let name = spoken(name);
    Ok(match shown {
        Shown::Level { value, digits, unit, range } => {
            let number = rounded(*value, *digits);
            // A value that is no number is in no range.
            if !range.contains(value) {
                let (min, max) = (range.start(), range.end());
                let all =
                    format!("the {name} sensor shows {number} {unit}, outside of {min} to {max} {unit}");
                return Err(all.replace(" ,", ",").trim_end().to_owned());
            }
            format!("{name} {number} {unit}").trim_end().to_owned()
        }
        Shown::SetTo { value, unit } => {
            format!("{name} {}", State::SetTo { value: *value, unit: unit.clone() })
        }
        Shown::State(state) => format!("{name} {state}"),
        Shown::LeftS(0) => format!("{name} off"),
        Shown::LeftS(left_s) => format!("{name} {left_s} s left"),
    })
}

/// Rounded to some digits, without the sign of a zero.
pub(crate) fn rounded(value: f64, digits: u8) -> String {
    let text = format!("{value:.digits$}", digits = usize::from(digits));
    match text.strip_prefix('-') {
        Some(zero) if zero.bytes().all(|byte| byte == b'0' || byte == b'.') => zero.to_owned(),
        _ => text,
    }
}

#[cfg(test)]
mod tests;
