//! What every generation of an engine works with, and why one ends without a reply.
//!
//! Leaves out the work.

use everstep_core::ActivityId;
use everstep_model::ModelEvent;
use tokio::sync::mpsc::UnboundedSender;

use crate::{
    draft::Drafts,
    evaluator::{EvaluateError, Evaluator},
    grammar::{ConstraintError, Grammars},
    mailbox::Closed,
    sampled_log::SampledLog,
    snapshots::Snapshots,
    template::Template,
    vocabulary::Vocabulary,
};

/// What every generation of an engine works with.
pub(crate) struct Workshop<'w> {
    pub(crate) template: Template,
    pub(crate) vocabulary: Vocabulary,
    pub(crate) grammars: Grammars,
    pub(crate) evaluator: Evaluator<'w>,
    pub(crate) drafts: Drafts,
    pub(crate) sampled_log: SampledLog,
    /// Where what was evaluated outlives the process.
    pub(crate) snapshots: Option<Snapshots>,
    /// Has no limit of its own: what is sent is bounded by what was asked for, and the engine must not
    /// wait for a caller that waits for it.
    pub(crate) events: UnboundedSender<ModelEvent>,
}

/// Why a generation ends without a reply.
pub(crate) enum Stop {
    /// Nobody is left to be told.
    Closed,
    /// What the caller is told.
    Event(Box<ModelEvent>),
    Failed(String),
}

impl Workshop<'_> {
    pub(crate) fn send(&self, event: ModelEvent) -> Result<(), Stop> {
        self.events.send(event).map_err(|_| Stop::Closed)
    }
}

/// An error and its causes on one line.
pub(crate) fn failed(error: impl std::error::Error) -> Stop {
    let mut reason = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        reason = format!("{reason}: {cause}");
        source = cause.source();
    }
    Stop::Failed(reason)
}

impl Stop {
    /// The last event of the generation `activity`.
    pub(crate) fn event(self, activity: ActivityId) -> Result<ModelEvent, Closed> {
        match self {
            Self::Closed => Err(Closed),
            Self::Event(event) => Ok(*event),
            Self::Failed(reason) => Ok(ModelEvent::Failed { activity, reason }),
        }
    }
}

impl From<ConstraintError> for Stop {
    fn from(error: ConstraintError) -> Self {
        failed(error)
    }
}

impl From<EvaluateError> for Stop {
    fn from(error: EvaluateError) -> Self {
        failed(error)
    }
}
