use std::sync::{Arc, Mutex};

use embedded_hal::i2c::{self, ErrorKind, NoAcknowledgeSource, Operation};
use embedded_hal_mock::eh1::i2c::Transaction;

use super::*;
use crate::{bus::SharedBus, i2c::mock};

fn read(register: u8, byte: u8) -> Transaction {
    Transaction::write_read(0x20, vec![register], vec![byte])
}

fn write(register: u8, byte: u8) -> Transaction {
    Transaction::write(0x20, vec![register, byte])
}

fn output(
    line: u8,
    active: Active,
    expected: &[Transaction],
) -> (ExpanderOutput<embedded_hal_mock::eh1::i2c::Mock>, embedded_hal_mock::eh1::i2c::Mock) {
    let (chip, bus) = mock::chip(0x20, expected);
    (ExpanderOutput::new(ExpanderLine::new(chip, line, active)), bus)
}

#[test]
fn level_is_set_before_the_line_is_driven_and_the_other_lines_stay() {
    let expected = [read(2, 0b1010_0000), write(2, 0b1010_1000), read(6, 0xFF), write(6, 0b1111_0111)];
    let (mut output, mut bus) = output(3, Active::High, &expected);
    output.set(State::On).unwrap();
    bus.done();
}

#[test]
fn what_stands_in_the_chip_is_not_written_again() {
    let (mut output, mut bus) = output(11, Active::Low, &[read(3, 0b0000_1000), read(7, 0)]);
    // Low is active: off is a high level.
    output.set(State::Off).unwrap();
    bus.done();
}

#[test]
fn state_comes_from_the_chip_s_own_registers() {
    let state = |active, registers: &[Transaction]| {
        let (mut output, mut bus) = output(9, active, registers);
        let state = output.state();
        bus.done();
        state
    };
    assert_eq!(state(Active::High, &[read(7, 0), read(3, 0b10)]), Ok(Some(State::On)));
    assert_eq!(state(Active::Low, &[read(7, 0), read(3, 0b10)]), Ok(Some(State::Off)));
    assert_eq!(state(Active::High, &[read(7, 0xFD), read(3, 0)]), Ok(Some(State::Off)));
    // After power-on nothing is driven, whatever the output register says.
    assert_eq!(state(Active::High, &[read(7, 0xFF)]), Ok(None));
}

#[test]
fn outcome_is_unknown_once_a_byte_was_taken() {
    let silent = ErrorKind::NoAcknowledge(NoAcknowledgeSource::Address);
    let fails = |expected: &[Transaction]| {
        let (mut output, mut bus) = output(0, Active::High, expected);
        let error = output.set(State::On).unwrap_err();
        bus.done();
        error
    };
    assert!(matches!(fails(&[read(2, 0).with_error(ErrorKind::Bus)]), DeviceError::NotSent(_)));
    assert!(matches!(fails(&[read(2, 0), write(2, 1).with_error(silent)]), DeviceError::NotSent(_)));
    let refused = ErrorKind::NoAcknowledge(NoAcknowledgeSource::Data);
    assert!(matches!(fails(&[read(2, 0), write(2, 1).with_error(refused)]), DeviceError::Unknown(_)));
    let late = [read(2, 0), write(2, 1), read(6, 0xFF).with_error(silent)];
    assert!(matches!(fails(&late), DeviceError::Unknown(_)));
    // Nothing had to be changed before the fault.
    assert!(matches!(fails(&[read(2, 1), read(6, 0xFF).with_error(silent)]), DeviceError::NotSent(_)));
}

#[test]
fn other_states_are_refused_without_a_transaction() {
    let (mut output, mut bus) = output(0, Active::High, &[]);
    assert!(matches!(output.set(State::Percent(40)), Err(DeviceError::NotSent(_))));
    bus.done();
}

#[test]
fn input_is_told_in_its_words() {
    let states = ["closed".to_owned(), "open".to_owned()];
    let shown = |active, expected: &[Transaction]| {
        let (chip, mut bus) = mock::chip(0x20, expected);
        let read = ExpanderInput::new(ExpanderLine::new(chip, 15, active), "door", &states).read();
        bus.done();
        read.map(|readings| readings[0].shown.clone()).map_err(|error| error.to_string())
    };
    let word = |word: &str| Ok(Shown::State(word.into()));
    assert_eq!(shown(Active::High, &[read(7, 0xFF), read(1, 0x80)]), word("open"));
    assert_eq!(shown(Active::Low, &[read(7, 0xFF), read(1, 0x80)]), word("closed"));
    let told = shown(Active::High, &[read(7, 0x7F)]);
    assert_eq!(told, Err("0x20 on /dev/i2c-1: line 15 is set up as an output".into()));
}

/// The chip itself: registers that are read and written from many threads.
#[derive(Clone, Default)]
struct Chip(Arc<Mutex<[u8; 8]>>);

impl i2c::ErrorType for Chip {
    type Error = ErrorKind;
}

impl I2c for Chip {
    fn transaction(&mut self, _address: u8, operations: &mut [Operation<'_>]) -> Result<(), ErrorKind> {
        let mut registers = self.0.lock().unwrap();
        match operations {
            [Operation::Write(write)] => registers[usize::from(write[0])] = write[1],
            [Operation::Write(from), Operation::Read(bytes)] => bytes[0] = registers[usize::from(from[0])],
            _ => panic!("an expander is not spoken to like this"),
        }
        drop(registers);
        // Lets the other threads in between the two transactions of a change.
        std::thread::yield_now();
        Ok(())
    }
}

#[test]
fn lines_of_one_chip_changed_at_once_do_not_undo_each_other() {
    let chip = Chip::default();
    chip.0.lock().unwrap()[6..8].fill(0xFF);
    let opened = chip.clone();
    let bus = SharedBus::new("/dev/i2c-1", move || Ok(opened.clone()));
    std::thread::scope(|scope| {
        for line in 0..LINES {
            let line = ExpanderLine::new(I2cChip::new(bus.clone(), 0x20), line, Active::High);
            scope.spawn(move || {
                let mut output = ExpanderOutput::new(line);
                for _ in 0..200 {
                    output.set(State::On).unwrap();
                    output.set(State::Off).unwrap();
                }
                output.set(State::On).unwrap();
            });
        }
    });
    assert_eq!(chip.0.lock().unwrap()[2..], [0xFF, 0xFF, 0, 0, 0, 0]);
}
