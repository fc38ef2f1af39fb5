//! Tools every board has: they need no device.
//!
//! Small models compare numbers badly, so there is a tool for it.

mod compare;
mod lines;
mod wait;

pub use compare::Compare;
pub use lines::{Lines, TEXT_CHARS_MAX};
pub use wait::{WAIT_S_MAX, Wait};

#[cfg(test)]
mod tests;
