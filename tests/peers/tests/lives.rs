//! Whole agents that move real devices, under one seed each: cuts, time-outs, late answers, late acts. The
//! peer's own log must hold every act at most once for each intent on flash.
//!
//! `EVERSTEP_SEEDS=N` lives N lives of each kind; `EVERSTEP_SEED=S` lives the one with seed S.

use std::sync::Arc;

use peer_tests::{Peer, Story, Wires, life::Ways, live, sweep};
use serde_json::{Value, json};
use system_tests::harness::Chance;

const MODBUS: &str = r#"
[device.heating]
kind = "modbus_register"
WHERE
answer_ms_max = 60
register = 5
scale = 0.1
digits = 1
unit = "C"
min = 0
max = 90
writable = true
set_min = 5
set_max = 28
safe_value = 5

[device.flow]
kind = "modbus_register"
WHERE
answer_ms_max = 60
register = 10
type = "u32"
order = "low_first"
min = 0
max = 1e6
writable = true
set_min = 0
set_max = 500000
safe_value = 0
boot = "hold"

[device.valve]
kind = "modbus_coil"
WHERE
answer_ms_max = 60
coil = 3
states = ["closed", "open"]
writable = true

[device.feeder]
kind = "modbus_pulse"
WHERE
answer_ms_max = 60
register = 100
pulses_max = 9
counter = { table = "input", register = 200, type = "u32" }

[device.horn]
kind = "modbus_pulse"
WHERE
answer_ms_max = 60
register = 120
pulses_max = 9
"#;

const TEXT: &str = r#"
[device.heating]
kind = "serial_line"
port = "AT"
answer_ms_max = 60
ask = "SP?"
ask_answer = "SP={value}"
command = "SP {value}"
command_answer = "OK"
digits = 1
unit = "C"
min = 0
max = 90
set_min = 5
set_max = 28
safe_value = 5

[device.valve]
kind = "serial_line"
port = "AT"
answer_ms_max = 60
ask = "V?"
ask_answer = "V={value}"
command = "V {value}"
command_answer = "V={value}"
states = ["closed", "open"]
"#;

/// What a peer does with one request.
fn fate(chance: &mut Chance) -> Value {
    // Late, and within twice the time that an answer may take.
    let late_ms = 65 + chance.below(30);
    match chance.below(100) {
        0..8 => json!({"fate": "stall"}),
        8..14 => json!({"fate": "drop_before"}),
        14..20 => json!({"fate": "drop_after"}),
        20..26 => json!({"fate": "answer_late", "ms": late_ms, "gone_ms": 110}),
        26..34 => json!({"fate": "act_late", "ms": 20 + chance.below(300)}),
        34..37 => json!({"fate": "refuse", "code": 6}),
        37..40 => json!({"fate": "fail", "code": 4}),
        40..43 => json!({"fate": "garble"}),
        43..46 => json!({"fate": "split", "ms": 5}),
        46..50 => json!({"fate": "cut_before"}),
        50..54 => json!({"fate": "cut_after"}),
        54..57 => json!({"fate": "cut_act_late", "ms": 20 + chance.below(300)}),
        _ => json!({"fate": "well"}),
    }
}

fn heat(chance: &mut Chance) -> (&'static str, Value) {
    let tenths = 60 + i32::try_from(chance.below(200)).unwrap_or(0);
    ("set_heating", json!({"value": f64::from(tenths) / 10.0}))
}

fn modbus_call(chance: &mut Chance) -> (&'static str, Value) {
    match chance.below(10) {
        0..2 => heat(chance),
        2 => ("set_flow", json!({"value": 1 + chance.below(400_000)})),
        3 => ("set_valve", json!({"state": "open"})),
        4 => ("read_heating", json!({})),
        // Few values, so that the same call is asked for again.
        5..8 => ("pulse_feeder", json!({"pulses": 1 + chance.below(3)})),
        _ => ("pulse_horn", json!({"pulses": 1 + chance.below(2)})),
    }
}

fn text_call(chance: &mut Chance) -> (&'static str, Value) {
    match chance.below(4) {
        0 => ("set_valve", json!({"state": "open"})),
        1 => ("read_heating", json!({})),
        _ => heat(chance),
    }
}

/// Of how many writes and reads of a boot a peer's doings are drawn.
const DRAWN: (u64, u64) = (6, 4);
/// Lines are driven several times for one call.
const DRAWN_FOR_WIRES: (u64, u64) = (24, 12);

const WIRES: &str = r#"
[device.lamp]
kind = "gpio_output"
chip = "/dev/gpiochip0"
line = 1

[device.doser]
kind = "gpio_pulse"
chip = "/dev/gpiochip0"
line = 2
pulse_ms = 1
gap_ms = 1
pulses_max = 3
counter = "meter"

[device.ringer]
kind = "gpio_pulse"
chip = "/dev/gpiochip0"
line = 3
active = "low"
pulse_ms = 1
gap_ms = 1
pulses_max = 3

[device.heating]
kind = "i2c_register"
bus = "/dev/i2c-1"
address = 0x40
register = 5
bytes = 2
scale = 0.1
digits = 1
unit = "C"
min = 0
max = 90
writable = true
set_min = 5
set_max = 28
safe_value = 5

[device.meter]
kind = "i2c_register"
bus = "/dev/i2c-1"
address = 0x41
register = 0
bytes = 4
min = 0
max = 1e9
counter = true

[device.flow]
kind = "spi_register"
bus = "/dev/spidev0.0"
read = [1]
write = [2]
bytes = 2
min = 0
max = 65535
set_min = 0
set_max = 60000
safe_value = 0
boot = "hold"
"#;

/// What becomes of one operation on pins and buses.
fn wires_fate(chance: &mut Chance) -> Value {
    let word = match chance.below(100) {
        0..5 => "silent",
        5..10 => "lost",
        10..16 => "acts_and_fails",
        16..20 => "hang",
        20..23 => "hang_and_lose",
        23..27 => "cut_before",
        27..31 => "cut_after",
        _ => "well",
    };
    json!({"fate": word})
}

fn wires_call(chance: &mut Chance) -> (&'static str, Value) {
    match chance.below(10) {
        0..2 => heat(chance),
        2 => ("set_flow", json!({"value": 1 + chance.below(50_000)})),
        3 => ("set_lamp", json!({"on": true})),
        4 => ("read_heating", json!({})),
        5..8 => ("pulse_doser", json!({"pulses": 1 + chance.below(3)})),
        _ => ("pulse_ringer", json!({"pulses": 1 + chance.below(3)})),
    }
}

/// Lives all of them, and prints what they were like.
#[expect(clippy::print_stdout, reason = "what a sweep came across is its report")]
fn lives(what: &str, seeds: u64, ways: &Ways) -> Story {
    let (lives, all) = sweep(seeds, ways.field, |seed, field| live(seed, ways, field), Story::add);
    println!("{what}: {lives} lives, {all:?}");
    if lives >= 10 {
        // A sweep in which nothing goes wrong proves nothing.
        assert!(all.flash_cuts > 0 && all.request_cuts > 0, "{all:?}");
        assert!(all.lost > lives && all.settled > 0 && all.reruns > 0, "{all:?}");
        assert!(all.acts > lives, "{all:?}");
    }
    all
}

#[test]
fn modbus_over_tcp_acts_at_most_once_in_every_life() {
    let board = MODBUS.replace("WHERE", "tcp = \"AT\"").leak();
    let ways =
        Ways { board, field: || Arc::new(Peer::modbus_tcp()), fates: fate, drawn: DRAWN, call: modbus_call };
    let all = lives("tcp", 40, &ways);
    assert!(all.pulses > 0 && all.approvals > 0, "{all:?}");
}

#[test]
fn modbus_on_a_serial_line_acts_at_most_once_in_every_life() {
    let place = "port = \"AT\"\nbaud = 115200\nparity = \"none\"";
    let board = MODBUS.replace("WHERE", place).leak();
    let ways =
        Ways { board, field: || Arc::new(Peer::modbus_rtu()), fates: fate, drawn: DRAWN, call: modbus_call };
    assert!(lives("rtu", 12, &ways).pulses > 0);
}

#[test]
fn lines_of_text_act_at_most_once_in_every_life() {
    let ways =
        Ways { board: TEXT, field: || Arc::new(Peer::text()), fates: fate, drawn: DRAWN, call: text_call };
    lives("text", 12, &ways);
}

#[test]
fn pins_and_buses_act_at_most_once_in_every_life() {
    let ways = Ways {
        board: WIRES,
        field: Wires::start,
        fates: wires_fate,
        drawn: DRAWN_FOR_WIRES,
        call: wires_call,
    };
    let all = lives("wires", 200, &ways);
    assert!(all.pulses > 0 && all.approvals > 0, "{all:?}");
}
