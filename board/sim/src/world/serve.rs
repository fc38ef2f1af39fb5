//! The cold room behind the world's socket.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Change, DeviceName, Snapshot, Verdict, World};
use crate::{
    protocol::Request,
    simulated::{Point, Ran, Simulated, Standing, Story, shown},
};

/// Decimals of the air's sensor, and of the ice's.
const DIGITS: [(&str, u8); 2] = [("air", 1), ("ice", 0)];

impl Simulated for World {
    fn devices(&self) -> Vec<DeviceName> {
        vec![DeviceName::ROOM, DeviceName::COMPRESSOR, DeviceName::FAN, DeviceName::HEATER, DeviceName::PUMP]
    }

    fn now_ms(&self) -> u64 {
        self.now_ms
    }

    fn step_to(&mut self, until_ms: u64) {
        Self::step_to(self, until_ms);
    }

    fn perform(&mut self, device: &DeviceName, request: &Request) -> Result<Value, String> {
        match (device.as_str(), request) {
            ("room", Request::Read) => return self.read().map(|seen| json!(seen)).map_err(str::to_owned),
            ("compressor", Request::Get) => return Ok(json!(self.compressor_commanded())),
            ("pump", Request::Counter) => return Ok(json!(self.pump_counter())),
            ("compressor", Request::Set { on }) => self.set_compressor(*on),
            ("fan", Request::Speed { percent: percent @ 0..=100 }) => self.set_fan(*percent),
            ("heater", Request::Start { seconds }) => self.start_defrost(*seconds),
            ("pump", Request::Pulse { pulses }) => self.pulse(*pulses),
            _ => return Err(format!("{device} does not take this request")),
        }
        Ok(Value::Null)
    }

    fn fault(&mut self, fault: &Value) -> Result<(), String> {
        let fault = serde_json::from_value(fault.clone()).map_err(|error| error.to_string())?;
        Self::fault(self, fault);
        Ok(())
    }

    fn snapshot(&self) -> Value {
        json!(Self::snapshot(self))
    }

    fn story(&self, at_ms: Option<u64>) -> Story {
        let now = Self::snapshot(self);
        let air_c = at_ms.map_or(now.air_c, |at_ms| self.air_at(at_ms));
        let start = self.start.as_deref().unwrap_or(&now);
        Story { start: standing(start), end: standing(&Snapshot { air_c, ..now.clone() }) }
    }

    fn check(&self, target_c: f64, answer: &str, at_ms: Option<u64>) -> Result<Verdict, String> {
        Ok(Self::check(self, target_c, answer, at_ms))
    }

    fn take_changes(&mut self) -> Vec<Change> {
        Self::take_changes(self)
    }
}

/// A snapshot in the words of `tasks.toml`. The door counts as an actuator: it has states.
fn standing(state: &Snapshot) -> Standing {
    let quantities: BTreeMap<String, f64> =
        [("air", state.air_c), ("ice", state.ice_mm)].map(|(name, value)| (name.to_owned(), value)).into();
    let shown = DIGITS
        .iter()
        .filter_map(|(name, digits)| Some(((*name).to_owned(), shown(*quantities.get(*name)?, *digits))))
        .collect();
    let door = Point::Word(if state.door_open { "open" } else { "closed" }.into());
    let actuators = [
        ("compressor", Point::switch(state.compressor_on)),
        ("fan", Point::Number(state.fan_percent.into())),
        ("door", door),
    ];
    let defrost =
        Ran { times: state.defrosts.into(), seconds: state.defrost_s, left_s: state.defrost_left_s };
    let antifreeze = Ran { times: state.pulses, ..Ran::default() };
    Standing {
        world_ms: state.world_ms,
        quantities,
        shown,
        actuators: actuators.map(|(name, point)| (name.to_owned(), point)).into(),
        runs: [("defrost", defrost), ("antifreeze", antifreeze)].map(|(n, ran)| (n.to_owned(), ran)).into(),
    }
}
