//! Which JSON schemas a grammar can enforce, told by tool and keyword before a run starts.
//!
//! llguidance refuses keywords it knows and can't do, but passes over those it doesn't know; here every
//! keyword must be one we know to be enforced, or one that asks for nothing.

use serde_json::{Map, Value};

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

/// Longest schema of one tool.
const SCHEMA_BYTES_MAX: usize = 64 * 1024;
/// Deepest nesting of schemas.
const DEPTH_MAX: usize = 32;

/// Largest number, either way, where a schema sets no bound: all integers up to it are exact in an f64.
const NUMBER_MAX: i64 = 1_000_000_000_000_000;

/// Enforced, and their values are no schemas.
const PLAIN: &[&str] = &[
    "type",
    "enum",
    "const",
    "required",
    "minItems",
    "maxItems",
    "minLength",
    "maxLength",
    "pattern",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "$ref",
];
/// Enforced; the value is one schema.
const ONE: &[&str] = &["additionalProperties", "items"];
/// Enforced; the value is a list of schemas.
const LIST: &[&str] = &["anyOf", "allOf", "prefixItems"];
/// Enforced, or a place for schemas; the value maps names to schemas.
const NAMED: &[&str] = &["properties", "$defs", "definitions"];
/// Ask for nothing.
const ANNOTATIONS: &[&str] = &[
    "title",
    "description",
    "default",
    "examples",
    "$comment",
    "$schema",
    "deprecated",
    "readOnly",
    "writeOnly",
];

/// Checks the arguments' schema of one tool and hands back what the grammar is compiled from: the same
/// without annotations.
pub(crate) fn check(schema: &Value) -> Result<Value, SchemaError> {
    let bytes = schema.to_string().len();
    if bytes > SCHEMA_BYTES_MAX {
        return Err(SchemaError::TooBig { bytes });
    }
    let form = |what| SchemaError::Form { what, place: "/".to_owned() };
    let object = schema.as_object().ok_or_else(|| form("the arguments' schema is no object"))?;
    if object.get("type").and_then(Value::as_str) != Some("object") {
        return Err(form("the arguments' schema has another type than `object`"));
    }
    walk(schema, "", 0)
}

fn walk(schema: &Value, place: &str, depth: usize) -> Result<Value, SchemaError> {
    let form = |what, place: &str| SchemaError::Form { what, place: shown(place) };
    if depth > DEPTH_MAX {
        return Err(form("schemas are nested too deep", place));
    }
    let object = match schema {
        Value::Bool(_) => return Ok(schema.clone()),
        Value::Object(object) => object,
        _ => return Err(form("a schema is neither an object nor a truth value", place)),
    };
    let mut kept = Map::new();
    for (keyword, value) in object {
        let here = format!("{place}/{keyword}");
        let known = keyword.as_str();
        if ANNOTATIONS.contains(&known) || (known == "format" && is_number(object)) {
            continue;
        }
        if let Some(values) = constants(known, value).filter(|_| !object.contains_key("enum")) {
            kept.insert("enum".to_owned(), values);
            continue;
        }
        let value = if PLAIN.contains(&known) {
            if known == "$ref" && !value.as_str().is_some_and(|target| target.starts_with('#')) {
                return Err(form("a `$ref` leads outside of the schema", &here));
            }
            value.clone()
        } else if ONE.contains(&known) {
            walk(value, &here, depth + 1)?
        } else if LIST.contains(&known) {
            let list = value.as_array().ok_or_else(|| form("a list of schemas is no list", &here))?;
            let walked = list.iter().enumerate();
            let walked = walked.map(|(index, item)| walk(item, &format!("{here}/{index}"), depth + 1));
            Value::Array(walked.collect::<Result<_, _>>()?)
        } else if NAMED.contains(&known) {
            let named = value.as_object().ok_or_else(|| form("named schemas are no object", &here))?;
            let walked = named
                .iter()
                .map(|(name, item)| Ok((name.clone(), walk(item, &format!("{here}/{name}"), depth + 1)?)));
            Value::Object(walked.collect::<Result<_, SchemaError>>()?)
        } else {
            return Err(SchemaError::Keyword { keyword: keyword.clone(), place: shown(place) });
        };
        kept.insert(keyword.clone(), value);
    }
    if is_number(object) {
        bound(&mut kept);
    }
    Ok(Value::Object(kept))
}

/// The values of a `oneOf` of different constants, which is how documented choices are written. Any other
/// `oneOf` asks for exactly one match, which no grammar can count.
fn constants(keyword: &str, value: &Value) -> Option<Value> {
    if keyword != "oneOf" {
        return None;
    }
    let mut values: Vec<Value> = Vec::new();
    for branch in value.as_array()? {
        let branch = branch.as_object()?;
        let only = |key: &String| key == "const" || key == "type" || ANNOTATIONS.contains(&key.as_str());
        let constant = branch.get("const").filter(|_| branch.keys().all(only))?;
        let fits = match branch.get("type").map(Value::as_str) {
            None => true,
            Some(kind) => constant.is_string() && kind == Some("string"),
        };
        if !fits || values.contains(constant) {
            return None;
        }
        values.push(constant.clone());
    }
    Some(Value::Array(values))
}

/// Gives a number the bounds it lacks. Without them a grammar allows `1e999`, which no parser reads.
fn bound(schema: &mut Map<String, Value>) {
    for (least, keyword, value) in
        [("exclusiveMinimum", "minimum", -NUMBER_MAX), ("exclusiveMaximum", "maximum", NUMBER_MAX)]
    {
        if !schema.contains_key(least) && !schema.contains_key(keyword) {
            schema.insert(keyword.to_owned(), Value::from(value));
        }
    }
}

/// On numbers, `format` names the width of the type that comes with its own bounds.
fn is_number(schema: &Map<String, Value>) -> bool {
    let number = |name: &Value| matches!(name.as_str(), Some("integer" | "number"));
    match schema.get("type") {
        Some(Value::Array(names)) => names.iter().all(|name| number(name) || name.as_str() == Some("null")),
        Some(name) => number(name),
        None => false,
    }
}

fn shown(place: &str) -> String {
    if place.is_empty() { "/".to_owned() } else { place.to_owned() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[expect(clippy::needless_pass_by_value, reason = "reads well with json!")]
    fn arguments(property: Value) -> Value {
        json!({"type": "object", "properties": {"x": property}})
    }

    #[test]
    fn annotations_go_and_the_rest_stays_in_order() {
        let schema = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "Args",
            "type": "object",
            "properties": {
                "percent": {"type": "integer", "format": "uint8", "minimum": 0, "maximum": 100},
                "description": {"type": "string", "description": "a property of that name"},
            },
            "required": ["percent", "description"],
            "additionalProperties": false,
        });
        let expected = json!({
            "type": "object",
            "properties": {
                "percent": {"type": "integer", "minimum": 0, "maximum": 100},
                "description": {"type": "string"},
            },
            "required": ["percent", "description"],
            "additionalProperties": false,
        });
        assert_eq!(check(&schema).unwrap().to_string(), expected.to_string());
    }

    #[test]
    fn one_of_different_constants_is_an_enumeration() {
        let choice = |name: &str| json!({"const": name, "type": "string", "description": name});
        let checked = check(&arguments(json!({"oneOf": [choice("on"), choice("off")]}))).unwrap();
        assert_eq!(checked["properties"]["x"], json!({"enum": ["on", "off"]}));
        for other in [json!([choice("on"), choice("on")]), json!([{"const": 1}, {}]), json!([{"enum": [1]}])]
        {
            assert!(check(&arguments(json!({"oneOf": other}))).is_err());
        }
        assert!(check(&arguments(json!({"oneOf": [{"const": 1, "type": "string"}]}))).is_err());
        assert!(check(&arguments(json!({"oneOf": [choice("on")], "enum": ["off"]}))).is_err());
    }

    #[test]
    fn numbers_get_the_bounds_they_lack() {
        let checked = check(&arguments(json!({"type": ["number", "null"], "exclusiveMinimum": 0}))).unwrap();
        let expected = json!({"type": ["number", "null"], "exclusiveMinimum": 0, "maximum": NUMBER_MAX});
        assert_eq!(checked["properties"]["x"], expected);
    }

    #[test]
    fn keyword_that_is_not_enforced_is_named_with_its_place() {
        for (property, keyword) in [
            (json!({"not": {"type": "string"}}), "not"),
            (json!({"type": "string", "format": "email"}), "format"),
            (json!({"type": ["string", "integer"], "format": "uint8"}), "format"),
            (json!({"type": "array", "uniqueItems": true}), "uniqueItems"),
            (json!({"type": "array", "contains": {}}), "contains"),
            (json!({"if": {}, "then": {}}), "if"),
            (json!({"oneOf": [{"minimum": 1}, {"maximum": 2}]}), "oneOf"),
            (json!({"type": "object", "patternProperties": {}}), "patternProperties"),
            (json!({"x-guidance": {"lenient": true}}), "x-guidance"),
            (json!({"maxLenght": 3}), "maxLenght"),
        ] {
            let error = check(&arguments(property)).unwrap_err();
            let expected =
                SchemaError::Keyword { keyword: keyword.to_owned(), place: "/properties/x".to_owned() };
            assert_eq!(error, expected);
        }
        let nested = arguments(json!({"anyOf": [{}, {"items": {"x-guidance": {}}}]}));
        let error = check(&nested).unwrap_err();
        assert!(error.to_string().contains("/properties/x/anyOf/1/items"), "{error}");
    }

    #[test]
    fn wrong_forms_and_sizes_are_refused() {
        for schema in [
            json!(true),
            json!({"type": "string"}),
            json!({"properties": {}}),
            json!({"type": "object", "properties": []}),
            arguments(json!("string")),
            arguments(json!({"$ref": "https://example.com/x"})),
            arguments(json!({"$ref": 3})),
        ] {
            let error = check(&schema).unwrap_err();
            assert!(matches!(error, SchemaError::Form { .. }), "{schema}: {error}");
        }
        let mut deep = json!({});
        for _ in 0..DEPTH_MAX + 2 {
            deep = json!({"items": deep});
        }
        assert!(check(&arguments(deep)).unwrap_err().to_string().contains("too deep"));
        let names: Vec<String> = (0..20_000).map(|n| n.to_string()).collect();
        assert!(matches!(check(&arguments(json!({"enum": names}))), Err(SchemaError::TooBig { .. })));
    }
}
