use std::time::Duration;

use super::*;
use crate::{
    line::fake::Peer,
    serial::{Echo, Ending},
};

fn device(peer: &Peer, shows: Shows) -> TextDevice {
    let line = TextLine::new("/dev/ttyS1", peer.open(), Ending::Lf, Echo::None, Duration::from_millis(100));
    let ask = Ask { text: "S?".into(), answer: Form::of_value("S={value}").unwrap() };
    let command =
        Command { text: Form::of_value("S {value}").unwrap(), answer: Form::of_value("S={value}").unwrap() };
    TextDevice::new(line, Some(ask), Some(command), shows)
}

fn tenths() -> Shows {
    let name = "heating".into();
    Shows::Number(Quantity { name, unit: "C".into(), digits: 1, range: 0.0..=90.0 })
}

fn words() -> Shows {
    Shows::Words { name: "valve".into(), words: vec!["closed".into(), "open".into()] }
}

fn set_to(value: f64) -> State {
    State::SetTo { value, unit: "C".into() }
}

/// Keeps what it is told, and answers `answer` to everything.
fn saying(answer: &'static str) -> Peer {
    Peer::port(move |_| vec![(1, format!("{answer}\n").into_bytes())])
}

#[test]
fn number_is_sent_with_its_decimals_and_never_rounded() {
    let peer = saying("S=21.50");
    let mut heating = device(&peer, tenths());
    assert_eq!(heating.set(set_to(21.5)), Ok(()), "21.50 is 21.5");
    assert_eq!(heating.state(), Ok(Some(set_to(21.5))));
    assert_eq!(heating.is_in(&set_to(21.5)), Ok(true));
    assert_eq!(heating.is_in(&set_to(21.6)), Ok(false));
    for wrong in [21.53, f64::NAN, f64::INFINITY] {
        assert!(matches!(heating.set(set_to(wrong)), Err(DeviceError::NotSent(_))), "{wrong}");
    }
    assert!(matches!(heating.set(State::On), Err(DeviceError::NotSent(_))));
    assert_eq!(peer.written().first().unwrap(), b"S 21.5\n");
    assert_eq!(peer.written().len(), 4);
}

#[test]
fn command_that_another_value_answers_was_perhaps_not_taken() {
    let mut heating = device(&saying("S=20.0"), tenths());
    assert!(matches!(heating.set(set_to(21.5)), Err(DeviceError::Unknown(_))));
}

#[test]
fn only_numbers_that_people_write_are_numbers() {
    for (text, value) in [
        ("21.5", Some(21.5)),
        ("+3", Some(3.0)),
        ("-0.5", Some(-0.5)),
        ("1.5E+01", Some(15.0)),
        ("nan", None),
        ("inf", None),
        ("1e999", None),
        ("0x10", None),
        ("1_0", None),
        ("", None),
        ("2 1", None),
    ] {
        assert_eq!(number(text), value, "{text}");
    }
}

#[test]
fn words_are_those_of_the_board() {
    let mut valve = device(&saying("S=open"), words());
    assert_eq!(valve.state(), Ok(Some(State::Named("open".into()))));
    assert_eq!(valve.set(State::Named("open".into())), Ok(()));
    assert!(matches!(valve.set(State::Named("ajar".into())), Err(DeviceError::NotSent(_))));
    let shown = Shown::State("open".into());
    assert_eq!(valve.read(), Ok(vec![Reading { name: "valve".into(), shown }]));
    let mut strange = device(&saying("S=ajar"), words());
    assert!(matches!(strange.state(), Err(DeviceError::Unknown(_))));
}

#[test]
fn device_without_a_question_can_not_tell() {
    let peer = saying("OK");
    let mut blind = TextDevice { ask: None, ..device(&peer, tenths()) };
    assert_eq!(blind.state(), Ok(None));
    assert_eq!(blind.is_in(&set_to(1.0)), Ok(false));
    assert!(peer.written().is_empty());
}
