//! The agent's state machine and its durable records.
//!
//! Pure and `no_std` with `alloc`: time, randomness, model and devices come in as events. Leaves out
//! flash (`everstep-journal`), and everything that can fail, block or differ between runs.
#![no_std]

extern crate alloc;

mod words;

pub use words::{
    ActivityId, Call, CallId, Class, GenerationId, Moment, Outcome, RunId, Settlement, StepId, TokenId,
};
