//! The devices of this machine: what a board file says of them, the drivers of its pins and buses, and
//! what a look at them finds.
//!
//! Tools are `everstep-tools-device`'s, over traits. Leaves out the simulated devices, whose sections
//! are only told apart here.

mod assemble;
#[cfg(test)]
mod fake;
mod gpio;
mod i2c;
mod kinds;
mod lines;
mod look;
mod machine;
pub mod modbus;
mod node;
mod register;
mod section;
pub mod serial;
mod spi;
mod states;
pub mod watchdog;

pub use assemble::assemble;
pub use gpio::{Bias, GpioInputSection, GpioOutputSection, GpioPulseSection, LineNumber};
pub use i2c::{
    Address, ExpanderLineNumber, I2cRegisterSection, Pca9535InputSection, Pca9535OutputSection, Tmp102Section,
};
pub use kinds::LinuxSection;
pub use look::{Finding, Verdict, look};
pub use register::Digits;
pub use section::{DeviceKind, DeviceSection, WrongSection, check, simulated};
pub use spi::SpiRegisterSection;
