//! The examples of `docs/network.md` are board files.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::{fs, path::Path};

use everstep_tools_network::NetworkSection;

#[test]
fn examples_of_mcp_servers_are_sections() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/network.md");
    let text = fs::read_to_string(docs).unwrap();
    let mut servers = 0;
    for example in text.split("```toml\n").skip(1) {
        let example = example.split("```").next().unwrap();
        if !example.contains("[network.mcp.") {
            continue;
        }
        let table: toml::Table = example.parse().unwrap();
        let section: NetworkSection = table["network"].clone().try_into().unwrap();
        section.check().unwrap();
        servers += section.mcp.len();
    }
    assert!(servers >= 2, "{servers} examples");
}
