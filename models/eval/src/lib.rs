//! Measures a model on cases: one request each, the calls that would be right, and how often they come.
//!
//! [`read`] reads a file of cases, a [`Runner`] plays them against any model, a [`Tally`] counts what
//! came of them. [`read_groups`] and [`SchemaTally`] do the same for a constraint and schemas. A
//! runner also times single requests, and [`Spread`] says how far apart repetitions lie. Leaves out which
//! model, where time comes from and how a table looks: the caller's.

mod case;
mod expect;
mod figures;
mod judge;
mod read;
mod runner;
mod schemas;
mod tally;

pub use case::{Case, CaseError, Want};
pub use expect::{Acceptable, Choices, ExpectedCall};
pub use figures::Spread;
pub use judge::{Judgement, judge};
pub use read::{FILE_BYTES_MAX, ReadError, read};
pub use runner::{Ask, AskError, End, Gone, MadeCall, Now, Played, Playing, Runner, Settings, Timing};
pub use schemas::{
    GroupsError, Rightness, SchemaGroup, SchemaTally, SchemaTest, Verdict, read_groups, spell,
};
pub use tally::{Share, Tally};
