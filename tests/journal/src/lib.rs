//! The journal from outside, through what it offers every user: images that each version of the format
//! wrote, flash that holds anything at all, and breaks of its code that the tests must catch.
//!
//! Power cuts aren't here: `runtime/journal/src/tests` has them, next to the code.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "it is a test's set-up")]

pub mod fuzz;
pub mod image;
mod layout;
mod script;
mod visit;

pub use layout::Layout;
pub use visit::{View, Visit, visit};
