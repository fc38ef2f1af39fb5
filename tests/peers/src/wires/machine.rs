//! The seams of the drivers: lines, I²C chips and a chip on an SPI bus.

#![expect(clippy::panic, reason = "a driver that speaks otherwise fails the test")]

use std::{path::Path, time::Duration};

use embedded_hal::{
    i2c::{self, I2c, NoAcknowledgeSource},
    spi::{self, SpiDevice},
};
use everstep_board_linux::device::{Gpio, GpioError, GpioLine, LineInfo, LinePlace, Machine, Setup, SpiMode};
use everstep_tool::{DeviceError, device::Watched};
use everstep_tools_device::Active;
use serde_json::json;

use super::{Fate, State, Wires};

/// The line of a lamp.
const LAMP: u32 = 1;
/// The line of a doser, whose pulses a meter counts.
const DOSER: u32 = 2;
/// The line of a ringer, whose pulses nobody counts.
const RINGER: u32 = 3;
/// The address of a heating's set-point, in tenths, in register 5.
pub(super) const HEATING: u8 = 0x40;
const SET_POINT: usize = 5;
/// The address of the doser's meter: four bytes from register 0 on, the highest first.
pub(super) const METER: u8 = 0x41;

/// What one process has of the wires.
#[derive(Clone)]
pub(super) struct Opened {
    pub(super) wires: Wires,
    pub(super) process: u32,
}

impl Machine for Opened {
    type Gpio = Self;
    type I2c = Self;
    type Spi = Self;

    fn gpio(&self) -> Self {
        self.clone()
    }

    fn open_i2c(&self, _: &Path) -> Result<Self, DeviceError> {
        Ok(self.clone())
    }

    fn open_spi(&self, _: &Path, _: SpiMode) -> Result<Self, DeviceError> {
        Ok(self.clone())
    }
}

/// A line that one process has.
pub(super) struct Line {
    of: Opened,
    place: LinePlace,
    active: Active,
}

impl Gpio for Opened {
    type Line = Line;

    fn request(&self, place: &LinePlace, active: Active, _: Setup) -> Result<Line, GpioError> {
        Ok(Line { of: self.clone(), place: place.clone(), active })
    }

    fn info(&self, _: &LinePlace) -> Result<LineInfo, GpioError> {
        Ok(LineInfo::default())
    }
}

impl Line {
    fn failed(&self) -> GpioError {
        GpioError::Other { place: self.place.clone(), why: "Input/output error".into() }
    }

    /// A line that nobody drives is pulled to where its device is off.
    fn is_on_in(&self, state: &State) -> bool {
        state.pins.get(&self.place.line).is_some_and(|high| self.active.of(*high))
    }
}

impl GpioLine for Line {
    fn is_on(&mut self) -> Result<bool, GpioError> {
        let (_, on) = self.of.wires.operate(self.of.process, false, |state| self.is_on_in(state));
        on.ok_or_else(|| self.failed())
    }

    fn set(&mut self, on: bool) -> Result<(), GpioError> {
        let line = self.place.line;
        let (fate, _) = self.of.wires.operate(self.of.process, true, |state| {
            let begins = on && !self.is_on_in(state);
            state.pins.insert(line, self.active.of(on));
            match line {
                LAMP => state.did("lamp", "write", &json!(on)),
                DOSER if begins => {
                    state.did("doser", "edge", &json!(1));
                    count(state);
                }
                RINGER if begins => state.did("ringer", "edge", &json!(1)),
                _ => {}
            }
        });
        if fate == Fate::Well { Ok(()) } else { Err(self.failed()) }
    }

    /// A line is set up at the level it has.
    fn set_up(&mut self, _: Setup) -> Result<(), GpioError> {
        Ok(())
    }

    fn next_change(&mut self, wait_max: Duration) -> Result<Watched, GpioError> {
        Ok(Watched { became: None, passed: wait_max })
    }
}

/// The meter sees a pulse.
fn count(state: &mut State) {
    let Some([a, b, c, d, ..]) = state.chips.get_mut(&METER) else { return };
    let counted = u32::from_be_bytes([*a, *b, *c, *d]) + 1;
    [*a, *b, *c, *d] = counted.to_be_bytes();
}

impl i2c::ErrorType for Opened {
    type Error = i2c::ErrorKind;
}

impl I2c for Opened {
    fn transaction(
        &mut self,
        address: u8,
        operations: &mut [i2c::Operation<'_>],
    ) -> Result<(), i2c::ErrorKind> {
        let is_write = matches!(operations, [i2c::Operation::Write(_)]);
        let (fate, _) = self.wires.operate(self.process, is_write, |state| {
            let Some(chip) = state.chips.get_mut(&address) else { panic!("no chip at {address:#x}") };
            match operations {
                [i2c::Operation::Write([register, bytes @ ..])] => {
                    let first = usize::from(*register);
                    chip[first..first + bytes.len()].copy_from_slice(bytes);
                    if address == HEATING {
                        let tenths = u16::from_be_bytes([chip[SET_POINT], chip[SET_POINT + 1]]);
                        state.did("heating", "write", &json!(f64::from(tenths) / 10.0));
                    }
                }
                [i2c::Operation::Write([register]), i2c::Operation::Read(bytes)] => {
                    let first = usize::from(*register);
                    bytes.copy_from_slice(&chip[first..first + bytes.len()]);
                }
                other => panic!("registers are not spoken to like this: {other:?}"),
            }
        });
        match fate {
            Fate::Well => Ok(()),
            Fate::Silent => Err(i2c::ErrorKind::NoAcknowledge(NoAcknowledgeSource::Address)),
            Fate::ActsAndFails => Err(i2c::ErrorKind::NoAcknowledge(NoAcknowledgeSource::Data)),
            Fate::Lost | Fate::Gone => Err(i2c::ErrorKind::Bus),
        }
    }
}

impl spi::ErrorType for Opened {
    type Error = spi::ErrorKind;
}

impl SpiDevice for Opened {
    fn transaction(&mut self, operations: &mut [spi::Operation<'_, u8>]) -> Result<(), spi::ErrorKind> {
        let is_write = matches!(operations, [_, spi::Operation::Write(_)]);
        let (fate, _) = self.wires.operate(self.process, is_write, |state| match operations {
            [spi::Operation::Write(_), spi::Operation::Read(bytes)] => bytes.copy_from_slice(&state.value),
            [spi::Operation::Write(_), spi::Operation::Write([high, low])] => {
                state.value = vec![*high, *low];
                state.did("flow", "write", &json!(u16::from_be_bytes([*high, *low])));
            }
            other => panic!("a value is not spoken to like this: {other:?}"),
        });
        if fate == Fate::Well { Ok(()) } else { Err(spi::ErrorKind::Other) }
    }
}
