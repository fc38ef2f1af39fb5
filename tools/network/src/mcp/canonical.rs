//! JSON in one form: names in the order of the alphabet, no spaces. Equal values become equal bytes,
//! however a server orders what it sends.

use serde_json::{Map, Value};

/// `value` in that form. Its depth was checked when it was read.
pub(super) fn canonical(value: &Value) -> String {
    sorted(value).to_string()
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(object) => {
            let mut members: Vec<_> = object.iter().collect();
            members.sort_by_key(|(name, _)| *name);
            let ordered: Map<_, _> =
                members.into_iter().map(|(name, value)| (name.clone(), sorted(value))).collect();
            Value::Object(ordered)
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn order_of_names_counts_for_nothing_and_order_of_items_does() {
        let one = json!({"b": [1, {"y": 1, "x": 2}], "a": null});
        let two = json!({"a": null, "b": [1, {"x": 2, "y": 1}]});
        assert_eq!(canonical(&one), r#"{"a":null,"b":[1,{"x":2,"y":1}]}"#);
        assert_eq!(canonical(&one), canonical(&two));
        assert_ne!(canonical(&json!([1, 2])), canonical(&json!([2, 1])));
    }
}
