use serde_json::json;

use super::{number::NUMBER_MAX, walk::DEPTH_MAX, *};

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
    for other in [json!([choice("on"), choice("on")]), json!([{"const": 1}, {}]), json!([{"enum": [1]}])] {
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
