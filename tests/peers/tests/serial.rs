//! Devices that speak lines of text, over a serial line.

use everstep_core::{Class, Outcome, Settlement};
use peer_tests::{Peer, Tools};
use serde_json::{Value, json};

const BOARD: &str = r#"
[device.air]
kind = "serial_line"
port = "AT"
LINE
ask = "T?"
ask_answer = "T={value}"
digits = 1
unit = "C"
min = -40
max = 60

[device.heating]
kind = "serial_line"
port = "AT"
LINE
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
LINE
ask = "V?"
ask_answer = "V={value}"
command = "V {value}"
command_answer = "V={value}"
states = ["closed", "open"]

[device.bell]
kind = "serial_line"
port = "AT"
LINE
command = "P {value}"
command_answer = "OK"
set_min = 0
set_max = 9
safe_value = 0
boot = "hold"
"#;

fn stand(peer: Peer, line: &str) -> (Peer, Tools) {
    let tools = Tools::of(&BOARD.replace("LINE", line), peer.at());
    (peer, tools)
}

/// Where no answer is late, however slow the machine is.
fn patient() -> (Peer, Tools) {
    stand(Peer::text(), "answer_ms_max = 1000")
}

fn raw(text: &[u8]) -> Value {
    use std::fmt::Write as _;
    let mut hex = String::new();
    for byte in text {
        let _ = write!(hex, "{byte:02x}");
    }
    json!({"fate": "raw", "hex": hex})
}

#[tokio::test]
async fn values_and_words_are_asked_and_set() {
    let with_echo = || stand(Peer::text_with_echo(), "answer_ms_max = 1000\necho = true");
    for (peer, tools) in [patient(), with_echo()] {
        assert_eq!(tools.call("read_air", json!({})).await, Outcome::Done("air 20.5 C".into()));
        let set = tools.call("set_heating", json!({"value": 21.5})).await;
        assert_eq!(set, Outcome::Done("heating is set to 21.5 C".into()));
        assert_eq!(tools.call("read_heating", json!({})).await, Outcome::Done("heating 21.5 C".into()));
        let set = tools.call("set_valve", json!({"state": "open"})).await;
        assert_eq!(set, Outcome::Done("valve is open".into()));
        assert_eq!(tools.call("read_valve", json!({})).await, Outcome::Done("valve open".into()));
        assert_eq!(
            tools.call("set_bell", json!({"value": 2})).await,
            Outcome::Done("bell is set to 2".into())
        );
        assert_eq!(peer.log().len(), 3);
    }
}

#[tokio::test]
async fn what_can_be_asked_is_read_back_and_what_can_not_is_unknown() {
    let (peer, tools) = patient();
    let read_back = Class::ReadBack { settle_ms: 2_000 };
    assert_eq!(tools.get("set_heating").spec().class, read_back);
    assert_eq!(tools.get("set_bell").spec().class, Class::Never);
    let call = tools.intend("set_heating", json!({"value": 8})).await.unwrap();
    assert_eq!(call.baseline.as_deref(), Some("5 C"));
    assert_eq!(tools.probe("set_heating", &call).await, Settlement::NotDone);
    peer.tell(&json!({"do": "set", "name": "SP", "value": "8.00"}));
    let found = tools.probe("set_heating", &call).await;
    assert_eq!(found, Settlement::Done("heating is set to 8 C".into()), "8.00 is 8");
}

#[tokio::test]
async fn noise_before_an_answer_is_passed_over_and_anything_else_is_an_error() {
    let (peer, tools) = patient();
    for line in
        [&b"\0\0T=3.5\r\n"[..], b"\xff\xfe\r\nT=3.5\r\n", b"ready\r\n\r\nT= 3.5\n", b"H=7\r\nT=3.5\r\n"]
    {
        peer.fates(&[], &[raw(line)]);
        let told = tools.call("read_air", json!({})).await;
        assert_eq!(told, Outcome::Done("air 3.5 C".into()), "{:?}", line.escape_ascii().to_string());
    }
    let (peer, tools) = stand(Peer::text(), "answer_ms_max = 60");
    let port = peer.at();
    for (line, told) in [
        (&b"ERR 3\r\n"[..], "no line `T={value}` within 60 ms (`answer_ms_max`), `ERR 3\\r` came"),
        (b"T=3", "no line `T={value}` within 60 ms (`answer_ms_max`), `T=3` came without the end of a line"),
        (b"T=3\x004\r\n", "no line `T={value}` within 60 ms (`answer_ms_max`), `T=3\\x004\\r` came"),
        (b"T=nan\r\n", "no line `T={value}` within 60 ms (`answer_ms_max`), `T=nan\\r` came"),
        (b"\xc3\x28\r\n", "no line `T={value}` within 60 ms (`answer_ms_max`), `\\xc3(\\r` came"),
    ] {
        peer.fates(&[], &[raw(line)]);
        let outcome = tools.call("read_air", json!({})).await;
        assert_eq!(outcome, Outcome::MayHaveRun(format!("{port} was sent `T?`: {told}")));
    }
    peer.fates(&[], &[raw(&[b'x'; 400])]);
    let outcome = tools.call("read_air", json!({})).await;
    let long = matches!(&outcome, Outcome::MayHaveRun(why) if why.contains("more than 256 bytes came"));
    assert!(long, "{outcome:?}");
    peer.fates(&[], &[raw(&b"?\r\n".repeat(20))]);
    let outcome = tools.call("read_air", json!({})).await;
    let many = matches!(&outcome, Outcome::MayHaveRun(why) if why.contains("16 lines came"));
    assert!(many, "{outcome:?}");
    // None of that is left on the line.
    loop {
        match tools.call("read_air", json!({})).await {
            Outcome::MayHaveRun(why) if why.contains("nothing came") => {}
            outcome => break assert_eq!(outcome, Outcome::Done("air 20.5 C".into())),
        }
    }
}

#[tokio::test]
async fn answers_in_pieces_are_whole_answers() {
    let (peer, tools) = patient();
    peer.fates(&[], &[json!({"fate": "split", "ms": 20})]);
    assert_eq!(tools.call("read_air", json!({})).await, Outcome::Done("air 20.5 C".into()));
}

#[tokio::test]
async fn late_answer_is_never_taken_for_the_next_one() {
    let (peer, tools) = stand(Peer::text(), "answer_ms_max = 80");
    for late_ms in [85, 95, 105, 115, 125] {
        peer.tell(&json!({"do": "set", "name": "T", "value": "1.0"}));
        peer.fates(&[], &[json!({"fate": "answer_late", "ms": late_ms, "gone_ms": 150})]);
        let first = tools.call("read_air", json!({})).await;
        assert!(matches!(&first, Outcome::MayHaveRun(why) if why.contains("nothing came")), "{first:?}");
        peer.tell(&json!({"do": "set", "name": "T", "value": "2.0"}));
        let second = tools.call("read_air", json!({})).await;
        let is_old = matches!(&second, Outcome::Done(text) if text != "air 2.0 C");
        assert!(!is_old, "{late_ms}: {second:?}");
    }
}

#[tokio::test]
async fn lost_commands_are_lost_and_refused_values_are_not_sent() {
    let (peer, tools) = stand(Peer::text(), "answer_ms_max = 60");
    for (fate, acts) in [("stall", 0), ("drop_after", 1)] {
        let before = peer.log().len();
        peer.fates(&[json!({"fate": fate})], &[]);
        let outcome = tools.call("set_bell", json!({"value": 3})).await;
        assert!(matches!(&outcome, Outcome::MayHaveRun(why) if why.contains("nothing came")), "{outcome:?}");
        assert_eq!(peer.log().len() - before, acts, "{fate}");
    }
    let outcome = tools.call("set_bell", json!({"value": 2.5})).await;
    let told = "2.5 can't be sent with 0 decimals: the nearest is 2";
    assert_eq!(outcome, Outcome::NotStarted(told.into()));
}

#[tokio::test]
async fn port_that_somebody_else_has_was_sent_nothing() {
    let (peer, tools) = patient();
    assert!(matches!(tools.call("read_air", json!({})).await, Outcome::Done(_)));
    let (_, others) = (0, Tools::of(&BOARD.replace("LINE", "answer_ms_max = 1000"), peer.at()));
    let outcome = others.call("set_bell", json!({"value": 3})).await;
    let told = format!("{} is in use by another program", peer.at());
    assert_eq!(outcome, Outcome::NotStarted(told));
    drop(tools);
    assert!(matches!(others.call("set_bell", json!({"value": 3})).await, Outcome::Done(_)));
}
