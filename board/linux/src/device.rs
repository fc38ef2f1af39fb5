//! The devices of this machine: what a board file says of them, the drivers of its pins and buses, and
//! what a look at them finds.
//!
//! Tools are `everstep-tools-device`'s, over traits. Leaves out the simulated devices, whose sections
//! are only told apart here.

mod assemble;
mod kinds;
mod look;
mod machine;
mod section;
pub mod watchdog;

pub use assemble::assemble;
pub use kinds::LinuxSection;
pub use look::{Finding, Verdict, look};
pub use section::{DeviceKind, DeviceSection, WrongSection, check, simulated};
