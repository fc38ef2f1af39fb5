//! The tool interface: what a tool promises, how it is granted, checked and called.
//!
//! Leaves out any concrete device or network, and the decision whether a lost call may run again:
//! that is `everstep-core`'s.

mod tool;

pub use tool::{BoxFuture, Cancel, Context, Tool, ToolCall, ToolSpec, Trust};
