//! Tools of MCP servers: processes on this board, or servers behind an address. A board file grants them
//! one by one; what each one promises is pinned beside it, so that a start needs no server and a server
//! can't change its promises behind an operator's back.
//!
//! Leaves out prompts, resources, and everything that a server may ask of its client: all of it is
//! declined.

mod canonical;
mod child;
mod class;
mod client;
mod connection;
mod definition;
mod harmless;
mod lines;
mod link;
mod pin;
mod pins;
mod result;
mod section;
mod server;
mod spec;
mod starts;
mod stdio;
mod tool;
mod web;

use std::{collections::BTreeMap, sync::Arc};

use everstep_tool::Tool;

use crate::{BoardSide, Wrong, http::Shared};

pub use definition::{Definition, Hints};
pub use pin::{Change, Listed, Listing, find, inspect};
pub use pins::{PINS_BYTES_MAX, PINS_MAX, Pin, Pins, PinsError};
pub use section::{McpSection, ToolClass, ToolSection};

use {connection::Reached, server::Server, tool::McpTool};

/// The tools of the server called `name`, as they are pinned. Nothing is started yet.
///
/// # Errors
///
/// The key, seen from the section, and what is wrong.
pub(crate) fn tools(
    name: &str,
    section: &McpSection,
    board: &BoardSide,
    shared: &Arc<Shared>,
) -> Result<Vec<Arc<dyn Tool>>, Wrong> {
    section::check_name(name)?;
    section.check_secrets(&board.vault)?;
    let wrong = |message: String| ("pins".to_owned(), message);
    let path = board.folder.join(&section.pins);
    let pins = Pins::load(&path).map_err(|error| wrong(error.advice(name)))?;
    if let Some(tool) = section.tool.keys().find(|tool| pins.get(tool).is_none()) {
        let message = format!("`{}` is not pinned: `everstep mcp pin {name} TOOL`", tool.escape_debug());
        return Err((format!("tool.{tool}"), message));
    }
    let mut specs = BTreeMap::new();
    for pin in &pins.tools {
        let spec = spec::spec(name, section, &pin.definition).map_err(wrong)?;
        if let Some((_, other)) = specs.insert(spec.name.clone(), (spec.clone(), pin)) {
            let (one, two) = (&other.definition.name, &pin.definition.name);
            return Err(wrong(format!(
                "`{one}` and `{two}` would both be called {}: pin one of them",
                spec.name
            )));
        }
    }
    let pinned = pins.tools.iter().map(|pin| (pin.definition.name.clone(), pin.digest.clone())).collect();
    let server = Arc::new(Server::new(Reached::new(name, section, board, shared), pinned));
    let tools = specs.into_values();
    Ok(tools.map(|(spec, pin)| Arc::new(McpTool::new(spec, &pin.definition.name, &server)) as _).collect())
}

#[cfg(test)]
mod tests;
