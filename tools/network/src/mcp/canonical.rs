//! JSON in one form: names in the order of the alphabet, no spaces. Equal values become equal bytes,
//! however a server orders what it sends.

use serde_json::Value;

/// `value` in that form. Its depth was checked when it was read.
pub(super) fn canonical(value: &Value) -> String {
    let mut ordered = value.clone();
    ordered.sort_all_objects();
    ordered.to_string()
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
