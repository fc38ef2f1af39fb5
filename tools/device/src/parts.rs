//! What a board's devices come to: tools for its agents, and actuators for its boots and ends.

use std::sync::Arc;

use everstep_core::Class;
use everstep_tool::{Device, Tool};

use crate::{
    actuators::{Actuate, Actuators, BootPolicy, State},
    set::{SetTool, Settings},
};

/// What a board brings beyond the built-in tools.
#[derive(Default)]
pub struct BoardParts {
    /// The devices' tools.
    pub tools: Vec<Arc<dyn Tool>>,
    /// The devices that have a boot policy and a safe state.
    pub actuators: Actuators,
}

impl BoardParts {
    /// Adds a tool.
    pub fn tool(&mut self, tool: impl Tool + 'static) {
        self.tools.push(Arc::new(tool));
    }

    /// Adds an actuator with its tool `set_NAME`. `last` is what that tool was last called with, as
    /// JSON, for `boot = "restore"`; what can't be set any more counts as not known.
    pub fn settable<D: Actuate + 'static>(
        &mut self,
        device: Device<D>,
        is: (BootPolicy, State),
        settings: Settings,
        last: Option<&str>,
    ) {
        self.settable_over_a_line(device, is, settings, last, Class::Safe);
    }

    /// The same over a line on which a lost command may act late; see [`SetTool::over_a_line`].
    pub fn settable_over_a_line<D: Actuate + 'static>(
        &mut self,
        device: Device<D>,
        (boot, safe): (BootPolicy, State),
        settings: Settings,
        last: Option<&str>,
        class: Class,
    ) {
        let last = last.and_then(|arguments| {
            let arguments = serde_json::from_str(arguments).ok()?;
            settings.state_of(&arguments).ok()
        });
        self.actuators.add(&device, boot, safe, last);
        self.tool(SetTool::new(device, settings).over_a_line(class));
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, sync::Mutex};

    use everstep_tool::DeviceError;

    use super::*;

    /// Shares what it is set to.
    #[derive(Clone, Default)]
    struct Fake(Arc<Mutex<Option<State>>>);

    impl Actuate for Fake {
        fn state(&mut self) -> Result<Option<State>, DeviceError> {
            Ok(self.0.lock().unwrap().clone())
        }

        fn set(&mut self, state: State) -> Result<(), DeviceError> {
            *self.0.lock().unwrap() = Some(state);
            Ok(())
        }
    }

    #[tokio::test]
    async fn boot_restores_what_the_tool_was_last_called_with() {
        let states = || Settings::States(vec!["closed".into(), "open".into()]);
        let number = || Settings::Number { unit: "C".into(), min: 5.0, max: 28.0 };
        let named = |name: &str| State::Named(name.into());
        let cases = [
            ("lamp", Settings::Relay, State::Off, Some(r#"{"on":true}"#), State::On),
            ("fan", Settings::Percent, State::Percent(0), Some(r#"{"percent":40}"#), State::Percent(40)),
            ("valve", states(), named("closed"), Some(r#"{"state":"open"}"#), named("open")),
            (
                "heating",
                number(),
                State::SetTo { value: 16.0, unit: "C".into() },
                Some(r#"{"value":21.5}"#),
                State::SetTo { value: 21.5, unit: "C".into() },
            ),
            // Never commanded, no longer allowed, and not what the tool takes: the safe state.
            ("horn", Settings::Relay, State::Off, None, State::Off),
            ("blind", Settings::Percent, State::Percent(7), Some(r#"{"percent":101}"#), State::Percent(7)),
            ("door", states(), named("closed"), Some(r#"{"state":"ajar"}"#), named("closed")),
            ("gate", states(), named("closed"), Some("open"), named("closed")),
        ];
        let (mut parts, mut fakes) = (BoardParts::default(), BTreeMap::new());
        for (name, settings, safe, last, expected) in cases {
            let fake = Fake::default();
            parts.settable(Device::new(name, fake.clone()), (BootPolicy::Restore, safe), settings, last);
            fakes.insert(name, (fake, expected));
        }
        assert_eq!(parts.actuators.boot().await.len(), fakes.len(), "each is set");
        for (name, (fake, expected)) in fakes {
            assert_eq!(fake.0.lock().unwrap().as_ref(), Some(&expected), "{name}");
        }
        assert_eq!(parts.tools.first().unwrap().spec().name, "set_lamp");
    }
}
