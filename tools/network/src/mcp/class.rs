//! What may be done about a lost outcome of a server's tool.

use everstep_core::Class;

use super::{
    definition::Hints,
    section::{McpSection, ToolClass},
};

/// The board file's word wins; then come the hints of a trusted server; then nothing runs twice.
pub(super) fn class(section: &McpSection, tool: &str, hints: Hints) -> Class {
    if let Some(tool) = section.tool.get(tool) {
        return match tool.class {
            ToolClass::Observe => Class::Observe,
            ToolClass::Safe => Class::Safe,
            ToolClass::Never => Class::Never,
        };
    }
    let is = |hint: Option<bool>| section.trusted && hint == Some(true);
    match () {
        () if is(hints.read_only_hint) => Class::Observe,
        // A process that leaves a call unanswered is ended before another one is started, so nothing of
        // the earlier try arrives late. Over HTTP it may.
        () if is(hints.idempotent_hint) && section.url.is_none() => Class::Safe,
        () => Class::Never,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mcp::tests::section;

    #[test]
    fn hints_count_only_where_the_server_is_trusted_and_the_board_file_wins() {
        let read = Hints { read_only_hint: Some(true), ..Hints::default() };
        let again = Hints { idempotent_hint: Some(true), read_only_hint: Some(false), ..Hints::default() };
        let (stranger, friend) = (section(""), section("trusted = true"));
        for hints in [read, again, Hints::default()] {
            assert_eq!(class(&stranger, "t", hints), Class::Never);
        }
        assert_eq!(class(&friend, "t", read), Class::Observe);
        assert_eq!(class(&friend, "t", again), Class::Safe);
        assert_eq!(class(&friend, "t", Hints::default()), Class::Never);
        let far: McpSection = toml::from_str("url = \"https://a\"\npins = \"x\"\ntrusted = true").unwrap();
        assert_eq!(class(&far, "t", again), Class::Never);
        assert_eq!(class(&far, "t", read), Class::Observe);
        let own = section("trusted = true\ntool.t.class = \"never\"\ntool.u.class = \"observe\"");
        assert_eq!(class(&own, "t", read), Class::Never);
        assert_eq!(class(&own, "u", Hints::default()), Class::Observe);
    }
}
