//! Registers of a chip on an I²C bus.

use embedded_hal::i2c::I2c;
use everstep_tool::DeviceError;

use crate::{
    bus::{BusFault, SharedBus},
    register::Register,
};

/// A chip: its bus and its address of seven bits.
#[derive(Debug)]
pub struct I2cChip<B> {
    bus: SharedBus<B>,
    address: u8,
}

impl<B> Clone for I2cChip<B> {
    fn clone(&self) -> Self {
        Self { bus: self.bus.clone(), address: self.address }
    }
}

impl<B> I2cChip<B> {
    /// The chip that answers to `address` on `bus`.
    #[must_use]
    pub const fn new(bus: SharedBus<B>, address: u8) -> Self {
        Self { bus, address }
    }

    /// What errors call it: `0x48 on /dev/i2c-1`.
    #[must_use]
    pub fn place(&self) -> String {
        format!("0x{:02x} on {}", self.address, self.bus.name())
    }
}

impl<B: I2c<Error: Into<BusFault>>> I2cChip<B> {
    /// Does `work` on the chip's registers while nobody else has the bus.
    ///
    /// # Errors
    ///
    /// [`DeviceError::NotSent`] where the bus can't be opened; otherwise what `work` says.
    pub fn with<T>(
        &self,
        work: impl FnOnce(&mut I2cSession<'_, B>) -> Result<T, DeviceError>,
    ) -> Result<T, DeviceError> {
        let place = self.place();
        self.bus.with(|bus| work(&mut I2cSession { bus, address: self.address, place }))
    }
}

/// The registers of one chip, while nobody else has its bus.
#[derive(Debug)]
pub struct I2cSession<'a, B> {
    bus: &'a mut B,
    address: u8,
    place: String,
}

impl<B: I2c<Error: Into<BusFault>>> I2cSession<'_, B> {
    /// Reads from `register` on, as many bytes as there is room for.
    ///
    /// # Errors
    ///
    /// [`DeviceError::NotSent`]: a read changes nothing.
    pub fn read(&mut self, register: u8, bytes: &mut [u8]) -> Result<(), DeviceError> {
        let read = self.bus.write_read(self.address, &[register], bytes);
        read.map_err(|error| error.into().of_read(&self.place))
    }

    /// Writes from `register` on.
    ///
    /// # Errors
    ///
    /// [`DeviceError::NotSent`] only where the chip did not answer at all.
    pub fn write(&mut self, register: u8, bytes: &[u8]) -> Result<(), DeviceError> {
        let all: Vec<u8> = [register].iter().chain(bytes).copied().collect();
        let written = self.bus.write(self.address, &all);
        written.map_err(|error| error.into().of_write(&self.place))
    }
}

/// One register.
#[derive(Debug)]
pub struct I2cRegister<B> {
    chip: I2cChip<B>,
    register: u8,
}

impl<B> I2cRegister<B> {
    /// The register of this number.
    #[must_use]
    pub const fn new(chip: I2cChip<B>, register: u8) -> Self {
        Self { chip, register }
    }
}

impl<B: I2c<Error: Into<BusFault>> + Send> Register for I2cRegister<B> {
    fn read(&mut self, bytes: &mut [u8]) -> Result<(), DeviceError> {
        self.chip.with(|chip| chip.read(self.register, bytes))
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), DeviceError> {
        self.chip.with(|chip| chip.write(self.register, bytes))
    }
}

#[cfg(test)]
pub(crate) mod mock {
    //! A bus that expects exact transactions.

    use embedded_hal_mock::eh1::i2c::{Mock, Transaction};

    use super::*;

    /// The chip at `address` of a bus on which exactly these transactions may happen; and the bus, to
    /// say at the end that they did.
    pub(crate) fn chip(address: u8, expected: &[Transaction]) -> (I2cChip<Mock>, Mock) {
        let mock = Mock::new(expected);
        let bus = mock.clone();
        (I2cChip::new(SharedBus::new("/dev/i2c-1", move || Ok(bus.clone())), address), mock)
    }
}

#[cfg(test)]
mod tests {
    use embedded_hal::i2c::{ErrorKind, NoAcknowledgeSource};
    use embedded_hal_mock::eh1::i2c::Transaction;

    use super::*;

    #[test]
    fn register_is_read_and_written_in_one_transaction_each() {
        let (chip, mut bus) = mock::chip(
            0x48,
            &[Transaction::write_read(0x48, vec![7], vec![1, 2]), Transaction::write(0x48, vec![7, 3, 4])],
        );
        let mut register = I2cRegister::new(chip, 7);
        let mut bytes = [0; 2];
        register.read(&mut bytes).unwrap();
        assert_eq!(bytes, [1, 2]);
        register.write(&[3, 4]).unwrap();
        bus.done();
    }

    #[test]
    fn faults_are_told_with_their_place_and_what_is_certain() {
        let silent = ErrorKind::NoAcknowledge(NoAcknowledgeSource::Address);
        let refused = ErrorKind::NoAcknowledge(NoAcknowledgeSource::Data);
        let (chip, mut bus) = mock::chip(
            0x20,
            &[
                Transaction::write(0x20, vec![2, 9]).with_error(silent),
                Transaction::write(0x20, vec![2, 9]).with_error(refused),
                Transaction::write_read(0x20, vec![2], vec![0]).with_error(ErrorKind::Bus),
            ],
        );
        let mut register = I2cRegister::new(chip, 2);
        let told = register.write(&[9]).unwrap_err();
        let expected = "0x20 on /dev/i2c-1: no chip answers: check its address, its power and the wires";
        assert_eq!(told, DeviceError::NotSent(expected.into()));
        let told = register.write(&[9]).unwrap_err();
        assert_eq!(told, DeviceError::Unknown("0x20 on /dev/i2c-1: the chip did not take a byte".into()));
        let told = register.read(&mut [0]).unwrap_err();
        assert!(matches!(&told, DeviceError::NotSent(text) if text.contains("the bus failed")), "{told:?}");
        bus.done();
    }
}
