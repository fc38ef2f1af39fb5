//! A fan with a speed: set by a tool, and by the boot policy.

use embedded_hal::pwm::SetDutyCycle;
use everstep_core::{Class, Outcome};
use everstep_tool::{
    BoxFuture, Context, Device, DeviceError, Tool, ToolCall, ToolSpec, Trust, parse_arguments, schema_for,
};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::actuators::{Actuate, State};

/// A fan behind a duty cycle. It remembers what it was set to in this process.
#[derive(Clone, Copy, Debug)]
pub struct Fan<F> {
    duty: F,
    percent: Option<u8>,
}

impl<F> Fan<F> {
    /// Takes the output; what it was set to before is not known.
    pub const fn new(duty: F) -> Self {
        Self { duty, percent: None }
    }
}

impl<F: SetDutyCycle<Error: Into<DeviceError>>> Fan<F> {
    fn turn(&mut self, percent: u8) -> Result<(), DeviceError> {
        if percent > 100 {
            return Err(DeviceError::NotSent(format!("a fan can't be set to {percent} percent")));
        }
        self.percent = None;
        self.duty.set_duty_cycle_percent(percent).map_err(Into::into)?;
        self.percent = Some(percent);
        Ok(())
    }
}

impl<F: SetDutyCycle<Error: Into<DeviceError>> + Send> Actuate for Fan<F> {
    fn state(&mut self) -> Result<Option<State>, DeviceError> {
        Ok(self.percent.map(State::Percent))
    }

    fn set(&mut self, state: State) -> Result<(), DeviceError> {
        self.turn(match state {
            State::Off => 0,
            State::On => 100,
            State::Percent(percent) => percent,
        })
    }
}

/// Arguments of `set_FAN`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Args {
    /// Speed in percent; 0 stops it.
    #[schemars(range(min = 0, max = 100))]
    percent: u8,
}

/// `set_NAME`: sets the speed of the fan called NAME.
pub struct SetFan<F> {
    spec: ToolSpec,
    device: Device<Fan<F>>,
}

impl<F: SetDutyCycle<Error: Into<DeviceError>> + Send + 'static> SetFan<F> {
    /// The tool of `device`.
    #[must_use]
    pub fn new(device: Device<Fan<F>>) -> Self {
        let name = device.name();
        let spec = ToolSpec {
            name: format!("set_{name}"),
            summary: format!("set the {name} speed"),
            arguments: schema_for::<Args>(),
            // It sets an absolute speed, so a second run changes nothing.
            class: Class::Safe,
            trust: Trust::Inside,
            device: Some(name.to_owned()),
            run_ms_max: 5_000,
        };
        Self { spec, device }
    }
}

impl<F: SetDutyCycle<Error: Into<DeviceError>> + Send + 'static> Tool for SetFan<F> {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn run<'a>(&'a self, call: &'a ToolCall, cx: &'a Context) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let Args { percent } = match parse_arguments(call) {
                Ok(args) => args,
                Err(why) => return Outcome::NotStarted(why),
            };
            let set = self.device.call(cx, move |fan| fan.turn(percent)).await;
            set.map_or_else(Outcome::from, |()| {
                Outcome::Done(format!("{} is at {percent} percent", self.device.name()))
            })
        })
    }
}
