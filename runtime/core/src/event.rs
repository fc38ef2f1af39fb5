//! What the outside reports, and the one thing to do next.

use alloc::{string::String, vec::Vec};

use crate::{
    record::{Digests, End},
    state::{Generation, Pending, Run},
    words::{ActivityId, Call, CallId, Class, Outcome, Settlement, TokenId},
};

/// What the outside reports.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Event {
    /// An operator or a trigger gives a task.
    TaskArrived {
        /// The task.
        task: String,
        /// The operator's own name for it.
        task_id: Option<String>,
        /// Seed of every draw.
        seed: u64,
        /// What the run starts with.
        digests: Digests,
    },
    /// The process started, and the records were replayed.
    Booted {
        /// Milliseconds since the last record, where some clock ran on.
        away_ms: Option<u64>,
        /// Whether the process before left the mark of an abort.
        aborted: bool,
        /// What the boot changed on the board.
        changed: Vec<String>,
    },
    /// The process was started since the last record, and there is no run to go on with.
    Rested {
        /// Milliseconds since the last record, where some clock ran on.
        away_ms: Option<u64>,
    },
    /// The driver is ready to ask the model.
    AttemptReady(ActivityId),
    /// The model sampled tokens: at most [`RUN_TOKENS_LIMIT`](crate::RUN_TOKENS_LIMIT) at once, and
    /// no more in all than [`Effect::Generate`] allows. Beyond that the generation fails. A run of no
    /// tokens leads to no record, unless it ends the reply.
    Generated {
        /// For which activity.
        activity: ActivityId,
        /// The tokens.
        tokens: Vec<TokenId>,
        /// With the last of them, the whole text.
        end: Option<String>,
    },
    /// The constraint refuses the tokens on flash: they are discarded. Where there are none it counts
    /// as a failed generation, so that a model can't refuse for ever.
    PrefixRefused {
        /// For which activity.
        activity: ActivityId,
        /// Why.
        reason: String,
    },
    /// The generation ended without a reply.
    GenerationFailed {
        /// For which activity.
        activity: ActivityId,
        /// Why.
        reason: String,
    },
    /// Prompt and reply don't fit the model's context. The conversation is pruned, and the model asked
    /// again; where nothing can be left out any more, the run ends.
    ContextFull {
        /// For which activity.
        activity: ActivityId,
        /// Tokens needed, for the prompt and the longest reply.
        tokens: u32,
        /// Tokens there are.
        tokens_max: u32,
    },
    /// A reply was read and checked.
    Moved {
        /// For which activity.
        activity: ActivityId,
        /// What it asks for.
        what: Move,
    },
    /// A try of the call under way is over.
    CallEnded {
        /// For which activity.
        activity: ActivityId,
        /// What is known of it.
        outcome: Outcome,
    },
    /// A try that had been given up returned after all. If its call is still waited for, because the
    /// next try is held back until this one returned or the device is being asked, this is the call's
    /// outcome and no further try begins.
    CallEndedLate {
        /// Which call.
        call: CallId,
        /// What is known of it now.
        outcome: Outcome,
    },
    /// A device answered whether a lost call ran.
    Probed {
        /// For which activity.
        activity: ActivityId,
        /// Its answer.
        found: Settlement,
    },
    /// A durable wait has passed, as long as [`Effect::Sleep`] said.
    Woke(ActivityId),
    /// An operator decided about a call.
    Approval {
        /// Which call.
        call: CallId,
        /// What was decided.
        verdict: Verdict,
    },
    /// The question about a call may be put anew.
    AskAgain(ActivityId),
    /// An operator wants the run to end.
    StopAsked {
        /// Why.
        reason: String,
    },
    /// The safe states were set, or not: the run ends either way, and what failed is on flash. Lists
    /// are cut to [`CHANGES_MAX`](crate::CHANGES_MAX) entries.
    SafeSet {
        /// For which activity.
        activity: ActivityId,
        /// What changed.
        changed: Vec<String>,
        /// What could not be set.
        failed: Vec<String>,
    },
    /// The end may be recorded.
    EndReady(ActivityId),
    /// The operator accepts a change of model, tools or board file.
    ChangeAccepted(Digests),
    /// Time went on without any other event; reaches [`Limits::powered_s_max`](crate::Limits), or the end
    /// of [`Limits::approval_s_max`](crate::Limits), or nothing.
    TimePassed,
    /// The journal has no room for the next intent and its reserve. Ends the run, once.
    JournalFull {
        /// Bytes needed.
        bytes: u64,
        /// Bytes there are.
        bytes_max: u64,
    },
}

/// What a reply asks for, after it was read and checked against grants and schemas.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Move {
    /// Nothing more: it is the answer.
    Answer,
    /// A call.
    Call(NewCall),
    /// Something that can't be done; the text is what the model reads.
    Refused(String),
}

/// A checked call that has no number yet.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NewCall {
    /// Name of the tool.
    pub tool: String,
    /// Arguments as compact JSON in the schema's key order.
    pub arguments: String,
    /// What may be done if the outcome is lost.
    pub class: Class,
    /// What the device showed just before.
    pub baseline: Option<String>,
    /// Set for the durable wait.
    pub wait_ms: Option<u64>,
}

/// An operator's decision.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// It may run.
    Approve,
    /// It may not; the text is what the model reads.
    Refuse(String),
}

/// The one thing to do next. Each that takes time names its activity.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Effect<'a> {
    /// Wait for a task.
    AwaitTask,
    /// Get ready to ask the model, then report `AttemptReady`.
    BeginAttempt(ActivityId),
    /// Ask the model.
    Generate {
        /// The activity.
        activity: ActivityId,
        /// The run, for its conversation and seed.
        run: &'a Run,
        /// The generation, with the tokens that are on flash.
        generation: &'a Generation,
        /// Tokens this reply may have in all.
        tokens_max: u32,
    },
    /// Read and check a reply.
    Decide {
        /// The activity.
        activity: ActivityId,
        /// The reply.
        text: &'a str,
    },
    /// Perform a call.
    CallTool {
        /// The activity.
        activity: ActivityId,
        /// The call and which try this is.
        pending: &'a Pending,
    },
    /// Ask a device whether a lost call ran.
    Probe {
        /// The activity.
        activity: ActivityId,
        /// The call.
        pending: &'a Pending,
        /// Milliseconds to let the device settle first.
        settle_ms: u32,
    },
    /// Let a durable wait pass.
    Sleep {
        /// The activity.
        activity: ActivityId,
        /// Milliseconds left, counted from the newest record.
        left_ms: u64,
    },
    /// Wait for an operator.
    AwaitApproval {
        /// The activity.
        activity: ActivityId,
        /// The call.
        call: &'a Call,
        /// Why it is asked.
        reason: &'a str,
    },
    /// Nobody knows how long the question has waited: report `AskAgain`.
    AskAgain(ActivityId),
    /// Set every actuator's safe state.
    SetSafe(ActivityId),
    /// Record the end.
    Finish {
        /// The activity.
        activity: ActivityId,
        /// How it ends.
        end: &'a End,
    },
}

impl Effect<'_> {
    /// The effect's name, for logs.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::AwaitTask => "await_task",
            Self::BeginAttempt(_) => "begin_attempt",
            Self::Generate { .. } => "generate",
            Self::Decide { .. } => "decide",
            Self::CallTool { .. } => "call_tool",
            Self::Probe { .. } => "probe",
            Self::Sleep { .. } => "sleep",
            Self::AwaitApproval { .. } => "await_approval",
            Self::AskAgain(_) => "ask_again",
            Self::SetSafe(_) => "set_safe",
            Self::Finish { .. } => "finish",
        }
    }

    /// The activity that should be under way, unless the agent rests.
    #[must_use]
    pub const fn activity(&self) -> Option<ActivityId> {
        match self {
            Self::AwaitTask => None,
            Self::BeginAttempt(activity)
            | Self::AskAgain(activity)
            | Self::SetSafe(activity)
            | Self::Generate { activity, .. }
            | Self::Decide { activity, .. }
            | Self::CallTool { activity, .. }
            | Self::Probe { activity, .. }
            | Self::Sleep { activity, .. }
            | Self::AwaitApproval { activity, .. }
            | Self::Finish { activity, .. } => Some(*activity),
        }
    }
}
