//! A plant behind the world's socket.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Actuator, Plant, SENSORS};
use crate::{
    protocol::Request,
    simulated::{Point, Simulated, Story},
    world::{Change, DeviceName, Verdict},
};

/// What a plant's sensors answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seen {
    /// Quantities and actuators, as they are seen.
    pub values: BTreeMap<String, Point>,
    /// Seconds that running timers have left.
    pub left_s: BTreeMap<String, u32>,
}

impl Plant {
    /// What the sensors show.
    ///
    /// # Errors
    ///
    /// While the sensors are made to fail.
    pub fn read(&self) -> Result<Seen, String> {
        if self.sensors_fail {
            return Err("the sensors do not answer".into());
        }
        let level = |level: &super::Level| Point::Number(level.shows.unwrap_or(level.value));
        let levels = self.quantities.iter().map(|(name, of)| (name.clone(), level(of)));
        let moved = self.actuators.iter().map(|(name, moved)| (name.clone(), moved.does().clone()));
        let running = self.actuators.iter().filter(|(_, moved)| moved.until_ms.is_some());
        Ok(Seen {
            values: levels.chain(moved).collect(),
            left_s: running.map(|(name, moved)| (name.clone(), self.ran(moved).left_s)).collect(),
        })
    }
}

impl Simulated for Plant {
    fn devices(&self) -> Vec<DeviceName> {
        let actuators = self.actuators.keys().map(|name| DeviceName::new(name));
        actuators.chain([DeviceName::new(SENSORS)]).collect()
    }

    fn now_ms(&self) -> u64 {
        self.now_ms
    }

    fn step_to(&mut self, until_ms: u64) {
        Self::step_to(self, until_ms);
    }

    fn perform(&mut self, device: &DeviceName, request: &Request) -> Result<Value, String> {
        let name = device.as_str();
        if name == SENSORS {
            return match request {
                Request::Read => self.read().map(|seen| json!(seen)),
                _ => Err("the sensors can only be read".into()),
            };
        }
        let (kind, moved) = self.known(name)?;
        let done = match (kind, request) {
            // A relay is asked in truth values, as the cold room's is.
            (Actuator::Relay { .. }, Request::Get) => {
                return Ok(json!(moved.told == Point::switch(true)));
            }
            (_, Request::Get) => return Ok(moved.told.json()),
            (Actuator::Relay { .. }, Request::Set { on }) => self.set(name, &Point::switch(*on)),
            (Actuator::Percent { .. }, Request::Speed { percent }) => {
                self.set(name, &Point::Number(f64::from(*percent)))
            }
            (Actuator::Switch { .. } | Actuator::Setpoint { .. }, Request::Put { value }) => {
                self.set(name, value)
            }
            (Actuator::Timed { .. }, Request::Start { seconds }) => self.start(name, *seconds),
            (kind, _) => Err(format!("{name} is of kind {} and does not take this request", kind.kind())),
        };
        done.map(|()| Value::Null)
    }

    fn fault(&mut self, fault: &Value) -> Result<(), String> {
        let fault = serde_json::from_value(fault.clone()).map_err(|error| error.to_string())?;
        Self::fault(self, &fault)
    }

    fn snapshot(&self) -> Value {
        json!(self.standing(None))
    }

    fn story(&self, at_ms: Option<u64>) -> Story {
        Story { start: (*self.start).clone(), end: self.standing(at_ms) }
    }

    fn check(&self, _: f64, _: &str, _: Option<u64>) -> Result<Verdict, String> {
        Err("this world is no cold room: check a task of its tasks.toml".into())
    }

    fn take_changes(&mut self) -> Vec<Change> {
        self.changes.drain(..).collect()
    }
}
