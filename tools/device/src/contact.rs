//! A contact with words for its two states: `read_NAME` says which it is in, `wait_NAME` waits until it
//! gets there.

use std::time::Duration;

use everstep_core::{Class, Outcome};
use everstep_tool::{
    BoxFuture, Cancel, Context, Device, DeviceError, Tool, ToolCall, ToolSpec, Trust,
    device::{Contact, Reading, Sensor, Shown, Watched, spoken},
    parse_arguments,
};
use serde::Deserialize;
use serde_json::json;

/// Milliseconds for which a wait keeps the contact before it looks whether it is cancelled and lets
/// others read it.
const SLICE_MS: u64 = 50;
/// Milliseconds that a wait takes beyond its seconds, before it counts as timed out.
const SPARE_MS: u32 = 10_000;
/// Longest wait a contact may be given, in seconds: with the spare time it stays within what a tool may
/// take.
pub const WAIT_S_LIMIT: u32 = 580;

/// A contact and its words.
#[derive(Debug)]
pub struct NamedContact<C> {
    contact: C,
    name: String,
    states: [String; 2],
}

impl<C> NamedContact<C> {
    /// Takes the contact. `states` are its words for inactive and active.
    #[must_use]
    pub fn new(contact: C, name: &str, states: &[String; 2]) -> Self {
        Self { contact, name: name.to_owned(), states: states.clone() }
    }
}

impl<C: Contact> Sensor for NamedContact<C> {
    fn read(&mut self) -> Result<Vec<Reading>, DeviceError> {
        let [inactive, active] = &self.states;
        let state = if self.contact.is_active()? { active } else { inactive };
        Ok(vec![Reading { name: self.name.clone(), shown: Shown::State(state.clone()) }])
    }
}

/// Arguments of `wait_NAME`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Args {
    state: String,
    seconds: u32,
}

/// Waits until the contact called NAME is in a state.
pub struct WaitContact<C> {
    spec: ToolSpec,
    device: Device<NamedContact<C>>,
    states: [String; 2],
    seconds_max: u32,
}

impl<C: Contact + 'static> WaitContact<C> {
    /// The tool of `device`, which may wait for 1 to `seconds_max` seconds. `states` are its words for
    /// inactive and active.
    #[must_use]
    pub fn new(device: Device<NamedContact<C>>, states: &[String; 2], seconds_max: u32) -> Self {
        let name = device.name();
        let spec = ToolSpec {
            name: format!("wait_{name}"),
            summary: format!("wait until the {} is {}", spoken(name), states.join(" or ")),
            arguments: json!({
                "type": "object",
                "properties": {
                    "state": {"type": "string", "enum": states},
                    "seconds": {"type": "integer", "minimum": 1, "maximum": seconds_max},
                },
                "required": ["state", "seconds"],
                "additionalProperties": false,
            }),
            // It only looks; a second try waits anew.
            class: Class::Observe,
            trust: Trust::Inside,
            device: Some(name.to_owned()),
            run_ms_max: seconds_max.saturating_mul(1_000).saturating_add(SPARE_MS),
        };
        Self { spec, device, states: states.clone(), seconds_max }
    }

    /// Whether the call waits for the active state, and for how long.
    fn read(&self, call: &ToolCall) -> Result<(bool, Duration), String> {
        let Args { state, seconds } = parse_arguments(call)?;
        let [inactive, active] = &self.states;
        if !self.states.contains(&state) {
            return Err(format!("state must be {inactive} or {active}, got {state}"));
        }
        let max = self.seconds_max;
        if !(1..=max).contains(&seconds) {
            return Err(format!("seconds must be 1 to {max}, got {seconds}"));
        }
        Ok((state == *active, Duration::from_secs(seconds.into())))
    }

    /// Keeps the contact for a slice of time: whether it is, or was meanwhile, as wanted; and how long
    /// that took.
    async fn slice(&self, wanted: bool, left: Duration) -> Result<(bool, Duration), DeviceError> {
        let slice = left.min(Duration::from_millis(SLICE_MS));
        let busy_max = Duration::from_millis(u64::from(SPARE_MS) / 2);
        self.device
            .use_for(busy_max, move |named| {
                let Watched { became, passed } = named.contact.next_change(slice)?;
                Ok((became == Some(wanted) || named.contact.is_active()? == wanted, passed))
            })
            .await
    }

    async fn wait(&self, wanted: bool, max: Duration, cancel: &Cancel) -> Result<String, DeviceError> {
        let (name, [inactive, active]) = (spoken(self.device.name()), &self.states);
        let word = |state: bool| if state { active } else { inactive };
        let begin = |named: &mut NamedContact<C>| {
            named.contact.forget_changes()?;
            named.contact.is_active()
        };
        let busy_max = Duration::from_millis(u64::from(SPARE_MS) / 2);
        if self.device.use_for(busy_max, begin).await? == wanted {
            return Ok(format!("{name} is {} already", word(wanted)));
        }
        let mut passed = Duration::ZERO;
        while passed < max {
            if cancel.is_asked() {
                return Err(DeviceError::NotSent(format!("the wait for {name} was cancelled")));
            }
            let (reached, took) = self.slice(wanted, max.saturating_sub(passed)).await?;
            passed += took;
            if reached {
                return Ok(format!("{name} became {} after {} s", word(wanted), passed.as_secs()));
            }
        }
        Ok(format!("{name} is still {} after {} s", word(!wanted), max.as_secs()))
    }
}

impl<C: Contact + 'static> Tool for WaitContact<C> {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn run<'a>(&'a self, call: &'a ToolCall, cx: &'a Context) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let (wanted, max) = match self.read(call) {
                Ok(read) => read,
                Err(why) => return Outcome::NotStarted(why),
            };
            self.wait(wanted, max, &cx.cancel).await.map_or_else(Outcome::from, Outcome::Done)
        })
    }
}

#[cfg(test)]
mod tests;
