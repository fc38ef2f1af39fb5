//! The world's devices as drivers: what a board's real drivers are to its buses.
//!
//! Each device has a connection of its own, so that a slow one does not hold the others.

mod line;

use std::{path::Path, time::Duration};

use embedded_hal::{digital, pwm};
use everstep_tool::{
    Cancel,
    device::{
        Counter, DeviceError, Pulser, Reading, Regulator, RoomReading, RoomSensor, Selector, Sensor, Shown,
        Timer, spoken,
    },
};

use crate::{
    plant::{Actuator, PlantFile, Quantity, SENSORS, Seen},
    protocol::Request,
    simulated::Point,
    world::{DeviceName, Snapshot},
};
use line::Line;
pub use line::ask;

/// A world behind a socket.
#[derive(Clone, Debug)]
pub struct SocketWorld {
    socket: std::path::PathBuf,
    io_max: Duration,
    plant: Option<PlantFile>,
}

impl SocketWorld {
    /// The cold room that listens on `socket`; each request and each answer may take `io_max`.
    #[must_use]
    pub fn new(socket: &Path, io_max: Duration) -> Self {
        Self { socket: socket.to_owned(), io_max, plant: None }
    }

    /// The same socket, with this plant behind it.
    #[must_use]
    pub fn with_plant(self, plant: PlantFile) -> Self {
        Self { plant: Some(plant), ..self }
    }

    /// The plant, where the world is one.
    #[must_use]
    pub const fn plant(&self) -> Option<&PlantFile> {
        self.plant.as_ref()
    }

    fn line(&self, device: &str) -> Line {
        Line::new(&self.socket, DeviceName::new(device), self.io_max)
    }

    /// All sensors of the cold room.
    #[must_use]
    pub fn room(&self) -> WorldRoom {
        WorldRoom(self.line("room"))
    }

    /// The relay called `name`.
    #[must_use]
    pub fn pin(&self, name: &str) -> WorldPin {
        WorldPin(self.line(name))
    }

    /// What is called `name` and runs at some percent.
    #[must_use]
    pub fn duty(&self, name: &str) -> WorldDuty {
        WorldDuty(self.line(name))
    }

    /// The switch called `name`.
    #[must_use]
    pub fn selector(&self, name: &str) -> WorldSelector {
        WorldSelector(self.line(name))
    }

    /// The set-point called `name`.
    #[must_use]
    pub fn regulator(&self, name: &str) -> WorldRegulator {
        WorldRegulator(self.line(name))
    }

    /// The timed device called `name`.
    #[must_use]
    pub fn timer(&self, name: &str) -> WorldTimer {
        WorldTimer(self.line(name))
    }

    /// The dosing pump.
    #[must_use]
    pub fn pump(&self) -> WorldPump {
        WorldPump(self.line("pump"))
    }

    /// A plant's sensors that show `shows`; nothing else is told.
    #[must_use]
    pub fn sensor(&self, shows: &[String]) -> WorldSensor {
        let plant = self.plant.clone().unwrap_or_default();
        WorldSensor { line: self.line(SENSORS), plant, shows: shows.to_vec() }
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

/// A relay, as a pin.
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

/// A fan or the like, as a duty cycle of 0 to 100.
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
            .ok_or_else(|| LineError(DeviceError::NotSent(format!("there is no duty of {duty} percent"))))?;
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

/// A device with a timer of its own.
#[derive(Debug)]
pub struct WorldTimer(Line);

impl Timer for WorldTimer {
    fn start(&mut self, seconds: u32) -> Result<(), DeviceError> {
        self.0.tell(&Request::Start { seconds })
    }
}

/// A switch with named states.
#[derive(Debug)]
pub struct WorldSelector(Line);

impl Selector for WorldSelector {
    fn select(&mut self, state: &str) -> Result<(), DeviceError> {
        self.0.tell(&Request::Put { value: Point::Word(state.into()) })
    }

    fn selected(&mut self) -> Result<String, DeviceError> {
        self.0.ask(&Request::Get)
    }
}

/// A set-point.
#[derive(Debug)]
pub struct WorldRegulator(Line);

impl Regulator for WorldRegulator {
    fn set_value(&mut self, value: f64) -> Result<(), DeviceError> {
        self.0.tell(&Request::Put { value: Point::Number(value) })
    }

    fn value(&mut self) -> Result<f64, DeviceError> {
        self.0.ask(&Request::Get)
    }
}

/// A plant's sensors.
#[derive(Debug)]
pub struct WorldSensor {
    line: Line,
    plant: PlantFile,
    shows: Vec<String>,
}

impl Sensor for WorldSensor {
    fn read(&mut self) -> Result<Vec<Reading>, DeviceError> {
        let seen: Seen = self.line.ask(&Request::Read)?;
        let shown = |name: &String| {
            let shown = self
                .shown(name, &seen)
                .ok_or_else(|| DeviceError::NotSent(format!("the sensors show no {}", spoken(name))))?;
            Ok(Reading { name: name.clone(), shown })
        };
        self.shows.iter().map(shown).collect()
    }
}

impl WorldSensor {
    fn shown(&self, name: &str, seen: &Seen) -> Option<Shown> {
        let point = seen.values.get(name);
        if let Some(Quantity { unit, digits, min, max, .. }) = self.plant.quantity.get(name) {
            let Some(Point::Number(value)) = point else { return None };
            let (unit, range) = (unit.clone(), *min..=*max);
            return Some(Shown::Level { value: *value, digits: *digits, unit, range });
        }
        let set_to = |value: f64, unit: &str| Shown::SetTo { value, unit: unit.to_owned() };
        match (self.plant.actuator.get(name)?, point?) {
            (Actuator::Percent { .. }, Point::Number(value)) => Some(set_to(*value, "percent")),
            (Actuator::Setpoint { unit, .. }, Point::Number(value)) => Some(set_to(*value, unit)),
            (Actuator::Timed { .. }, _) => {
                Some(Shown::LeftS(seen.left_s.get(name).copied().unwrap_or_default()))
            }
            (Actuator::Relay { .. } | Actuator::Switch { .. }, Point::Word(word)) => {
                Some(Shown::State(word.clone()))
            }
            _ => None,
        }
    }
}

/// The dosing pump.
#[derive(Debug)]
pub struct WorldPump(Line);

impl Pulser for WorldPump {
    /// All pulses are one request, so there is nothing to stop between.
    fn pulse(&mut self, pulses: u32, _cancel: &Cancel) -> Result<(), DeviceError> {
        self.0.tell(&Request::Pulse { pulses })
    }
}

impl Counter for WorldPump {
    fn count(&mut self) -> Result<u64, DeviceError> {
        self.0.ask(&Request::Counter)
    }
}
