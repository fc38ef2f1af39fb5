//! Lines of bytes to devices: TCP connections and serial ports, with real time limits.
//!
//! Leaves out what is said on them: that is `everstep-tools-device`'s.

mod tcp;
mod timed;
mod tty;

pub use tcp::tcp;
pub use tty::{open_port, port};
