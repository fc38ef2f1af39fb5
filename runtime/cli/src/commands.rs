//! One module for each command.

pub(crate) mod bench;
pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod control;
pub(crate) mod eval;
pub(crate) mod flash;
pub(crate) mod journal;
pub(crate) mod mcp;
pub(crate) mod model;
pub(crate) mod replay;
pub(crate) mod run;
pub(crate) mod tools;
