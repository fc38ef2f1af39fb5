//! A value of a chip on an SPI bus, asked for and set by command bytes.

use embedded_hal::spi::{Operation, SpiDevice};
use everstep_tool::DeviceError;

use crate::{
    bus::{BusFault, SharedBus},
    register::Register,
};

/// A value: the bytes that ask for it, and those that set it. SPI has no answer to a command: a chip that
/// is missing reads as all ones or all zeros.
#[derive(Debug)]
pub struct SpiRegister<S> {
    chip: SharedBus<S>,
    read: Vec<u8>,
    write: Vec<u8>,
}

impl<S> SpiRegister<S> {
    /// The value that `read` asks for, and that `write` sets with the value's bytes behind it.
    #[must_use]
    pub fn new(chip: SharedBus<S>, read: &[u8], write: &[u8]) -> Self {
        Self { chip, read: read.to_vec(), write: write.to_vec() }
    }
}

impl<S: SpiDevice<Error: Into<BusFault>> + Send> Register for SpiRegister<S> {
    fn read(&mut self, bytes: &mut [u8]) -> Result<(), DeviceError> {
        self.chip.with(|chip| {
            // In one transaction, so that the chip stays selected in between.
            chip.transaction(&mut [Operation::Write(&self.read), Operation::Read(bytes)])
                .map_err(|error| error.into().of_read(self.chip.name()))
        })
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), DeviceError> {
        self.chip.with(|chip| {
            chip.transaction(&mut [Operation::Write(&self.write), Operation::Write(bytes)])
                .map_err(|error| error.into().of_write(self.chip.name()))
        })
    }
}

#[cfg(test)]
mod tests {
    use embedded_hal_mock::eh1::spi::{Mock, Transaction};

    use super::*;

    #[test]
    fn chip_stays_selected_between_command_and_value() {
        let mut mock: Mock<u8> = Mock::new(&[
            Transaction::transaction_start(),
            Transaction::write_vec(vec![0x80, 0x01]),
            Transaction::read_vec(vec![5, 6]),
            Transaction::transaction_end(),
            Transaction::transaction_start(),
            Transaction::write_vec(vec![0x40]),
            Transaction::write_vec(vec![7]),
            Transaction::transaction_end(),
        ]);
        let bus = mock.clone();
        let chip = SharedBus::new("/dev/spidev0.0", move || Ok(bus.clone()));
        let mut register = SpiRegister::new(chip, &[0x80, 0x01], &[0x40]);
        let mut bytes = [0; 2];
        register.read(&mut bytes).unwrap();
        assert_eq!(bytes, [5, 6]);
        register.write(&[7]).unwrap();
        mock.done();
    }

    /// The mock has no faults for SPI.
    struct Broken;

    impl embedded_hal::spi::ErrorType for Broken {
        type Error = embedded_hal::spi::ErrorKind;
    }

    impl SpiDevice for Broken {
        fn transaction(&mut self, _: &mut [Operation<'_, u8>]) -> Result<(), Self::Error> {
            Err(embedded_hal::spi::ErrorKind::ChipSelectFault)
        }
    }

    #[test]
    fn write_that_failed_may_have_had_an_effect() {
        let mut register = SpiRegister::new(SharedBus::new("/dev/spidev0.0", || Ok(Broken)), &[1], &[2]);
        let text = "/dev/spidev0.0: the chip could not be selected";
        assert_eq!(register.write(&[1]), Err(DeviceError::Unknown(text.into())));
        assert_eq!(register.read(&mut [0]), Err(DeviceError::NotSent(text.into())));
    }
}
