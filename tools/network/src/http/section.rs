//! `[network.http.NAME]`

mod check;

pub(crate) use check::names_in;

use std::collections::BTreeMap;

use everstep_core::Class;
use everstep_tool::RETRY_MS_MAX;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::parameter::ParameterSection;

/// Milliseconds beyond its limit within which the tool itself tells what came of the call.
pub(super) const MARGIN_MS: u32 = 1_000;
/// Bytes of an answer that the model reads, where it reads text.
const TEXT_BYTES_MAX: u32 = 1_000;

/// One endpoint, with the tool `NAME`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpSection {
    /// One sentence for the model.
    pub summary: String,
    /// The request's method.
    #[serde(default)]
    pub method: Method,
    /// The address, with `{name}` where a parameter stands in its path or query.
    pub url: String,
    /// What the model fills in, in this order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<ParameterSection>,
    /// Headers that are always the same.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// A header with a secret in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_header: Option<SecretHeader>,
    /// The body; without it, the parameters with `in = "body"` are sent as a JSON object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<BodySection>,
    /// What the body is; by default `application/json`, or `text/plain; charset=utf-8` for a text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// What of the answer the model reads.
    #[serde(default)]
    pub keep: KeepSection,
    /// What may be done about a lost outcome; a `GET` reads unless this says otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<ClassKind>,
    /// Seconds for which the server recognises a repeated key; only, and always, with `keyed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_valid_s: Option<u32>,
    /// The header with the key; only with `keyed`, `Idempotency-Key` by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_header: Option<String>,
    /// Milliseconds until the probe tells the truth; only, and always, with `read_back`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settle_ms: Option<u32>,
    /// How it is found out whether a lost request ran; only, and always, with `read_back`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe: Option<ProbeSection>,
    /// Milliseconds for everything: name, connection, request, answer.
    #[serde(default = "answer_ms_max")]
    pub answer_ms_max: u32,
    /// Bytes of the answer's body; a longer one is no answer.
    #[serde(default = "answer_bytes_max")]
    pub answer_bytes_max: u32,
    /// Redirects that are followed; only where it reads.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub redirects_max: u8,
    /// Other hosts, as `host` or `host:port`, that a redirect may lead to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub redirect_hosts: Vec<String>,
    /// Whether addresses of the local network, of the link and of the board itself may be reached.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub private: bool,
}

const fn answer_ms_max() -> u32 {
    10_000
}

const fn answer_bytes_max() -> u32 {
    65_536
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(number: &u8) -> bool {
    *number == 0
}

/// A request's method.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// Reads.
    #[default]
    Get,
    /// Whatever the server makes of it.
    Post,
    /// Sets what is at the address.
    Put,
    /// Changes what is at the address.
    Patch,
    /// Removes what is at the address.
    Delete,
}

impl Method {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// A header with a secret in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretHeader {
    /// The header's name.
    pub name: String,
    /// Its value, with `{secret.NAME}` in it.
    pub value: String,
}

impl SecretHeader {
    /// What stands before the secret, its name, and what stands behind it.
    pub(super) fn parts(&self) -> Option<(&str, &str, &str)> {
        let (before, rest) = self.value.split_once("{secret.")?;
        let (name, behind) = rest.split_once('}')?;
        (!behind.contains("{secret.")).then_some((before, name, behind))
    }
}

/// A body.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "a text, or a table that is sent as JSON")]
pub enum BodySection {
    /// A text with `{name}` in it; only numbers and choices may stand there.
    Text(String),
    /// JSON. A text that is `{name}` becomes the value, one that holds it the text with the value in it.
    Json(serde_json::Map<String, Value>),
}

/// What of an answer the model reads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "a JSON pointer, a list of them, or `{ text_bytes = N }`")]
pub enum KeepSection {
    /// One part of a JSON answer.
    Pointer(String),
    /// Several parts, each with its name.
    Pointers(Vec<String>),
    /// The beginning of it, as text.
    Text(KeepText),
}

/// How much of an answer the model reads as text.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeepText {
    /// Most bytes.
    pub text_bytes: u32,
}

impl Default for KeepSection {
    fn default() -> Self {
        Self::Text(KeepText { text_bytes: TEXT_BYTES_MAX })
    }
}

/// What may be done about a lost outcome.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClassKind {
    /// It reads.
    Observe,
    /// It sets an absolute state, and the server can't act late.
    Safe,
    /// The server recognises a repeated key.
    Keyed,
    /// Another endpoint tells whether it ran.
    ReadBack,
    /// It must not run twice.
    Never,
}

/// How it is found out whether a lost request ran.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProbeSection {
    /// Another endpoint, which reads. It is given this one's arguments of the same names.
    pub endpoint: String,
    /// What it tells the model once the request has run, with `{name}` in it.
    pub expect: String,
}

impl HttpSection {
    /// The class, unless it has to be said.
    pub(super) fn class_kind(&self) -> Option<ClassKind> {
        self.class.or((self.method == Method::Get).then_some(ClassKind::Observe))
    }

    /// The class of a checked section.
    pub(super) fn core_class(&self) -> Class {
        match self.class_kind() {
            Some(ClassKind::Observe) => Class::Observe,
            Some(ClassKind::Safe) => Class::Safe,
            Some(ClassKind::Keyed) => Class::Keyed { key_valid_s: self.repeatable_s() },
            Some(ClassKind::ReadBack) => Class::ReadBack { settle_ms: self.settle_ms.unwrap_or(0) },
            Some(ClassKind::Never) | None => Class::Never,
        }
    }

    /// Seconds within which a loss may be answered by a repetition: the repetition may leave later by what
    /// it waits for, and the key has to be known even then.
    pub(super) fn repeatable_s(&self) -> u32 {
        // The try before may be waited for, and the repetition may wait for its turn at the host.
        let waits_ms = self.answer_ms_max.saturating_add(MARGIN_MS).saturating_mul(2);
        let later_s = waits_ms.saturating_add(RETRY_MS_MAX).div_ceil(1_000);
        self.key_valid_s.unwrap_or(0).saturating_sub(later_s)
    }

    /// The secret that it sends.
    pub(super) fn secret(&self) -> Option<&str> {
        self.secret_header.as_ref()?.parts().map(|(_, name, _)| name)
    }
}
