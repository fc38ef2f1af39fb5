//! Whole agents that move real devices, under one seed each: cuts, time-outs, late answers, late acts. The
//! peer's own log must hold every act at most once for each intent on flash.
//!
//! `EVERSTEP_SEEDS=N` lives N lives of each kind; `EVERSTEP_SEED=S` lives the one with seed S.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a violated promise ends the test with its seed")]

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use peer_tests::{Peer, Story, life::Ways, live};
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

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|value| value.parse().ok())
}

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

/// How many live at a time: they mostly wait.
const AT_A_TIME: usize = 4;

/// Lives all of them, and prints what they were like.
#[expect(clippy::print_stdout, reason = "what a sweep came across is its report")]
fn sweep(what: &str, seeds: u64, ways: &Ways) -> Story {
    let seeds: Vec<u64> = match number("EVERSTEP_SEED") {
        Some(seed) => vec![seed],
        None => (0..number("EVERSTEP_SEEDS").unwrap_or(seeds)).collect(),
    };
    let next = AtomicUsize::new(0);
    let all = Mutex::new(Story::default());
    thread::scope(|scope| {
        for _ in 0..AT_A_TIME.min(seeds.len()) {
            scope.spawn(|| {
                let peer = Arc::new((ways.peer)());
                while let Some(seed) = seeds.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let story = live(*seed, ways, &peer);
                    let story = story.unwrap_or_else(|violation| panic!("{what}, seed {seed}: {violation}"));
                    all.lock().unwrap().add(&story);
                }
            });
        }
    });
    let all = all.into_inner().unwrap();
    println!("{what}: {} lives, {all:?}", seeds.len());
    if seeds.len() >= 10 {
        // A sweep in which nothing goes wrong proves nothing.
        assert!(all.flash_cuts > 0 && all.request_cuts > 0, "{all:?}");
        assert!(all.lost > seeds.len() && all.settled > 0 && all.reruns > 0, "{all:?}");
        assert!(all.acts > seeds.len(), "{all:?}");
    }
    all
}

#[test]
fn modbus_over_tcp_acts_at_most_once_in_every_life() {
    let board = MODBUS.replace("WHERE", "tcp = \"AT\"").leak();
    let ways = Ways { board, peer: Peer::modbus_tcp, fates: fate, call: modbus_call };
    let all = sweep("tcp", 40, &ways);
    assert!(all.pulses > 0 && all.approvals > 0, "{all:?}");
}

#[test]
fn modbus_on_a_serial_line_acts_at_most_once_in_every_life() {
    let place = "port = \"AT\"\nbaud = 115200\nparity = \"none\"";
    let board = MODBUS.replace("WHERE", place).leak();
    let ways = Ways { board, peer: Peer::modbus_rtu, fates: fate, call: modbus_call };
    assert!(sweep("rtu", 12, &ways).pulses > 0);
}

#[test]
fn lines_of_text_act_at_most_once_in_every_life() {
    let ways = Ways { board: TEXT, peer: Peer::text, fates: fate, call: text_call };
    sweep("text", 12, &ways);
}
