//! What tests of this folder share, and what needs no server.

use super::McpSection;

pub(super) use crate::rehearsal::vault;

/// A section with a command and pins, and these keys beside them.
pub(super) fn section(more: &str) -> McpSection {
    toml::from_str(&format!("command = [\"server\"]\npins = \"pins.json\"\n{more}")).unwrap()
}
