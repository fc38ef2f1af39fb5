//! Boards whose devices are this machine's, which has none of them.

use serde_json::{Value, json};

use crate::bench::{Bench, SCRIPT};

const PUMP: &str = "[device.pump]\nkind = \"gpio_output\"\nchip = \"/dev/gpiochip77\"\nline = 17\n";

fn bench(devices: &str) -> Bench {
    let bench = Bench::new(SCRIPT);
    bench.change_board("[agent.clerk]", &format!("{devices}[agent.clerk]"));
    bench
}

#[test]
fn check_names_what_the_machine_does_not_have_and_makes_nothing() {
    let bench = bench(PUMP);
    let told = bench.everstep(&["check"]);
    assert_eq!((told.code, told.err.as_str()), (2, ""), "{told:?}");
    let line = told.out.lines().find(|line| line.starts_with("device pump")).unwrap();
    assert!(line.contains("wrong: /dev/gpiochip77 is missing: this machine has "), "{line}");
    let told = bench.everstep(&["check", "--json"]);
    let found: Value = serde_json::from_str(&told.out).unwrap();
    assert_eq!((told.code, &found["devices"][0]["verdict"]), (2, &json!("wrong")), "{found}");
    assert_eq!(found["devices"][0]["device"], "pump");
    assert!(!bench.path("state").exists());
}

#[test]
fn tools_of_devices_that_are_not_there_can_be_looked_at() {
    let bench = bench(PUMP);
    let tools = bench.everstep(&["tools"]).done();
    let line = tools.lines().find(|line| line.starts_with("set_pump")).unwrap();
    assert!(line.contains("denied") && line.contains("safe"), "{line}");
}

#[test]
fn wrong_sections_are_named_with_their_line() {
    let key = bench(&format!("{PUMP}pin = 3\n"));
    key.everstep(&["check"]).refuses(2, &["device.pump.pin: unknown field `pin`, expected one of `chip`"]);
    let other =
        bench(&PUMP.replace("gpio_output", "relay").replace("chip = \"/dev/gpiochip77\"\nline = 17\n", ""));
    other.everstep(&["run", "compare"]).refuses(2, &["device.pump.kind: `relay` is a simulated device"]);
    let twice = bench(&format!("{PUMP}{}", PUMP.replace("pump", "valve")));
    let expected = "device.valve.line: line 17 of /dev/gpiochip77 is the device `pump`'s already";
    twice.everstep(&["tools"]).refuses(2, &[expected]);
}

#[test]
fn restore_is_allowed_and_sets_the_safe_state_as_long_as_nothing_is_known() {
    let bench = bench(&format!("{PUMP}boot = \"restore\"\n"));
    assert_eq!(bench.everstep(&["tools"]).code, 0);
}
