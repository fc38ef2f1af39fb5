//! A line of bytes to devices: what a board brings for serial ports and Modbus, and how far it is
//! trusted.
//!
//! Reads and writes are `embedded-io`'s. Leaves out what is said on the line, and how it is opened.

mod session;
mod settings;
mod turns;

use std::{io, time::Duration};

use embedded_io::{ErrorType, Read, Write};

pub(crate) use session::{AfterDoubt, Ready, Session, Wire, turn_max};
pub use settings::{DataBits, Parity, PortSettings};
pub use turns::{Turn, Turns};

/// Bytes to and from whatever is at the other end, within time limits. Dropping it hangs up.
pub trait Line: ErrorType<Error = io::Error> + Read + Write + Send {
    /// Gives all reads and writes from now on `limit` together. Beyond it they end in
    /// [`io::ErrorKind::TimedOut`].
    fn begin(&mut self, limit: Duration);

    /// Throws away what comes unasked, until nothing has come for `silence`. Returns how many bytes
    /// that were.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::TimedOut`] where bytes still come after `limit`;
    /// [`io::ErrorKind::UnexpectedEof`] where the other end has hung up.
    fn hush(&mut self, silence: Duration, limit: Duration) -> io::Result<usize>;
}

/// Opens a line, within a time limit, as often as it is asked to. An error is a line of text that a
/// technician can act on.
pub type Open = Box<dyn FnMut(Duration) -> Result<Box<dyn Line>, String> + Send>;

#[cfg(test)]
pub(crate) mod fake;
