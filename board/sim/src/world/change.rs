//! One line of the world's log, which is the oracle of every test.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::DeviceName;

/// Who caused a change.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// A command to a device. Each must match one intent of an agent.
    Command,
    /// The world itself: a timer, an interlock.
    World,
    /// A test, or a start option.
    Fault,
}

/// One change of the world.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// When, in the world's time.
    pub world_ms: u64,
    /// Who caused it.
    pub by: By,
    /// Which device.
    pub device: DeviceName,
    /// What was done: `set`, `start`, `pulse`, `run`, `interlock`, `fault`.
    pub what: String,
    /// The state before.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub from: Value,
    /// The state after; the same where a command changed nothing.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub to: Value,
    /// What was asked for.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub args: Value,
}
