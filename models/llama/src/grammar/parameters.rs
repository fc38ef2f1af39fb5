//! Calls with named parameters: the arguments' schema taken apart into one rule for each.
//!
//! Leaves out what only whole objects can be asked for: a schema that says more than which parameters
//! there are is refused by keyword.

use everstep_model::{ParameterForm, TextKind, Values};
use serde_json::{Map, Value};

use super::source::{Source, Text, json_rule, quoted};
use crate::schema::SchemaError;

/// What the schema of all arguments may say.
const ROOT_KEYWORDS: &[&str] =
    &["type", "properties", "required", "additionalProperties", "$defs", "definitions"];
/// Where references may lead: the definitions go with each parameter.
const DEFINITIONS: &[&str] = &["$defs", "definitions"];
/// What a bare string may be asked for.
const TEXT_KEYWORDS: &[&str] = &["type", "enum", "const", "minLength", "maxLength", "pattern"];

/// Adds the rule `tool_{number}`.
pub(super) fn tool(
    source: &mut Source<'_>,
    number: usize,
    name: &str,
    schema: &Value,
    form: &ParameterForm,
) -> Result<(), SchemaError> {
    check_name(name, "/")?;
    let none = Map::new();
    let root = schema.as_object().unwrap_or(&none);
    if let Some(keyword) = root.keys().find(|keyword| !ROOT_KEYWORDS.contains(&keyword.as_str())) {
        return Err(refused(keyword, "/"));
    }
    check_references(schema, "")?;
    let properties = root.get("properties").and_then(Value::as_object).unwrap_or(&none);
    let required: Vec<&str> = match root.get("required").and_then(Value::as_array) {
        Some(names) => names.iter().filter_map(Value::as_str).collect(),
        None => Vec::new(),
    };
    if required.iter().any(|name| !properties.contains_key(*name)) {
        return Err(SchemaError::Form { what: "a required parameter has no schema", place: "/".to_owned() });
    }
    let mut parameters = Vec::with_capacity(properties.len());
    for (index, (key, parameter)) in properties.iter().enumerate() {
        let place = format!("/properties/{key}");
        check_name(key, &place)?;
        let ParameterForm { before_key, after_key, .. } = form;
        let head = source.marks.literal(&format!("{before_key}{key}{after_key}"));
        let mut value =
            Parameter { source, form, schema, place: &place, prefix: format!("{number}_{index}") };
        let value = value.rule(parameter)?;
        source.rule(&format!("parameter_{number}_{index}"), &format!("{head} {value}"));
        parameters.push(required.contains(&key.as_str()));
    }
    let all = sequence(source, number, &parameters, form);
    let ParameterForm { before_name, after_name, behind, .. } = form;
    let head = source.marks.literal(&format!("{before_name}{name}{after_name}"));
    let behind = source.marks.literal(behind);
    source.rule(&format!("tool_{number}"), &format!("{head} {all} {behind}"));
    Ok(())
}

/// The expression of all parameters in order. `required` says which must be there.
fn sequence(source: &mut Source<'_>, number: usize, required: &[bool], form: &ParameterForm) -> String {
    let separator = source.marks.literal(form.separator);
    if separator.is_empty() {
        let parameters = required.iter().enumerate();
        let parameters = parameters.map(|(index, required)| {
            format!("parameter_{number}_{index}{}", if *required { "" } else { "?" })
        });
        return parameters.collect::<Vec<_>>().join(" ");
    }
    // `first` comes before any parameter, `rest` behind one. Built from the last, so that each names
    // rules that are there; empty ones are left out, as no rule may be empty.
    let (mut first, mut rest) = (None::<String>, None::<String>);
    let mut first_may_be_empty = true;
    for (index, required) in required.iter().enumerate().rev() {
        let this = format!("parameter_{number}_{index}");
        let then = rest.clone().unwrap_or_default();
        let mut begin = format!("{this} {then}");
        if !required && let Some(first) = &first {
            begin = format!("{begin} | {first}");
        }
        let may_be_empty = !required && first_may_be_empty;
        let behind = match required {
            true => format!("{separator} {this} {then}"),
            false => format!("({separator} {this})? {then}"),
        };
        let (first_name, rest_name) = (format!("first_{number}_{index}"), format!("rest_{number}_{index}"));
        source.rule(&first_name, &begin);
        source.rule(&rest_name, &behind);
        (first, rest, first_may_be_empty) = (Some(first_name), Some(rest_name), may_be_empty);
    }
    match first {
        Some(first) if first_may_be_empty => format!("{first}?"),
        Some(first) => first,
        None => String::new(),
    }
}

/// One parameter on its way into the grammar.
struct Parameter<'p, 's> {
    source: &'p mut Source<'s>,
    form: &'p ParameterForm,
    /// The schema of all arguments.
    schema: &'p Value,
    place: &'p str,
    /// Makes rule names its own.
    prefix: String,
}

impl Parameter<'_, '_> {
    /// The expression of its value and what stands behind it.
    fn rule(&mut self, parameter: &Value) -> Result<String, SchemaError> {
        let kind = TextKind::of(parameter, self.schema);
        match self.form.values {
            Values::Python if is_boolean(parameter) => Ok(self.closed("(\"True\" | \"False\")")),
            Values::Text | Values::TextOr(..) if is_boolean(parameter) => {
                // Templates write truth values as Python does.
                Ok(self.closed("(\"true\" | \"false\" | \"True\" | \"False\")"))
            }
            Values::Between(open, close) if kind == TextKind::Text => {
                let end = format!("{close}{}", self.form.after_value);
                self.text(parameter, open, &end, &[close])
            }
            Values::Python | Values::Between(..) => Ok(self.json(parameter)),
            Values::Text | Values::TextOr(..) if kind == TextKind::Json => Ok(self.json(parameter)),
            Values::Text => {
                let end = self.form.after_value;
                self.text(parameter, "", end, &[end.trim()])
            }
            Values::TextOr(open, close) => {
                let after = self.form.after_value;
                let plain = self.text(parameter, "", after, &["<", "&", "\n"]);
                self.prefix.push_str("_MARKED");
                let marked = self.text(parameter, open, &format!("{close}{after}"), &[close])?;
                // Constants may need the marks.
                Ok(plain.map_or_else(|_| marked.clone(), |plain| format!("({plain} | {marked})")))
            }
        }
    }

    fn json(&mut self, parameter: &Value) -> String {
        let mut parameter = parameter.clone();
        if let Some(object) = parameter.as_object_mut() {
            for name in DEFINITIONS {
                object.extend(self.schema.get(*name).map(|all| ((*name).to_owned(), all.clone())));
            }
        }
        let rule = format!("json_{}", self.prefix);
        self.source.rule(&rule, &json_rule(&parameter));
        self.closed(&rule)
    }

    fn closed(&self, value: &str) -> String {
        format!("{value} {}", self.source.marks.literal(self.form.after_value))
    }

    /// A string without quotes between `begin` and `end`, which holds none of `without`.
    fn text(
        &mut self,
        schema: &Value,
        begin: &str,
        end: &str,
        without: &[&str],
    ) -> Result<String, SchemaError> {
        let schema = self.string_part(schema)?;
        let constants = match (schema.get("enum").and_then(Value::as_array), schema.get("const")) {
            (Some(all), _) => Some(all.clone()),
            (None, Some(one)) => Some(vec![one.clone()]),
            (None, None) => None,
        };
        if let Some(constants) = constants {
            let strings: Vec<&str> = constants.iter().filter_map(Value::as_str).collect();
            if strings.iter().any(|text| without.iter().any(|mark| text.contains(mark))) {
                return Err(self.form_error("a constant holds the mark that ends it"));
            }
            if schema.keys().any(|keyword| !["type", "enum", "const"].contains(&keyword.as_str())) {
                return Err(self.form_error("constants are bounded further"));
            }
            let literals = strings.iter().map(|text| quoted(text)).collect::<Vec<_>>();
            let (begin, end) = (self.source.marks.literal(begin), self.source.marks.literal(end));
            return Ok(format!("{begin} ({}) {end}", literals.join(" | ")));
        }
        let number = |keyword: &'static str| schema.get(keyword).map(|value| value.as_u64().ok_or(keyword));
        let (least, most) = match (number("minLength").transpose(), number("maxLength").transpose()) {
            (Ok(least), Ok(most)) => (least.unwrap_or_default(), most),
            (Err(keyword), _) | (_, Err(keyword)) => return Err(refused(keyword, self.place)),
        };
        let chars = format!("{{{least},{}}}", most.map(|most| most.to_string()).unwrap_or_default());
        let pattern = match schema.get("pattern").map(Value::as_str) {
            None => Vec::new(),
            Some(pattern) => {
                let whole = pattern.and_then(whole_pattern);
                vec![whole.ok_or_else(|| refused("pattern", self.place))?]
            }
        };
        let text = Text { begin, end, without, chars: &chars, pattern: &pattern };
        let name = format!("TEXT_{}", self.prefix);
        let rule = self.source.text(&name, &text);
        rule.ok_or_else(|| self.form_error("the vocabulary does not let a string end here"))
    }

    /// The one alternative of `schema` that is a string, without references.
    fn string_part(&self, schema: &Value) -> Result<Map<String, Value>, SchemaError> {
        let mut schema = schema;
        // A chain of references is no longer than this, or it is a ring.
        for _ in 0..16 {
            let Some(object) = schema.as_object() else { return Ok(Map::new()) };
            if let Some(target) = object.get("$ref").and_then(Value::as_str) {
                let target = target.strip_prefix('#').and_then(|pointer| self.schema.pointer(pointer));
                schema = target.ok_or_else(|| refused("$ref", self.place))?;
            } else if let Some(branches) = object.get("anyOf").and_then(Value::as_array) {
                if object.len() > 1 {
                    return Err(refused("anyOf", self.place));
                }
                let mut strings =
                    branches.iter().filter(|branch| TextKind::of(branch, self.schema) != TextKind::Json);
                let (Some(only), None) = (strings.next(), strings.next()) else {
                    return Err(refused("anyOf", self.place));
                };
                schema = only;
            } else {
                if let Some(keyword) = object.keys().find(|key| !TEXT_KEYWORDS.contains(&key.as_str())) {
                    return Err(refused(keyword, self.place));
                }
                return Ok(object.clone());
            }
        }
        Err(refused("$ref", self.place))
    }

    fn form_error(&self, what: &'static str) -> SchemaError {
        SchemaError::Form { what, place: self.place.to_owned() }
    }
}

/// A pattern, which may fit anywhere in a text, as one that fits the whole of it.
fn whole_pattern(pattern: &str) -> Option<String> {
    let (begin, inner) = match pattern.strip_prefix('^') {
        Some(inner) => ("", inner),
        None => ("(?s:.*)", pattern),
    };
    let (inner, end) = match inner.strip_suffix('$').filter(|inner| !inner.ends_with('\\')) {
        Some(inner) => (inner, ""),
        None => (inner, "(?s:.*)"),
    };
    // An anchor holds for one of several alternatives only.
    let is_bound = begin.is_empty() || end.is_empty();
    if is_bound && has_alternatives(inner) {
        return None;
    }
    Some(format!("/{begin}(?:{}){end}/", slashes_escaped(inner)))
}

/// Whether `|` stands outside of every group.
fn has_alternatives(pattern: &str) -> bool {
    let (mut depth, mut in_class, mut escaped) = (0_usize, false, false);
    for character in pattern.chars() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '[' => in_class = true,
            ']' => in_class = false,
            _ if in_class => {}
            '(' => depth = depth.saturating_add(1),
            ')' => depth = depth.saturating_sub(1),
            '|' if depth == 0 => return true,
            _ => {}
        }
    }
    false
}

fn slashes_escaped(pattern: &str) -> String {
    let mut out = String::new();
    let mut escaped = false;
    for character in pattern.chars() {
        if character == '/' && !escaped {
            out.push('\\');
        }
        escaped = character == '\\' && !escaped;
        // A Lark terminal ends with its line.
        if character == '\n' { out.push_str("\\n") } else { out.push(character) }
    }
    out
}

fn is_boolean(schema: &Value) -> bool {
    schema.as_object().is_some_and(|object| object.len() == 1)
        && schema.get("type").and_then(Value::as_str) == Some("boolean")
}

/// Names stand without quotes, so they must not hold what stands behind them.
fn check_name(name: &str, place: &str) -> Result<(), SchemaError> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    if !name.is_empty() && name.bytes().all(fits) {
        return Ok(());
    }
    let what = "this family's calls hold no name with other characters than letters, digits, `_`, `-`, `.`";
    Err(SchemaError::Form { what, place: place.to_owned() })
}

/// References lead to the definitions, which go with each parameter; other places don't.
fn check_references(schema: &Value, place: &str) -> Result<(), SchemaError> {
    match schema {
        Value::Object(object) => {
            for (key, value) in object {
                let here = format!("{place}/{key}");
                let leads_out =
                    |target: &str| !DEFINITIONS.iter().any(|name| target.starts_with(&format!("#/{name}/")));
                if key == "$ref" && value.as_str().is_some_and(leads_out) {
                    return Err(refused("$ref", place));
                }
                check_references(value, &here)?;
            }
            Ok(())
        }
        Value::Array(items) => items.iter().try_for_each(|item| check_references(item, place)),
        _ => Ok(()),
    }
}

fn refused(keyword: &str, place: &str) -> SchemaError {
    SchemaError::Keyword { keyword: keyword.to_owned(), place: place.to_owned() }
}
