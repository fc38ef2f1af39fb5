use std::{collections::BTreeMap, sync::Arc};

use everstep_core::{CallId, Class, Outcome, Settlement};
use everstep_tool::{Cancel, Context, Tool, ToolCall};
use everstep_tools_device::BoardParts;
use serde_json::{Value, json};

use super::{fake::FakeGpio, *};
use crate::device::{
    DeviceSection,
    assemble::assemble_on,
    fake::FakeMachine,
    look::{Finding, look_on},
};

const CHIP: &str = "/dev/gpiochip0";

fn sections(text: &str) -> BTreeMap<String, DeviceSection> {
    toml::from_str(text).unwrap()
}

fn machine() -> FakeMachine {
    FakeMachine::with_gpio(FakeGpio::with_chip(CHIP, 28))
}

fn parts(machine: &FakeMachine, text: &str) -> BoardParts {
    restored(machine, text, &[])
}

/// The devices of `text`, last commanded like this.
fn restored(machine: &FakeMachine, text: &str, last: &[(&str, &str)]) -> BoardParts {
    let last = last.iter().map(|(name, call)| ((*name).to_owned(), (*call).to_owned())).collect();
    assemble_on(machine.clone(), &sections(text), &last).unwrap()
}

fn tool(parts: &BoardParts, name: &str) -> Arc<dyn Tool> {
    parts.tools.iter().find(|tool| tool.spec().name == name).cloned().unwrap()
}

async fn run(tool: &Arc<dyn Tool>, arguments: Value) -> (Outcome, ToolCall) {
    let baseline = tool.baseline(&arguments).await.unwrap();
    let call = ToolCall { id: CallId(1), arguments, baseline, idempotency_key: None };
    let cx = Context { attempt: 1, deadline: Duration::from_mins(1), cancel: Cancel::default() };
    (tool.run(&call, &cx).await, call)
}

async fn outcome(parts: &BoardParts, name: &str, arguments: Value) -> Outcome {
    run(&tool(parts, name), arguments).await.0
}

fn done(text: &str) -> Outcome {
    Outcome::Done(text.into())
}

fn history(machine: &FakeMachine, line: usize) -> String {
    machine.gpio.pin(CHIP, line, |pin| pin.history.join(", "))
}

fn output(keys: &str) -> String {
    format!("[pump]\nkind = \"gpio_output\"\nchip = \"{CHIP}\"\nline = 17\n{keys}")
}

fn input(keys: &str) -> String {
    format!(
        "[door]\nkind = \"gpio_input\"\nchip = \"{CHIP}\"\nline = 4\nstates = [\"closed\", \"open\"]\n{keys}"
    )
}

#[tokio::test]
async fn output_is_switched_by_its_active_level() {
    for (active, on, off) in [("high", "high", "low"), ("low", "low", "high")] {
        let machine = machine();
        let parts = parts(&machine, &output(&format!("active = \"{active}\"")));
        assert_eq!(tool(&parts, "set_pump").spec().class, Class::Safe);
        assert_eq!(history(&machine, 17), "", "nothing is asked before it is used");
        assert_eq!(outcome(&parts, "set_pump", json!({"on": true})).await, done("pump is on"));
        assert_eq!(outcome(&parts, "set_pump", json!({"on": false})).await, done("pump is off"));
        let story = history(&machine, 17);
        assert!(story.ends_with(&format!("}}, {on}, {off}")), "{story}");
    }
}

#[tokio::test]
async fn taking_a_line_never_changes_its_level() {
    for (high, active) in [(true, "high"), (true, "low"), (false, "high"), (false, "low")] {
        let machine = machine();
        machine.gpio.pin(CHIP, 17, |pin| (pin.high, pin.is_output) = (high, true));
        let on = high == (active == "high");
        // What it is already: taken, and not set.
        let safe = if on { "on" } else { "off" };
        let parts = parts(&machine, &output(&format!("active = \"{active}\"\nsafe = \"{safe}\"")));
        assert!(parts.actuators.boot().await.is_empty());
        assert_eq!(history(&machine, 17), format!("taken as AsIs, Output {{ on: {on} }}"));
        assert_eq!(machine.gpio.pin(CHIP, 17, |pin| (pin.high, pin.is_output)), (high, true));
    }
}

#[tokio::test]
async fn boot_policies_reach_the_line() {
    let told = async |keys: &str, high: bool, last: &[(&str, &str)]| {
        let machine = machine();
        machine.gpio.pin(CHIP, 17, |pin| (pin.high, pin.is_output) = (high, true));
        let parts = restored(&machine, &output(keys), last);
        (parts.actuators.boot().await.join(", "), machine.gpio.pin(CHIP, 17, |pin| pin.high))
    };
    assert_eq!(told("", true, &[]).await, ("pump set to off".into(), false));
    assert_eq!(told("boot = \"hold\"", true, &[]).await, (String::new(), true));
    let on = [("pump", "{\"on\":true}")];
    assert_eq!(told("boot = \"restore\"", false, &on).await, ("pump set to on".into(), true));
    assert_eq!(told("boot = \"restore\"", true, &[]).await, ("pump set to off".into(), false));
}

#[tokio::test]
async fn line_that_can_not_be_taken_was_not_commanded() {
    let refused = async |spoil: &dyn Fn(&FakeMachine)| {
        let machine = machine();
        spoil(&machine);
        let outcome = outcome(&parts(&machine, &output("")), "set_pump", json!({"on": true})).await;
        let Outcome::NotStarted(why) = outcome else { panic!("{outcome:?}") };
        assert!(machine.gpio.chips().values().all(|chip| chip.lines.iter().all(|pin| !pin.high)));
        why
    };
    let used = refused(&|machine| machine.gpio.pin(CHIP, 17, |pin| pin.user = Some("fan-ctl".into()))).await;
    let expected = "line 17 of /dev/gpiochip0 is used by `fan-ctl`: stop it or choose another line";
    assert_eq!(used, expected);
    let denied =
        refused(&|machine| machine.gpio.chips().values_mut().for_each(|chip| chip.denied = true)).await;
    assert!(denied.starts_with("/dev/gpiochip0: no permission: "), "{denied}");
    let missing = refused(&|machine| machine.gpio.chips().clear()).await;
    assert!(missing.starts_with("/dev/gpiochip0 is missing: "), "{missing}");
    let short =
        refused(&|machine| machine.gpio.chips().values_mut().for_each(|chip| chip.lines.truncate(8))).await;
    assert_eq!(short, "/dev/gpiochip0 has no line 17: it has 0 to 7");
}

#[tokio::test]
async fn chip_that_is_unplugged_leaves_an_unknown_outcome_and_is_taken_again() {
    let machine = machine();
    let parts = parts(&machine, &output(""));
    assert_eq!(outcome(&parts, "set_pump", json!({"on": true})).await, done("pump is on"));
    let unplug = |gone| machine.gpio.chips().values_mut().for_each(|chip| chip.unplugged = gone);
    unplug(true);
    let lost = outcome(&parts, "set_pump", json!({"on": false})).await;
    assert_eq!(lost, Outcome::MayHaveRun("/dev/gpiochip0 is gone: plug it in again".into()));
    let still = outcome(&parts, "set_pump", json!({"on": false})).await;
    assert!(matches!(still, Outcome::NotStarted(_)), "it was not even taken: {still:?}");
    unplug(false);
    machine.gpio.pin(CHIP, 17, |pin| pin.user = None);
    assert_eq!(outcome(&parts, "set_pump", json!({"on": false})).await, done("pump is off"));
}

#[tokio::test]
async fn line_that_fails_while_it_is_driven_leaves_an_unknown_outcome() {
    let machine = machine();
    machine.gpio.pin(CHIP, 17, |pin| pin.stuck = true);
    let parts = parts(&machine, &output(""));
    let lost = outcome(&parts, "set_pump", json!({"on": true})).await;
    assert_eq!(lost, Outcome::MayHaveRun("line 17 of /dev/gpiochip0: Input/output error".into()));
    let user = machine.gpio.pin(CHIP, 17, |pin| pin.user.clone());
    assert_eq!(user.as_deref(), Some(CONSUMER), "giving it back could change its level");
    machine.gpio.pin(CHIP, 17, |pin| pin.stuck = false);
    assert_eq!(outcome(&parts, "set_pump", json!({"on": true})).await, done("pump is on"));
}

#[tokio::test]
async fn input_is_read_and_waited_for_in_its_words() {
    let machine = machine();
    let parts = parts(&machine, &input("active = \"low\"\nbias = \"pull_up\"\ndebounce_us = 5000"));
    assert_eq!(outcome(&parts, "read_door", json!({})).await, done("door open"));
    let setup = "taken as Input { bias: PullUp, debounce_us: 5000 }";
    assert_eq!(history(&machine, 4), setup, "and it is never driven");
    let wait = json!({"state": "closed", "seconds": 30});
    machine.gpio.pin(CHIP, 4, |pin| pin.to_come = [true].into());
    assert_eq!(outcome(&parts, "wait_door", wait).await, done("door became closed after 0 s"));
    // It was open for a moment before anyone waited for that.
    machine.gpio.pin(CHIP, 4, |pin| pin.untold = [false, true].into());
    let wait = json!({"state": "open", "seconds": 2});
    assert_eq!(outcome(&parts, "wait_door", wait).await, done("door is still closed after 2 s"));
    for name in ["read_door", "wait_door"] {
        assert_eq!(tool(&parts, name).spec().class, Class::Observe);
    }
    assert_eq!(history(&machine, 4), setup, "one request serves both tools");
}

#[tokio::test]
async fn input_whose_chip_is_gone_is_an_error_that_can_be_read() {
    let machine = machine();
    let parts = parts(&machine, &input(""));
    assert_eq!(outcome(&parts, "read_door", json!({})).await, done("door closed"));
    machine.gpio.chips().values_mut().for_each(|chip| chip.unplugged = true);
    let gone = Outcome::NotStarted("/dev/gpiochip0 is gone: plug it in again".into());
    assert_eq!(outcome(&parts, "read_door", json!({})).await, gone);
    let wait = outcome(&parts, "wait_door", json!({"state": "open", "seconds": 9})).await;
    assert!(matches!(&wait, Outcome::NotStarted(why) if why.contains("is missing")), "{wait:?}");
}

const METER: &str = "[meter]\nkind = \"i2c_register\"\nbus = \"/dev/i2c-1\"\naddress = 0x30\nregister = 0\n\
                     bytes = 2\nmin = 0\nmax = 65535\ncounter = true\n";

fn feeder(keys: &str) -> String {
    format!(
        "{METER}[feeder]\nkind = \"gpio_pulse\"\nchip = \"{CHIP}\"\nline = 5\npulse_ms = 1\ngap_ms = 1\n\
         pulses_max = 9\n{keys}"
    )
}

#[tokio::test]
async fn pulses_that_a_register_counts_are_read_back_from_it() {
    let machine = machine().with_chip("/dev/i2c-1", 0x30, &[1, 0]);
    let parts = parts(&machine, &feeder("counter = \"meter\"\nsettle_ms = 500"));
    let pulse = tool(&parts, "pulse_feeder");
    // The longest train, and the time the counter takes.
    assert_eq!(pulse.spec().class, Class::ReadBack { settle_ms: 518 });
    let (outcome, call) = run(&pulse, json!({"pulses": 3})).await;
    assert_eq!(call.baseline.as_deref(), Some("256"));
    assert_eq!(outcome, Outcome::MayHaveRun("the meter's counter still shows 256".into()));
    let expected = "taken as AsIs, Output { on: false }, high, low, high, low, high, low";
    assert_eq!(history(&machine, 5), expected);
    assert_eq!(pulse.probe(&call).await, Settlement::NotDone);
    let machine = machine.with_chip("/dev/i2c-1", 0x30, &[1, 3]);
    assert_eq!(pulse.probe(&call).await, Settlement::Done("feeder got 3 pulses, counter 259".into()));
    machine.with_chip("/dev/i2c-1", 0x30, &[1, 2]);
    let torn = Settlement::CantTell("the meter's counter went from 256 to 258 for 3 pulses".into());
    assert_eq!(pulse.probe(&call).await, torn);
}

#[tokio::test]
async fn pulses_that_nothing_counts_never_run_again_and_the_line_rests_at_boot() {
    let machine = machine();
    // A cut in the middle of a pulse.
    machine.gpio.pin(CHIP, 5, |pin| (pin.high, pin.is_output) = (true, true));
    let parts = parts(&machine, &feeder(""));
    assert_eq!(parts.actuators.boot().await, ["feeder set to off"]);
    let pulse = tool(&parts, "pulse_feeder");
    assert_eq!(pulse.spec().class, Class::Never);
    assert_eq!(run(&pulse, json!({"pulses": 1})).await.0, done("feeder got 1 pulse"));
    assert!(history(&machine, 5).ends_with("low, high, low"), "{}", history(&machine, 5));
}

#[test]
fn devices_that_do_not_fit_each_other_are_refused() {
    let refused = |text: &str| {
        let machine = machine().with_chip("/dev/i2c-1", 0x30, &[1, 0]);
        assemble_on(machine, &sections(text), &BTreeMap::new()).err().unwrap().to_string()
    };
    let twice = format!("{}\n{}", output(""), output("").replace("[pump]", "[valve]"));
    let expected = "device.valve.line: line 17 of /dev/gpiochip0 is the device `pump`'s already";
    assert_eq!(refused(&twice), expected);
    let expected = "device.feeder.counter: there is no device `meter` with `counter = true`";
    assert_eq!(refused(&feeder("counter = \"meter\"").replace("counter = true\n", "")), expected);
    let told = refused(&feeder("counter = \"feeder\""));
    assert!(told.contains("no device `feeder` with"), "{told}");
    // 256 pulses would leave a counter of one byte where it was.
    let many = |pulses: u32| {
        let keys = feeder("counter = \"meter\"").replace("bytes = 2", "bytes = 1").replace("65535", "255");
        keys.replace("pulses_max = 9", &format!("pulses_max = {pulses}"))
    };
    let expected = "device.feeder.pulses_max: the counter `meter` begins anew after 255: a call may give 255 pulses at most";
    assert_eq!(refused(&many(256)), expected);
    let fits = machine().with_chip("/dev/i2c-1", 0x30, &[1]);
    assert!(assemble_on(fits, &sections(&many(255)), &BTreeMap::new()).is_ok());
    let long = sections(
        &feeder("").replace("pulses_max = 9", "pulses_max = 1000").replace("gap_ms = 1", "gap_ms = 60"),
    );
    let told = crate::device::check(&long, crate::config::BoardKind::Linux).unwrap_err().to_string();
    let expected =
        "device.feeder.pulses_max: all pulses of one call take 61000 ms, at most 60000 are allowed";
    assert_eq!(told, expected);
}

#[test]
fn states_are_two_words_a_model_can_write() {
    for (states, named) in [
        ("[\"open\", \"open\"]", "both are `open`"),
        ("[\"\", \"open\"]", "1 to 32"),
        ("[\"Closed\", \"open\"]", "not `Closed`"),
    ] {
        let sections = sections(&input("").replace("[\"closed\", \"open\"]", states));
        let told = crate::device::check(&sections, crate::config::BoardKind::Linux).unwrap_err().to_string();
        assert!(told.starts_with("device.door.states: ") && told.contains(named), "{told}");
    }
}

#[test]
fn a_look_says_whether_a_line_is_free_and_takes_nothing() {
    let look = |spoil: &dyn Fn(&FakeMachine)| {
        let machine = machine();
        machine.gpio.pin(CHIP, 17, |pin| pin.name = "GPIO17".into());
        spoil(&machine);
        let mut found = look_on(&machine, &sections(&output("")));
        assert!(machine.gpio.chips().values().flat_map(|chip| &chip.lines).all(|pin| pin.history.is_empty()));
        let Finding { device, verdict, text } = found.remove(0);
        assert_eq!(device, "pump");
        (verdict, text)
    };
    let free = (Verdict::Ok, "line 17 of /dev/gpiochip0, `GPIO17`, is free, an input now".to_owned());
    assert_eq!(look(&|_| {}), free);
    let used = look(&|machine| machine.gpio.pin(CHIP, 17, |pin| pin.user = Some("fan-ctl".into())));
    let text = "line 17 of /dev/gpiochip0 is used by `fan-ctl`: stop it or choose another line";
    assert_eq!(used, (Verdict::Wrong, text.to_owned()));
    let (verdict, text) = look(&|machine| machine.gpio.pin(CHIP, 17, |pin| pin.user = Some(CONSUMER.into())));
    assert!(verdict == Verdict::Warn && text.contains("a running `everstep`"), "{text}");
    let (verdict, text) = look(&|machine| machine.gpio.chips().clear());
    assert!(verdict == Verdict::Wrong && text.contains("is missing"), "{text}");
}
