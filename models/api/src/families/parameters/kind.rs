//! Whether a bare text is meant as a string: only the schema of its parameter tells.

use serde_json::Value;

/// What a text without quotes stands for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TextKind {
    /// A string, whatever it looks like.
    Text,
    /// Never a string: JSON.
    Json,
    /// The schema does not say: JSON where it is some, else a string.
    Either,
}

/// Deepest way through references and alternatives.
const DEPTH_MAX: usize = 16;

impl TextKind {
    /// How values of `schema` are meant; `root` is the schema of all arguments, where references lead.
    #[must_use]
    pub fn of(schema: &Value, root: &Value) -> Self {
        Self::at(schema, root, DEPTH_MAX)
    }

    fn at(schema: &Value, root: &Value, depth: usize) -> Self {
        let (Some(object), Some(depth)) = (schema.as_object(), depth.checked_sub(1)) else {
            return Self::Either;
        };
        if let Some(kind) = object.get("type") {
            let is_string = |name: &Value| name.as_str() == Some("string");
            let may_be_string =
                is_string(kind) || kind.as_array().is_some_and(|all| all.iter().any(is_string));
            return if may_be_string { Self::Text } else { Self::Json };
        }
        let constants = object.get("enum").and_then(Value::as_array).cloned();
        if let Some(constants) = constants.or_else(|| object.get("const").map(|value| vec![value.clone()])) {
            return if constants.iter().any(Value::is_string) { Self::Text } else { Self::Json };
        }
        if let Some(target) = object.get("$ref").and_then(Value::as_str) {
            let target = target.strip_prefix('#').and_then(|pointer| root.pointer(pointer));
            return target.map_or(Self::Either, |target| Self::at(target, root, depth));
        }
        let branches =
            ["anyOf", "oneOf", "allOf"].iter().find_map(|keyword| object.get(*keyword)?.as_array());
        let Some(branches) = branches else { return Self::Either };
        let kinds: Vec<Self> = branches.iter().map(|branch| Self::at(branch, root, depth)).collect();
        match kinds.iter().all(|kind| *kind == Self::Json) {
            true => Self::Json,
            false if kinds.contains(&Self::Text) => Self::Text,
            false => Self::Either,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn schema_tells_whether_a_text_is_a_string() {
        let root = json!({"$defs": {"mode": {"enum": ["on", "off"]}, "loop": {"$ref": "#/$defs/loop"}}});
        for (schema, expected) in [
            (json!({"type": "string"}), TextKind::Text),
            (json!({"type": ["string", "null"]}), TextKind::Text),
            (json!({"type": ["integer", "null"]}), TextKind::Json),
            (json!({"enum": [1, "a"]}), TextKind::Text),
            (json!({"const": 3}), TextKind::Json),
            (json!({"$ref": "#/$defs/mode"}), TextKind::Text),
            (json!({"$ref": "#/$defs/loop"}), TextKind::Either),
            (json!({"$ref": "#/$defs/none"}), TextKind::Either),
            (json!({"anyOf": [{"$ref": "#/$defs/mode"}, {"type": "null"}]}), TextKind::Text),
            (json!({"anyOf": [{"type": "number"}, {"type": "null"}]}), TextKind::Json),
            (json!({"description": "anything"}), TextKind::Either),
            (json!(true), TextKind::Either),
        ] {
            assert_eq!(TextKind::of(&schema, &root), expected, "{schema}");
        }
    }
}
