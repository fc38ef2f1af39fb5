//! Where a kill is aimed: the sign in the event stream that a phase has begun.

use clap::ValueEnum;
use serde::Serialize;
use serde_json::Value;

/// A phase of the process in which it may be killed.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Before the boot's record is on flash.
    Boot,
    /// While the prompt is evaluated.
    Evaluation,
    /// While a reply is half on flash.
    MidRun,
    /// Between an intent and its outcome.
    InCall,
    /// While a snapshot is written.
    Snapshot,
    /// Between the final answer and the end's record.
    End,
}

/// Every phase, in the order a rehearsal goes through them.
pub const PHASES: [Phase; 6] =
    [Phase::Evaluation, Phase::InCall, Phase::MidRun, Phase::Snapshot, Phase::Boot, Phase::End];

impl Phase {
    /// Whether `event` is the sign that this phase has begun. A boot has none: it is killed by time.
    pub(crate) fn begins(self, event: &Value) -> bool {
        let is = |name: &str| event.get("event").and_then(Value::as_str) == Some(name);
        let kind = |name: &str| is("recorded") && event.get("kind").and_then(Value::as_str) == Some(name);
        match self {
            Self::Boot => false,
            Self::Evaluation => is("evaluating"),
            Self::MidRun => kind("generated") && event.get("end").is_none_or(Value::is_null),
            Self::InCall => kind("called") && event.get("wait_ms").is_none_or(Value::is_null),
            Self::Snapshot => is("snapshot_begins"),
            Self::End => kind("answered"),
        }
    }

    /// The phase's name, as the report prints it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Boot => "boot",
            Self::Evaluation => "evaluation",
            Self::MidRun => "mid_run",
            Self::InCall => "in_call",
            Self::Snapshot => "snapshot",
            Self::End => "end",
        }
    }
}
