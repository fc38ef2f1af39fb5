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
    for other in
        [json!([choice("on"), choice("on")]), json!([{"const": 1}, {}]), json!([{"const": 1}, {"enum": [1]}])]
    {
        assert!(check(&arguments(json!({"oneOf": other}))).is_err());
    }
    assert!(check(&arguments(json!({"oneOf": [{"const": 1, "type": "string"}, {"const": 1}]}))).is_err());
    // Beside another enumeration it stays a list of alternatives.
    let both = json!({"oneOf": [choice("on"), choice("off")], "enum": ["off"]});
    assert_eq!(check(&arguments(both)).unwrap()["properties"]["x"]["enum"], json!(["off"]));
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

#[test]
fn references_are_followed_to_schemas_and_nowhere_else() {
    let schema = |target: &str| {
        json!({
            "type": "object",
            "$id": "https://example.com/tool",
            "properties": {"x": {"$ref": target}, "a/b": {"type": "null"}, "c%~": {"const": {"not": {}}}},
            "examples": [{"type": "string"}],
        })
    };
    for (target, expected) in [
        ("#", json!("#")),
        ("#/properties/a~1b", json!("#/$defs/0")),
        ("#/properties/c%25~0", json!("#/$defs/0")),
    ] {
        assert_eq!(check(&schema(target)).unwrap()["properties"]["x"]["$ref"], expected, "{target}");
    }
    let checked = check(&schema("#/properties/a~1b")).unwrap();
    assert_eq!(checked["$defs"], json!({"0": {"type": "null"}}));
    for target in [
        "#/examples/0",
        "#/properties/c%25~0/const",
        "#/properties",
        "#/properties/none",
        "#/type",
        "#/",
        "#x",
        "#/%",
        "#/%ff",
        "x#/properties/x",
    ] {
        let error = check(&schema(target)).unwrap_err();
        assert!(
            matches!(&error, SchemaError::Form { place, .. } if place == "/properties/x/$ref"),
            "{error}"
        );
    }
}

#[test]
fn numbers_that_would_be_rounded_are_made_stricter_or_refused() {
    let number = |schema: Value| check(&arguments(schema)).map(|checked| checked["properties"]["x"].clone());
    let kept = |schema: Value| number(schema).unwrap();
    let both = json!({"multipleOf": 3, "minimum": -NUMBER_MAX, "maximum": NUMBER_MAX});
    assert_eq!(kept(json!({"multipleOf": 3.0})), both);
    assert_eq!(kept(json!({"type": ["object", "integer"]}))["maximum"], NUMBER_MAX);
    assert_eq!(kept(json!({"maximum": 1e300, "minimum": 2.0})), json!({"maximum": NUMBER_MAX, "minimum": 2}));
    assert_eq!(kept(json!({"const": -0.0})), json!({"const": 0}));
    assert_eq!(kept(json!({"maxItems": 1e12, "minItems": 1.0})), json!({"maxItems": 65_535, "minItems": 1}));
    for (schema, keyword) in [
        (json!({"minimum": 9_007_199_254_740_993_i64}), "minimum"),
        (json!({"exclusiveMaximum": -1e300}), "exclusiveMaximum"),
        (json!({"const": u64::MAX}), "const"),
        (json!({"enum": [[1e16]]}), "enum"),
        (json!({"multipleOf": 0.07}), "multipleOf"),
        (json!({"multipleOf": 1e-300}), "multipleOf"),
        (json!({"multipleOf": 1_000_000}), "multipleOf"),
        (json!({"type": "number", "exclusiveMinimum": 0, "maximum": 0.5}), "exclusiveMinimum"),
        (json!({"exclusiveMaximum": 0, "minimum": -0.5}), "exclusiveMaximum"),
        (json!({"allOf": [{"exclusiveMinimum": 0}, {"maximum": 0.5}]}), "exclusiveMinimum"),
        (json!({"allOf": [{"multipleOf": 9973}, {"multipleOf": 9967}]}), "multipleOf"),
        (json!({"minLength": 70_000}), "minLength"),
        (json!({"pattern": "(?=a)"}), "pattern"),
        (json!({"const": "a\u{1}"}), "const"),
        (json!({"$schema": "https://example.com/mine"}), "$schema"),
    ] {
        let error = number(schema).unwrap_err();
        assert!(matches!(error, SchemaError::Value { .. }) && error.keyword() == Some(keyword), "{error}");
    }
    for schema in [
        json!({"multipleOf": 0}),
        json!({"minimum": "1"}),
        json!({"minLength": -1}),
        json!({"maxItems": 1.5}),
    ] {
        assert!(matches!(number(schema.clone()), Err(SchemaError::Form { .. })), "{schema}");
    }
    // Apart, they are what they are.
    assert!(number(json!({"type": "integer", "exclusiveMinimum": 0, "maximum": 0.5})).is_ok());
    assert!(
        number(json!({"items": {"exclusiveMinimum": 0}, "additionalProperties": {"maximum": 0.5}})).is_ok()
    );
}

#[test]
fn one_of_schemas_that_share_no_value_is_any_of_them() {
    let of_type = |name: &str| json!({"type": name, "minimum": 0, "maximum": 9});
    let tagged =
        |tag: &str| json!({"type": "object", "properties": {"tag": {"const": tag}}, "required": ["tag"]});
    for (branches, is_apart) in [
        (json!([of_type("string"), of_type("integer")]), true),
        (json!([tagged("a"), tagged("b")]), true),
        (json!([{"enum": [1, "x"]}, {"const": 2}, {"const": true}]), true),
        (json!([of_type("number"), of_type("integer")]), false),
        (json!([tagged("a"), tagged("a")]), false),
        (json!([{"enum": [1]}, {"enum": [1.0]}]), false),
        (json!([of_type("string"), {}]), false),
        (
            json!([{"properties": {"tag": {"const": "a"}}, "type": "object"}, {"properties": {"tag": {"const": "b"}}, "type": "object"}]),
            false,
        ),
    ] {
        let checked = check(&arguments(json!({"oneOf": branches})));
        assert_eq!(checked.is_ok(), is_apart, "{branches}");
        if let Ok(checked) = checked {
            assert_eq!(checked["properties"]["x"]["anyOf"], branches);
        }
    }
}

#[test]
fn unevaluated_is_additional_where_nothing_else_looks_at_the_value() {
    let kept = |schema: Value| check(&arguments(schema)).map(|checked| checked["properties"]["x"].clone());
    let closed = json!({"properties": {"a": true}, "additionalProperties": false});
    assert_eq!(
        kept(json!({"properties": {"a": {}}, "unevaluatedProperties": false})).unwrap()["additionalProperties"],
        false
    );
    assert_eq!(
        kept(
            json!({"properties": {"a": true}, "additionalProperties": false, "unevaluatedProperties": false})
        ),
        Ok(closed)
    );
    assert_eq!(kept(json!({"items": {}, "unevaluatedItems": false})), Ok(json!({"items": {}})));
    assert_eq!(kept(json!({"uniqueItems": false, "unevaluatedItems": true})), Ok(json!({})));
    let error = kept(json!({"anyOf": [{}], "unevaluatedProperties": false})).unwrap_err();
    assert_eq!(error.keyword(), Some("unevaluatedProperties"));
}
