//! What a server says of one of its tools, and the digest that it is pinned by.

use std::fmt;

use rmcp::model::Tool;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::canonical::canonical;

/// Bytes of a tool's name.
pub(super) const NAME_BYTES_MAX: usize = 128;

/// A tool as its server describes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    /// Its name there.
    pub name: String,
    /// What it says that it does.
    pub description: String,
    /// JSON Schema of its arguments.
    #[serde(rename = "inputSchema")]
    pub schema: Value,
    /// How it says that it behaves.
    #[serde(default, skip_serializing_if = "Hints::is_empty")]
    pub hints: Hints,
}

/// What a server says of a tool's behaviour. Nothing makes it true.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Hints {
    /// It changes nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_only_hint: Option<bool>,
    /// It may destroy something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destructive_hint: Option<bool>,
    /// The same call again changes nothing more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotent_hint: Option<bool>,
    /// It reaches beyond its server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_world_hint: Option<bool>,
}

impl Hints {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// `, says: reads only`, or nothing.
impl fmt::Display for Hints {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = [
            (self.read_only_hint, "reads only"),
            (self.destructive_hint, "may destroy"),
            (self.idempotent_hint, "may be repeated"),
            (self.open_world_hint, "reaches beyond its server"),
        ];
        let said: Vec<_> =
            said.iter().filter(|(hint, _)| *hint == Some(true)).map(|(_, words)| *words).collect();
        if said.is_empty() { Ok(()) } else { write!(out, ", says: {}", said.join(", ")) }
    }
}

impl Definition {
    /// Reads what a server sent.
    pub(super) fn new(tool: &Tool) -> Self {
        let hints = tool.annotations.as_ref().map_or_else(Hints::default, |hints| Hints {
            read_only_hint: hints.read_only_hint,
            destructive_hint: hints.destructive_hint,
            idempotent_hint: hints.idempotent_hint,
            open_world_hint: hints.open_world_hint,
        });
        Self {
            name: tool.name.to_string(),
            description: tool.description.as_deref().unwrap_or_default().to_owned(),
            schema: Value::Object(tool.input_schema.as_ref().clone()),
            hints,
        }
    }

    /// BLAKE3 over its name, description, schema and hints as canonical JSON, in hexadecimal digits.
    /// Hints count, because a trusted server's decide what is done about a lost outcome.
    #[must_use]
    pub fn digest(&self) -> String {
        let whole = json!({
            "name": self.name,
            "description": self.description,
            "inputSchema": self.schema,
            "hints": self.hints,
        });
        blake3::hash(canonical(&whole).as_bytes()).to_hex().to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_a_promise_changes_its_digest() {
        let tool = Definition {
            name: "get".into(),
            description: "Gets.".into(),
            schema: json!({"type": "object", "properties": {"a": {"type": "string"}, "b": {}}}),
            hints: Hints { read_only_hint: Some(true), ..Hints::default() },
        };
        let mut seen = vec![tool.digest()];
        assert_eq!(seen[0].len(), 64);
        let mut others = [tool.clone(), tool.clone(), tool.clone(), tool.clone()];
        others[0].name = "got".into();
        others[1].description.push(' ');
        others[2].schema["properties"]["a"]["type"] = json!("number");
        others[3].hints.read_only_hint = None;
        for other in others {
            assert!(!seen.contains(&other.digest()), "{other:?}");
            seen.push(other.digest());
        }
        let mut reordered = tool.clone();
        reordered.schema = json!({"properties": {"b": {}, "a": {"type": "string"}}, "type": "object"});
        assert_eq!(reordered.digest(), tool.digest());
    }
}
