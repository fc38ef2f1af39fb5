//! Calls whose parameters stand one behind the other, each with its name, rather than in one JSON object.

mod kind;
mod read;

use serde_json::{Map, Value};

pub use self::kind::TextKind;
pub(super) use self::read::read;

/// The texts around the values of a call with named parameters.
#[derive(Clone, Copy, Debug)]
pub struct ParameterForm {
    /// Before the tool's name.
    pub before_name: &'static str,
    /// Behind the tool's name.
    pub after_name: &'static str,
    /// Before a parameter's name.
    pub before_key: &'static str,
    /// Between a parameter's name and its value.
    pub after_key: &'static str,
    /// Behind a value.
    pub after_value: &'static str,
    /// Between two parameters.
    pub separator: &'static str,
    /// Behind the last parameter.
    pub behind: &'static str,
    /// How values are written.
    pub values: Values,
    /// Texts of the form that a vocabulary may have as one token.
    pub marks: &'static [&'static str],
}

/// How the value of a parameter is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Values {
    /// As Python does: `True`, `False` and `None`; the rest as in JSON.
    Python,
    /// Strings as they are, up to the text behind the value; the rest as in JSON.
    Text,
    /// Strings between two marks that they don't hold; the rest as in JSON.
    Between(&'static str, &'static str),
    /// Strings as they are where they are short and plain, else between two marks; the rest as in JSON.
    TextOr(&'static str, &'static str),
}

impl ParameterForm {
    pub(super) fn write(&self, tool: &str, arguments: &str) -> String {
        let arguments: Map<String, Value> = serde_json::from_str(arguments).unwrap_or_default();
        let parameters: Vec<String> = arguments
            .iter()
            .map(|(key, value)| {
                let Self { before_key, after_key, after_value, .. } = self;
                format!("{before_key}{key}{after_key}{}{after_value}", self.values.write(value))
            })
            .collect();
        let Self { before_name, after_name, behind, .. } = self;
        format!("{before_name}{tool}{after_name}{}{behind}", parameters.join(self.separator))
    }
}

impl Values {
    /// Whether strings stand without quotes, so that a value's type must be known to read it.
    #[must_use]
    pub fn are_bare(self) -> bool {
        matches!(self, Self::Text | Self::TextOr(..))
    }

    fn write(self, value: &Value) -> String {
        match (self, value) {
            (Self::Python, Value::Bool(true)) => "True".to_owned(),
            (Self::Python, Value::Bool(false)) => "False".to_owned(),
            (Self::Python, Value::Null) => "None".to_owned(),
            (Self::Between(open, close), Value::String(text)) => format!("{open}{text}{close}"),
            (Self::TextOr(open, close), Value::String(text)) if text.contains(['<', '&', '\n']) => {
                format!("{open}{text}{close}")
            }
            (Self::Text | Self::TextOr(..), Value::String(text)) => text.clone(),
            (_, value) => value.to_string(),
        }
    }
}
