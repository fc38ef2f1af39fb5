//! The temperature sensor TMP102, and those that speak like it: TMP112, TMP105, TMP75, LM75.

use embedded_hal::i2c::I2c;
use everstep_tool::device::{DeviceError, Reading, Sensor};

use crate::{bus::BusFault, i2c::I2cChip, register::Level};

/// The register with the temperature.
const TEMPERATURE: u8 = 0;
/// Set in the lower byte where the sensor counts in thirteen bits rather than twelve.
const EXTENDED: i16 = 1;

/// A sensor. It is only read: whatever it was configured to, it stays.
#[derive(Debug)]
pub struct Tmp102<B> {
    chip: I2cChip<B>,
    level: Level,
}

impl<B> Tmp102<B> {
    /// The sensor at `chip`, told as `level`.
    #[must_use]
    pub const fn new(chip: I2cChip<B>, level: Level) -> Self {
        Self { chip, level }
    }
}

impl<B: I2c<Error: Into<BusFault>> + Send> Sensor for Tmp102<B> {
    fn read(&mut self) -> Result<Vec<Reading>, DeviceError> {
        let mut bytes = [0; 2];
        self.chip.with(|chip| chip.read(TEMPERATURE, &mut bytes))?;
        Ok(vec![self.level.reading(celsius(bytes))])
    }
}

/// The number stands at the upper end of the register, whichever its bits: a degree is 256 of it, or 128
/// in the extended form.
fn celsius(bytes: [u8; 2]) -> f64 {
    let raw = i16::from_be_bytes(bytes);
    if raw & EXTENDED == 0 { f64::from(raw) / 256.0 } else { f64::from(raw & !0b111) / 128.0 }
}

#[cfg(test)]
mod tests {
    use embedded_hal::i2c::{ErrorKind, NoAcknowledgeSource};
    use embedded_hal_mock::eh1::i2c::Transaction;

    use super::*;
    use crate::i2c::mock;

    fn level() -> Level {
        Level { name: "cellar".into(), unit: "C".into(), digits: 1, range: -40.0..=125.0 }
    }

    /// From the tables of the data sheet.
    #[test]
    fn temperatures_are_those_of_the_data_sheet() {
        for (bytes, expected) in [
            ([0x7F, 0xF0], 127.937_5),
            ([0x64, 0x00], 100.0),
            ([0x19, 0x00], 25.0),
            ([0x00, 0x40], 0.25),
            ([0x00, 0x00], 0.0),
            ([0xFF, 0xC0], -0.25),
            ([0xE7, 0x00], -25.0),
            ([0xC9, 0x00], -55.0),
            // In the extended form, whose lowest bit is set.
            ([0x4B, 0x01], 150.0),
            ([0x0C, 0x81], 25.0),
            ([0xFF, 0xE1], -0.25),
            ([0xE4, 0x81], -55.0),
        ] {
            let got = celsius(bytes);
            assert!((got - expected).abs() < f64::EPSILON, "{bytes:02x?}: {got} {expected}");
        }
    }

    #[test]
    fn sensor_is_read_and_never_written() {
        let (chip, mut bus) = mock::chip(0x48, &[Transaction::write_read(0x48, vec![0], vec![0x15, 0x80])]);
        assert_eq!(Tmp102::new(chip, level()).read(), Ok(vec![level().reading(21.5)]));
        bus.done();
    }

    #[test]
    fn sensor_that_does_not_answer_is_an_error() {
        let silent = ErrorKind::NoAcknowledge(NoAcknowledgeSource::Address);
        let expected = [Transaction::write_read(0x48, vec![0], vec![0, 0]).with_error(silent)];
        let (chip, mut bus) = mock::chip(0x48, &expected);
        let told = Tmp102::new(chip, level()).read().unwrap_err().to_string();
        assert!(told.starts_with("0x48 on /dev/i2c-1: no chip answers"), "{told}");
        bus.done();
    }
}
