//! A bus of the kernel, `/dev/i2c-N`.
//!
//! Over `linux-embedded-hal`'s `i2cdev` rather than its `I2cdev`: that one drops how many messages went
//! through, and says the same of an address that a kernel driver has as of a bus that failed. No kernel
//! driver has run this yet.

use std::{io, path::Path};

use embedded_hal::i2c::{Error, ErrorKind, ErrorType, I2c, NoAcknowledgeSource, Operation};
use everstep_tool::DeviceError;
use everstep_tools_device::{BusFault, Effect};
use linux_embedded_hal::i2cdev::{
    core::{I2CMessage, I2CTransfer},
    linux::{LinuxI2CDevice, LinuxI2CError, LinuxI2CMessage},
};

use crate::device::node;

/// An address that nothing has: a bus is opened without a chip.
const NO_CHIP: u16 = 0;

/// A bus that is open.
#[derive(Debug)]
pub(crate) struct KernelI2c {
    bus: LinuxI2CDevice,
}

impl KernelI2c {
    /// Opens a bus.
    ///
    /// # Errors
    ///
    /// [`DeviceError::NotSent`], saying what to do.
    pub(crate) fn open(path: &Path) -> Result<Self, DeviceError> {
        match LinuxI2CDevice::new(path, NO_CHIP) {
            Ok(bus) => Ok(Self { bus }),
            Err(error) => {
                let error = io::Error::from(error);
                Err(DeviceError::NotSent(match error.raw_os_error() {
                    Some(libc::ENOTTY) => format!("{} is no I2C bus", path.display()),
                    _ => node::not_opened(path, &error),
                }))
            }
        }
    }
}

/// What went wrong on the bus.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum KernelI2cError {
    /// A driver of the kernel has the chip.
    Owned,
    /// The kernel's number.
    Number(i32),
    /// Fewer messages went through than were sent.
    Short { sent: u32, of: usize },
}

impl KernelI2cError {
    fn of(error: &LinuxI2CError) -> Self {
        Self::Number(match error {
            LinuxI2CError::Errno(number) => *number,
            LinuxI2CError::Io(error) => error.raw_os_error().unwrap_or(libc::EIO),
        })
    }
}

/// The numbers are those of the kernel's `i2c/fault-codes`.
impl Error for KernelI2cError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Owned | Self::Number(libc::ENXIO) => ErrorKind::NoAcknowledge(NoAcknowledgeSource::Address),
            // Many drivers say this of the address and of a byte alike.
            Self::Number(libc::EREMOTEIO) => ErrorKind::NoAcknowledge(NoAcknowledgeSource::Unknown),
            Self::Number(libc::EAGAIN) => ErrorKind::ArbitrationLoss,
            Self::Number(libc::EIO | libc::EBUSY | libc::ETIMEDOUT) => ErrorKind::Bus,
            Self::Number(_) | Self::Short { .. } => ErrorKind::Other,
        }
    }
}

impl From<KernelI2cError> for BusFault {
    fn from(error: KernelI2cError) -> Self {
        let possible = |text: String| Self { effect: Effect::Possible, text };
        match error {
            KernelI2cError::Owned => Self {
                effect: Effect::None,
                text: "a driver of the kernel has this chip: unbind it, or use what that driver offers"
                    .into(),
            },
            KernelI2cError::Number(libc::EREMOTEIO) => {
                possible("no chip answers, or it did not take a byte: check its address and the wires".into())
            }
            KernelI2cError::Number(libc::ETIMEDOUT) => {
                possible("the bus did not answer in time: check whether a chip holds a wire low".into())
            }
            // The adapter says so before it begins.
            KernelI2cError::Number(libc::EOPNOTSUPP) => {
                Self { effect: Effect::None, text: "this adapter can't send plain messages".into() }
            }
            KernelI2cError::Short { sent, of } => {
                possible(format!("only {sent} of {of} messages went through"))
            }
            error @ KernelI2cError::Number(libc::ENXIO | libc::EAGAIN | libc::EIO | libc::EBUSY) => {
                error.kind().into()
            }
            KernelI2cError::Number(number) => possible(io::Error::from_raw_os_error(number).to_string()),
        }
    }
}

impl ErrorType for KernelI2c {
    type Error = KernelI2cError;
}

impl I2c for KernelI2c {
    fn transaction(&mut self, address: u8, operations: &mut [Operation<'_>]) -> Result<(), KernelI2cError> {
        // Refused where a driver of the kernel has the chip; the messages alone would not be.
        self.bus.set_slave_address(address.into()).map_err(|error| match KernelI2cError::of(&error) {
            KernelI2cError::Number(libc::EBUSY) => KernelI2cError::Owned,
            error => error,
        })?;
        let mut messages: Vec<_> = operations
            .iter_mut()
            .map(|operation| match operation {
                Operation::Read(bytes) => LinuxI2CMessage::read(bytes),
                Operation::Write(bytes) => LinuxI2CMessage::write(bytes),
            })
            .collect();
        let of = messages.len();
        let sent = self.bus.transfer(&mut messages).map_err(|error| KernelI2cError::of(&error))?;
        check_sent(sent, of)
    }
}

fn check_sent(sent: u32, of: usize) -> Result<(), KernelI2cError> {
    if usize::try_from(sent) == Ok(of) { Ok(()) } else { Err(KernelI2cError::Short { sent, of }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_kernel_is_sure_of_is_without_effect() {
        let fault = |number| BusFault::from(KernelI2cError::Number(number));
        let silent = fault(libc::ENXIO);
        assert_eq!((silent.effect, &silent.text[..15]), (Effect::None, "no chip answers"));
        assert_eq!(fault(libc::EOPNOTSUPP).effect, Effect::None);
        let owned = BusFault::from(KernelI2cError::Owned);
        assert!(owned.effect == Effect::None && owned.text.contains("unbind it"), "{owned:?}");
        for number in [libc::EREMOTEIO, libc::ETIMEDOUT, libc::EAGAIN, libc::EIO, libc::EBUSY, libc::ENODEV] {
            assert_eq!(fault(number).effect, Effect::Possible, "{number}");
        }
        assert!(fault(libc::EREMOTEIO).text.contains("or it did not take a byte"));
        assert!(fault(libc::ENODEV).text.contains("No such device"));
        assert_eq!(
            KernelI2cError::Number(libc::EREMOTEIO).kind().to_string(),
            ErrorKind::NoAcknowledge(NoAcknowledgeSource::Unknown).to_string()
        );
    }

    #[test]
    fn transaction_that_ended_early_is_a_fault() {
        assert_eq!(check_sent(2, 2), Ok(()));
        let short = check_sent(1, 2).unwrap_err();
        let fault = BusFault::from(short);
        assert_eq!(fault.effect, Effect::Possible);
        assert_eq!(fault.text, "only 1 of 2 messages went through");
    }

    #[test]
    fn what_is_no_bus_is_told() {
        let told = |path: &str| KernelI2c::open(Path::new(path)).unwrap_err().to_string();
        assert_eq!(told("/dev/null"), "/dev/null is no I2C bus");
        assert!(
            told("/nowhere/i2c-7").starts_with("/nowhere/i2c-7 is missing: "),
            "{}",
            told("/nowhere/i2c-7")
        );
    }
}
