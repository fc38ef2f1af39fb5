use std::{sync::Arc, time::Duration};

use embedded_hal::i2c::{ErrorKind, NoAcknowledgeSource};
use everstep_core::{CallId, Class, Outcome};
use everstep_tool::{Cancel, Context, Tool, ToolCall};
use serde_json::{Value, json};

use super::*;
use crate::{
    config::BoardKind,
    device::{
        check,
        fake::FakeMachine,
        look::{Verdict, look_on},
    },
};

const BUS: &str = "/dev/i2c-1";

fn sections(text: &str) -> BTreeMap<String, DeviceSection> {
    toml::from_str(text).unwrap()
}

fn parts(machine: &FakeMachine, text: &str) -> BoardParts {
    let sections = sections(text);
    check(&sections, BoardKind::Linux).unwrap();
    assemble_on(machine.clone(), &sections, &BTreeMap::new()).unwrap()
}

fn tool(parts: &BoardParts, name: &str) -> Arc<dyn Tool> {
    parts.tools.iter().find(|tool| tool.spec().name == name).cloned().unwrap()
}

async fn run(parts: &BoardParts, name: &str, arguments: Value) -> Outcome {
    let tool = tool(parts, name);
    let call = ToolCall { id: CallId(1), arguments, baseline: None, idempotency_key: None };
    let cx = Context { attempt: 1, deadline: Duration::from_mins(1), cancel: Cancel::default() };
    tool.run(&call, &cx).await
}

fn done(text: &str) -> Outcome {
    Outcome::Done(text.into())
}

fn wrong(text: &str) -> String {
    check(&sections(text), BoardKind::Linux).unwrap_err().to_string()
}

const CELLAR: &str = "[cellar]\nkind = \"tmp102\"\nbus = \"/dev/i2c-1\"\naddress = 0x48\n";

#[tokio::test]
async fn sensor_on_a_bus_is_read_with_unit_and_range() {
    let machine = FakeMachine::default().with_chip(BUS, 0x48, &[0x15, 0x80]);
    let parts = parts(&machine, CELLAR);
    assert_eq!(machine.opened(BUS), 0, "nothing is asked before it is used");
    assert_eq!(tool(&parts, "read_cellar").spec().class, Class::Observe);
    assert_eq!(run(&parts, "read_cellar", json!({})).await, done("cellar 21.5 C"));
    // A broken wire reads as all ones, or the sensor as hotter than it can be.
    let machine = machine.with_chip(BUS, 0x48, &[0x7F, 0xF0]);
    let told = run(&parts, "read_cellar", json!({})).await;
    let expected = "the cellar sensor shows 127.9 C, outside of -40 to 125 C";
    assert_eq!(told, Outcome::NotStarted(expected.into()));
    assert_eq!(machine.opened(BUS), 1);
}

#[tokio::test]
async fn devices_of_one_bus_share_it() {
    let machine =
        FakeMachine::default().with_chip(BUS, 0x48, &[0x15, 0x80]).with_chip(BUS, 0x49, &[0xE7, 0x00]);
    let text = format!("{CELLAR}{}", CELLAR.replace("cellar", "attic").replace("0x48", "0x49"));
    let parts = parts(&machine, &text);
    assert_eq!(run(&parts, "read_cellar", json!({})).await, done("cellar 21.5 C"));
    assert_eq!(run(&parts, "read_attic", json!({})).await, done("attic -25.0 C"));
    assert_eq!(machine.opened(BUS), 1, "opened once for both");
}

#[test]
fn links_to_one_node_are_one_bus() {
    let folder = tempfile::tempdir().unwrap();
    let (node, link) = (folder.path().join("i2c-1"), folder.path().join("i2c-sensors"));
    std::fs::write(&node, "").unwrap();
    std::os::unix::fs::symlink(&node, &link).unwrap();
    let mut buses = Buses::new(FakeMachine::default());
    buses.i2c(&node);
    buses.i2c(&link);
    assert_eq!(buses.i2c.len(), 1);
    buses.i2c(&folder.path().join("i2c-2"));
    assert_eq!(buses.i2c.len(), 2);
}

fn register(keys: &str) -> String {
    format!(
        "[flow]\nkind = \"i2c_register\"\nbus = \"{BUS}\"\naddress = 0x30\nregister = 4\nbytes = 2\n\
         scale = 0.1\nunit = \"l/min\"\ndigits = 1\nmin = 0.0\nmax = 40.0\n{keys}"
    )
}

const WRITABLE: &str = "writable = true\nset_min = 0\nset_max = 30\nsafe_value = 0\n";

#[tokio::test]
async fn register_is_read_set_and_made_safe() {
    let machine = FakeMachine::default().with_chip(BUS, 0x30, &[0, 0, 0, 0, 1, 2]);
    let parts = parts(&machine, &register(WRITABLE));
    assert_eq!(run(&parts, "read_flow", json!({})).await, done("flow 25.8 l/min"));
    let set = tool(&parts, "set_flow");
    assert_eq!((set.spec().class, set.spec().summary.as_str()), (Class::Safe, "set the flow, 0 to 30 l/min"));
    assert_eq!(run(&parts, "set_flow", json!({"value": 12.3})).await, done("flow is set to 12.3 l/min"));
    assert_eq!((machine.register(BUS, 0x30, 4), machine.register(BUS, 0x30, 5)), (0, 123));
    let beyond = run(&parts, "set_flow", json!({"value": 30.1})).await;
    assert_eq!(beyond, Outcome::NotStarted("value must be 0 to 30, got 30.1".into()));
    assert_eq!(parts.actuators.set_safe().await, (vec!["flow set to 0 l/min".into()], vec![]));
    assert_eq!(machine.register(BUS, 0x30, 5), 0);
    assert_eq!(parts.actuators.boot().await, Vec::<String>::new(), "it is what it should be");
}

#[tokio::test]
async fn register_is_restored_and_not_written_where_it_still_holds_that() {
    let text = register(&format!("{WRITABLE}boot = \"restore\""));
    let last = BTreeMap::from([("flow".to_owned(), "{\"value\":12.3}".to_owned())]);
    let machine = FakeMachine::default().with_chip(BUS, 0x30, &[0; 6]);
    let boot = async || {
        let parts = assemble_on(machine.clone(), &sections(&text), &last).unwrap();
        parts.actuators.boot().await
    };
    assert_eq!(boot().await, ["flow set to 12.3 l/min"]);
    assert_eq!(machine.register(BUS, 0x30, 5), 123);
    assert!(boot().await.is_empty());
}

#[tokio::test]
async fn write_is_lost_unless_the_chip_certainly_did_not_answer() {
    let machine = FakeMachine::default().with_chip(BUS, 0x30, &[0; 6]);
    let parts = parts(&machine, &register(WRITABLE));
    machine.fail(BUS, ErrorKind::NoAcknowledge(NoAcknowledgeSource::Address));
    let silent = run(&parts, "set_flow", json!({"value": 1})).await;
    assert!(
        matches!(&silent, Outcome::NotStarted(why) if why.contains("0x30 on /dev/i2c-1: no chip answers"))
    );
    machine.fail(BUS, ErrorKind::NoAcknowledge(NoAcknowledgeSource::Data));
    let torn = run(&parts, "set_flow", json!({"value": 1})).await;
    assert!(matches!(torn, Outcome::MayHaveRun(_)), "{torn:?}");
    assert!(matches!(run(&parts, "read_flow", json!({})).await, Outcome::NotStarted(_)));
    // A bus that isn't there: nothing left this machine.
    let parts = self::parts(&FakeMachine::default(), &register(WRITABLE));
    let missing = run(&parts, "set_flow", json!({"value": 1})).await;
    assert!(matches!(&missing, Outcome::NotStarted(why) if why.contains("is missing")), "{missing:?}");
}

#[test]
fn register_keys_that_do_not_fit_each_other_are_refused() {
    for (text, key) in [
        (register("").replace("scale = 0.1", "scale = 0"), "scale: 0 is no step"),
        (register("").replace("scale = 0.1", "scale = inf"), "scale: inf is no step"),
        (register("offset = nan"), "offset: NaN"),
        (register("").replace("min = 0.0", "min = nan"), "min: NaN is not below max, 40"),
        (register("").replace("l/min", "litres in a minute"), "unit: a unit has at most 16"),
        (register("set_min = 3"), "set_min: only a register that is written"),
        (register("boot = \"hold\""), "boot: only a register that is written"),
        (register("writable = true"), "set_min: a register that is written needs this key"),
        (register(&WRITABLE.replace("safe_value = 0\n", "")), "safe_value: a register that is written needs"),
        (register(&WRITABLE.replace("set_min = 0", "set_min = 31")), "set_min: 31 is not below set_max, 30"),
        (
            register(&WRITABLE.replace("safe_value = 0", "safe_value = 31")),
            "safe_value: 31 is not within 0 to 30",
        ),
        (register(&WRITABLE.replace("30", "9999")), "set_max: the register holds "),
        (register("counter = true\nsigned = true"), "counter: a counter is not signed"),
        (register(&format!("counter = true\n{WRITABLE}")), "counter: a counter is not signed and not set"),
    ] {
        let told = wrong(&text);
        assert!(told.starts_with(&format!("device.flow.{key}")), "{told}");
    }
    let told = wrong(&format!("{CELLAR}temperature_c_min = 200"));
    assert_eq!(told, "device.cellar.temperature_c_min: 200 is not below temperature_c_max, 125");
}

#[test]
fn only_what_is_written_moves_and_can_be_shared() {
    let shared = |text: &str| check(&sections(text), BoardKind::Linux).is_ok();
    assert!(shared(&register(&format!("{WRITABLE}shared = true"))));
    assert!(!shared(&register("shared = true")));
    assert!(!shared(&format!("{CELLAR}shared = true")));
}

fn expander(name: &str, kind: &str, line: u8, keys: &str) -> String {
    format!("[{name}]\nkind = \"pca9535_{kind}\"\nbus = \"{BUS}\"\naddress = 0x20\nline = {line}\n{keys}\n")
}

#[tokio::test]
async fn lines_of_an_expander_are_devices_of_their_own() {
    let machine = FakeMachine::default().with_chip(BUS, 0x20, &[0, 0x80, 0xFF, 0xFF, 0, 0, 0xFF, 0xFF]);
    let text = [
        expander("pump", "output", 3, ""),
        expander("valve", "output", 4, "active = \"low\"\nboot = \"hold\""),
        expander("door", "input", 15, "states = [\"closed\", \"open\"]"),
    ];
    let parts = parts(&machine, &text.concat());
    assert_eq!(parts.actuators.boot().await, ["pump set to off"], "it was not driven at all");
    assert_eq!((machine.register(BUS, 0x20, 2), machine.register(BUS, 0x20, 6)), (0xF7, 0xF7));
    assert_eq!(run(&parts, "set_valve", json!({"on": true})).await, done("valve is on"));
    assert_eq!((machine.register(BUS, 0x20, 2), machine.register(BUS, 0x20, 6)), (0xE7, 0xE7));
    assert_eq!(run(&parts, "read_door", json!({})).await, done("door open"));
    let twice = sections(&[expander("a", "input", 3, ""), expander("b", "output", 3, "")].concat());
    let told = assemble_on(machine, &twice, &BTreeMap::new()).err().unwrap().to_string();
    assert_eq!(told, "device.b.line: line 3 of 0x20 on /dev/i2c-1 is the device `a`'s already");
}

fn spi(name: &str, keys: &str) -> String {
    format!(
        "[{name}]\nkind = \"spi_register\"\nbus = \"/dev/spidev0.0\"\nread = [0x80]\nbytes = 2\nmin = 0\n\
         max = 100\nscale = 0.01\nunit = \"bar\"\ndigits = 2\n{keys}\n"
    )
}

#[tokio::test]
async fn value_on_spi_is_read_and_set() {
    let machine = FakeMachine::default().with_spi("/dev/spidev0.0", &[0x01, 0x2C]);
    let parts = parts(&machine, &spi("pressure", &WRITABLE.replace("writable = true", "write = [0x40]")));
    assert_eq!(run(&parts, "read_pressure", json!({})).await, done("pressure 3.00 bar"));
    let set = run(&parts, "set_pressure", json!({"value": 2.5})).await;
    assert_eq!(set, done("pressure is set to 2.5 bar"));
    assert_eq!(machine.spi_value("/dev/spidev0.0"), [0, 250]);
    assert!(
        wrong(&spi("pressure", "").replace("[0x80]", "[]")).contains("device.pressure.read: name the bytes")
    );
    let long = format!("write = {:?}", [1; 9]);
    assert!(wrong(&spi("pressure", &long)).contains("write: a command has at most 8 bytes"));
}

#[test]
fn one_spi_chip_has_one_mode() {
    let machine = FakeMachine::default().with_spi("/dev/spidev0.0", &[0, 0]);
    let told = |keys: &str| {
        let text = [spi("a", "mode = 1"), spi("b", keys)].concat();
        assemble_on(machine.clone(), &sections(&text), &BTreeMap::new()).err().map(|error| error.to_string())
    };
    assert_eq!(told("mode = 1"), None);
    let expected = "device.b.mode: the device `a` speaks to /dev/spidev0.0 in mode 1 at 1000000 Hz";
    assert_eq!(told("mode = 0").as_deref(), Some(expected));
    assert!(told("mode = 1\nspeed_hz = 5000").unwrap().starts_with("device.b.speed_hz: "));
}

#[test]
fn one_board_has_one_watchdog() {
    let text = "[a]\nkind = \"watchdog\"\n[b]\nkind = \"watchdog\"";
    let error = assemble_on(FakeMachine::default(), &sections(text), &BTreeMap::new()).err().unwrap();
    assert_eq!(error.to_string(), "device.b.kind: the board's one watchdog is the device `a`'s already");
}

#[test]
fn a_look_asks_each_device_and_writes_nothing() {
    let before = [0, 0x80, 0xFF, 0xFF, 0, 0, 0x00, 0xFF];
    let machine = FakeMachine::default()
        .with_chip(BUS, 0x20, &before)
        .with_chip(BUS, 0x48, &[0x15, 0x80])
        .with_chip(BUS, 0x30, &[0, 0, 0, 0, 0xFF, 0xFF])
        .with_spi("/dev/spidev0.0", &[0, 0]);
    let text = [
        expander("a_pump", "output", 3, ""),
        expander("b_valve", "output", 12, ""),
        CELLAR.replace("cellar", "c_cellar"),
        CELLAR.replace("cellar", "d_lost").replace("0x48", "0x4a"),
        CELLAR.replace("cellar", "e_nowhere").replace("i2c-1", "i2c-7"),
        register(WRITABLE).replace("[flow]", "[f_flow]"),
        spi("g_pressure", ""),
        spi("h_pressure", "").replace("0.0\"", "9.9\""),
    ];
    let found = look_on(&machine, &sections(&text.concat()));
    let found: Vec<_> = found.iter().map(|found| (found.verdict, found.text.as_str())).collect();
    assert_eq!(found[0], (Verdict::Ok, "line 3 of 0x20 on /dev/i2c-1 is on"));
    assert_eq!(found[1], (Verdict::Ok, "line 12 of 0x20 on /dev/i2c-1 is not driven yet"));
    assert_eq!(found[2], (Verdict::Ok, "temperature 21.5 C"));
    let silent = "0x4a on /dev/i2c-1: no chip answers: check its address, its power and the wires";
    assert_eq!(found[3], (Verdict::Wrong, silent));
    assert!(found[4].0 == Verdict::Wrong && found[4].1.starts_with("/dev/i2c-7 is missing: "), "{found:?}");
    let beyond = "the register sensor shows 6553.5 l/min, outside of 0 to 40 l/min";
    assert_eq!(found[5], (Verdict::Warn, beyond));
    assert_eq!(found[6].0, Verdict::Ok);
    assert!(
        found[7].0 == Verdict::Wrong && found[7].1.starts_with("/dev/spidev9.9 is missing: "),
        "{found:?}"
    );
    let after: Vec<_> = (0..8).map(|register| machine.register(BUS, 0x20, register)).collect();
    assert_eq!(after, before);
}
