//! Refusals of calls, in words a small model can act on.

use everstep_core::ARGUMENTS_BYTES_MAX;
use jsonschema::{
    ValidationError,
    error::{TypeKind, ValidationErrorKind},
};
use serde_json::Value;

/// Characters of a wrong value or name that a refusal repeats.
const SHOWN_CHARS_MAX: usize = 60;

/// Why a call does not run. Nothing was started; the text is what the model reads.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// No tool of that name is known to the agent.
    #[error("error: there is no tool {tool}; the tools are {}", .tools.join(", "))]
    NoSuchTool {
        /// What was asked for.
        tool: String,
        /// The tools granted.
        tools: Vec<String>,
    },
    /// The tool exists, but not for this agent.
    #[error("refused: {tool} is not granted to this agent")]
    NotGranted {
        /// The tool.
        tool: String,
    },
    /// The arguments are longer than a record may hold.
    #[error("error: {tool}: the arguments have {bytes} bytes, at most {ARGUMENTS_BYTES_MAX} are allowed")]
    TooLong {
        /// The tool.
        tool: String,
        /// Their size as compact JSON.
        bytes: usize,
    },
    /// The arguments miss the schema.
    #[error("error: {tool}: {what}")]
    Invalid {
        /// The tool.
        tool: String,
        /// Which argument, what it must be, what it is.
        what: String,
    },
}

/// Says which argument is wrong, what it must be and what it is.
pub(super) fn explain(error: &ValidationError<'_>) -> String {
    let path = error.instance_path().to_string();
    let place = path.trim_start_matches('/').replace('/', ".");
    let place = if place.is_empty() { "the arguments".to_owned() } else { shorten(&place) };
    let must = match error.kind() {
        ValidationErrorKind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            return if path.is_empty() {
                format!("{name} is missing")
            } else {
                format!("{place}: {name} is missing")
            };
        }
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            let names = shorten(&unexpected.join(", "));
            return if path.is_empty() {
                format!("there is no argument {names}")
            } else {
                format!("{place} has no {names}")
            };
        }
        ValidationErrorKind::Type { kind } => format!("be {}", kind_name(kind)),
        ValidationErrorKind::Enum { options } => format!("be one of {}", listed(options)),
        ValidationErrorKind::Constant { expected_value } => format!("be {expected_value}"),
        ValidationErrorKind::Maximum { limit } => format!("be at most {limit}"),
        ValidationErrorKind::Minimum { limit } => format!("be at least {limit}"),
        ValidationErrorKind::ExclusiveMaximum { limit } => format!("be less than {limit}"),
        ValidationErrorKind::ExclusiveMinimum { limit } => format!("be more than {limit}"),
        ValidationErrorKind::MultipleOf { multiple_of } => format!("be a multiple of {multiple_of}"),
        ValidationErrorKind::MaxLength { limit } => format!("have at most {limit} characters"),
        ValidationErrorKind::MinLength { limit } => format!("have at least {limit} characters"),
        ValidationErrorKind::MaxItems { limit } => format!("have at most {limit} entries"),
        ValidationErrorKind::MinItems { limit } => format!("have at least {limit} entries"),
        ValidationErrorKind::Pattern { pattern } => format!("match {pattern}"),
        other => format!("keep to `{}` of the schema", other.keyword()),
    };
    format!("{place} must {must}, got {}", shown(error.instance()))
}

fn kind_name(kind: &TypeKind) -> String {
    let name = |name: &str| match name {
        "integer" => "a whole number".to_owned(),
        "boolean" => "true or false".to_owned(),
        "array" | "object" => format!("an {name}"),
        "null" => "null".to_owned(),
        other => format!("a {other}"),
    };
    match kind {
        TypeKind::Single(kind) => name(&kind.to_string()),
        TypeKind::Multiple(kinds) => {
            kinds.iter().map(|kind| name(&kind.to_string())).collect::<Vec<_>>().join(" or ")
        }
    }
}

fn listed(options: &Value) -> String {
    let options = options.as_array().into_iter().flatten();
    options.map(Value::to_string).collect::<Vec<_>>().join(", ")
}

/// A value as a refusal repeats it.
pub(super) fn shown(value: &Value) -> String {
    shorten(&value.to_string())
}

/// At most [`SHOWN_CHARS_MAX`] characters of `text`, on one line.
pub(super) fn shorten(text: &str) -> String {
    let printable = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter });
    let mut shortened: String = printable.take(SHOWN_CHARS_MAX).collect();
    if text.chars().count() > SHOWN_CHARS_MAX {
        shortened.push_str("...");
    }
    shortened
}
