//! An instance as a model would write it: one line, the spaces of Python, keys in the schema's order.

use serde_json::{Map, Value};

/// How far references and nested schemas are followed in search of keys.
const DEPTH_MAX: usize = 32;
/// Keywords whose schemas speak about the same value.
const LISTS: [&str; 3] = ["allOf", "anyOf", "oneOf"];

/// `instance` as text, its keys in the order in which `schema` names them, the rest behind.
#[must_use]
pub fn spell(schema: &Value, instance: &Value) -> String {
    let mut out = String::new();
    write(&mut out, schema, &[schema], instance);
    out
}

/// Writes `value`, which the schemas in `about` speak about.
fn write(out: &mut String, root: &Value, about: &[&Value], value: &Value) {
    let mut all = Vec::new();
    for schema in about {
        collect(root, schema, 0, &mut all);
    }
    match value {
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                separate(out, index);
                let about: Vec<&Value> = all.iter().filter_map(|schema| of_item(schema, index)).collect();
                write(out, root, &about, item);
            }
            out.push(']');
        }
        Value::Object(entries) => {
            out.push('{');
            for (index, (key, entry)) in in_order(&all, entries).into_iter().enumerate() {
                separate(out, index);
                out.push_str(&Value::from(key).to_string());
                out.push_str(": ");
                let about: Vec<&Value> = all.iter().filter_map(|schema| of_property(schema, key)).collect();
                write(out, root, &about, entry);
            }
            out.push('}');
        }
        plain => out.push_str(&plain.to_string()),
    }
}

fn separate(out: &mut String, index: usize) {
    if index > 0 {
        out.push_str(", ");
    }
}

/// Every schema that speaks about the same value as `schema`, itself first.
fn collect<'s>(root: &'s Value, schema: &'s Value, depth: usize, all: &mut Vec<&'s Map<String, Value>>) {
    let Some(object) = schema.as_object().filter(|_| depth <= DEPTH_MAX) else { return };
    if all.iter().any(|known| std::ptr::eq(*known, object)) {
        return;
    }
    all.push(object);
    for (keyword, value) in object {
        if keyword == "$ref" {
            let pointer = value.as_str().and_then(|target| target.strip_prefix('#'));
            if let Some(target) = pointer.and_then(|pointer| root.pointer(pointer)) {
                collect(root, target, depth.saturating_add(1), all);
            }
        } else if LISTS.contains(&keyword.as_str()) {
            for schema in value.as_array().into_iter().flatten() {
                collect(root, schema, depth.saturating_add(1), all);
            }
        }
    }
}

/// The entries as the schemas name them: an object that is asked for to the letter first, then
/// properties, then what is required, then the rest.
fn in_order<'v>(all: &[&Map<String, Value>], entries: &'v Map<String, Value>) -> Vec<(&'v str, &'v Value)> {
    let same = |value: &&Value| {
        let object = value.as_object();
        object.is_some_and(|object| {
            object.len() == entries.len() && object.keys().all(|key| entries.contains_key(key))
        })
    };
    let letters = all.iter().filter_map(|schema| {
        let listed = schema.get("enum").and_then(Value::as_array).into_iter().flatten();
        schema.get("const").into_iter().chain(listed).find(same).and_then(Value::as_object)
    });
    let letters = letters.flat_map(Map::keys);
    let properties =
        all.iter().filter_map(|schema| schema.get("properties")?.as_object()).flat_map(Map::keys);
    let required = all.iter().filter_map(|schema| schema.get("required")?.as_array()).flatten();
    let names = letters.chain(properties).map(String::as_str).chain(required.filter_map(Value::as_str));
    let mut ordered: Vec<(&str, &Value)> = Vec::with_capacity(entries.len());
    for name in names.chain(entries.keys().map(String::as_str)) {
        if let Some((key, entry)) = entries.get_key_value(name)
            && !ordered.iter().any(|(known, _)| known == key)
        {
            ordered.push((key, entry));
        }
    }
    ordered
}

fn of_item(schema: &Map<String, Value>, index: usize) -> Option<&Value> {
    let first = schema.get("prefixItems").and_then(|first| first.get(index));
    first.or_else(|| schema.get("items"))
}

fn of_property<'s>(schema: &'s Map<String, Value>, key: &str) -> Option<&'s Value> {
    let declared = schema.get("properties").and_then(|properties| properties.get(key));
    declared.or_else(|| schema.get("additionalProperties"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_come_as_the_schema_names_them() {
        let schema = json!({
            "$ref": "#/$defs/base",
            "properties": {"c": {"properties": {"y": {}, "x": {}}}},
            "required": ["e", "a"],
            "$defs": {"base": {"properties": {"a": {}, "b": {"items": {"properties": {"q": {}, "p": {}}}}}}},
        });
        let instance = json!({
            "z": [1, "\n"], "b": [{"p": 1, "q": 2}], "e": 1.0, "a": null, "c": {"x": 1, "w": 3, "y": {}},
        });
        let expected = r#"{"c": {"y": {}, "x": 1, "w": 3}, "a": null, "b": [{"q": 2, "p": 1}], "e": 1.0, "z": [1, "\n"]}"#;
        assert_eq!(spell(&schema, &instance), expected);
    }

    #[test]
    fn constants_are_written_to_the_letter_and_loops_end() {
        let schema = json!({"anyOf": [{"$ref": "#"}, {"enum": [{"a": 1}, {"b": 1, "a": 2}]}]});
        assert_eq!(spell(&schema, &json!({"a": 2, "b": 1})), r#"{"b": 1, "a": 2}"#);
        assert_eq!(spell(&json!(true), &json!([])), "[]");
    }
}
