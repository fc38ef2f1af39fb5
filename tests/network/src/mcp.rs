//! Tools of MCP servers, without an agent around them.

use std::{path::Path, sync::Arc, time::Duration};

use everstep_board_linux::{
    child::end_with_us,
    clock::{SystemClock, TrustRtc},
};
use everstep_core::{CallId, Outcome};
use everstep_tool::{Cancel, Context, Tool, ToolCall};
use everstep_tools_network::{
    BoardSide, McpSection, NetworkSection, Vault, assemble,
    mcp::{Definition, Pins, inspect},
};
use serde_json::Value;

/// A board whose files are in `folder`.
///
/// # Panics
///
/// If the set-up of a test is not what it should be.
#[must_use]
pub fn board(folder: &Path, vault: Vault) -> BoardSide {
    BoardSide {
        vault: Arc::new(vault),
        clock: Arc::new(SystemClock::new(TrustRtc::Yes).unwrap()),
        trusted_s: None,
        folder: folder.to_owned(),
        bind_child: end_with_us,
    }
}

/// The section of a server that is started by `command`, with these keys beside it.
///
/// # Panics
///
/// If the set-up of a test is not what it should be.
#[must_use]
pub fn section(command: &[&str], more: &str) -> McpSection {
    let command = serde_json::to_string(command).unwrap();
    toml::from_str(&format!("command = {command}\npins = \"pins.json\"\n{more}")).unwrap()
}

/// The section of a server at `url`, with these keys beside it.
///
/// # Panics
///
/// If the set-up of a test is not what it should be.
#[must_use]
pub fn at(url: &str, more: &str) -> McpSection {
    toml::from_str(&format!("url = \"{url}\"\npins = \"pins.json\"\n{more}")).unwrap()
}

/// What the server called `peer` says of its tools.
///
/// # Errors
///
/// What `everstep mcp pin` would say.
pub async fn definitions(section: &McpSection, board: &BoardSide) -> Result<Vec<Definition>, String> {
    let mut network = NetworkSection::default();
    network.mcp.insert("peer".into(), section.clone());
    inspect("peer", &network, board).await.map_err(|(key, why)| format!("{key}: {why}"))
}

/// Pins every tool that can be pinned; tells those that can't, each with the reason.
///
/// # Panics
///
/// If the set-up of a test is not what it should be.
pub async fn pin_all(section: &McpSection, board: &BoardSide) -> Vec<String> {
    let found = definitions(section, board).await.unwrap();
    let mut pins = Pins::default();
    let mut refused = Vec::new();
    for definition in &found {
        if let Err(why) = pins.pin("peer", section, &found, std::slice::from_ref(&definition.name)) {
            refused.push(why);
        }
    }
    pins.save(&board.folder.join(&section.pins)).unwrap();
    refused
}

/// The tools of the server called `peer`.
///
/// # Errors
///
/// What a start of the agent would say.
pub fn tools(section: &McpSection, board: &BoardSide) -> Result<Vec<Arc<dyn Tool>>, String> {
    let mut network = NetworkSection::default();
    network.mcp.insert("peer".into(), section.clone());
    assemble(&network, board).map_err(|(key, why)| format!("network.{key}: {why}"))
}

/// Calls one of `tools` by its name.
///
/// # Panics
///
/// If the set-up of a test is not what it should be.
pub async fn call(tools: &[Arc<dyn Tool>], name: &str, arguments: Value) -> Outcome {
    let tool = tools.iter().find(|tool| tool.spec().name == name).unwrap();
    let call = ToolCall { id: CallId(1), arguments, baseline: None, idempotency_key: None };
    let deadline = Duration::from_millis(tool.spec().run_ms_max.into());
    tool.run(&call, &Context { attempt: 1, deadline, cancel: Cancel::default() }).await
}
