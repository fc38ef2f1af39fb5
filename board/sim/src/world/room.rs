//! What a room is like: how heat flows, and how it stands at the start.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::simulated::Point;

/// `room.toml`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RoomFile {
    /// How heat flows.
    pub physics: RoomParameters,
    /// How the room stands at the start.
    pub start: RoomStart,
}

/// How heat flows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RoomParameters {
    /// Air outside.
    pub ambient_c: f64,
    /// The coldest the evaporator gets.
    pub evaporator_c: f64,
    /// Time constant of the walls.
    pub walls_s: f64,
    /// Time constant of the open door.
    pub door_s: f64,
    /// Time constant of the compressor, with the fan at full speed and no ice.
    pub compressor_s: f64,
    /// Share of its power that the compressor has without the fan.
    pub still_share: f64,
    /// Ice that halves the compressor's power.
    pub ice_halves_mm: f64,
    /// Ice that grows while the compressor runs.
    pub ice_mm_per_h: f64,
    /// How many times faster it grows with the door open.
    pub ice_door_factor: f64,
    /// Ice that a defrost melts.
    pub melt_mm_per_min: f64,
    /// Warming by a defrost.
    pub defrost_c_per_min: f64,
    /// Warming by the fan at full speed.
    pub fan_c_per_min: f64,
    /// The evaporator holds no more ice.
    pub ice_mm_max: f64,
}

impl Default for RoomParameters {
    fn default() -> Self {
        Self {
            ambient_c: 20.0,
            evaporator_c: -24.0,
            walls_s: 28_800.0,
            door_s: 1_200.0,
            compressor_s: 1_200.0,
            still_share: 0.35,
            ice_halves_mm: 20.0,
            ice_mm_per_h: 0.2,
            ice_door_factor: 5.0,
            melt_mm_per_min: 1.0,
            defrost_c_per_min: 0.05,
            fan_c_per_min: 0.002,
            ice_mm_max: 25.0,
        }
    }
}

/// How the room stands at the start. The defrost heater is off.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RoomStart {
    /// Air.
    pub air_c: f64,
    /// Ice.
    pub ice_mm: f64,
    /// Seconds for which the door stands open; 0 is closed.
    pub door_open_s: u32,
    /// Whether the compressor is switched on.
    pub compressor_on: bool,
    /// The fan's speed.
    pub fan_percent: u8,
    /// What the pump's counter shows.
    pub pump_counter: u64,
}

impl Default for RoomStart {
    fn default() -> Self {
        Self {
            air_c: 2.0,
            ice_mm: 6.0,
            door_open_s: 0,
            compressor_on: false,
            fan_percent: 0,
            pump_counter: 6,
        }
    }
}

/// Why a room file can't be used.
#[derive(Debug, thiserror::Error)]
pub enum RoomFileError {
    /// It can't be read.
    #[error("room file {path} can't be read: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// Something in it is not allowed.
    #[error("room file {path}: {what}")]
    Wrong {
        /// The file.
        path: PathBuf,
        /// What, and what is allowed.
        what: String,
    },
}

/// Change of air and ice.
pub(super) struct Rates {
    pub(super) air_c_per_s: f64,
    pub(super) ice_mm_per_s: f64,
}

impl RoomParameters {
    pub(super) fn rates(
        &self,
        air_c: f64,
        ice_mm: f64,
        door_open: bool,
        compressor_on: bool,
        fan_percent: u8,
        heating: bool,
    ) -> Rates {
        let fan = f64::from(fan_percent) / 100.0;
        let mut air_c_per_s = (self.ambient_c - air_c) / self.walls_s + self.fan_c_per_min / 60.0 * fan;
        let mut ice_mm_per_s = 0.0;
        if door_open {
            air_c_per_s += (self.ambient_c - air_c) / self.door_s;
        }
        if compressor_on {
            let power =
                (self.still_share + (1.0 - self.still_share) * fan) / (1.0 + ice_mm / self.ice_halves_mm);
            air_c_per_s += (self.evaporator_c - air_c) / self.compressor_s * power;
            ice_mm_per_s += self.ice_mm_per_h / 3_600.0 * if door_open { self.ice_door_factor } else { 1.0 };
        }
        if heating {
            air_c_per_s += self.defrost_c_per_min / 60.0;
            ice_mm_per_s -= self.melt_mm_per_min / 60.0;
        }
        Rates { air_c_per_s, ice_mm_per_s }
    }
}

impl RoomFile {
    /// Reads and checks a room file.
    ///
    /// # Errors
    ///
    /// See [`RoomFileError`].
    pub fn load(path: &Path) -> Result<Self, RoomFileError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| RoomFileError::Read { path: path.to_owned(), source })?;
        let wrong = |what: String| RoomFileError::Wrong { path: path.to_owned(), what };
        let room: Self =
            toml::from_str(&text).map_err(|error| wrong(error.to_string().trim().replace('\n', ", ")))?;
        room.check().map_err(wrong)?;
        Ok(room)
    }

    /// Changes how the room stands at the start; keys are those of `[start]`.
    ///
    /// # Errors
    ///
    /// A key the room does not have, or a value it can't have.
    pub fn start_at(&mut self, start: &BTreeMap<String, Point>) -> Result<(), String> {
        let mut keys = serde_json::to_value(&self.start).map_err(|error| error.to_string())?;
        if let Some(keys) = keys.as_object_mut() {
            keys.extend(start.iter().map(|(key, point)| (key.clone(), point.json())));
        }
        self.start = serde_json::from_value(keys).map_err(|error| format!("start: {error}"))?;
        self.check()
    }

    /// Refuses numbers the physics can't be computed with.
    ///
    /// # Errors
    ///
    /// The key and what is allowed.
    pub fn check(&self) -> Result<(), String> {
        let RoomParameters { walls_s, door_s, compressor_s, ice_halves_mm, .. } = self.physics;
        for (key, value) in [
            ("walls_s", walls_s),
            ("door_s", door_s),
            ("compressor_s", compressor_s),
            ("ice_halves_mm", ice_halves_mm),
        ] {
            // A piece of time is at most a second; shorter time constants would overshoot.
            if !(10.0..=1e9).contains(&value) {
                return Err(format!("physics.{key} is {value}, it must be 10 to 1e9"));
            }
        }
        let RoomStart { air_c, ice_mm, fan_percent, .. } = self.start;
        if !(-100.0..=100.0).contains(&air_c) {
            return Err(format!("start.air_c is {air_c}, it must be -100 to 100"));
        }
        if !(0.0..=1_000.0).contains(&ice_mm) {
            return Err(format!("start.ice_mm is {ice_mm}, it must be 0 to 1000"));
        }
        if fan_percent > 100 {
            return Err(format!("start.fan_percent is {fan_percent}, it must be 0 to 100"));
        }
        Ok(())
    }
}
