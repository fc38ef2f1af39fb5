//! `tasks.toml`: what a board's agent may be asked for, and which end state of the world counts as done.
//!
//! A task draws its start from a seed, and is judged by the world, the alerts and the answer. Leaves
//! out words: no wording is right or wrong, only what came of it.

mod draw;
mod file;
mod judge;
mod subject;

pub use file::{Ending, Expect, Start, Task, TaskFile, TaskFileError, UNSEEN_MIN, When, WrongTask};
pub use judge::{Ended, numbers};
pub use subject::{Subject, Subjects};

pub(crate) use file::syntax;

#[cfg(test)]
mod tests;
