//! `oneOf` where it says no more than a grammar can: no two of its schemas take the same value.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// The values of a `oneOf` of different constants, which is how documented choices are written.
pub(super) fn constants(value: &Value, annotations: &[&str]) -> Option<Value> {
    let mut values: Vec<Value> = Vec::new();
    for branch in value.as_array()? {
        let branch = branch.as_object()?;
        let only = |key: &String| key == "const" || key == "type" || annotations.contains(&key.as_str());
        let constant = branch.get("const").filter(|_| branch.keys().all(only))?;
        let fits = match branch.get("type").map(Value::as_str) {
            None => true,
            Some(kind) => constant.is_string() && kind == Some("string"),
        };
        if !fits || values.iter().any(|known| is_equal(known, constant)) {
            return None;
        }
        values.push(constant.clone());
    }
    Some(Value::Array(values))
}

/// Whether no two of the schemas take the same value, as far as their types and constants show.
pub(super) fn are_apart(value: &Value) -> bool {
    let Some(branches) = value.as_array() else { return false };
    branches.iter().enumerate().all(|(number, branch)| {
        branches.iter().skip(number.saturating_add(1)).all(|other| is_apart(branch, other))
    })
}

fn is_apart(one: &Value, other: &Value) -> bool {
    let (Some(one), Some(other)) = (one.as_object(), other.as_object()) else {
        return one == &Value::Bool(false) || other == &Value::Bool(false);
    };
    if types(one).is_disjoint(&types(other)) || holds_others(one, other) {
        return true;
    }
    // Both are objects, and a property that one of them needs can't be right for both.
    let is_object = |schema: &Map<String, Value>| types(schema) == BTreeSet::from(["object"]);
    is_object(one)
        && is_object(other)
        && required(one).chain(required(other)).any(|name| {
            let property =
                |schema: &Map<String, Value>| schema.get("properties")?.get(name)?.as_object().cloned();
            match (property(one), property(other)) {
                (Some(one), Some(other)) => {
                    types(&one).is_disjoint(&types(&other)) || holds_others(&one, &other)
                }
                _ => false,
            }
        })
}

/// Whether both are lists of values, and have none in common.
fn holds_others(one: &Map<String, Value>, other: &Map<String, Value>) -> bool {
    match (values(one), values(other)) {
        (Some(one), Some(other)) => !one.iter().any(|one| other.iter().any(|other| is_equal(one, other))),
        _ => false,
    }
}

fn values(schema: &Map<String, Value>) -> Option<Vec<&Value>> {
    match (schema.get("const"), schema.get("enum")) {
        (Some(value), _) => Some(vec![value]),
        (None, Some(values)) => Some(values.as_array()?.iter().collect()),
        (None, None) => None,
    }
}

fn required(schema: &Map<String, Value>) -> impl Iterator<Item = &str> {
    schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

/// The types a value of `schema` may have, numbers all as one.
fn types(schema: &Map<String, Value>) -> BTreeSet<&str> {
    const ALL: [&str; 6] = ["null", "boolean", "number", "string", "array", "object"];
    let known_type = |name: &'_ str| {
        ALL.into_iter().find(|known| *known == if name == "integer" { "number" } else { name })
    };
    if let Some(values) = values(schema) {
        return values.into_iter().map(kind).collect();
    }
    match schema.get("type") {
        Some(Value::String(name)) => known_type(name).into_iter().collect(),
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).filter_map(known_type).collect(),
        _ => ALL.into_iter().collect(),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Equality as JSON Schema has it: 1 and 1.0 are one number.
fn is_equal(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one.as_f64() == other.as_f64(),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| is_equal(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            let same =
                |(key, one): (&String, &Value)| other.get(key).is_some_and(|other| is_equal(one, other));
            one.len() == other.len() && one.iter().all(same)
        }
        _ => one == other,
    }
}
