//! Makes the tools that `[network]` declares.

use std::{path::PathBuf, process::Command, sync::Arc};

use everstep_tool::{Clock, Tool};

use crate::{
    http::{self, Shared},
    masked::Masked,
    mcp, mqtt,
    pace::Hosts,
    query,
    section::{NetworkSection, Wrong},
    tls::TrustedTime,
    trust::Trusts,
    vault::Vault,
    wire::{Lookup, system_lookup},
};

/// What the board brings to its tools over the network.
#[derive(Clone)]
pub struct BoardSide {
    /// Its secrets.
    pub vault: Arc<Vault>,
    /// Its clock.
    pub clock: Arc<dyn Clock>,
    /// The latest time that it trusted and kept, in seconds since 1970 UTC, if it ever did.
    pub trusted_s: Option<u64>,
    /// What relative paths of the board file begin at.
    pub folder: PathBuf,
    /// Makes sure that a process to be started ends when this one does, however it ends.
    pub bind_child: fn(&mut Command),
}

/// Makes the tools. Nothing is connected to yet.
///
/// # Errors
///
/// The key, seen from `[network]`, and what is wrong.
pub fn assemble(section: &NetworkSection, board: &BoardSide) -> Result<Vec<Arc<dyn Tool>>, Wrong> {
    assemble_with(section, board, system_lookup())
}

/// The same, with a resolver of one's own.
pub(crate) fn assemble_with(
    section: &NetworkSection,
    board: &BoardSide,
    lookup: Lookup,
) -> Result<Vec<Arc<dyn Tool>>, Wrong> {
    section.check()?;
    let under = |kind: &'static str| move |(key, message): Wrong| (format!("{kind}.{key}"), message);
    let shared = shared(section, board, lookup)?;
    let mut tools = http::tools(&section.http, &shared).map_err(under("http"))?;
    for (name, query) in &section.query {
        tools.push(query::tool(name, query, board));
    }
    for (name, mqtt) in &section.mqtt {
        let inside = |(key, message)| (format!("mqtt.{name}.{key}"), message);
        tools.extend(mqtt::tools(mqtt, &board.folder, &shared).map_err(inside)?);
    }
    for (name, mcp) in &section.mcp {
        let inside = |(key, message)| (format!("mcp.{name}.{key}"), message);
        tools.extend(mcp::tools(name, mcp, board, &shared).map_err(inside)?);
    }
    let masked = |tool| Arc::new(Masked::new(tool, Arc::clone(&board.vault))) as Arc<dyn Tool>;
    Ok(tools.into_iter().map(masked).collect())
}

/// What all connections over the network share.
pub(crate) fn shared(
    section: &NetworkSection,
    board: &BoardSide,
    lookup: Lookup,
) -> Result<Arc<Shared>, Wrong> {
    let time = Arc::new(TrustedTime::new(Arc::clone(&board.clock), board.trusted_s));
    let trusts = Trusts::new(&section.host, &board.folder, &time)
        .map_err(|(key, message)| (format!("host.{key}"), message))?;
    Ok(Arc::new(Shared {
        vault: Arc::clone(&board.vault),
        clock: Arc::clone(&board.clock),
        time,
        hosts: Arc::new(Hosts::new(section.host.clone())),
        trusts: Arc::new(trusts),
        lookup,
    }))
}
