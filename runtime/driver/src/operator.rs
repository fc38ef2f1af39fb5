//! What an operator asks of a running agent, and what the agent says when it comes to rest.

use everstep_core::{Call, CallId, DecideError, Finished, OutOfPlace, State, Verdict};
use tokio::sync::oneshot;

use crate::store::StoreError;

/// What an operator asks of a running agent. Replies are sent after the record is on flash.
#[derive(Debug)]
pub enum Command {
    /// What is under way?
    Status(oneshot::Sender<StatusReport>),
    /// End the run, with the safe states set.
    Stop {
        /// Why.
        reason: String,
        /// Whether there was a run to end.
        reply: oneshot::Sender<bool>,
    },
    /// Decide about a call.
    Approval {
        /// Which call.
        call: CallId,
        /// The [`call_digest`] that the operator saw, so that nobody approves what was never shown. Whoever
        /// can't show one leaves it out.
        digest: Option<String>,
        /// What was decided.
        verdict: Verdict,
        /// Whether the call was being asked about.
        reply: oneshot::Sender<bool>,
    },
}

/// Eight hex digits over number, tool and arguments: what a decision is bound to, wherever it comes from.
#[must_use]
pub fn call_digest(call: &Call) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&call.id.0.to_le_bytes());
    hasher.update(call.tool.as_bytes());
    hasher.update(&[0xFF]);
    hasher.update(call.arguments.as_bytes());
    hasher.finalize().to_hex().chars().take(8).collect()
}

/// Where an agent is.
#[derive(Clone, Debug)]
pub struct StatusReport {
    /// Name of the agent.
    pub agent: String,
    /// Everything it knows.
    pub state: State,
}

/// Why [`Driver::drive`](crate::Driver::drive) came back.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Pause {
    /// There is no run, or it is over; this is how the last one ended.
    AtRest(Option<Finished>),
    /// An operator has to decide about a call.
    NeedsApproval {
        /// The call.
        call: Call,
        /// Why it is asked.
        reason: String,
    },
}

/// Why the loop can't go on. What is on flash stays; the next start goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum DriveError<E: std::error::Error + 'static> {
    /// The flash failed, or the journal needs attention.
    #[error(transparent)]
    Store(#[from] StoreError<E>),
    /// A task can't be taken.
    #[error(transparent)]
    Refused(#[from] DecideError),
    /// A record of our own does not follow.
    #[error(transparent)]
    OutOfPlace(#[from] OutOfPlace),
    /// The model's engine is gone.
    #[error("the model's engine ended: {reason}")]
    ModelGone {
        /// Why.
        reason: String,
    },
}
