//! Traits for what only a cold room has, where `embedded-hal` has no words for it. They block.

use super::DeviceError;

/// What the room's sensors show at one moment, as read: not yet checked against any range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RoomReading {
    /// Air, in degrees Celsius.
    pub air_c: f64,
    /// Ice on the evaporator, in millimetres.
    pub ice_mm: f64,
    /// Whether the door stands open.
    pub door_open: bool,
    /// Whether the compressor turns, whatever it was told.
    pub compressor_on: bool,
    /// The fan's speed.
    pub fan_percent: u8,
    /// Seconds the defrost heater still runs; 0 while it is off.
    pub defrost_left_s: u32,
}

/// Reads a room.
pub trait RoomSensor: Send {
    /// Reads all sensors at one moment.
    ///
    /// # Errors
    ///
    /// Which sensor does not answer.
    fn read(&mut self) -> Result<RoomReading, DeviceError>;
}
