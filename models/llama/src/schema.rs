//! Which JSON schemas a grammar can enforce, told by tool and keyword before a run starts.
//!
//! llguidance refuses keywords it knows and can't do, but passes over those it doesn't know, and reads
//! some otherwise than JSON Schema does. So a schema is not handed on: it is read here as 2020-12 says,
//! and written anew with what is known to be enforced. Everything else is refused by name. Leaves out
//! which text a schema takes: `grammar` has that.

mod choice;
mod number;
mod pattern;
mod reference;
mod walk;

use serde_json::Value;

use self::walk::Walk;

/// Why a tool's schema is refused.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SchemaError {
    /// The keyword can't be enforced while tokens are sampled.
    #[error("keyword `{keyword}` at {place} can't be enforced")]
    Keyword {
        /// The keyword.
        keyword: String,
        /// Where it stands, as a JSON pointer.
        place: String,
    },
    /// The keyword can be enforced, but not with that value.
    #[error("keyword `{keyword}` at {place} can't be enforced: {why}")]
    Value {
        /// The keyword.
        keyword: String,
        /// Where it stands, as a JSON pointer.
        place: String,
        /// What of the value is in the way.
        why: &'static str,
    },
    /// The schema is not written as JSON Schema asks.
    #[error("{what} at {place}")]
    Form {
        /// What is wrong.
        what: &'static str,
        /// Where, as a JSON pointer.
        place: String,
    },
    /// The schema is larger than a tool's may be.
    #[error("the schema has {bytes} bytes; at most {SCHEMA_BYTES_MAX} are compiled")]
    TooBig {
        /// Its size as compact JSON.
        bytes: usize,
    },
}

impl SchemaError {
    /// The keyword that can't be enforced, where it is one.
    #[must_use]
    pub fn keyword(&self) -> Option<&str> {
        match self {
            Self::Keyword { keyword, .. } | Self::Value { keyword, .. } => Some(keyword),
            Self::Form { .. } | Self::TooBig { .. } => None,
        }
    }
}

/// Longest schema of one tool.
pub(crate) const SCHEMA_BYTES_MAX: usize = 64 * 1024;

/// Checks the arguments' schema of one tool and hands back what the grammar is compiled from: the same
/// without annotations, in the words that are enforced.
pub(crate) fn check(schema: &Value) -> Result<Value, SchemaError> {
    let form = |what| SchemaError::Form { what, place: "/".to_owned() };
    let object = schema.as_object().ok_or_else(|| form("the arguments' schema is no object"))?;
    if object.get("type").and_then(Value::as_str) != Some("object") {
        return Err(form("the arguments' schema has another type than `object`"));
    }
    check_any(schema)
}

/// The same for a schema of any type.
pub(crate) fn check_any(schema: &Value) -> Result<Value, SchemaError> {
    let bytes = schema.to_string().len();
    if bytes > SCHEMA_BYTES_MAX {
        return Err(SchemaError::TooBig { bytes });
    }
    Walk::check(schema)
}

#[cfg(test)]
mod tests;
