//! Schemas of arguments: which can be enforced, and the one text a value has under its schema.

use jsonschema::{Draft, Validator};
use serde_json::{Map, Number, Value};

use super::ToolboxError;
use crate::ToolSpec;

/// Bytes of one tool's schema, as compact JSON.
pub const SCHEMA_BYTES_MAX: usize = 8 * 1024;
/// Deepest nesting of schemas.
pub const SCHEMA_DEPTH_MAX: usize = 16;

/// Enforced, and their values are no schemas.
const PLAIN: &[&str] = &[
    "type",
    "enum",
    "const",
    "required",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "pattern",
    "minItems",
    "maxItems",
];
/// Enforced; the value is one schema.
const ONE: &[&str] = &["items", "additionalProperties"];
/// Enforced; the value is a list of schemas.
const LIST: &[&str] = &["anyOf", "allOf", "prefixItems"];
/// Ask for nothing.
const ANNOTATIONS: &[&str] = &["title", "description", "default", "examples", "$comment", "deprecated"];

/// Compiles a tool's schema, unless part of it could not be enforced.
pub(super) fn compile(spec: &ToolSpec) -> Result<Validator, ToolboxError> {
    let (name, schema) = (&spec.name, &spec.arguments);
    let wrong = |what: String| ToolboxError::Schema { name: name.clone(), what };
    let bytes = schema.to_string().len();
    if bytes > SCHEMA_BYTES_MAX {
        return Err(wrong(format!("it has {bytes} bytes, at most {SCHEMA_BYTES_MAX} are allowed")));
    }
    if schema.get("type").and_then(Value::as_str) != Some("object") {
        return Err(wrong("the arguments must be of type `object`".into()));
    }
    Walk { tool: name }.schema(schema, "", 0)?;
    // Unknown formats and drafts were refused above; nothing is fetched.
    jsonschema::options()
        .with_draft(Draft::Draft202012)
        .build(schema)
        .map_err(|error| wrong(format!("{error} at {}", pointer(&error.instance_path().to_string()))))
}

/// Looks at every keyword of a schema.
struct Walk<'a> {
    tool: &'a str,
}

impl Walk<'_> {
    fn wrong(&self, what: &str, place: &str) -> ToolboxError {
        ToolboxError::Schema { name: self.tool.to_owned(), what: format!("{what} at {}", pointer(place)) }
    }

    fn schema(&self, schema: &Value, place: &str, depth: usize) -> Result<(), ToolboxError> {
        if depth > SCHEMA_DEPTH_MAX {
            return Err(self.wrong("schemas are nested too deep", place));
        }
        let object = match schema {
            Value::Bool(_) => return Ok(()),
            Value::Object(object) => object,
            _ => return Err(self.wrong("a schema is neither an object nor a truth value", place)),
        };
        for (keyword, value) in object {
            let here = format!("{place}/{keyword}");
            match keyword.as_str() {
                known if PLAIN.contains(&known) || ANNOTATIONS.contains(&known) => {}
                known if ONE.contains(&known) => self.schema(value, &here, depth + 1)?,
                known if LIST.contains(&known) => {
                    let list =
                        value.as_array().ok_or_else(|| self.wrong("a list of schemas is no list", &here))?;
                    for (index, item) in list.iter().enumerate() {
                        self.schema(item, &format!("{here}/{index}"), depth + 1)?;
                    }
                }
                "properties" => {
                    let named =
                        value.as_object().ok_or_else(|| self.wrong("properties are no object", &here))?;
                    for (name, item) in named {
                        self.schema(item, &format!("{here}/{name}"), depth + 1)?;
                    }
                }
                _ => {
                    return Err(ToolboxError::Keyword {
                        name: self.tool.to_owned(),
                        keyword: keyword.clone(),
                        place: pointer(place),
                    });
                }
            }
        }
        Ok(())
    }
}

fn pointer(place: &str) -> String {
    if place.is_empty() { "/".to_owned() } else { place.to_owned() }
}

/// The one form of `value` under `schema`: keys in the schema's order, whole numbers without a
/// fraction. Equal arguments become equal text.
pub(super) fn canonical(value: &Value, schema: &Value) -> Value {
    match value {
        Value::Object(object) => {
            let properties = schema.get("properties").and_then(Value::as_object);
            let mut ordered = Map::new();
            for (name, property) in properties.into_iter().flatten() {
                if let Some(value) = object.get(name) {
                    ordered.insert(name.clone(), canonical(value, property));
                }
            }
            // Names the schema leaves open follow in the order of the alphabet.
            let mut rest: Vec<_> = object.iter().filter(|(name, _)| !ordered.contains_key(*name)).collect();
            rest.sort_by_key(|(name, _)| *name);
            let open = schema.get("additionalProperties").unwrap_or(&Value::Null);
            ordered.extend(rest.into_iter().map(|(name, value)| (name.clone(), canonical(value, open))));
            Value::Object(ordered)
        }
        Value::Array(items) => {
            let rest = schema.get("items").unwrap_or(&Value::Null);
            let first = schema.get("prefixItems").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            let schemas = first.iter().chain(std::iter::repeat(rest));
            items.iter().zip(schemas).map(|(item, schema)| canonical(item, schema)).collect()
        }
        Value::Number(number) => Value::Number(plain(number)),
        Value::Null | Value::Bool(_) | Value::String(_) => value.clone(),
    }
}

/// `100.0` and `100` are one number.
#[expect(clippy::cast_possible_truncation, reason = "checked to be whole and within 53 bits")]
fn plain(number: &Number) -> Number {
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    match number.as_f64() {
        Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < EXACT_MAX => {
            Number::from(float as i64)
        }
        _ => number.clone(),
    }
}
