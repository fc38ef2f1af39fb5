//! The agent's state machine and its durable records.
//!
//! Pure and `no_std` with `alloc`: time, randomness, model and devices come in as events. Leaves out
//! flash (`everstep-journal`), and everything that can fail, block or differ between runs.
#![no_std]

extern crate alloc;

mod agent;
mod apply;
mod decide;
mod event;
mod limits;
mod record;
mod state;
mod text;
mod words;

pub use agent::Agent;
pub use apply::OutOfPlace;
pub use decide::DecideError;
pub use event::{Effect, Event, Move, NewCall, Verdict};
pub use limits::{
    ABORTS_MAX, ARGUMENTS_BYTES_MAX, LimitName, Limits, REASON_BYTES_MAX, REPLY_BYTES_MAX,
    RESULT_BYTES_LIMIT, TASK_BYTES_MAX, UNKNOWN_MAX,
};
pub use record::{DecodeError, Digest, Digests, End, Kind, RECORD_VERSION, Record, Then};
pub use state::{
    Attempt, Finished, Generation, Mark, Notice, Pending, Phase, Run, State, Timeline, Turn, Used,
};
pub use words::{
    ActivityId, Call, CallId, Class, GenerationId, Moment, Outcome, RunId, Settlement, StepId, TokenId,
};
