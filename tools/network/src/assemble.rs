//! Makes the tools that `[network]` declares.

use std::{path::PathBuf, sync::Arc};

use everstep_tool::{Clock, Tool};

use crate::{
    masked::Masked,
    mcp, mqtt,
    section::{NetworkSection, Wrong},
    vault::Vault,
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
}

/// Makes the tools. Nothing is connected to yet.
///
/// # Errors
///
/// The key, seen from `[network]`, and what is wrong.
pub fn assemble(section: &NetworkSection, board: &BoardSide) -> Result<Vec<Arc<dyn Tool>>, Wrong> {
    section.check()?;
    let mut tools = Vec::new();
    for (name, mqtt) in &section.mqtt {
        let inside = |(key, message)| (format!("mqtt.{name}.{key}"), message);
        tools.extend(mqtt::tools(name, mqtt, board).map_err(inside)?);
    }
    for (name, mcp) in &section.mcp {
        let inside = |(key, message)| (format!("mcp.{name}.{key}"), message);
        tools.extend(mcp::tools(name, mcp, board).map_err(inside)?);
    }
    let masked = |tool| Arc::new(Masked::new(tool, Arc::clone(&board.vault))) as Arc<dyn Tool>;
    Ok(tools.into_iter().map(masked).collect())
}
