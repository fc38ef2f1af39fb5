//! Chips on SPI buses of this machine, `/dev/spidevB.C`.
//!
//! No kernel driver has run this yet.

mod register;

use std::{io, path::Path};

use embedded_hal::spi::{Error, ErrorKind, ErrorType, Operation, SpiDevice};
use everstep_tool::DeviceError;
use everstep_tools_device::{BusFault, Effect};
use linux_embedded_hal::{
    SpidevDevice,
    spidev::{SpiModeFlags, Spidev, SpidevOptions},
};

use super::node;

pub use register::SpiRegisterSection;

/// How a chip is spoken to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct SpiMode {
    /// Clock polarity and phase, 0 to 3.
    pub(crate) mode: u32,
    pub(crate) speed_hz: u32,
}

/// A chip that is open.
pub(crate) struct KernelSpi(SpidevDevice);

impl KernelSpi {
    /// Opens a chip.
    ///
    /// # Errors
    ///
    /// [`DeviceError::NotSent`], saying what to do.
    pub(crate) fn open(path: &Path, SpiMode { mode, speed_hz }: SpiMode) -> Result<Self, DeviceError> {
        let fail = |error: io::Error| {
            DeviceError::NotSent(match error.raw_os_error() {
                Some(libc::ENOTTY) => format!("{} is no SPI chip", path.display()),
                Some(libc::EINVAL) => {
                    format!(
                        "{} can't be spoken to in mode {mode} at {speed_hz} Hz: change `mode` or `speed_hz`",
                        path.display()
                    )
                }
                _ => node::not_opened(path, &error),
            })
        };
        let mut chip = Spidev::open(path).map_err(fail)?;
        let mode = SpiModeFlags::from_bits_truncate(mode);
        let options = SpidevOptions::new().bits_per_word(8).max_speed_hz(speed_hz).mode(mode).build();
        chip.configure(&options).map_err(fail)?;
        Ok(Self(SpidevDevice(chip)))
    }
}

/// What went wrong: SPI has no answers, so that only the controller can fail.
#[derive(Debug)]
pub(crate) struct KernelSpiError(String);

impl Error for KernelSpiError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Other
    }
}

impl From<KernelSpiError> for BusFault {
    fn from(error: KernelSpiError) -> Self {
        Self { effect: Effect::Possible, text: error.0 }
    }
}

impl ErrorType for KernelSpi {
    type Error = KernelSpiError;
}

impl SpiDevice for KernelSpi {
    fn transaction(&mut self, operations: &mut [Operation<'_, u8>]) -> Result<(), KernelSpiError> {
        self.0.transaction(operations).map_err(|error| KernelSpiError(error.inner().to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_chip_is_told() {
        let told = |path: &str| {
            let mode = SpiMode { mode: 0, speed_hz: 1_000_000 };
            KernelSpi::open(Path::new(path), mode).err().unwrap().to_string()
        };
        assert_eq!(told("/dev/null"), "/dev/null is no SPI chip");
        assert!(told("/nowhere/spidev0.0").contains("this machine has no /nowhere/spidevN"));
    }
}
