//! What is said on the world's socket: one JSON object a line, one answer for each request.
//!
//! ```text
//! {"op":"open","device":"pump"}      {"ok":null}      this connection is the pump's; earlier ones end
//! {"op":"pulse","pulses":1}          {"ok":null}
//! {"op":"counter"}                   {"ok":7}
//! {"op":"set","on":true}             compressor       {"op":"get"}  {"ok":true}
//! {"op":"speed","percent":30}        fan
//! {"op":"start","seconds":600}       heater
//! {"op":"read"}                      room             {"ok":{"world_ms":...,"air_c":...}}
//!
//! {"op":"open","device":"heating"}   a plant's actuators by name, its sensors as `sensors`:
//! {"op":"set","on":true}             relay            {"op":"get"}  {"ok":true}
//! {"op":"speed","percent":30}        percent          {"op":"get"}  {"ok":30}
//! {"op":"put","value":"open"}        switch           {"op":"get"}  {"ok":"open"}
//! {"op":"put","value":21.5}          setpoint         {"op":"get"}  {"ok":21.5}
//! {"op":"start","seconds":600}       timed            {"op":"get"}  {"ok":"on"}
//! {"op":"read"}                      sensors          {"ok":{"values":{"air":14.0},"left_s":{}}}
//!
//! {"op":"time"}                      {"ok":{"world_ms":..,"time_scale":600,"timeline":"..","unix_s":..}}
//! {"op":"snapshot"}  {"op":"step","ms":1000}  {"op":"shutdown"}
//! {"op":"fault","fault":{"door":{"open":true,"closes_after_s":300}}}
//! {"op":"line_fault","fault":{"device":"pump","when":"after","count":1}}
//! {"op":"check","target_c":-18,"answer":"The cold room is at -18.6 C."}
//! {"op":"story"}                     {"ok":{"start":{..},"end":{..}}}
//! ```
//!
//! `{"error":"..."}` answers a request that certainly changed nothing. A device obeys its newest
//! connection alone: once `open` is answered, no request of an earlier one can take effect any more.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    simulated::Point,
    world::{DeviceName, LineFault},
};

/// Bytes of one line, either way.
pub const LINE_BYTES_MAX: u64 = 16 * 1024;

/// What can be asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// Makes this connection the only one of a device.
    Open {
        /// The device.
        device: DeviceName,
    },
    /// Room, sensors: what they show.
    Read,
    /// Compressor, or any actuator of a plant: what it was told.
    Get,
    /// Switch, set-point: puts it there.
    Put {
        /// A state's name, or a number.
        value: Point,
    },
    /// Compressor, relay: switches it.
    Set {
        /// On or off.
        on: bool,
    },
    /// Fan, percent: sets its speed.
    Speed {
        /// 0 to 100.
        percent: u8,
    },
    /// Heater, timed: starts a run.
    Start {
        /// How long.
        seconds: u32,
    },
    /// Pump: gives pulses.
    Pulse {
        /// How many.
        pulses: u32,
    },
    /// Pump: what the counter shows.
    Counter,
    /// The world's time.
    Time,
    /// Everything as it truly is.
    Snapshot,
    /// Lets time pass, in a world that is stepped.
    Step {
        /// How much of the world's time.
        ms: u64,
    },
    /// Makes something go wrong in the world.
    Fault {
        /// What: a `Fault` of the cold room, a `PlantFault` of a plant.
        fault: Value,
    },
    /// Makes something go wrong on a line.
    LineFault {
        /// What.
        fault: LineFault,
    },
    /// Checks the end state.
    Check {
        /// The temperature the task asked for.
        target_c: f64,
        /// What the agent answered.
        answer: String,
        /// When, in the world's time; now where it is missing.
        #[serde(default)]
        at_ms: Option<u64>,
    },
    /// How the world stood at the start, and stands now, for the check of a task.
    Story {
        /// Of which moment the quantities are, in the world's time; of now where it is missing.
        #[serde(default)]
        at_ms: Option<u64>,
    },
    /// Ends the world.
    Shutdown,
}

/// The answer to one request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// Done.
    Ok(Value),
    /// Nothing was changed; why.
    Error(String),
}

/// The world's time, as `time` answers it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Time {
    /// Milliseconds since the world began.
    pub world_ms: u64,
    /// The world's milliseconds in a real one; 0 in a world that is stepped.
    pub time_scale: u32,
    /// Names this world's time line, in hexadecimal.
    pub timeline: String,
    /// The world's date in seconds since 1970 UTC, where it has one.
    pub unix_s: Option<u64>,
}
