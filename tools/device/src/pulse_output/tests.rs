use std::sync::{Arc, Mutex};

use embedded_hal::digital::ErrorType;

use super::*;
use crate::bus::PinError;

/// What happened, in order.
type Story = Arc<Mutex<Vec<String>>>;

/// A pin that tells what it was set to, and fails when it is told to.
struct Pin {
    story: Story,
    /// Fails in these of its moves, from 0, and how.
    fails: Vec<(usize, DeviceError)>,
    moves: usize,
    high: bool,
    cancel_at: Option<(usize, Cancel)>,
}

impl Pin {
    fn go(&mut self, high: bool) -> Result<(), PinError> {
        let this = self.moves;
        self.moves += 1;
        if let Some((at, cancel)) = &self.cancel_at
            && *at == this
        {
            cancel.ask();
        }
        let failure = self.fails.iter().find(|(at, _)| *at == this).map(|(_, error)| error.clone());
        let word = if high { "on" } else { "off" };
        let result = if failure.is_some() { " fails" } else { "" };
        self.story.lock().unwrap().push(format!("{word}{result}"));
        self.high = if failure.is_none() { high } else { self.high };
        failure.map_or(Ok(()), |error| Err(PinError(error)))
    }
}

impl ErrorType for Pin {
    type Error = PinError;
}

impl OutputPin for Pin {
    fn set_low(&mut self) -> Result<(), PinError> {
        self.go(false)
    }

    fn set_high(&mut self) -> Result<(), PinError> {
        self.go(true)
    }
}

impl StatefulOutputPin for Pin {
    fn is_set_high(&mut self) -> Result<bool, PinError> {
        Ok(self.high)
    }

    fn is_set_low(&mut self) -> Result<bool, PinError> {
        Ok(!self.high)
    }
}

struct Delay(Story);

impl DelayNs for Delay {
    fn delay_ns(&mut self, ns: u32) {
        self.0.lock().unwrap().push(format!("{} ms", ns / 1_000_000));
    }

    fn delay_ms(&mut self, ms: u32) {
        self.0.lock().unwrap().push(format!("{ms} ms"));
    }
}

fn give(
    pulses: u32,
    fails: &[(usize, DeviceError)],
    cancel_at: Option<usize>,
) -> (Result<(), DeviceError>, String) {
    let (story, cancel) = (Story::default(), Cancel::default());
    let cancel_at = cancel_at.map(|at| (at, cancel.clone()));
    let pin = Pin { story: Arc::clone(&story), fails: fails.to_vec(), moves: 0, high: false, cancel_at };
    let given = PulseOutput::new(pin, Delay(Arc::clone(&story)), 200, 300).pulse(pulses, &cancel);
    let story = story.lock().unwrap().join(", ");
    (given, story)
}

fn not_sent() -> DeviceError {
    DeviceError::NotSent("/dev/gpiochip0 is missing".into())
}

fn unknown() -> DeviceError {
    DeviceError::Unknown("it failed".into())
}

#[test]
fn pulses_are_as_long_and_as_far_apart_as_the_board_says() {
    let (given, story) = give(2, &[], None);
    assert_eq!(given, Ok(()));
    assert_eq!(story, "on, 200 ms, off, 300 ms, on, 200 ms, off, 300 ms");
}

#[test]
fn failure_says_what_is_certain_and_leaves_the_output_off() {
    let (given, story) = give(2, &[(0, not_sent())], None);
    assert_eq!((given, story.as_str()), (Err(not_sent()), "on fails, off"));
    let (given, story) = give(2, &[(0, unknown())], None);
    assert_eq!((given, story.as_str()), (Err(unknown()), "on fails, off"));
    // The second pulse never left, and the first did.
    let (given, _) = give(3, &[(2, not_sent())], None);
    let text = "1 of 3 pulses were given: /dev/gpiochip0 is missing";
    assert_eq!(given, Err(DeviceError::Unknown(text.into())));
}

#[test]
fn output_that_does_not_switch_off_is_tried_again_and_told() {
    let (given, story) = give(1, &[(1, not_sent())], None);
    assert_eq!((given, story.as_str()), (Ok(()), "on, 200 ms, off fails, off, 300 ms"));
    let (given, _) = give(1, &[(1, not_sent()), (2, not_sent())], None);
    assert_eq!(given, Err(DeviceError::Unknown("it may still be on: /dev/gpiochip0 is missing".into())));
}

#[test]
fn cancelled_train_stops_between_two_pulses() {
    // Asked while the second pulse is on: it is ended first.
    let (given, story) = give(9, &[], Some(2));
    assert_eq!(given, Err(DeviceError::Unknown("2 of 9 pulses were given: the call was cancelled".into())));
    assert_eq!(story, "on, 200 ms, off, 300 ms, on, 200 ms, off, 300 ms");
}

#[test]
fn pulsed_output_is_only_ever_set_to_off() {
    let story = Story::default();
    let pin = Pin { story: Arc::clone(&story), fails: vec![], moves: 0, high: true, cancel_at: None };
    let mut output = CountedBy::new(PulseOutput::new(pin, Delay(Story::default()), 1, 1), ());
    assert_eq!(output.state(), Ok(Some(State::On)));
    assert!(matches!(output.set(State::On), Err(DeviceError::NotSent(_))));
    output.set(State::Off).unwrap();
    assert_eq!((output.state(), story.lock().unwrap().join(", ")), (Ok(Some(State::Off)), "off".into()));
}
