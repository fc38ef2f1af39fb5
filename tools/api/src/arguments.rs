//! Typed arguments: the schema the model reads, and the values a tool receives.

use schemars::{JsonSchema, generate::SchemaSettings};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::ToolCall;

/// Derives the schema of a tool's arguments from their Rust type: a plain object, everything in place
/// (no `$ref`), properties in the order of the fields, doc comments as descriptions, nothing beyond
/// the named properties allowed.
#[must_use]
pub fn schema_for<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let schema = clean(settings.into_generator().into_root_schema_for::<T>().into());
    let Value::Object(mut derived) = schema else { return schema };
    let mut take = |key: &str, otherwise: Value| derived.remove(key).unwrap_or(otherwise);
    // In the order that people write them; the type's own comment is not for the model.
    let mut schema = json!({
        "type": take("type", json!("object")),
        "properties": take("properties", json!({})),
        "required": take("required", json!([])),
        "additionalProperties": take("additionalProperties", json!(false)),
    });
    derived.remove("description");
    if let Some(object) = schema.as_object_mut() {
        // Whatever else was derived stays, so that the toolbox can refuse what it can't enforce.
        object.append(&mut derived);
    }
    schema
}

/// Reads the arguments of a checked call.
///
/// # Errors
///
/// Where the schema allows what the type does not, in words the model can act on.
pub fn parse_arguments<T: DeserializeOwned>(call: &ToolCall) -> Result<T, String> {
    read_arguments(&call.arguments)
}

/// Reads arguments that belong to no call under way, such as those of an earlier one.
///
/// # Errors
///
/// See [`parse_arguments`].
pub fn read_arguments<T: DeserializeOwned>(arguments: &Value) -> Result<T, String> {
    T::deserialize(arguments).map_err(|error| format!("wrong arguments: {error}"))
}

/// Takes out names of Rust types and widths of numbers; the bounds stay.
fn clean(schema: Value) -> Value {
    let Value::Object(object) = schema else { return schema };
    let is_number = matches!(object.get("type").and_then(Value::as_str), Some("integer" | "number"));
    let mut kept = Map::new();
    for (keyword, value) in object {
        match (keyword.as_str(), value) {
            ("title" | "$schema", _) => {}
            ("format", _) if is_number => {}
            ("properties", Value::Object(named)) => {
                let named: Map<_, _> =
                    named.into_iter().map(|(name, schema)| (name, clean(schema))).collect();
                kept.insert(keyword, named.into());
            }
            ("items" | "additionalProperties", schema) => {
                kept.insert(keyword, clean(schema));
            }
            ("anyOf" | "allOf" | "oneOf" | "prefixItems", Value::Array(list)) => {
                kept.insert(keyword, list.into_iter().map(clean).collect());
            }
            (_, value) => {
                kept.insert(keyword, value);
            }
        }
    }
    kept.into()
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    /// Said to nobody.
    #[derive(Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only the schema is looked at")]
    struct Args {
        /// Speed.
        percent: Percent,
        mode: Option<Mode>,
        also: Vec<u8>,
    }

    #[derive(Deserialize, JsonSchema)]
    #[serde(transparent)]
    #[expect(dead_code, reason = "only the schema is looked at")]
    struct Percent(#[schemars(range(max = 100))] u8);

    #[derive(Deserialize, JsonSchema)]
    #[serde(rename_all = "snake_case")]
    enum Mode {
        Slow,
        Fast,
    }

    #[test]
    fn schema_is_plain_and_in_order() {
        let schema = schema_for::<Args>();
        let text = schema.to_string();
        for noise in ["$ref", "$schema", "$defs", "title", "uint8", "nobody"] {
            assert!(!text.contains(noise), "{noise} in {text}");
        }
        let properties = schema["properties"].as_object().unwrap();
        assert_eq!(properties.keys().collect::<Vec<_>>(), ["percent", "mode", "also"]);
        assert_eq!(properties["percent"]["maximum"], 100);
        assert_eq!(properties["percent"]["description"], "Speed.");
        assert_eq!(schema["required"], json!(["percent", "also"]));
        assert_eq!(schema["additionalProperties"], false);
        let keys: Vec<_> = schema.as_object().unwrap().keys().cloned().collect();
        assert_eq!(keys, ["type", "properties", "required", "additionalProperties"]);
    }

    #[test]
    fn empty_arguments_are_an_empty_object() {
        #[derive(Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        struct Nothing {}
        let expected =
            json!({"type": "object", "properties": {}, "required": [], "additionalProperties": false});
        assert_eq!(schema_for::<Nothing>().to_string(), expected.to_string());
    }
}
