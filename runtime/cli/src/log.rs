//! Log lines on standard error.

use std::io;

use tracing_subscriber::EnvFilter;

use crate::out;

/// The variable that chooses what is logged.
const VARIABLE: &str = "EVERSTEP_LOG";

/// Starts logging: warnings, more with each `-v`, or what the variable says. What MCP servers send is only
/// logged where the variable says so: it may hold anything.
pub(crate) fn start(verbose: u8) {
    let default = match verbose {
        0 => "warn",
        1 => "info",
        2 => "debug",
        _ => "trace",
    };
    let filter =
        EnvFilter::try_from_env(VARIABLE).unwrap_or_else(|_| EnvFilter::new(format!("{default},rmcp=off")));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    // Fails only when a logger is there already, and then that one logs.
    let _ = lines.with_ansi(out::shows_colour()).try_init();
}
