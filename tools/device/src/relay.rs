//! A relay: switched by a tool, and by the boot policy.

use embedded_hal::digital::{OutputPin, PinState, StatefulOutputPin};
use everstep_core::{Class, Outcome};
use everstep_tool::{
    BoxFuture, Context, Device, DeviceError, Tool, ToolCall, ToolSpec, Trust, parse_arguments, schema_for,
};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::actuators::{Actuate, State};

/// A relay behind an output pin; high closes it.
#[derive(Clone, Copy, Debug)]
pub struct Relay<P> {
    pin: P,
}

impl<P> Relay<P> {
    /// Takes the pin.
    pub const fn new(pin: P) -> Self {
        Self { pin }
    }
}

impl<P: OutputPin<Error: Into<DeviceError>>> Relay<P> {
    fn switch(&mut self, on: bool) -> Result<(), DeviceError> {
        self.pin.set_state(PinState::from(on)).map_err(Into::into)
    }
}

impl<P: StatefulOutputPin<Error: Into<DeviceError>> + Send> Actuate for Relay<P> {
    fn state(&mut self) -> Result<Option<State>, DeviceError> {
        let on = self.pin.is_set_high().map_err(Into::into)?;
        Ok(Some(if on { State::On } else { State::Off }))
    }

    fn set(&mut self, state: State) -> Result<(), DeviceError> {
        match state {
            State::On => self.switch(true),
            State::Off | State::Percent(0) => self.switch(false),
            State::Percent(_) => Err(DeviceError::NotSent(format!("a relay can't be set to {state}"))),
        }
    }
}

/// Arguments of `set_RELAY`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Args {
    /// True switches it on, false off.
    on: bool,
}

/// `set_NAME`: switches the relay called NAME.
pub struct SetRelay<P> {
    spec: ToolSpec,
    device: Device<Relay<P>>,
}

impl<P: OutputPin<Error: Into<DeviceError>> + Send + 'static> SetRelay<P> {
    /// The tool of `device`.
    #[must_use]
    pub fn new(device: Device<Relay<P>>) -> Self {
        let name = device.name();
        let spec = ToolSpec {
            name: format!("set_{name}"),
            summary: format!("switch the {name} on or off"),
            arguments: schema_for::<Args>(),
            // It sets a position rather than toggling, so a second run changes nothing.
            class: Class::Safe,
            trust: Trust::Inside,
            device: Some(name.to_owned()),
            run_ms_max: 5_000,
        };
        Self { spec, device }
    }
}

impl<P: OutputPin<Error: Into<DeviceError>> + Send + 'static> Tool for SetRelay<P> {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn run<'a>(&'a self, call: &'a ToolCall, cx: &'a Context) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let Args { on } = match parse_arguments(call) {
                Ok(args) => args,
                Err(why) => return Outcome::NotStarted(why),
            };
            let switched = self.device.call(cx, move |relay| relay.switch(on)).await;
            switched.map_or_else(Outcome::from, |()| {
                Outcome::Done(format!("{} is {}", self.device.name(), if on { "on" } else { "off" }))
            })
        })
    }
}
