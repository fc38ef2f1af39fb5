//! The words every part of Everstep shares: who, when, which call, what came of it.

use alloc::string::String;
use core::fmt;

use serde::{Deserialize, Serialize};

/// One token of a model's vocabulary.
pub type TokenId = u32;

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number!(
    /// Counts the runs of one agent, from 1.
    RunId(u32)
);
number!(
    /// Counts the steps of one run, from 1. A step is one reply of the model and what came of it.
    StepId(u32)
);
number!(
    /// Counts the calls of one agent over all its runs, from 1.
    CallId(u32)
);
number!(
    /// Counts the generations of one agent over all its runs, from 1.
    GenerationId(u32)
);
number!(
    /// Names one activity that should be under way. It is new whenever the activity is.
    ActivityId(u64)
);

/// A point in time as one boot of the process sees it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Moment {
    /// Starts of the process on this board, counted in the board region.
    pub boot: u32,
    /// Monotonic milliseconds. Only comparable within one boot.
    pub mono_ms: u64,
    /// Seconds since 1970 UTC, where the board's clock is set and trusted.
    pub clock: Option<u64>,
}

/// What may be done about a call whose outcome was lost.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub enum Class {
    /// A read. It runs again.
    Observe,
    /// Sets an absolute state over a local bus, where nothing can arrive late. It runs again once
    /// the earlier try is closed.
    Safe,
    /// The remote end recognises a repeated idempotency key for `key_valid_s`. It runs again with
    /// the same key within that time.
    Keyed {
        /// Seconds for which the remote end remembers a key.
        key_valid_s: u32,
    },
    /// Not repeatable, but the device can tell, `settle_ms` after the try, whether it ran.
    ReadBack {
        /// Milliseconds until the device tells the truth about an earlier try.
        settle_ms: u32,
    },
    /// Pulses, doses, payments: an unknown outcome stays unknown.
    Never,
}

impl Class {
    /// The class's name as logs, `everstep tools` and the run report print it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Observe => "observe",
            Self::Safe => "safe",
            Self::Keyed { .. } => "keyed",
            Self::ReadBack { .. } => "read_back",
            Self::Never => "never",
        }
    }
}

/// A tool call that was checked and is to be performed.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// Unique for the agent; part of the idempotency key.
    pub id: CallId,
    /// Name of the tool.
    pub tool: String,
    /// Arguments as compact JSON in the schema's key order, so that equal calls are equal text.
    pub arguments: String,
    /// What may be done if the outcome is lost.
    pub class: Class,
    /// What the device showed just before the intent, for `ReadBack` tools: a counter, a position.
    pub baseline: Option<String>,
    /// Set for the built-in durable wait: milliseconds to sleep.
    pub wait_ms: Option<u64>,
}

impl Call {
    /// Whether `other` asks for the very same effect.
    #[must_use]
    pub fn equals(&self, other: &Self) -> bool {
        self.tool == other.tool && self.arguments == other.arguments
    }
}

/// What is known of a call that is over.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub enum Outcome {
    /// It ran; the text is what the model reads.
    Done(String),
    /// It certainly did not run; the text says why.
    NotStarted(String),
    /// It may or may not have run: a time-out, a lost connection, a cut.
    MayHaveRun(String),
}

/// What a device tells about a call whose outcome was lost.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub enum Settlement {
    /// It ran; the text is what the model reads.
    Done(String),
    /// It did not run.
    NotDone,
    /// The device can't tell; the text says why.
    CantTell(String),
}
