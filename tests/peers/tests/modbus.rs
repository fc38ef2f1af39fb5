//! Modbus tools against pymodbus, over TCP and over a serial line.

#![expect(clippy::panic, reason = "a test's set-up may fail")]

use everstep_core::{Class, Outcome, Settlement};
use peer_tests::{Peer, Tools};
use serde_json::{Value, json};

/// Devices of a board; `WHERE` says where they are, `ANSWER` how long an answer may take.
const BOARD: &str = r#"
[device.level]
kind = "modbus_register"
WHERE
answer_ms_max = ANSWER
table = "input"
register = 7
scale = 0.1
digits = 1
unit = "percent"
min = 0
max = 100

[device.heating]
kind = "modbus_register"
WHERE
answer_ms_max = ANSWER
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
answer_ms_max = ANSWER
register = 10
type = "u32"
order = "low_first"
unit = "l"
min = 0
max = 1e6
writable = true
set_min = 0
set_max = 500000
safe_value = 0

[device.outside]
kind = "modbus_register"
WHERE
answer_ms_max = ANSWER
register = 12
type = "f32"
digits = 2
min = -60
max = 60

[device.missing]
kind = "modbus_register"
WHERE
answer_ms_max = ANSWER
register = 2000
min = 0
max = 1
writable = true
set_min = 0
set_max = 1
safe_value = 0

[device.valve]
kind = "modbus_coil"
WHERE
answer_ms_max = ANSWER
coil = 3
states = ["closed", "open"]
writable = true

[device.lamp]
kind = "modbus_coil"
WHERE
answer_ms_max = ANSWER
coil = 4
writable = true

[device.door]
kind = "modbus_coil"
WHERE
answer_ms_max = ANSWER
table = "discrete"
coil = 9
states = ["shut", "ajar"]

[device.feeder]
kind = "modbus_pulse"
WHERE
answer_ms_max = ANSWER
register = 100
pulses_max = 9
counter = { table = "input", register = 200, type = "u32" }

[device.horn]
kind = "modbus_pulse"
WHERE
answer_ms_max = ANSWER
register = 120
pulses_max = 9
"#;

/// A peer, and the tools that reach it.
struct Stand {
    peer: Peer,
    tools: Tools,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Over {
    Tcp,
    Rtu,
}

impl Stand {
    /// Where no answer is late: however slow the machine is.
    fn patient(over: Over) -> Self {
        Self::new(over, 1_000)
    }

    /// Where a missing answer is soon given up.
    fn hasty(over: Over) -> Self {
        Self::new(over, 80)
    }

    fn new(over: Over, answer_ms_max: u32) -> Self {
        let (peer, place) = match over {
            Over::Tcp => (Peer::modbus_tcp(), "tcp = \"AT\""),
            Over::Rtu => (Peer::modbus_rtu(), "port = \"AT\"\nbaud = 115200\nparity = \"none\""),
        };
        let board = BOARD.replace("WHERE", place).replace("ANSWER", &answer_ms_max.to_string());
        let tools = Tools::of(&board, peer.at());
        Self { peer, tools }
    }

    async fn done(&self, tool: &str, arguments: Value) -> String {
        match self.tools.call(tool, arguments).await {
            Outcome::Done(text) => text,
            other => panic!("{tool}: {other:?}"),
        }
    }

    async fn read(&self, device: &str) -> String {
        self.done(&format!("read_{device}"), json!({})).await
    }
}

const BOTH: [Over; 2] = [Over::Tcp, Over::Rtu];

fn well() -> Value {
    json!({"fate": "well"})
}

#[tokio::test]
async fn every_tool_does_what_it_says() {
    for over in BOTH {
        let stand = Stand::patient(over);
        let peer = &stand.peer;
        peer.set("input", 7, &[415]);
        assert_eq!(stand.read("level").await, "level 41.5 percent", "{over:?}");
        peer.set("holding", 12, &[0xC1A4, 0]);
        assert_eq!(stand.read("outside").await, "outside -20.50");
        peer.set("discrete", 9, &[1]);
        assert_eq!(stand.read("door").await, "door ajar");

        assert_eq!(stand.done("set_heating", json!({"value": 21.5})).await, "heating is set to 21.5 C");
        assert_eq!(peer.get("holding", 5, 1), json!([215]));
        assert_eq!(stand.read("heating").await, "heating 21.5 C");
        assert_eq!(stand.done("set_flow", json!({"value": 70_000})).await, "flow is set to 70000 l");
        assert_eq!(peer.get("holding", 10, 2), json!([4464, 1]), "the low word first");
        assert_eq!(stand.read("flow").await, "flow 70000 l");
        assert_eq!(stand.done("set_valve", json!({"state": "open"})).await, "valve is open");
        assert_eq!(peer.get("coil", 3, 2), json!([1, 0]));
        assert_eq!(stand.read("valve").await, "valve open");
        assert_eq!(stand.done("set_lamp", json!({"on": true})).await, "lamp is on");
        assert_eq!(stand.read("lamp").await, "lamp on");

        assert_eq!(stand.done("pulse_feeder", json!({"pulses": 3})).await, "feeder got 3 pulses, counter 3");
        assert_eq!(stand.done("pulse_feeder", json!({"pulses": 1})).await, "feeder got 1 pulse, counter 4");
        assert_eq!(stand.done("pulse_horn", json!({"pulses": 2})).await, "horn got 2 pulses");
        assert_eq!(peer.log().len(), 7, "{:?}", peer.log());
    }
}

#[test]
fn classes_say_what_a_lost_outcome_means() {
    let tools = Tools::of(&BOARD.replace("WHERE", "tcp = \"AT\"").replace("ANSWER", "100"), "127.0.0.1:502");
    let read_back = Class::ReadBack { settle_ms: 2_000 };
    for (name, class) in [
        ("read_level", Class::Observe),
        ("set_heating", read_back),
        ("set_valve", read_back),
        ("pulse_feeder", read_back),
        ("pulse_horn", Class::Never),
    ] {
        assert_eq!(tools.get(name).spec().class, class, "{name}");
    }
    assert_eq!(tools.tools.len(), 8 + 5 + 2, "{:?}", tools.tools.keys());
}

#[tokio::test]
async fn what_a_sensor_can_not_show_is_an_error() {
    let stand = Stand::patient(Over::Tcp);
    stand.peer.set("input", 7, &[65_535]);
    let outcome = stand.tools.call("read_level", json!({})).await;
    let told = "the level sensor shows 6553.5 percent, outside of 0 to 100 percent";
    assert_eq!(outcome, Outcome::NotStarted(told.into()));
}

#[tokio::test]
async fn exceptions_are_told_with_their_meaning_and_certainty() {
    for over in BOTH {
        let stand = Stand::patient(over);
        let told = stand.tools.call("read_missing", json!({})).await;
        let expected = format!(
            "unit 1 of {} refused to read holding register 2000 with exception 02: it has no such address: \
             check `register` and `table`",
            stand.peer.at()
        );
        assert_eq!(told, Outcome::NotStarted(expected), "{over:?}");

        let call = stand.tools.intend("set_heating", json!({"value": 20})).await.unwrap();
        stand.peer.fates(&[json!({"fate": "refuse", "code": 6}), json!({"fate": "fail", "code": 4})], &[]);
        let busy = stand.tools.run("set_heating", &call).await;
        assert!(matches!(&busy, Outcome::NotStarted(why) if why.contains("06: it is busy")), "{busy:?}");
        assert!(stand.peer.log().is_empty());
        let failed = stand.tools.run("set_heating", &call).await;
        assert!(matches!(&failed, Outcome::MayHaveRun(why) if why.contains("exception 04")), "{failed:?}");
        assert_eq!(stand.peer.log().len(), 1, "it may have acted, and did");
        // An exception is an answer: nothing was lost, and the line is as good as before.
        assert_eq!(stand.read("heating").await, "heating 20.0 C");
    }
}

#[tokio::test]
async fn server_that_is_not_there_was_sent_nothing() {
    let stand = Stand::patient(Over::Tcp);
    stand.peer.tell(&json!({"do": "close"}));
    let at = stand.peer.at();
    let told = stand.tools.call("pulse_horn", json!({"pulses": 1})).await;
    let expected = format!("{at} refused the connection: is the server running, and is this its port?");
    assert_eq!(told, Outcome::NotStarted(expected));
    let told = stand.tools.call("pulse_feeder", json!({"pulses": 1})).await;
    assert!(matches!(&told, Outcome::NotStarted(why) if why.contains("refused")), "{told:?}");
    stand.peer.tell(&json!({"do": "listen"}));
    assert_eq!(stand.done("pulse_horn", json!({"pulses": 1})).await, "horn got 1 pulse");
}

#[tokio::test]
async fn connection_that_was_closed_meanwhile_is_opened_again() {
    let stand = Stand::patient(Over::Tcp);
    assert_eq!(stand.read("heating").await, "heating 0.0 C");
    stand.peer.tell(&json!({"do": "restart"}));
    // Not repeatable, and not lost: the closed connection is seen before anything is sent.
    assert_eq!(stand.done("pulse_horn", json!({"pulses": 1})).await, "horn got 1 pulse");
}

#[tokio::test]
async fn lost_pulses_are_settled_by_their_counter() {
    for over in BOTH {
        let stand = Stand::hasty(over);
        for (fate, acts) in [
            (json!({"fate": "stall"}), false),
            (json!({"fate": "drop_before"}), false),
            (json!({"fate": "drop_after"}), true),
            (json!({"fate": "act_late", "ms": 100_000}), true),
            (json!({"fate": "garble"}), true),
        ] {
            let before = stand.peer.log().len();
            let call = loop {
                // A slow machine may be too slow for a hasty read.
                if let Ok(call) = stand.tools.intend("pulse_feeder", json!({"pulses": 2})).await {
                    break call;
                }
            };
            stand.peer.fates(std::slice::from_ref(&fate), &[]);
            let outcome = stand.tools.run("pulse_feeder", &call).await;
            assert!(matches!(outcome, Outcome::MayHaveRun(_)), "{over:?} {fate}: {outcome:?}");
            stand.peer.settle();
            let found = loop {
                match stand.tools.probe("pulse_feeder", &call).await {
                    Settlement::CantTell(why) if why.contains("no answer") => {}
                    found => break found,
                }
            };
            assert_eq!(matches!(found, Settlement::Done(_)), acts, "{over:?} {fate}: {found:?}");
            assert_eq!(matches!(found, Settlement::NotDone), !acts, "{over:?} {fate}: {found:?}");
            assert_eq!(stand.peer.log().len() - before, usize::from(acts), "{over:?} {fate}");
        }
    }
}

#[tokio::test]
async fn lost_sets_are_settled_by_their_register() {
    for over in BOTH {
        let stand = Stand::patient(over);
        stand.peer.set("holding", 5, &[180]);
        let call = stand.tools.intend("set_heating", json!({"value": 21.5})).await.unwrap();
        assert_eq!(call.baseline.as_deref(), Some("18 C"), "{over:?}");
        assert_eq!(stand.tools.probe("set_heating", &call).await, Settlement::NotDone);
        stand.peer.set("holding", 5, &[215]);
        let done = Settlement::Done("heating is set to 21.5 C".into());
        assert_eq!(stand.tools.probe("set_heating", &call).await, done);
        // A read that the server refuses settles nothing.
        stand.peer.fates(&[], &[json!({"fate": "refuse", "code": 6})]);
        let found = stand.tools.probe("set_heating", &call).await;
        assert!(matches!(&found, Settlement::CantTell(why) if why.contains("busy")), "{found:?}");
        // One that can't be read at all could never be settled, and is refused.
        stand.peer.fates(&[], &[json!({"fate": "refuse", "code": 4})]);
        let refused = stand.tools.intend("set_heating", json!({"value": 20})).await.unwrap_err();
        assert!(refused.contains("exception 04"), "{refused}");
        assert!(stand.peer.log().is_empty());
    }
}

#[tokio::test]
async fn late_answer_is_never_taken_for_the_next_one() {
    for over in BOTH {
        let stand = Stand::hasty(over);
        stand.peer.set("holding", 5, &[111]);
        stand.peer.set("holding", 12, &[0x4248, 0]);
        let mut late = 0;
        for delay_ms in [90, 100, 110, 120, 130] {
            // Within twice its time, as every device must.
            stand.peer.fates(&[], &[json!({"fate": "answer_late", "ms": delay_ms, "gone_ms": 150})]);
            let first = stand.tools.call("read_heating", json!({})).await;
            late += usize::from(
                matches!(&first, Outcome::MayHaveRun(why) if why.contains("no answer within 80 ms")),
            );
            stand.peer.set("holding", 5, &[222]);
            let second = stand.tools.call("read_heating", json!({})).await;
            let is_new =
                |outcome: &Outcome| !matches!(outcome, Outcome::Done(text) if text != "heating 22.2 C");
            assert!(is_new(&second), "{over:?} {delay_ms}: {second:?}");
            stand.peer.set("holding", 5, &[111]);
        }
        assert_eq!(late, 5, "{over:?}: the answers were to be late");
    }
}

#[tokio::test]
async fn answers_in_pieces_are_whole_answers() {
    for over in BOTH {
        let stand = Stand::patient(over);
        stand.peer.set("holding", 10, &[4464, 1]);
        stand
            .peer
            .fates(&[json!({"fate": "split", "ms": 20})], &[json!({"fate": "split", "ms": 20}), well()]);
        assert_eq!(stand.read("flow").await, "flow 70000 l", "{over:?}");
        assert_eq!(stand.done("set_lamp", json!({"on": true})).await, "lamp is on", "{over:?}");
    }
}

#[tokio::test]
async fn answer_to_something_else_is_refused() {
    let stand = Stand::patient(Over::Tcp);
    // Transactions are counted from 0 on a new connection. An answer with the right number, to a write of
    // another register.
    stand.peer.fates(&[json!({"fate": "raw", "hex": "000000000006010600070001"})], &[]);
    let outcome = stand.tools.call("pulse_horn", json!({"pulses": 1})).await;
    let lost = matches!(&outcome, Outcome::MayHaveRun(why) if why.contains("belongs to no request"));
    assert!(lost, "{outcome:?}");
    // One of another unit.
    stand.peer.fates(&[json!({"fate": "raw", "hex": "000000000006020600780001"})], &[]);
    let outcome = stand.tools.call("pulse_horn", json!({"pulses": 1})).await;
    assert!(matches!(&outcome, Outcome::MayHaveRun(why) if why.contains("another unit")), "{outcome:?}");
}

#[tokio::test]
async fn devices_of_one_line_take_turns() {
    for over in BOTH {
        let stand = std::sync::Arc::new(Stand::patient(over));
        stand.peer.set("input", 7, &[415]);
        stand.peer.set("holding", 12, &[0xC1A4, 0]);
        let reading: Vec<_> = (0..20)
            .map(|index| {
                let stand = std::sync::Arc::clone(&stand);
                tokio::spawn(async move {
                    let device = if index % 2 == 0 { "level" } else { "outside" };
                    (device, stand.read(device).await)
                })
            })
            .collect();
        for reading in reading {
            let (device, said) = reading.await.unwrap();
            let expected = if device == "level" { "level 41.5 percent" } else { "outside -20.50" };
            assert_eq!(said, expected, "{over:?}");
        }
    }
}
