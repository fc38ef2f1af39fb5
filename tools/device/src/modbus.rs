//! Modbus over TCP and over serial lines: registers, coils and pulses.
//!
//! The frames are `tokio-modbus`'s. Leaves out opening a connection or a port, and what a board file
//! says of them: that is the board's.

mod client;
mod coil;
mod exception;
mod number;
mod pulse;
mod register;
mod transport;

pub use client::{Framing, ModbusClient};
pub use coil::{Bit, Coil, CoilTable};
pub use number::{NumberKind, Numeral, RegisterTable, WordOrder};
pub use pulse::{CommandRegister, CountedRegister};
pub use register::{Place, Register};
