//! What the drivers need of a machine, so that tests put a fake in its stead.

use std::path::Path;

use embedded_hal::{i2c::I2c, spi::SpiDevice};
use everstep_tool::DeviceError;
use everstep_tools_device::BusFault;

use super::{
    gpio::{Gpio, KernelGpio},
    i2c::KernelI2c,
    spi::{KernelSpi, SpiMode},
};

/// Pins and buses.
pub(crate) trait Machine: Clone + Send + Sync + 'static {
    /// Its GPIO chips.
    type Gpio: Gpio;
    /// One of its I²C buses.
    type I2c: I2c<Error: Into<BusFault>> + Send + 'static;
    /// One of its SPI chips.
    type Spi: SpiDevice<Error: Into<BusFault>> + Send + 'static;

    fn gpio(&self) -> Self::Gpio;

    /// Opens a bus.
    ///
    /// # Errors
    ///
    /// [`DeviceError::NotSent`], saying what to do.
    fn open_i2c(&self, bus: &Path) -> Result<Self::I2c, DeviceError>;

    /// Opens a chip on an SPI bus.
    ///
    /// # Errors
    ///
    /// [`DeviceError::NotSent`], saying what to do.
    fn open_spi(&self, chip: &Path, mode: SpiMode) -> Result<Self::Spi, DeviceError>;
}

/// This one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ThisMachine;

impl Machine for ThisMachine {
    type Gpio = KernelGpio;
    type I2c = KernelI2c;
    type Spi = KernelSpi;

    fn gpio(&self) -> KernelGpio {
        KernelGpio
    }

    fn open_i2c(&self, bus: &Path) -> Result<KernelI2c, DeviceError> {
        KernelI2c::open(bus)
    }

    fn open_spi(&self, chip: &Path, mode: SpiMode) -> Result<KernelSpi, DeviceError> {
        KernelSpi::open(chip, mode)
    }
}
