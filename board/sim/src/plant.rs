//! A plant that a file declares: quantities that flow, and actuators that move them.
//!
//! Pure: time comes in through [`Plant::step`]. Every change is logged as in the cold room. Leaves out
//! quantities that act on each other: only actuators and time do.

mod fault;
mod file;
mod serve;

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Value, json};

use crate::{
    simulated::{Point, Ran, Standing, shown},
    world::{By, Change, DeviceName},
};
pub use fault::PlantFault;
use file::Flow;
pub use file::{Actuator, Effect, PlantFile, PlantFileError, Quantity, TAU_S_MIN, WrongPlant};
pub use serve::Seen;

/// The line on which all sensors are read.
pub const SENSORS: &str = "sensors";
/// Longest run of a timed actuator: a day.
pub const RUN_S_MAX: u32 = 86_400;
/// Longest piece of time the physics is computed in at once.
const STEP_MS_MAX: u64 = 1_000;
/// How often the quantities are remembered, for checks of the end state.
const SAMPLE_MS: u64 = 10_000;
/// How many samples are remembered: a day of the world's time.
const SAMPLES_MAX: usize = 8_640;
/// Changes that are kept until they are taken; the oldest go first.
const CHANGES_MAX: usize = 100_000;

/// One plant.
#[derive(Clone, Debug)]
pub struct Plant {
    file: PlantFile,
    now_ms: u64,
    quantities: BTreeMap<String, Level>,
    actuators: BTreeMap<String, Moved>,
    sensors_fail: bool,
    start: Box<Standing>,
    changes: VecDeque<Change>,
    samples: VecDeque<(u64, BTreeMap<String, f64>)>,
}

/// A quantity under way.
#[derive(Clone, Debug)]
struct Level {
    value: f64,
    /// What its sensor shows instead.
    shows: Option<f64>,
    effects: Vec<(String, Flow)>,
}

/// An actuator under way.
#[derive(Clone, Debug)]
struct Moved {
    /// What it was told.
    told: Point,
    /// Where it is stuck.
    stuck: Option<Point>,
    until_ms: Option<u64>,
    times: u64,
    seconds: u64,
}

impl Moved {
    /// What it truly does.
    fn does(&self) -> &Point {
        self.stuck.as_ref().unwrap_or(&self.told)
    }
}

impl Plant {
    /// A plant as it is at the start of its time.
    ///
    /// # Errors
    ///
    /// What is wrong with the file.
    pub fn new(file: PlantFile) -> Result<Self, WrongPlant> {
        file.check()?;
        let mut quantities = BTreeMap::new();
        for (name, quantity) in &file.quantity {
            let mut effects = Vec::new();
            for (actuator, effect) in &file.actuator {
                if let Some(effect) = effect.effect().get(name) {
                    effects.push((actuator.clone(), effect.flow(actuator)?));
                }
            }
            quantities.insert(name.clone(), Level { value: quantity.start, shows: None, effects });
        }
        let moved = |actuator: &Actuator| Moved {
            told: actuator.start(),
            stuck: None,
            until_ms: None,
            times: 0,
            seconds: 0,
        };
        let actuators =
            file.actuator.iter().map(|(name, actuator)| (name.clone(), moved(actuator))).collect();
        let mut plant = Self {
            file,
            now_ms: 0,
            quantities,
            actuators,
            sensors_fail: false,
            start: Box::default(),
            changes: VecDeque::new(),
            samples: VecDeque::new(),
        };
        *plant.start = plant.standing(None);
        plant.sample();
        Ok(plant)
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
            let timers = self.actuators.values().filter_map(|moved| moved.until_ms);
            let piece_end = self.now_ms.saturating_add(STEP_MS_MAX).min(until_ms).min(sample_at);
            let end = timers.fold(piece_end, u64::min).max(self.now_ms + 1);
            self.flow(end - self.now_ms);
            self.now_ms = end;
            self.happen();
        }
    }

    /// All quantities over a piece of time in which nothing switches.
    fn flow(&mut self, ms: u64) {
        // At most a second, so nothing is lost.
        let seconds = f64::from(u32::try_from(ms).unwrap_or(u32::MAX)) / 1_000.0;
        let acting: BTreeMap<&str, (f64, f64)> = self
            .actuators
            .iter()
            .filter_map(|(name, moved)| {
                let kind = self.file.actuator.get(name)?;
                let set_to = if let Point::Number(number) = moved.does() { *number } else { 0.0 };
                Some((name.as_str(), (share(kind, moved.does()), set_to)))
            })
            .collect();
        for (level, quantity) in self.quantities.values_mut().zip(self.file.quantity.values()) {
            let value = level.value;
            let mut per_s = quantity.rate_per_h / 3_600.0;
            if let (Some(toward), Some(tau_s)) = (quantity.toward, quantity.tau_s) {
                per_s += (toward - value) / tau_s;
            }
            for (actuator, flow) in &level.effects {
                let (share, set_to) = acting.get(actuator.as_str()).copied().unwrap_or_default();
                per_s += share
                    * match *flow {
                        Flow::Rate { per_s } => per_s,
                        Flow::Toward { to, tau_s } => (to - value) / tau_s,
                        Flow::Follows { tau_s } => (set_to - value) / tau_s,
                    };
            }
            level.value = (value + per_s * seconds).clamp(quantity.min, quantity.max);
        }
    }

    fn happen(&mut self) {
        let ended: Vec<String> = self
            .actuators
            .iter()
            .filter(|(_, moved)| moved.until_ms.is_some_and(|at| at <= self.now_ms))
            .map(|(name, _)| name.clone())
            .collect();
        for name in ended {
            if let Some(moved) = self.actuators.get_mut(&name) {
                moved.until_ms = None;
                moved.told = Point::switch(false);
            }
            self.log(By::World, &name, "run", json!("on"), json!("off"), Value::Null);
        }
        if self.now_ms.is_multiple_of(SAMPLE_MS) {
            self.sample();
        }
    }

    fn sample(&mut self) {
        if self.samples.len() >= SAMPLES_MAX {
            self.samples.pop_front();
        }
        let values = self.quantities.iter().map(|(name, level)| (name.clone(), level.value)).collect();
        self.samples.push_back((self.now_ms, values));
    }

    /// What an actuator was told, and its kind.
    fn known(&self, name: &str) -> Result<(&Actuator, &Moved), String> {
        self.file
            .actuator
            .get(name)
            .zip(self.actuators.get(name))
            .ok_or_else(|| format!("the plant has no actuator {name}"))
    }

    /// What an actuator was told.
    ///
    /// # Errors
    ///
    /// There is none of this name.
    pub fn told(&self, name: &str) -> Result<Point, String> {
        self.known(name).map(|(_, moved)| moved.told.clone())
    }

    /// Sets an actuator that stays where it is put.
    ///
    /// # Errors
    ///
    /// Why nothing was set.
    pub fn set(&mut self, name: &str, to: &Point) -> Result<(), String> {
        self.put(By::Command, name, to)
    }

    fn put(&mut self, by: By, name: &str, to: &Point) -> Result<(), String> {
        let (kind, _) = self.known(name)?;
        if matches!(kind, Actuator::Timed { .. }) {
            return Err(format!("{name} is started for some seconds, not set"));
        }
        kind.allows(to).map_err(|why| format!("{name}: {why}"))?;
        if let Some(moved) = self.actuators.get_mut(name) {
            let before = std::mem::replace(&mut moved.told, to.clone());
            self.log(by, name, "set", before.json(), to.json(), Value::Null);
        }
        Ok(())
    }

    /// Starts a timed actuator, anew where it runs already.
    ///
    /// # Errors
    ///
    /// Why nothing was started.
    pub fn start(&mut self, name: &str, seconds: u32) -> Result<(), String> {
        let (kind, _) = self.known(name)?;
        if !matches!(kind, Actuator::Timed { .. }) {
            return Err(format!("{name} is set, not started"));
        }
        if !(1..=RUN_S_MAX).contains(&seconds) {
            return Err(format!("{name} runs for 1 to {RUN_S_MAX} seconds, not {seconds}"));
        }
        let now_ms = self.now_ms;
        if let Some(moved) = self.actuators.get_mut(name) {
            moved.until_ms = Some(now_ms.saturating_add(u64::from(seconds) * 1_000));
            moved.times += 1;
            moved.seconds = moved.seconds.saturating_add(seconds.into());
            let before = std::mem::replace(&mut moved.told, Point::switch(true));
            self.log(By::Command, name, "start", before.json(), json!("on"), json!({"seconds": seconds}));
        }
        Ok(())
    }

    /// How everything stands; quantities as they were at `at_ms`, to the nearest sample, where that is
    /// given and past.
    #[must_use]
    pub fn standing(&self, at_ms: Option<u64>) -> Standing {
        let past = at_ms.filter(|at_ms| *at_ms < self.now_ms).and_then(|at_ms| {
            self.samples.iter().rev().take_while(|(ms, _)| *ms >= at_ms).last().map(|(_, values)| values)
        });
        let value = |name: &str, level: &Level| {
            past.and_then(|values| values.get(name)).copied().unwrap_or(level.value)
        };
        let quantities: BTreeMap<_, _> =
            self.quantities.iter().map(|(name, level)| (name.clone(), value(name, level))).collect();
        let shown = quantities
            .iter()
            .zip(self.file.quantity.values())
            .map(|((name, value), quantity)| (name.clone(), shown(*value, quantity.digits)))
            .collect();
        let (timed, set): (Vec<_>, Vec<_>) = self.actuators.iter().partition(|(name, _)| self.is_timed(name));
        Standing {
            world_ms: self.now_ms,
            quantities,
            shown,
            actuators: set.into_iter().map(|(name, moved)| (name.clone(), moved.does().clone())).collect(),
            runs: timed.into_iter().map(|(name, moved)| (name.clone(), self.ran(moved))).collect(),
        }
    }

    fn is_timed(&self, name: &str) -> bool {
        matches!(self.file.actuator.get(name), Some(Actuator::Timed { .. }))
    }

    fn ran(&self, moved: &Moved) -> Ran {
        let left = moved.until_ms.map_or(0, |until| until.saturating_sub(self.now_ms)).div_ceil(1_000);
        let left_s = u32::try_from(left).unwrap_or(u32::MAX);
        Ran { times: moved.times, seconds: moved.seconds, left_s }
    }

    fn log(&mut self, by: By, device: &str, what: &str, from: Value, to: Value, args: Value) {
        if self.changes.len() >= CHANGES_MAX {
            self.changes.pop_front();
        }
        let device = DeviceName::new(device);
        let change = Change { world_ms: self.now_ms, by, device, what: what.into(), from, to, args };
        self.changes.push_back(change);
    }
}

/// How much of its effect an actuator has.
fn share(kind: &Actuator, does: &Point) -> f64 {
    match (kind, does) {
        (Actuator::Setpoint { .. }, _) => 1.0,
        (Actuator::Percent { .. }, Point::Number(percent)) => percent / 100.0,
        (Actuator::Switch { states, .. }, Point::Word(word)) => {
            let index = states.iter().position(|state| state == word).unwrap_or(0);
            let count = |number: usize| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
            count(index) / count(states.len().saturating_sub(1).max(1))
        }
        (_, does) => f64::from(u8::from(*does == Point::switch(true))),
    }
}

#[cfg(test)]
mod tests;
