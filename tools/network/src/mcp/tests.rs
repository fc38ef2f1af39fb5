//! What tests of this folder share, and what needs no server.

use std::path::Path;

use serde_json::json;

use super::{Definition, Hints, McpSection, Pins};
use crate::{BoardSide, NetworkSection, rehearsal::TestClock};

pub(super) use crate::rehearsal::vault;

/// A section with a command and pins, and these keys beside them.
pub(super) fn section(more: &str) -> McpSection {
    toml::from_str(&format!("command = [\"server\"]\npins = \"pins.json\"\n{more}")).unwrap()
}

/// A board without a clock, whose files are in `folder`.
pub(super) fn board(folder: &Path) -> BoardSide {
    BoardSide {
        vault: vault(&[("key", "abcdefgh1234")]),
        clock: TestClock::at(None),
        trusted_s: None,
        folder: folder.to_owned(),
        bind_child: |_| {},
    }
}

/// A board with one server, whose tools of these names are pinned.
fn assembled(pinned: &[&str], more: &str) -> Result<Vec<String>, (String, String)> {
    let folder = tempfile::tempdir().unwrap();
    let mut pins = Pins::default();
    for name in pinned {
        let schema = json!({"type": "object", "properties": {}});
        let hints = Hints::default();
        pins.set(Definition { name: (*name).into(), description: "Does.".into(), schema, hints });
    }
    pins.save(&folder.path().join("pins.json")).unwrap();
    let mut network = NetworkSection::default();
    network.mcp.insert("peer".into(), section(more));
    let tools = crate::assemble(&network, &board(folder.path()))?;
    Ok(tools.iter().map(|tool| tool.spec().name.clone()).collect())
}

#[test]
fn a_board_has_the_pinned_tools_and_no_others() {
    assert_eq!(assembled(&["a-b", "c"], "").unwrap(), ["peer_a_b", "peer_c"]);
    let (key, why) = assembled(&["c"], "tool.d.class = \"observe\"").unwrap_err();
    assert_eq!(
        (key.as_str(), why.as_str()),
        ("mcp.peer.tool.d", "`d` is not pinned: `everstep mcp pin peer TOOL`")
    );
    let (key, why) = assembled(&["a-b", "a.b"], "").unwrap_err();
    assert_eq!(key, "mcp.peer.pins");
    assert_eq!(why, "`a-b` and `a.b` would both be called peer_a_b: pin one of them");
}

#[test]
fn servers_keep_their_pins_apart() {
    let mut network = NetworkSection::default();
    network.mcp.insert("one".into(), section(""));
    network.mcp.insert("two".into(), section(""));
    let (key, why) = network.check().unwrap_err();
    assert_eq!(key, "mcp.two.pins");
    assert_eq!(why, "`pins.json` holds what `one` promises: name another file");
    network.mcp.get_mut("two").unwrap().pins = "two.json".into();
    assert_eq!(network.check(), Ok(()));
}
