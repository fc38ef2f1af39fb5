use everstep_core::CallId;
use everstep_tool::{Cancel, DeviceError};

use super::*;

/// Remembers what it was set to.
#[derive(Default)]
struct Fake(Vec<State>);

impl Actuate for Fake {
    fn state(&mut self) -> Result<Option<State>, DeviceError> {
        Ok(self.0.last().cloned())
    }

    fn set(&mut self, state: State) -> Result<(), DeviceError> {
        self.0.push(state);
        Ok(())
    }
}

fn tool(name: &str, settings: Settings) -> SetTool<Fake> {
    SetTool::new(Device::new(name, Fake::default()), settings)
}

fn valve() -> SetTool<Fake> {
    tool("outlet_valve", Settings::States(vec!["closed".into(), "open".into()]))
}

fn heating() -> SetTool<Fake> {
    tool("heating", Settings::Number { unit: "C".into(), min: 5.0, max: 28.0 })
}

async fn call(tool: &SetTool<Fake>, arguments: Value) -> Outcome {
    let call = ToolCall { id: CallId(1), arguments, baseline: None, idempotency_key: None };
    let deadline = std::time::Duration::from_mins(1);
    tool.run(&call, &Context { attempt: 1, deadline, cancel: Cancel::default() }).await
}

async fn sets(tool: &SetTool<Fake>) -> Vec<State> {
    let all = |fake: &mut Fake| Ok(fake.0.clone());
    tool.device.use_for(std::time::Duration::from_mins(1), all).await.unwrap()
}

#[tokio::test]
async fn each_kind_says_its_words_and_sets_its_state() {
    for (tool, summary, arguments, said, state) in [
        (
            tool("pump_north", Settings::Relay),
            "switch the pump north on or off",
            json!({"on": true}),
            "pump north is on",
            State::On,
        ),
        (
            tool("fan", Settings::Percent),
            "set the fan speed",
            json!({"percent": 30}),
            "fan is at 30 percent",
            State::Percent(30),
        ),
        (
            valve(),
            "set the outlet valve to closed or open",
            json!({"state": "open"}),
            "outlet valve is open",
            State::Named("open".into()),
        ),
        (
            heating(),
            "set the heating, 5 to 28 C",
            json!({"value": 21.5}),
            "heating is set to 21.5 C",
            State::SetTo { value: 21.5, unit: "C".into() },
        ),
        (
            heating(),
            "set the heating, 5 to 28 C",
            json!({"value": 18}),
            "heating is set to 18 C",
            State::SetTo { value: 18.0, unit: "C".into() },
        ),
    ] {
        assert_eq!((tool.spec().summary.as_str(), tool.spec().class), (summary, Class::Safe));
        assert_eq!(call(&tool, arguments).await, Outcome::Done(said.into()));
        assert_eq!(sets(&tool).await, [state]);
    }
}

#[tokio::test]
async fn what_the_actuator_can_not_be_does_not_start() {
    for (tool, arguments, named) in [
        (tool("pump", Settings::Relay), json!({"on": "yes"}), "on"),
        (tool("pump", Settings::Relay), json!({}), "on"),
        (tool("fan", Settings::Percent), json!({"percent": 101}), "0 to 100"),
        (tool("fan", Settings::Percent), json!({"percent": -1}), "-1"),
        (valve(), json!({"state": "ajar"}), "closed or open"),
        (valve(), json!({"state": "open", "now": true}), "now"),
        (heating(), json!({"value": 28.5}), "5 to 28"),
        (heating(), json!({"value": 4.9}), "5 to 28"),
        (heating(), json!({"value": "warm"}), "warm"),
    ] {
        let outcome = call(&tool, arguments.clone()).await;
        assert!(
            matches!(&outcome, Outcome::NotStarted(why) if why.contains(named)),
            "{arguments}: {outcome:?}"
        );
        assert!(sets(&tool).await.is_empty(), "{arguments}");
    }
}

#[test]
fn schemas_name_the_states_and_the_bounds() {
    let (heating, valve) = (heating(), valve());
    let bounds = &heating.spec().arguments["properties"]["value"];
    assert_eq!(*bounds, json!({"type": "number", "minimum": 5, "maximum": 28}));
    let states = &valve.spec().arguments["properties"]["state"];
    assert_eq!(*states, json!({"type": "string", "enum": ["closed", "open"]}));
}

#[tokio::test]
async fn lost_set_over_a_line_is_settled_by_what_the_actuator_shows() {
    let tool = heating().over_a_line(Class::ReadBack { settle_ms: 900 });
    assert_eq!(tool.spec().class, Class::ReadBack { settle_ms: 900 });
    let arguments = json!({"value": 21.5});
    let refused = tool.baseline(&arguments).await.unwrap_err();
    assert_eq!(refused, "heating can't tell what it is set to");

    assert!(matches!(call(&tool, json!({"value": 18})).await, Outcome::Done(_)));
    let baseline = tool.baseline(&arguments).await.unwrap();
    assert_eq!(baseline.as_deref(), Some("18 C"));
    let lost = ToolCall { id: CallId(2), arguments: arguments.clone(), baseline, idempotency_key: None };
    assert_eq!(tool.probe(&lost).await, Settlement::NotDone);
    call(&tool, arguments).await;
    assert_eq!(tool.probe(&lost).await, Settlement::Done("heating is set to 21.5 C".into()));
    let blind = ToolCall { baseline: None, ..lost };
    assert!(matches!(tool.probe(&blind).await, Settlement::CantTell(_)));
}

#[tokio::test]
async fn set_that_is_safe_or_unreadable_asks_for_no_baseline_and_settles_nothing() {
    for tool in [heating(), heating().over_a_line(Class::Never)] {
        let arguments = json!({"value": 18});
        assert_eq!(tool.baseline(&arguments).await, Ok(None));
        let lost = ToolCall { id: CallId(1), arguments, baseline: None, idempotency_key: None };
        let found = tool.probe(&lost).await;
        assert_eq!(found, Settlement::CantTell("heating can't be read back".into()));
    }
}
