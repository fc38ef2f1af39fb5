//! Devices on Modbus: their sections of a board file, and a look at them.

mod coil;
mod keys;
mod pulse;
mod register;

pub use coil::ModbusCoilSection;
pub use pulse::{CounterSection, ModbusPulseSection};
pub use register::ModbusRegisterSection;

pub(super) use keys::seen;

#[cfg(test)]
mod tests;
