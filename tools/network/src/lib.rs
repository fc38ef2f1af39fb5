//! Tools over what is outside the board: declared HTTP endpoints, MQTT brokers, MCP servers, and local
//! databases, each granted by name; and the secrets that reach them, which no model sees.
//!
//! Leaves out where secrets are kept and what time it is: boards bring those. No tool takes a free
//! address.

mod address;
mod assemble;
mod exchange;
mod http;
mod masked;
pub mod mcp;
pub mod mqtt;
mod pace;
mod parameter;
mod query;
#[cfg(test)]
mod rehearsal;
mod section;
mod template;
mod tls;
mod trust;
mod url;
mod vault;
mod wire;

pub use assemble::{BoardSide, assemble};
pub use http::{
    BodySection, ClassKind, HttpSection, KeepSection, KeepText, Method, ProbeSection, SecretHeader,
};
pub use mcp::McpSection;
pub use mqtt::{LatestSection, MqttProbeSection, MqttSection, PublishSection, VersionKind, WaitSection};
pub use parameter::{Kind, PARAMETERS_MAX, ParameterSection, Place, TEXT_CHARS_LIMIT};
pub use query::QuerySection;
pub use section::{HostSection, NetworkSection, RootsKind, Wrong};
pub use tls::{ClockError, TrustedTime};
pub use vault::{SECRET_BYTES_MAX, SECRET_BYTES_MIN, Vault, VaultError};
