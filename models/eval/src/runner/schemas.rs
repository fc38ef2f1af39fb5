//! The tools' schemas, to judge calls by. Another implementation than the constraint's, so that the
//! two check each other.

use everstep_model::ToolDefinition;
use jsonschema::{Draft, Validator};
use serde_json::Value;

/// A validator for each tool.
pub(super) struct Schemas(Vec<(String, Validator)>);

impl Schemas {
    /// Compiles the schemas of `tools`, or says which can't be.
    pub(super) fn compile(tools: &[ToolDefinition]) -> Result<Self, String> {
        let mut schemas: Vec<(String, Validator)> = Vec::with_capacity(tools.len());
        for tool in tools {
            if schemas.iter().any(|(name, _)| *name == tool.name) {
                return Err(format!("tool `{}` is there twice", tool.name));
            }
            let options = jsonschema::options().with_draft(Draft::Draft202012);
            let schema = options
                .build(&tool.arguments)
                .map_err(|error| format!("tool `{}`: its schema is not valid: {error}", tool.name))?;
            schemas.push((tool.name.clone(), schema));
        }
        Ok(Self(schemas))
    }

    /// Why a call would not run.
    pub(super) fn fault(&self, name: &str, arguments: &Value) -> Option<String> {
        let Some((_, schema)) = self.0.iter().find(|(known, _)| known == name) else {
            return Some(format!("there is no tool `{name}`"));
        };
        let error = schema.validate(arguments).err()?;
        let place = error.instance_path().to_string();
        let place = if place.is_empty() { "the arguments" } else { place.as_str() };
        Some(format!("{place}: {error}"))
    }
}
