//! The agent's state machine and its durable records.
//!
//! Pure and `no_std` with `alloc`: time, randomness, model and devices come in as events. Leaves out
//! flash (`everstep-journal`), and everything that can fail, block or differ between runs.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod agent;
mod apply;
mod decide;
mod event;
mod ledger;
mod limits;
mod loss;
mod permit;
mod prune;
mod record;
#[cfg(test)]
mod rehearsal;
mod rules;
mod run;
mod state;
mod text;
mod timeline;
#[cfg(test)]
mod walk;
mod words;

pub use agent::Agent;
pub use apply::OutOfPlace;
pub use decide::DecideError;
pub use event::{Effect, Event, Move, NewCall, Verdict};
pub use ledger::{COMMAND_BYTES_MAX, DAY_MS, Ledger, RECENT_MAX, TOOLS_COUNTED_MAX, ToolUse};
pub use limits::{
    ABORTS_MAX, ARGUMENTS_BYTES_MAX, CHANGE_BYTES_MAX, CHANGES_MAX, LimitName, Limits, REASON_BYTES_MAX,
    RECORD_BYTES_MAX, REPLY_BYTES_MAX, RESULT_BYTES_LIMIT, RUN_TOKENS_LIMIT, TASK_BYTES_MAX,
    TASK_ID_BYTES_MAX, TOOL_BYTES_MAX, UNKNOWN_MAX,
};
pub use prune::steps_left_out;
pub use record::{DecodeError, Digest, Digests, End, Kind, Prune, RECORD_VERSION, Record, Then};
pub use rules::{SharedBudget, ToolRule, ToolRules};
pub use state::{
    Attempt, Finished, Generation, Notice, Pending, Phase, Run, SNAPSHOT_VERSION, State, Turn, Used,
};
pub use timeline::{Mark, Timeline};
pub use words::{
    ActivityId, Call, CallId, Class, GenerationId, Moment, Outcome, RunId, Settlement, StepId, TokenId,
};
