//! `set_NAME`: brings an actuator to an absolute state, so that a second run changes nothing. Over a line
//! on which a command may act late, a lost one is read back before it runs again.

use std::time::Duration;

use everstep_core::{Class, Outcome, Settlement};
use everstep_tool::{
    BoxFuture, Context, Device, Tool, ToolCall, ToolSpec, Trust, device::spoken, read_arguments, schema_for,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::actuators::{Actuate, State};

/// What a tool can set its actuator to.
#[derive(Clone, Debug, PartialEq)]
pub enum Settings {
    /// On or off.
    Relay,
    /// 0 to 100 percent.
    Percent,
    /// One of these states.
    States(Vec<String>),
    /// A number within bounds.
    Number {
        /// Printed after the number; may be empty.
        unit: String,
        /// Lowest.
        min: f64,
        /// Highest.
        max: f64,
    },
}

/// Arguments for a relay.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RelayArgs {
    /// True switches it on, false off.
    on: bool,
}

/// Arguments for something at some percent.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PercentArgs {
    /// Speed in percent; 0 stops it.
    #[schemars(range(min = 0, max = 100))]
    percent: u8,
}

/// Arguments for named states.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StateArgs {
    state: String,
}

/// Arguments for a number.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NumberArgs {
    value: f64,
}

impl Settings {
    fn summary(&self, name: &str) -> String {
        match self {
            Self::Relay => format!("switch the {name} on or off"),
            Self::Percent => format!("set the {name} speed"),
            Self::States(states) => format!("set the {name} to {}", states.join(" or ")),
            Self::Number { unit, min, max } => {
                format!("set the {name}, {min} to {max} {unit}").trim_end().to_owned()
            }
        }
    }

    fn arguments(&self) -> Value {
        match self {
            Self::Relay => schema_for::<RelayArgs>(),
            Self::Percent => schema_for::<PercentArgs>(),
            Self::States(states) => one_argument("state", &json!({"type": "string", "enum": states})),
            Self::Number { min, max, .. } => one_argument(
                "value",
                &json!({"type": "number", "minimum": plain(*min), "maximum": plain(*max)}),
            ),
        }
    }

    /// The state that a call with these arguments asks for. The schema was checked before; what moves is
    /// worth a second look.
    ///
    /// # Errors
    ///
    /// What is wrong with the arguments, in words the model can act on.
    pub fn state_of(&self, arguments: &Value) -> Result<State, String> {
        match self {
            Self::Relay => {
                let RelayArgs { on } = read_arguments(arguments)?;
                Ok(if on { State::On } else { State::Off })
            }
            Self::Percent => {
                let PercentArgs { percent } = read_arguments(arguments)?;
                if percent > 100 {
                    return Err(format!("percent must be 0 to 100, got {percent}"));
                }
                Ok(State::Percent(percent))
            }
            Self::States(states) => {
                let StateArgs { state } = read_arguments(arguments)?;
                if !states.contains(&state) {
                    return Err(format!("state must be {}, got {state}", states.join(" or ")));
                }
                Ok(State::Named(state))
            }
            Self::Number { unit, min, max } => {
                let NumberArgs { value } = read_arguments(arguments)?;
                if !(*min..=*max).contains(&value) {
                    return Err(format!("value must be {min} to {max}, got {value}"));
                }
                Ok(State::SetTo { value, unit: unit.clone() })
            }
        }
    }
}

/// Whole numbers without a fraction, as people write them.
#[expect(clippy::cast_possible_truncation, reason = "checked to be whole and small")]
fn plain(number: f64) -> Value {
    const WHOLE_MAX: f64 = 1e9;
    if number.fract() == 0.0 && number.abs() <= WHOLE_MAX { json!(number as i64) } else { json!(number) }
}

fn one_argument(name: &str, schema: &Value) -> Value {
    json!({
        "type": "object",
        "properties": {name: schema},
        "required": [name],
        "additionalProperties": false,
    })
}

/// How long a try, or a look at what it is set to, may take.
const RUN_MS_MAX: u32 = 5_000;
/// How long a look waits for the device.
const LOOK_MAX: Duration = Duration::from_millis(RUN_MS_MAX as u64 / 2);

/// `set_NAME`: sets the actuator called NAME.
pub struct SetTool<D> {
    spec: ToolSpec,
    device: Device<D>,
    settings: Settings,
}

impl<D: Actuate + 'static> SetTool<D> {
    /// The tool of `device`.
    #[must_use]
    pub fn new(device: Device<D>, settings: Settings) -> Self {
        let name = device.name();
        let spec = ToolSpec {
            name: format!("set_{name}"),
            summary: settings.summary(&spoken(name)),
            arguments: settings.arguments(),
            // It sets a state rather than toggling or adding, so a second run changes nothing.
            class: Class::Safe,
            trust: Trust::Inside,
            device: Some(name.to_owned()),
            run_ms_max: RUN_MS_MAX,
        };
        Self { spec, device, settings }
    }

    /// The same where a lost command may still act when the next one has been given, as over a network:
    /// `ReadBack` where the actuator can be asked `settle_ms` later, `Never` where it can't.
    #[must_use]
    pub fn over_a_line(mut self, class: Class) -> Self {
        self.spec.class = class;
        self
    }

    fn is_read_back(&self) -> bool {
        matches!(self.spec.class, Class::ReadBack { .. })
    }

    fn done(&self, state: &State) -> String {
        let is = match state {
            State::On | State::Off | State::Named(_) => "is",
            State::Percent(_) => "is at",
            State::SetTo { .. } => "is set to",
        };
        format!("{} {is} {state}", spoken(self.device.name()))
    }
}

impl<D: Actuate + 'static> Tool for SetTool<D> {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn run<'a>(&'a self, call: &'a ToolCall, cx: &'a Context) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let state = match self.settings.state_of(&call.arguments) {
                Ok(state) => state,
                Err(why) => return Outcome::NotStarted(why),
            };
            let done = self.done(&state);
            let set = self.device.call(cx, move |actuator| actuator.set(state)).await;
            set.map_or_else(Outcome::from, |()| Outcome::Done(done))
        })
    }

    fn baseline<'a>(&'a self, _arguments: &'a Value) -> BoxFuture<'a, Result<Option<String>, String>> {
        Box::pin(async move {
            if !self.is_read_back() {
                return Ok(None);
            }
            // What can't be read now could not be read back later.
            match self.device.use_for(LOOK_MAX, Actuate::state).await {
                Ok(Some(state)) => Ok(Some(state.to_string())),
                Ok(None) => Err(format!("{} can't tell what it is set to", spoken(self.device.name()))),
                Err(error) => Err(error.to_string()),
            }
        })
    }

    fn probe<'a>(&'a self, call: &'a ToolCall) -> BoxFuture<'a, Settlement> {
        Box::pin(async move {
            let name = spoken(self.device.name());
            // A baseline shows that it could be read before the call.
            if !self.is_read_back() || call.baseline.is_none() {
                return Settlement::CantTell(format!("{name} can't be read back"));
            }
            let state = match self.settings.state_of(&call.arguments) {
                Ok(state) => state,
                Err(why) => return Settlement::CantTell(why),
            };
            let done = self.done(&state);
            match self.device.use_for(LOOK_MAX, move |actuator| actuator.is_in(&state)).await {
                Ok(true) => Settlement::Done(done),
                Ok(false) => Settlement::NotDone,
                Err(error) => Settlement::CantTell(error.to_string()),
            }
        })
    }
}

#[cfg(test)]
mod tests;
