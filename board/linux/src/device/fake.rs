//! A machine in this one's stead: GPIO chips, I²C chips that are registers, and SPI chips that are one
//! value.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use embedded_hal::{
    i2c::{self, I2c, NoAcknowledgeSource},
    spi::{self, SpiDevice},
};
use everstep_tool::DeviceError;

use super::{gpio::fake::FakeGpio, machine::Machine, node, spi::SpiMode};

#[derive(Clone, Debug, Default)]
pub(crate) struct FakeMachine {
    pub(crate) gpio: FakeGpio,
    i2c: Arc<Mutex<BTreeMap<PathBuf, FakeBus>>>,
    spi: Arc<Mutex<BTreeMap<PathBuf, Vec<u8>>>>,
}

#[derive(Debug, Default)]
struct FakeBus {
    chips: BTreeMap<u8, Vec<u8>>,
    opened: u32,
    /// What every transaction ends in, where it fails.
    fails: Option<i2c::ErrorKind>,
}

impl FakeMachine {
    /// A machine with these GPIO chips and no buses.
    pub(crate) fn with_gpio(gpio: FakeGpio) -> Self {
        Self { gpio, ..Self::default() }
    }

    /// Puts a chip with these bytes from register 0 on a bus.
    pub(crate) fn with_chip(self, bus: &str, address: u8, registers: &[u8]) -> Self {
        self.i2c.lock().unwrap().entry(bus.into()).or_default().chips.insert(address, registers.to_vec());
        self
    }

    /// Puts a chip that holds this value on an SPI bus.
    pub(crate) fn with_spi(self, chip: &str, value: &[u8]) -> Self {
        self.spi.lock().unwrap().insert(chip.into(), value.to_vec());
        self
    }

    pub(crate) fn register(&self, bus: &str, address: u8, register: usize) -> u8 {
        self.i2c.lock().unwrap()[Path::new(bus)].chips[&address][register]
    }

    pub(crate) fn spi_value(&self, chip: &str) -> Vec<u8> {
        self.spi.lock().unwrap()[Path::new(chip)].clone()
    }

    /// How often a bus was opened.
    pub(crate) fn opened(&self, bus: &str) -> u32 {
        self.i2c.lock().unwrap()[Path::new(bus)].opened
    }

    /// Lets everything on a bus fail from now on.
    pub(crate) fn fail(&self, bus: &str, kind: i2c::ErrorKind) {
        self.i2c.lock().unwrap().get_mut(Path::new(bus)).unwrap().fails = Some(kind);
    }
}

impl Machine for FakeMachine {
    type Gpio = FakeGpio;
    type I2c = OpenBus;
    type Spi = OpenSpi;

    fn gpio(&self) -> FakeGpio {
        self.gpio.clone()
    }

    fn open_i2c(&self, bus: &Path) -> Result<OpenBus, DeviceError> {
        match self.i2c.lock().unwrap().get_mut(bus) {
            Some(found) => found.opened += 1,
            None => return Err(DeviceError::NotSent(node::missing(bus))),
        }
        Ok(OpenBus { machine: self.clone(), path: bus.to_owned() })
    }

    fn open_spi(&self, chip: &Path, _mode: SpiMode) -> Result<OpenSpi, DeviceError> {
        if self.spi.lock().unwrap().contains_key(chip) {
            Ok(OpenSpi { machine: self.clone(), path: chip.to_owned() })
        } else {
            Err(DeviceError::NotSent(node::missing(chip)))
        }
    }
}

#[derive(Debug)]
pub(crate) struct OpenBus {
    machine: FakeMachine,
    path: PathBuf,
}

impl i2c::ErrorType for OpenBus {
    type Error = i2c::ErrorKind;
}

impl I2c for OpenBus {
    fn transaction(
        &mut self,
        address: u8,
        operations: &mut [i2c::Operation<'_>],
    ) -> Result<(), i2c::ErrorKind> {
        let mut buses = self.machine.i2c.lock().unwrap();
        let bus = buses.get_mut(&self.path).unwrap();
        if let Some(kind) = bus.fails {
            return Err(kind);
        }
        let chip = bus.chips.get_mut(&address);
        let chip = chip.ok_or(i2c::ErrorKind::NoAcknowledge(NoAcknowledgeSource::Address))?;
        match operations {
            [i2c::Operation::Write(all)] => {
                let first = usize::from(all[0]);
                chip[first..first + all.len() - 1].copy_from_slice(&all[1..]);
            }
            [i2c::Operation::Write(first), i2c::Operation::Read(bytes)] => {
                let first = usize::from(first[0]);
                bytes.copy_from_slice(&chip[first..first + bytes.len()]);
            }
            _ => panic!("registers are not spoken to like this"),
        }
        Ok(())
    }
}

#[derive(Debug)]
pub(crate) struct OpenSpi {
    machine: FakeMachine,
    path: PathBuf,
}

impl spi::ErrorType for OpenSpi {
    type Error = spi::ErrorKind;
}

impl SpiDevice for OpenSpi {
    fn transaction(&mut self, operations: &mut [spi::Operation<'_, u8>]) -> Result<(), spi::ErrorKind> {
        let mut chips = self.machine.spi.lock().unwrap();
        let value = chips.get_mut(&self.path).unwrap();
        match operations {
            [spi::Operation::Write(_), spi::Operation::Read(bytes)] => bytes.copy_from_slice(value),
            [spi::Operation::Write(_), spi::Operation::Write(bytes)] => *value = bytes.to_vec(),
            _ => panic!("a value is not spoken to like this"),
        }
        Ok(())
    }
}
