//! `[network]` of a board file.

use std::{
    collections::BTreeMap,
    fmt::Display,
    ops::RangeInclusive,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{
    http::HttpSection, mcp::McpSection, mqtt::MqttSection, query::QuerySection, tls::Roots, url::Url,
};

/// Calls under way at a time that a host can be allowed.
const CONCURRENT_LIMIT: u32 = 64;
/// Longest between two calls, in milliseconds: a day.
const INTERVAL_MS_LIMIT: u32 = 86_400_000;
const CALLS_PER_DAY_LIMIT: u32 = 1_000_000;

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
    /// Whose roots it is trusted by; Mozilla's where neither this nor `ca` is there, both where both are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roots: Option<RootsKind>,
    /// PEM file of the authorities that it is trusted by; relative to the board file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
    /// PEM file of revoked certificates; relative to the board file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crl: Option<PathBuf>,
    /// Whether a certificate for all of its zone, `*.example.com`, will do.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub wildcard: bool,
}

/// Roots that come with the program.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RootsKind {
    /// Those that Mozilla trusts, as of the build.
    Mozilla,
}

impl HostSection {
    /// Reads whom the host is trusted by.
    pub(crate) fn trusted(&self, folder: &Path) -> Result<Roots, Wrong> {
        let mut roots = Roots::default().with_wildcard(self.wildcard);
        if let Some(ca) = &self.ca {
            roots = roots.with_file(&folder.join(ca)).map_err(|why| ("ca".to_owned(), why))?;
        }
        if self.ca.is_none() || self.roots.is_some() {
            roots = roots.with_mozilla();
        }
        match &self.crl {
            Some(crl) => roots.with_revoked_file(&folder.join(crl)).map_err(|why| ("crl".to_owned(), why)),
            None => Ok(roots),
        }
    }

    fn check(&self, host: &str) -> Result<(), Wrong> {
        let is_host = Url::new(&format!("https://{host}"))
            .is_ok_and(|url| url.target() == "/" && (url.host_header() == host || url.device() == host));
        if !is_host {
            let message =
                format!("`{}` is no host: write `name` or `name:port`, in lower case", host.escape_debug());
            return Err((String::new(), message));
        }
        if let Some(concurrent_max) = self.concurrent_max {
            check_range("concurrent_max", concurrent_max, 1..=CONCURRENT_LIMIT)?;
        }
        if let Some(interval_ms_min) = self.interval_ms_min {
            check_range("interval_ms_min", interval_ms_min, 0..=INTERVAL_MS_LIMIT)?;
        }
        self.calls_per_day_max
            .map_or(Ok(()), |calls| check_range("calls_per_day_max", calls, 1..=CALLS_PER_DAY_LIMIT))
    }
}

/// Refuses a number outside of its range.
pub(crate) fn check_range<T: PartialOrd + Display + Copy>(
    key: &str,
    number: T,
    range: RangeInclusive<T>,
) -> Result<(), Wrong> {
    if range.contains(&number) {
        return Ok(());
    }
    Err((key.to_owned(), format!("must be from {} to {}, not {number}", range.start(), range.end())))
}

/// What the sections say about a host, given as `host:port`: one that names the port goes before one that
/// names none.
pub(crate) fn section_of<'a>(
    sections: &'a BTreeMap<String, HostSection>,
    device: &str,
) -> Option<&'a HostSection> {
    let name = device.rsplit_once(':').map_or(device, |(host, _)| host);
    sections.get(device).or_else(|| sections.get(name))
}

impl NetworkSection {
    /// Calls a day that the tools of each of `devices`, as their specs name them, may make together; only
    /// those of hosts that have a limit.
    #[must_use]
    pub fn budgets<'a>(&self, devices: impl Iterator<Item = &'a str>) -> BTreeMap<String, u32> {
        let budget = |device: &'a str| {
            let calls_max = section_of(&self.host, device)?.calls_per_day_max?;
            Some((device.to_owned(), calls_max))
        };
        devices.filter_map(budget).collect()
    }

    /// What is wrong with the section, if anything.
    ///
    /// # Errors
    ///
    /// The key and what is allowed.
    pub fn check(&self) -> Result<(), Wrong> {
        let inside =
            |kind: &str, name: &str, (key, message): Wrong| (format!("{kind}.{name}.{key}"), message);
        for (name, host) in &self.host {
            host.check(name).map_err(|wrong| inside("host", name, wrong))?;
        }
        for (name, http) in &self.http {
            http.check().map_err(|wrong| inside("http", name, wrong))?;
        }
        for (name, mqtt) in &self.mqtt {
            mqtt.check().map_err(|wrong| inside("mqtt", name, wrong))?;
        }
        for (name, mcp) in &self.mcp {
            mcp.check().map_err(|wrong| inside("mcp", name, wrong))?;
            let mut others = self.mcp.iter().take_while(|(other, _)| *other != name);
            if let Some((other, _)) = others.find(|(_, other)| other.pins == mcp.pins) {
                let message =
                    format!("`{}` holds what `{other}` promises: name another file", mcp.pins.display());
                return Err(inside("mcp", name, ("pins".into(), message)));
            }
        }
        for (name, query) in &self.query {
            query.check().map_err(|wrong| inside("query", name, wrong))?;
        }
        Ok(())
    }
}
