//! `run_NAME`: starts a device whose own timer ends it.

use everstep_core::{Class, Outcome};
use everstep_tool::{
    BoxFuture, Context, Device, Tool, ToolCall, ToolSpec, Trust,
    device::{Timer, spoken},
    parse_arguments,
};
use serde::Deserialize;
use serde_json::json;

/// Arguments of `run_NAME`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Args {
    seconds: u32,
}

/// Runs the timed device called NAME.
pub struct RunTimer<T> {
    spec: ToolSpec,
    device: Device<T>,
    seconds_max: u32,
}

impl<T: Timer + 'static> RunTimer<T> {
    /// The tool of `device`, which may run for 1 to `seconds_max` seconds.
    #[must_use]
    pub fn new(device: Device<T>, seconds_max: u32) -> Self {
        let name = device.name();
        let seconds = json!({"type": "integer", "minimum": 1, "maximum": seconds_max});
        let spec = ToolSpec {
            name: format!("run_{name}"),
            summary: format!("run the {} for some seconds", spoken(name)),
            arguments: json!({
                "type": "object",
                "properties": {"seconds": seconds},
                "required": ["seconds"],
                "additionalProperties": false,
            }),
            // A trigger: a second run adds to the first, and the device can't tell that it has run.
            class: Class::Never,
            trust: Trust::Inside,
            device: Some(name.to_owned()),
            run_ms_max: 5_000,
        };
        Self { spec, device, seconds_max }
    }
}

impl<T: Timer + 'static> Tool for RunTimer<T> {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn run<'a>(&'a self, call: &'a ToolCall, cx: &'a Context) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let Args { seconds } = match parse_arguments(call) {
                Ok(args) => args,
                Err(why) => return Outcome::NotStarted(why),
            };
            let (name, max) = (spoken(self.device.name()), self.seconds_max);
            // The schema says so too; what can't be taken back is worth a second look.
            if !(1..=max).contains(&seconds) {
                return Outcome::NotStarted(format!("{name} runs for 1 to {max} seconds, got {seconds}"));
            }
            let started = self.device.call(cx, move |timer| timer.start(seconds)).await;
            started
                .map_or_else(Outcome::from, |()| Outcome::Done(format!("{name} runs for {seconds} seconds")))
        })
    }
}

#[cfg(test)]
mod tests;
