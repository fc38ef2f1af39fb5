//! The chat families: how a model of each writes a tool call. One table, one file for each.
//!
//! Leaves out how a prompt is written: that is the model's own template's business.

mod hermes;

use crate::Reply;

pub use self::hermes::FAMILY as HERMES;

/// Every family known, the one a model without a better match is read as first.
pub const FAMILIES: &[Family] = &[HERMES];

/// How the models of one family write a tool call.
#[derive(Clone, Copy, Debug)]
pub struct Family {
    /// Name, as the board file and the model's card write it.
    pub name: &'static str,
    /// Marks the begin of a call; a reply that lacks it is an answer.
    pub call_open: &'static str,
    /// Marks the end of a call.
    pub call_close: &'static str,
    /// Reads a finished reply.
    pub parse: fn(&str) -> Reply,
    /// Writes a call of a tool with arguments in JSON, the way a model of the family does.
    pub write_call: fn(tool: &str, arguments: &str) -> String,
}

impl Family {
    /// The family of that name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<&'static Self> {
        FAMILIES.iter().find(|family| family.name == name)
    }
}
