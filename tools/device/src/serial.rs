//! Devices that speak lines of text over a serial port: one question, one answer.
//!
//! Leaves out opening a port, and what a board file says of it: that is the board's.

mod device;
mod form;
mod talk;

pub use device::{Ask, Command, Shows, TextDevice};
pub use form::{Form, FormError};
pub use talk::{Echo, Ending, LINE_BYTES_MAX, TextLine};
