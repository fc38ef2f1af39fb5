//! `[world]` of a board file.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Where a simulated board's world is, and how to start it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WorldSection {
    /// The world's socket; relative to the state folder.
    pub socket: PathBuf,
    /// The world's log; relative to the state folder.
    pub log: PathBuf,
    /// What the room is like; relative to the board file. The built-in room where it is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub room: Option<PathBuf>,
    /// What the plant is like, where the world is no room; relative to the board file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plant: Option<PathBuf>,
    /// The world's seconds in a real one; 0 is stepped by command.
    pub time_scale: u32,
    /// What becomes of the agent's waits in a world that is stepped by command.
    pub waits: Waits,
    /// Milliseconds one request, and one answer, may take.
    pub io_ms_max: u32,
}

/// What becomes of an agent's waits.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Waits {
    /// They pass with the world's time.
    #[default]
    Pass,
    /// The agent's clock steps the world, so that they take no real time. For one agent alone, in a
    /// world with `time_scale = 0`.
    Skip,
}

/// Fastest world.
pub const TIME_SCALE_MAX: u32 = 100_000;
/// Longest time limit of a request.
pub const IO_MS_LIMIT: u32 = 60_000;

impl Default for WorldSection {
    fn default() -> Self {
        Self {
            socket: "world.sock".into(),
            log: "world.jsonl".into(),
            room: None,
            plant: None,
            time_scale: 600,
            waits: Waits::Pass,
            // Below the time limit of the room's tools, so that a line gives up before its call does.
            io_ms_max: 2_000,
        }
    }
}

impl WorldSection {
    /// What is wrong with the section, if anything.
    ///
    /// # Errors
    ///
    /// The key and what is allowed.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        if self.time_scale > TIME_SCALE_MAX {
            return Err(("time_scale", format!("{} is more than {TIME_SCALE_MAX}", self.time_scale)));
        }
        if !(1..=IO_MS_LIMIT).contains(&self.io_ms_max) {
            return Err(("io_ms_max", format!("{} is not within 1 to {IO_MS_LIMIT}", self.io_ms_max)));
        }
        if self.room.is_some() && self.plant.is_some() {
            return Err(("plant", "a world is a room or a plant: remove `room` or `plant`".into()));
        }
        Ok(())
    }
}
