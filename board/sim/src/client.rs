//! The world's devices as drivers: what a board's real drivers are to its buses.
//!
//! Each device has a connection of its own, so that a slow one does not hold the others.

mod line;

use std::{path::Path, time::Duration};

use embedded_hal::{digital, pwm};
use everstep_tool::device::{DefrostHeater, DeviceError, DosingPump, RoomReading, RoomSensor};

use crate::{
    protocol::Request,
    world::{DeviceName, Snapshot},
};
use line::Line;
pub use line::ask;

/// A world behind a socket.
#[derive(Clone, Debug)]
pub struct SocketWorld {
    socket: std::path::PathBuf,
    io_max: Duration,
}

impl SocketWorld {
    /// The world that listens on `socket`; each request and each answer may take `io_max`.
    #[must_use]
    pub fn new(socket: &Path, io_max: Duration) -> Self {
        Self { socket: socket.to_owned(), io_max }
    }

    fn line(&self, device: DeviceName) -> Line {
        Line::new(&self.socket, device, self.io_max)
    }

    /// All sensors.
    #[must_use]
    pub fn room(&self) -> WorldRoom {
        WorldRoom(self.line(DeviceName::Room))
    }

    /// The compressor's relay.
    #[must_use]
    pub fn compressor(&self) -> WorldPin {
        WorldPin(self.line(DeviceName::Compressor))
    }

    /// The evaporator's fan.
    #[must_use]
    pub fn fan(&self) -> WorldDuty {
        WorldDuty(self.line(DeviceName::Fan))
    }

    /// The defrost heater.
    #[must_use]
    pub fn heater(&self) -> WorldHeater {
        WorldHeater(self.line(DeviceName::Heater))
    }

    /// The dosing pump.
    #[must_use]
    pub fn pump(&self) -> WorldPump {
        WorldPump(self.line(DeviceName::Pump))
    }
}

/// Why a pin did not, or may not have, moved.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error(transparent)]
pub struct LineError(DeviceError);

impl From<LineError> for DeviceError {
    fn from(error: LineError) -> Self {
        error.0
    }
}

impl digital::Error for LineError {
    fn kind(&self) -> digital::ErrorKind {
        digital::ErrorKind::Other
    }
}

impl pwm::Error for LineError {
    fn kind(&self) -> pwm::ErrorKind {
        pwm::ErrorKind::Other
    }
}

/// The compressor's relay, as a pin.
#[derive(Debug)]
pub struct WorldPin(Line);

impl digital::ErrorType for WorldPin {
    type Error = LineError;
}

impl WorldPin {
    fn set(&mut self, on: bool) -> Result<(), LineError> {
        self.0.tell(&Request::Set { on }).map_err(LineError)
    }
}

impl digital::OutputPin for WorldPin {
    fn set_low(&mut self) -> Result<(), LineError> {
        self.set(false)
    }

    fn set_high(&mut self) -> Result<(), LineError> {
        self.set(true)
    }
}

impl digital::StatefulOutputPin for WorldPin {
    fn is_set_high(&mut self) -> Result<bool, LineError> {
        self.0.ask(&Request::Get).map_err(LineError)
    }

    fn is_set_low(&mut self) -> Result<bool, LineError> {
        self.is_set_high().map(|high| !high)
    }
}

/// The fan, as a duty cycle of 0 to 100.
#[derive(Debug)]
pub struct WorldDuty(Line);

impl pwm::ErrorType for WorldDuty {
    type Error = LineError;
}

impl pwm::SetDutyCycle for WorldDuty {
    fn max_duty_cycle(&self) -> u16 {
        100
    }

    fn set_duty_cycle(&mut self, duty: u16) -> Result<(), LineError> {
        let percent = u8::try_from(duty).ok().filter(|percent| *percent <= 100);
        let percent = percent
            .ok_or_else(|| LineError(DeviceError::NotSent(format!("the fan has no duty of {duty}"))))?;
        self.0.tell(&Request::Speed { percent }).map_err(LineError)
    }
}

/// The room's sensors.
#[derive(Debug)]
pub struct WorldRoom(Line);

impl RoomSensor for WorldRoom {
    fn read(&mut self) -> Result<RoomReading, DeviceError> {
        let seen: Snapshot = self.0.ask(&Request::Read)?;
        Ok(RoomReading {
            air_c: seen.air_c,
            ice_mm: seen.ice_mm,
            door_open: seen.door_open,
            compressor_on: seen.compressor_on,
            fan_percent: seen.fan_percent,
            defrost_left_s: seen.defrost_left_s,
        })
    }
}

/// The defrost heater.
#[derive(Debug)]
pub struct WorldHeater(Line);

impl DefrostHeater for WorldHeater {
    fn start(&mut self, seconds: u32) -> Result<(), DeviceError> {
        self.0.tell(&Request::Start { seconds })
    }
}

/// The dosing pump.
#[derive(Debug)]
pub struct WorldPump(Line);

impl DosingPump for WorldPump {
    fn pulse(&mut self, pulses: u32) -> Result<(), DeviceError> {
        self.0.tell(&Request::Pulse { pulses })
    }

    fn counter(&mut self) -> Result<u64, DeviceError> {
        self.0.ask(&Request::Counter)
    }
}
