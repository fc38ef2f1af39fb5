//! I²C buses of this machine, and the kinds of chips on them.

mod kernel;
mod pca9535;
mod register;
mod tmp102;

use crate::config::Whole;

pub(crate) use kernel::KernelI2c;
pub use pca9535::{ExpanderLineNumber, Pca9535InputSection, Pca9535OutputSection};
pub use register::I2cRegisterSection;
pub use tmp102::Tmp102Section;

/// A chip's address of seven bits; the others are reserved.
pub type Address = Whole<3, 3, 119>;

/// An address as the bus takes it.
fn narrow(address: Address) -> u8 {
    u8::try_from(address.get()).unwrap_or(u8::MAX)
}
