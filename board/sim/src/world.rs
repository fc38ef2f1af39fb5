//! The physics of a cold room, with time of its own, faults, and a log of every change.
//!
//! Pure: time comes in through [`World::step`]. Leaves out sockets and agents; the world does not know
//! who turns its switches.

mod change;
mod check;
mod fault;
mod room;
mod serve;

use std::collections::VecDeque;

pub use change::{By, Change};
pub use check::Verdict;
pub use fault::{DeviceName, Fault, LineFault, SensorFault, When};
pub use room::{RoomFile, RoomFileError, RoomParameters, RoomStart};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Longest piece of time the physics is computed in at once.
const STEP_MS_MAX: u64 = 1_000;
/// How often the air is remembered, for checks of the end state.
const SAMPLE_MS: u64 = 10_000;
/// How many samples are remembered: a week of the world's time.
const SAMPLES_MAX: usize = 60_480;
/// Changes that are kept until they are taken; the oldest go first.
const CHANGES_MAX: usize = 100_000;

/// Everything about the room, as tests and the end-state check see it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The world's time.
    pub world_ms: u64,
    /// Air, in degrees Celsius, as it truly is.
    pub air_c: f64,
    /// Ice, in millimetres.
    pub ice_mm: f64,
    /// Whether the door stands open.
    pub door_open: bool,
    /// What the compressor was told.
    pub compressor_commanded: bool,
    /// Whether it turns.
    pub compressor_on: bool,
    /// The fan's speed.
    pub fan_percent: u8,
    /// Seconds the defrost heater still runs.
    pub defrost_left_s: u32,
    /// Times the heater was started.
    pub defrosts: u32,
    /// Seconds for which it was started, in all.
    pub defrost_s: u64,
    /// Pulses the pump gave in this world's life.
    pub pulses: u64,
    /// What the pump's counter shows; it began somewhere.
    pub pump_counter: u64,
}

/// One cold room.
#[derive(Clone, Debug)]
pub struct World {
    parameters: RoomParameters,
    now_ms: u64,
    air_c: f64,
    ice_mm: f64,
    door_open: bool,
    door_closes_at_ms: Option<u64>,
    compressor_commanded: bool,
    compressor_stuck: Option<bool>,
    fan_percent: u8,
    defrost_until_ms: Option<u64>,
    heater_deaf: bool,
    defrosts: u32,
    defrost_s: u64,
    needless_defrosts: u32,
    pulses: u64,
    pulses_to_lose: u32,
    pump_counter: u64,
    sensor: SensorFault,
    changes: VecDeque<Change>,
    samples: VecDeque<(u64, f64)>,
    start: Option<Box<Snapshot>>,
}

impl World {
    /// A room as it is at the start of its time.
    #[must_use]
    pub fn new(room: &RoomFile) -> Self {
        let start = &room.start;
        let mut world = Self {
            parameters: room.physics.clone(),
            now_ms: 0,
            air_c: start.air_c,
            ice_mm: start.ice_mm,
            door_open: false,
            door_closes_at_ms: None,
            compressor_commanded: start.compressor_on,
            compressor_stuck: None,
            fan_percent: start.fan_percent,
            defrost_until_ms: None,
            heater_deaf: false,
            defrosts: 0,
            defrost_s: 0,
            needless_defrosts: 0,
            pulses: 0,
            pulses_to_lose: 0,
            pump_counter: start.pump_counter,
            sensor: SensorFault::None,
            changes: VecDeque::new(),
            samples: VecDeque::new(),
            start: None,
        };
        if start.door_open_s > 0 {
            world.fault(Fault::Door { open: true, closes_after_s: Some(start.door_open_s) });
        }
        world.sample();
        world.start = Some(Box::new(world.snapshot()));
        world
    }

    /// The world's time, from 0.
    #[must_use]
    pub const fn now_ms(&self) -> u64 {
        self.now_ms
    }

    /// Lets time pass.
    pub fn step(&mut self, ms: u64) {
        self.step_to(self.now_ms.saturating_add(ms));
    }

    /// Lets time pass until `until_ms`; earlier times change nothing.
    pub fn step_to(&mut self, until_ms: u64) {
        while self.now_ms < until_ms {
            // Pieces end where something happens, so that it happens at its very time.
            let sample_at = (self.now_ms / SAMPLE_MS + 1).saturating_mul(SAMPLE_MS);
            let happens = [self.door_closes_at_ms, self.defrost_until_ms, Some(sample_at)];
            let piece_end = self.now_ms.saturating_add(STEP_MS_MAX).min(until_ms);
            let end = happens.into_iter().flatten().fold(piece_end, u64::min).max(self.now_ms + 1);
            self.flow(end - self.now_ms);
            self.now_ms = end;
            self.happen();
        }
    }

    /// Heat and ice over a piece of time in which nothing switches.
    fn flow(&mut self, ms: u64) {
        let cooling = self.compressor_on();
        let heating = self.defrost_until_ms.is_some() && !self.heater_deaf;
        let rates = self.parameters.rates(
            self.air_c,
            self.ice_mm,
            self.door_open,
            cooling,
            self.fan_percent,
            heating,
        );
        // At most a second, so nothing is lost.
        let seconds = f64::from(u32::try_from(ms).unwrap_or(u32::MAX)) / 1_000.0;
        self.air_c += rates.air_c_per_s * seconds;
        let ice_mm = self.ice_mm + rates.ice_mm_per_s * seconds;
        self.ice_mm = ice_mm.clamp(0.0, self.parameters.ice_mm_max.max(self.ice_mm));
    }

    fn happen(&mut self) {
        if self.door_closes_at_ms.is_some_and(|at| at <= self.now_ms) {
            self.door_closes_at_ms = None;
            self.set_door(false, By::World);
        }
        if self.defrost_until_ms.is_some_and(|at| at <= self.now_ms) {
            self.defrost_until_ms = None;
            self.log(By::World, DeviceName::HEATER, "run", json!("on"), json!("off"), Value::Null);
        }
        if self.now_ms.is_multiple_of(SAMPLE_MS) {
            self.sample();
        }
    }

    fn sample(&mut self) {
        if self.samples.len() >= SAMPLES_MAX {
            self.samples.pop_front();
        }
        self.samples.push_back((self.now_ms, self.air_c));
    }

    /// The air at `at_ms`, to the nearest sample; now, for a time that has yet to come.
    #[must_use]
    pub fn air_at(&self, at_ms: u64) -> f64 {
        if at_ms >= self.now_ms {
            return self.air_c;
        }
        let next = self.samples.iter().rev().take_while(|(ms, _)| *ms >= at_ms).last();
        next.map_or(self.air_c, |(_, air_c)| *air_c)
    }

    /// Whether the compressor turns: it may be stuck, and while a defrost runs it is locked out.
    #[must_use]
    pub fn compressor_on(&self) -> bool {
        self.compressor_stuck.unwrap_or(self.compressor_commanded && self.defrost_until_ms.is_none())
    }

    /// What the compressor was told.
    #[must_use]
    pub const fn compressor_commanded(&self) -> bool {
        self.compressor_commanded
    }

    /// Switches the compressor.
    pub fn set_compressor(&mut self, on: bool) {
        let before = std::mem::replace(&mut self.compressor_commanded, on);
        self.log(By::Command, DeviceName::COMPRESSOR, "set", switch(before), switch(on), json!({"on": on}));
    }

    /// Sets the fan's speed; more than 100 is 100.
    pub fn set_fan(&mut self, percent: u8) {
        let percent = percent.min(100);
        let before = std::mem::replace(&mut self.fan_percent, percent);
        let args = json!({"percent": percent});
        self.log(By::Command, DeviceName::FAN, "set", json!(before), json!(percent), args);
    }

    /// Starts the defrost heater, anew where it runs already. The compressor's relay falls off.
    pub fn start_defrost(&mut self, seconds: u32) {
        let before = if self.defrost_until_ms.is_some() { "on" } else { "off" };
        self.defrost_until_ms = Some(self.now_ms.saturating_add(u64::from(seconds) * 1_000));
        self.defrosts = self.defrosts.saturating_add(1);
        self.defrost_s = self.defrost_s.saturating_add(seconds.into());
        let needless = self.ice_mm < check::DEFROST_MM_MIN;
        self.needless_defrosts = self.needless_defrosts.saturating_add(needless.into());
        let args = json!({"seconds": seconds});
        self.log(By::Command, DeviceName::HEATER, "start", json!(before), json!("on"), args);
        if std::mem::take(&mut self.compressor_commanded) {
            self.log(
                By::World,
                DeviceName::COMPRESSOR,
                "interlock",
                switch(true),
                switch(false),
                Value::Null,
            );
        }
    }

    /// Gives pulses, unless some are to be lost.
    pub fn pulse(&mut self, pulses: u32) {
        let lost = pulses.min(self.pulses_to_lose);
        self.pulses_to_lose -= lost;
        let given = u64::from(pulses - lost);
        let before = self.pump_counter;
        self.pump_counter = before.saturating_add(given);
        self.pulses = self.pulses.saturating_add(given);
        let args = json!({"pulses": pulses});
        self.log(By::Command, DeviceName::PUMP, "pulse", json!(before), json!(self.pump_counter), args);
    }

    /// What the pump's counter shows.
    #[must_use]
    pub const fn pump_counter(&self) -> u64 {
        self.pump_counter
    }

    /// What the sensors show.
    ///
    /// # Errors
    ///
    /// While the sensors are made to fail.
    pub fn read(&self) -> Result<Snapshot, &'static str> {
        let truth = self.snapshot();
        match self.sensor {
            SensorFault::None => Ok(truth),
            SensorFault::Shows { air_c } => Ok(Snapshot { air_c, ..truth }),
            SensorFault::Fails => Err("the sensors do not answer"),
        }
    }

    /// Everything, as it truly is.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let left_ms = self.defrost_until_ms.map_or(0, |until| until.saturating_sub(self.now_ms));
        Snapshot {
            world_ms: self.now_ms,
            air_c: self.air_c,
            ice_mm: self.ice_mm,
            door_open: self.door_open,
            compressor_commanded: self.compressor_commanded,
            compressor_on: self.compressor_on(),
            fan_percent: self.fan_percent,
            defrost_left_s: u32::try_from(left_ms.div_ceil(1_000)).unwrap_or(u32::MAX),
            defrosts: self.defrosts,
            defrost_s: self.defrost_s,
            pulses: self.pulses,
            pump_counter: self.pump_counter,
        }
    }

    /// Makes something go wrong, or right again.
    pub fn fault(&mut self, fault: Fault) {
        match fault {
            Fault::Door { open, closes_after_s } => {
                let closes = closes_after_s.filter(|_| open);
                self.door_closes_at_ms =
                    closes.map(|seconds| self.now_ms.saturating_add(u64::from(seconds) * 1_000));
                self.set_door(open, By::Fault);
                return;
            }
            Fault::CompressorStuck { at } => self.compressor_stuck = at,
            Fault::HeaterDeaf { deaf } => self.heater_deaf = deaf,
            Fault::PumpLoses { pulses } => self.pulses_to_lose = pulses,
            Fault::Sensor(sensor) => self.sensor = sensor,
        }
        self.log(By::Fault, fault.device(), "fault", Value::Null, Value::Null, json!(fault));
    }

    fn set_door(&mut self, open: bool, by: By) {
        let word = |open| json!(if open { "open" } else { "closed" });
        let before = std::mem::replace(&mut self.door_open, open);
        self.log(by, DeviceName::DOOR, "set", word(before), word(open), Value::Null);
    }

    /// Takes the changes since the last time they were taken.
    pub fn take_changes(&mut self) -> Vec<Change> {
        self.changes.drain(..).collect()
    }

    fn log(&mut self, by: By, device: DeviceName, what: &str, from: Value, to: Value, args: Value) {
        if self.changes.len() >= CHANGES_MAX {
            self.changes.pop_front();
        }
        let change = Change { world_ms: self.now_ms, by, device, what: what.into(), from, to, args };
        self.changes.push_back(change);
    }
}

fn switch(on: bool) -> Value {
    json!(if on { "on" } else { "off" })
}

#[cfg(test)]
mod tests;
