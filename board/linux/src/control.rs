//! The control socket: how `status`, `stop`, `approve` and `refuse` reach the process that owns the
//! board. One line of JSON asks, one line answers.
//!
//! Leaves out what a request does: the driver answers.

mod client;
mod place;
mod server;

pub use client::{AskError, ReachError, Reached, ask, reach};
pub use place::SOCKET_NAME;
pub use server::{BindError, ControlServer, Replier, Waiting};

use serde::{Deserialize, Serialize};

/// Bytes of one line either way, its end included.
pub const LINE_BYTES_MAX: usize = 64 * 1024;

/// What an operator asks of a running board.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case", deny_unknown_fields)]
pub enum ControlRequest {
    /// How far the run is. Changes nothing.
    Status {},
    /// End the run, with the actuators safe.
    Stop {
        /// Why, for the journal.
        reason: String,
    },
    /// The call that waits may run.
    Approve {
        /// Its number, as `status` shows it.
        call: u32,
        /// Its digest, as `status` shows it; an approval of another call is refused.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        digest: Option<String>,
    },
    /// The call that waits may not run.
    Refuse {
        /// Its number, as `status` shows it.
        call: u32,
        /// What the model is told.
        reason: String,
    },
}

/// The owner's answer.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum ControlReply {
    /// It is recorded, or, for a status, this is it.
    Done {
        /// One line for people.
        message: String,
        /// The status, as an object.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        status: Option<serde_json::Value>,
    },
    /// It can't be done now; nothing was recorded.
    Refused {
        /// Why, and what to do.
        reason: String,
    },
}

#[cfg(test)]
mod tests;
