//! One module for each command.

pub(crate) mod completions;
pub(crate) mod config;
