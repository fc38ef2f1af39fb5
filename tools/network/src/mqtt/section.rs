//! `[network.mqtt.NAME]`

mod check;

use std::{collections::BTreeMap, path::PathBuf};

use everstep_core::Class;
use serde::{Deserialize, Serialize};

use super::packet::{Qos, Version};
use crate::{
    http::{BodySection, ClassKind, KeepSection},
    parameter::ParameterSection,
};

/// One broker, with its tools.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MqttSection {
    /// Where it is: `mqtts://host:port`, or `mqtt://host:port` without TLS.
    pub broker: String,
    /// Which protocol it speaks.
    #[serde(default)]
    pub version: VersionKind,
    /// What it knows this board by; no two boards share one.
    pub client_id: String,
    /// Seconds after which a silent connection is asked whether it is still there.
    #[serde(default = "keep_alive_s")]
    pub keep_alive_s: u16,
    /// Seconds for which the broker keeps what comes in while this board is away; 0 for not at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_s: Option<u32>,
    /// User name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Password, as `{secret.NAME}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// PEM file of this board's own certificate; relative to the board file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<PathBuf>,
    /// The key of that certificate, in PEM, as `{secret.NAME}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Whether addresses of the local network, of the link and of the board itself may be reached.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub private: bool,
    /// Tools that publish a message.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub publish: BTreeMap<String, PublishSection>,
    /// Tools that tell the newest message of a subscription.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub latest: BTreeMap<String, LatestSection>,
    /// Tools that wait for a message.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub wait: BTreeMap<String, WaitSection>,
}

/// `[network.mqtt.NAME.publish.TOOL]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishSection {
    /// One sentence for the model.
    pub summary: String,
    /// The topic, with `{name}` where a parameter stands.
    pub topic: String,
    /// What the model fills in, in this order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<ParameterSection>,
    /// The message; without it, the parameters that aren't in the topic are sent as a JSON object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<BodySection>,
    /// How it is delivered: 0, 1 or 2.
    #[serde(default = "qos")]
    pub qos: u8,
    /// Whether the broker keeps it for those who subscribe later.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub retain: bool,
    /// What may be done about a lost outcome.
    #[serde(default = "never")]
    pub class: ClassKind,
    /// Milliseconds until the probe tells the truth; only, and always, with `read_back`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settle_ms: Option<u32>,
    /// How it is found out whether a lost message was acted on; only, and always, with `read_back`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe: Option<MqttProbeSection>,
    /// Milliseconds for everything: turn, name, connection, message, acknowledgement.
    #[serde(default = "answer_ms_max")]
    pub answer_ms_max: u32,
}

/// How it is found out whether a lost message was acted on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MqttProbeSection {
    /// A `latest` tool of the same broker, whose topic is one, and retained.
    pub latest: String,
    /// What it tells the model once the message was acted on, with `{name}` in it.
    pub expect: String,
}

/// `[network.mqtt.NAME.latest.TOOL]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LatestSection {
    /// One sentence for the model.
    pub summary: String,
    /// What is subscribed to, with `+` and `#` as MQTT has them.
    pub filter: String,
    /// How the broker delivers it: 0 or 1.
    #[serde(default = "qos")]
    pub qos: u8,
    /// What of a message the model reads.
    #[serde(default)]
    pub keep: KeepSection,
    /// Milliseconds that a call waits for the connection.
    #[serde(default = "answer_ms_max")]
    pub answer_ms_max: u32,
}

/// `[network.mqtt.NAME.wait.TOOL]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WaitSection {
    /// One sentence for the model.
    pub summary: String,
    /// What is subscribed to, with `+` and `#` as MQTT has them.
    pub filter: String,
    /// How the broker delivers it: 0 or 1.
    #[serde(default = "qos")]
    pub qos: u8,
    /// What of a message the model reads.
    #[serde(default)]
    pub keep: KeepSection,
    /// Milliseconds that a call waits.
    #[serde(default = "wait_ms_max")]
    pub wait_ms_max: u32,
}

/// Which protocol a broker speaks.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub enum VersionKind {
    /// MQTT 3.1.1.
    #[serde(rename = "3.1.1")]
    V3,
    /// MQTT 5.
    #[default]
    #[serde(rename = "5")]
    V5,
}

const fn keep_alive_s() -> u16 {
    30
}

const fn qos() -> u8 {
    1
}

const fn never() -> ClassKind {
    ClassKind::Never
}

const fn answer_ms_max() -> u32 {
    10_000
}

const fn wait_ms_max() -> u32 {
    60_000
}

/// Seconds for which a session is kept where the board file says nothing: a day.
const SESSION_S: u32 = 86_400;

impl VersionKind {
    pub(super) const fn wire(self) -> Version {
        match self {
            Self::V3 => Version::V3,
            Self::V5 => Version::V5,
        }
    }
}

impl MqttSection {
    /// Seconds for which the broker keeps the session, if it is to keep one.
    pub(super) fn session_s(&self) -> Option<u32> {
        Some(self.session_s.unwrap_or(SESSION_S)).filter(|session_s| *session_s > 0)
    }

    /// The secrets that it sends, by key.
    pub(super) fn secrets(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let all = [("password", &self.password), ("key", &self.key)];
        all.into_iter().filter_map(|(key, value)| Some((key, secret_name(value.as_deref()?)?)))
    }
}

impl PublishSection {
    /// The class of a checked section.
    pub(super) fn core_class(&self) -> Class {
        match self.class {
            ClassKind::Safe => Class::Safe,
            ClassKind::ReadBack => Class::ReadBack { settle_ms: self.settle_ms.unwrap_or(0) },
            ClassKind::Observe | ClassKind::Keyed | ClassKind::Never => Class::Never,
        }
    }

    pub(super) const fn wire_qos(&self) -> Qos {
        wire_qos(self.qos)
    }
}

/// The level of a checked section.
pub(super) const fn wire_qos(qos: u8) -> Qos {
    match qos {
        0 => Qos::AtMostOnce,
        1 => Qos::AtLeastOnce,
        _ => Qos::ExactlyOnce,
    }
}

/// `NAME` of `{secret.NAME}`.
pub(super) fn secret_name(value: &str) -> Option<&str> {
    value.strip_prefix("{secret.")?.strip_suffix('}').filter(|name| !name.contains(['{', '}']))
}
