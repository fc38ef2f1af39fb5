//! `everstep mcp`: names, defaults and help.

use clap::{Args, Subcommand};

use super::Json;

#[derive(Args, Debug)]
pub(crate) struct Mcp {
    #[command(subcommand)]
    pub(crate) command: McpCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum McpCommand {
    /// Show what a server's tools promise and how that differs from their pins, or pin some of them
    Pin(McpPin),
}

const PIN_HELP: &str = r"The server is started, or reached, as an agent would; it is asked for its tools and for nothing else.
Each tool is shown with what it says that it does, as a model reads it, the name that agents are
granted, what may be done about a lost outcome, the bytes of its schema, and what it says of its own
behaviour. --json adds the schema.

A tool that was pinned is called only while it is what it was. To pin it anew, name it. A tool that the
server has no more loses its pin when it is named.

Examples:
  everstep mcp pin time                      what it has, and what changed
  everstep mcp pin time get_current_time     pin it: grant `time_get_current_time` to an agent
  everstep mcp pin ledger --json

Exit codes: 0 shown, and every pinned tool is what it was; or pinned
  1 a pinned tool changed or is gone; or the server failed
  2 usage, board file, or a tool that can't be pinned";

#[derive(Args, Debug)]
#[command(after_long_help = PIN_HELP)]
pub(crate) struct McpPin {
    /// Server, as `[network.mcp.SERVER]` calls it
    #[arg(value_name = "SERVER")]
    pub(crate) server: String,

    /// Tools to pin as they are now, by the names that the server gives them
    #[arg(value_name = "TOOL")]
    pub(crate) tools: Vec<String>,

    #[command(flatten)]
    pub(crate) json: Json,
}
