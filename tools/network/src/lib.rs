//! Tools over what is outside the board: declared HTTP endpoints, MQTT brokers, MCP servers, and local
//! databases, each granted by name; and the secrets that reach them, which no model sees.
//!
//! Leaves out where secrets are kept and what time it is: boards bring those. No tool takes a free
//! address.

mod assemble;
mod http;
mod masked;
pub mod mcp;
pub mod mqtt;
mod query;
#[cfg(test)]
mod rehearsal;
mod section;
mod tls;
mod vault;

pub use assemble::{BoardSide, assemble};
pub use http::HttpSection;
pub use mcp::McpSection;
pub use mqtt::MqttSection;
pub use query::QuerySection;
pub use section::{HostSection, NetworkSection, Wrong};
pub use tls::{ClockError, TrustedTime};
pub use vault::{SECRET_BYTES_MAX, SECRET_BYTES_MIN, Vault, VaultError};
