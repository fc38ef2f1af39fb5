//! `[network]` of a board file.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{http::HttpSection, mcp::McpSection, mqtt::MqttSection, query::QuerySection};

/// What is wrong with a section: the key, seen from the section, and what is allowed.
pub type Wrong = (String, String);

/// Everything outside the board that its agents may be granted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NetworkSection {
    /// HTTP endpoints by the name of their tool.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub http: BTreeMap<String, HttpSection>,
    /// MQTT brokers by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub mqtt: BTreeMap<String, MqttSection>,
    /// MCP servers by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub mcp: BTreeMap<String, McpSection>,
    /// Queries of local databases by the name of their tool.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub query: BTreeMap<String, QuerySection>,
    /// How hosts are trusted and how fast they are called, by `host` or `host:port`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub host: BTreeMap<String, HostSection>,
}

/// `[network.host."NAME"]`
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HostSection {
    /// Calls under way at a time; 4 where this is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrent_max: Option<u32>,
    /// Milliseconds between the beginnings of two calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval_ms_min: Option<u32>,
    /// Calls of one day, counted in records.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calls_per_day_max: Option<u32>,
}

impl NetworkSection {
    /// What is wrong with the section, if anything.
    ///
    /// # Errors
    ///
    /// The key and what is allowed.
    pub fn check(&self) -> Result<(), Wrong> {
        let inside =
            |kind: &str, name: &str, (key, message): Wrong| (format!("{kind}.{name}.{key}"), message);
        for (name, http) in &self.http {
            http.check().map_err(|wrong| inside("http", name, wrong))?;
        }
        for (name, mqtt) in &self.mqtt {
            mqtt.check().map_err(|wrong| inside("mqtt", name, wrong))?;
        }
        for (name, mcp) in &self.mcp {
            mcp.check().map_err(|wrong| inside("mcp", name, wrong))?;
        }
        for (name, query) in &self.query {
            query.check().map_err(|wrong| inside("query", name, wrong))?;
        }
        Ok(())
    }
}
