//! `run_defrost`: starts the defrost heater, whose own timer ends it.

use everstep_core::{Class, Outcome};
use everstep_tool::{
    BoxFuture, Context, Device, Tool, ToolCall, ToolSpec, Trust, device::Timer, parse_arguments, schema_for,
};
use schemars::JsonSchema;
use serde::Deserialize;

/// Shortest defrost, in seconds.
pub const DEFROST_S_MIN: u32 = 60;
/// Longest defrost, in seconds: more would thaw the goods.
pub const DEFROST_S_MAX: u32 = 1_800;

/// Arguments of `run_defrost`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Args {
    /// How long the heater runs, in seconds.
    #[schemars(range(min = 60, max = 1_800))]
    seconds: u32,
}

/// Runs a defrost heater.
pub struct RunDefrost<T> {
    spec: ToolSpec,
    device: Device<T>,
}

impl<T: Timer + 'static> RunDefrost<T> {
    /// The tool of `device`.
    #[must_use]
    pub fn new(device: Device<T>) -> Self {
        let spec = ToolSpec {
            name: "run_defrost".into(),
            summary: "run the defrost heater".into(),
            arguments: schema_for::<Args>(),
            // A trigger: a second run heats again, and the heater can't tell that it has run.
            class: Class::Never,
            trust: Trust::Inside,
            device: Some(device.name().to_owned()),
            run_ms_max: 5_000,
        };
        Self { spec, device }
    }
}

impl<T: Timer + 'static> Tool for RunDefrost<T> {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn run<'a>(&'a self, call: &'a ToolCall, cx: &'a Context) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let Args { seconds } = match parse_arguments(call) {
                Ok(args) => args,
                Err(why) => return Outcome::NotStarted(why),
            };
            // The schema says so too; a heater is worth a second look.
            if !(DEFROST_S_MIN..=DEFROST_S_MAX).contains(&seconds) {
                return Outcome::NotStarted(format!(
                    "a defrost takes {DEFROST_S_MIN} to {DEFROST_S_MAX} seconds, got {seconds}"
                ));
            }
            let started = self.device.call(cx, move |heater| heater.start(seconds)).await;
            started.map_or_else(Outcome::from, |()| {
                Outcome::Done(format!("defrost started for {seconds} seconds"))
            })
        })
    }
}
