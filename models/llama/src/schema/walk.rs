//! The walk through a schema, keyword by keyword.

use serde_json::{Map, Value};

use super::{
    SchemaError, choice,
    number::{self, Numbers},
    pattern, reference,
};

/// A schema on its way to the words that are enforced.
pub(super) struct Walk<'s> {
    root: &'s Value,
    /// Places that a `$ref` leads to, as JSON pointers; each becomes a definition of that number.
    targets: Vec<String>,
    numbers: Numbers,
}

/// Deepest nesting of schemas.
pub(super) const DEPTH_MAX: usize = 32;
/// Largest length that is enforced. A larger upper bound is brought down to it.
const COUNT_MAX: u64 = 65_535;

/// Most alternatives of one `anyOf` or `oneOf`: the grammar goes into all of them at once.
const ALTERNATIVES_MAX: usize = 256;

/// Ask for nothing.
const ANNOTATIONS: &[&str] =
    &["title", "description", "default", "examples", "$comment", "deprecated", "readOnly", "writeOnly"];
/// Versions of JSON Schema in which the keywords enforced here mean the same, or ask for less.
const DIALECTS: &[&str] = &[
    "https://json-schema.org/draft/2020-12/schema",
    "https://json-schema.org/draft/2019-09/schema",
    "http://json-schema.org/draft-07/schema",
    "http://json-schema.org/draft-06/schema",
];
const TYPES: &[&str] = &["null", "boolean", "integer", "number", "string", "array", "object"];
/// Enforced; the value is one schema.
pub(super) const ONE: &[&str] = &["additionalProperties", "items"];
/// Enforced; the value is a list of schemas.
pub(super) const LIST: &[&str] = &["anyOf", "allOf", "prefixItems"];
/// Enforced, or a place for schemas; the value maps names to schemas.
pub(super) const NAMED: &[&str] = &["properties", "$defs", "definitions"];
/// Whose schemas speak about the same value.
const IN_PLACE: &[&str] = &["$ref", "anyOf", "allOf", "oneOf"];

/// A keyword and where it stands.
#[derive(Clone, Copy)]
pub(super) struct Here<'h> {
    pub(super) keyword: &'h str,
    /// The schema it is in.
    pub(super) place: &'h str,
}

impl Here<'_> {
    pub(super) fn form(self, what: &'static str) -> SchemaError {
        SchemaError::Form { what, place: format!("{}/{}", self.place, self.keyword) }
    }

    pub(super) fn unenforced(self) -> SchemaError {
        SchemaError::Keyword { keyword: self.keyword.to_owned(), place: shown(self.place) }
    }

    pub(super) fn because(self, why: &'static str) -> SchemaError {
        SchemaError::Value { keyword: self.keyword.to_owned(), place: shown(self.place), why }
    }
}

impl<'s> Walk<'s> {
    pub(super) fn check(root: &'s Value) -> Result<Value, SchemaError> {
        let mut walk = Self { root, targets: Vec::new(), numbers: Numbers::default() };
        let checked = walk.schema(root, "", 0)?;
        let mut checked = match checked {
            Value::Object(checked) => checked,
            Value::Bool(true) => Map::new(),
            _ => return Err(SchemaError::Form { what: "the schema takes no value", place: shown("") }),
        };
        let mut definitions = Map::new();
        let mut number = 0;
        while let Some(place) = walk.targets.get(number).cloned() {
            let target = root.pointer(&place).unwrap_or(&Value::Null);
            definitions.insert(number.to_string(), walk.schema(target, &place, 0)?);
            number = number.saturating_add(1);
        }
        walk.numbers.check()?;
        if !definitions.is_empty() {
            checked.insert(reference::DEFINITIONS.to_owned(), Value::Object(definitions));
        }
        let checked = Value::Object(checked);
        reference::check_ends(&checked, &walk.targets)?;
        Ok(checked)
    }

    fn schema(&mut self, schema: &Value, place: &str, depth: usize) -> Result<Value, SchemaError> {
        let form = |what| SchemaError::Form { what, place: shown(place) };
        if depth > DEPTH_MAX {
            return Err(form("schemas are nested too deep"));
        }
        let object = match schema {
            Value::Bool(_) => return Ok(schema.clone()),
            Value::Object(object) => object,
            _ => return Err(form("a schema is neither an object nor a truth value")),
        };
        let mut kept = Map::new();
        for (keyword, value) in object {
            let here = Here { keyword, place };
            if let Some((keyword, value)) = self.keyword(here, value, object, depth)? {
                kept.insert(keyword, value);
            }
        }
        self.numbers.note(&kept, place)?;
        if may_be_number(&kept) {
            number::bound(&mut kept);
        }
        Ok(Value::Object(kept))
    }

    /// What is kept of one keyword, under which name.
    fn keyword(
        &mut self,
        here: Here<'_>,
        value: &Value,
        object: &Map<String, Value>,
        depth: usize,
    ) -> Result<Option<(String, Value)>, SchemaError> {
        let keep = |value| Ok(Some((here.keyword.to_owned(), value)));
        match here.keyword {
            keyword if ANNOTATIONS.contains(&keyword) => Ok(None),
            "format" if is_number(object) => Ok(None),
            "$schema" => dialect(here, value).map(|()| None),
            // It names the whole; every `$ref` that is followed starts there anyway.
            "$id" if here.place.is_empty() => Ok(None),
            "type" => keep(types(here, value)?),
            "const" => keep(constant(here, value)?),
            "enum" => keep(constants(here, value)?),
            "required" => keep(names(here, value)?),
            "pattern" => {
                let pattern = value.as_str().ok_or_else(|| here.form("a pattern is no text"))?;
                keep(Value::from(pattern::translate(pattern).map_err(|why| here.because(why))?))
            }
            "minItems" | "minLength" => keep(least(here, value)?),
            "maxItems" | "maxLength" => keep(Value::from(count(here, value)?.min(COUNT_MAX))),
            "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" => {
                keep(number::limit(here, value)?)
            }
            "multipleOf" => keep(number::multiple(here, value)?),
            "$ref" => keep(self.reference(here, value)?),
            "uniqueItems" if value == &Value::Bool(false) => Ok(None),
            "unevaluatedProperties" => self.unevaluated(here, value, object, depth, "additionalProperties"),
            "unevaluatedItems" => self.unevaluated(here, value, object, depth, "items"),
            "oneOf" => self.one_of(here, value, object, depth).map(Some),
            keyword if ONE.contains(&keyword) => {
                let inner = self.schema(value, &below(here, None), depth.saturating_add(1))?;
                keep(inner)
            }
            keyword if LIST.contains(&keyword) => keep(self.list(here, value, depth)?),
            keyword if NAMED.contains(&keyword) => {
                let named = self.named(here, value, depth)?;
                // Definitions are only looked at: those that are used come by their number.
                if keyword == "properties" { keep(named) } else { Ok(None) }
            }
            _ => Err(here.unenforced()),
        }
    }

    fn list(&mut self, here: Here<'_>, value: &Value, depth: usize) -> Result<Value, SchemaError> {
        let list = value.as_array().filter(|list| !list.is_empty());
        let list = list.ok_or_else(|| here.form("a list of schemas is none, or empty"))?;
        if here.keyword != "prefixItems" && list.len() > ALTERNATIVES_MAX {
            return Err(here.because("it has more alternatives than are looked at"));
        }
        let walked = list.iter().enumerate().map(|(index, item)| {
            self.schema(item, &below(here, Some(&index.to_string())), depth.saturating_add(1))
        });
        Ok(Value::Array(walked.collect::<Result<_, _>>()?))
    }

    fn named(&mut self, here: Here<'_>, value: &Value, depth: usize) -> Result<Value, SchemaError> {
        let named = value.as_object().ok_or_else(|| here.form("named schemas are no object"))?;
        let walked = named.iter().map(|(name, item)| {
            let inner = self.schema(item, &below(here, Some(name)), depth.saturating_add(1))?;
            Ok((name.clone(), inner))
        });
        Ok(Value::Object(walked.collect::<Result<_, SchemaError>>()?))
    }

    fn reference(&mut self, here: Here<'_>, value: &Value) -> Result<Value, SchemaError> {
        let target = value.as_str().ok_or_else(|| here.form("a `$ref` is no text"))?;
        let place = reference::place(target).map_err(|what| here.form(what))?;
        if !reference::is_schema(self.root, &place) {
            return Err(here.form("a `$ref` leads to no schema"));
        }
        if place.is_empty() {
            return Ok(Value::from(reference::ROOT));
        }
        let known = self.targets.iter().position(|known| *known == place);
        let number = known.unwrap_or_else(|| {
            self.targets.push(place);
            self.targets.len().saturating_sub(1)
        });
        Ok(Value::from(reference::name(number)))
    }

    /// Exactly one of several: an enumeration, or alternatives of which no two take the same value.
    fn one_of(
        &mut self,
        here: Here<'_>,
        value: &Value,
        object: &Map<String, Value>,
        depth: usize,
    ) -> Result<(String, Value), SchemaError> {
        if let Some(values) = choice::constants(value, ANNOTATIONS).filter(|_| !object.contains_key("enum")) {
            return Ok(("enum".to_owned(), constants(here, &values)?));
        }
        if object.contains_key("anyOf") || !choice::are_apart(value) {
            return Err(here.unenforced());
        }
        Ok(("anyOf".to_owned(), self.list(here, value, depth)?))
    }

    /// What no other keyword looked at: with nothing else that speaks about the same value, these are the
    /// additional ones.
    fn unevaluated(
        &mut self,
        here: Here<'_>,
        value: &Value,
        object: &Map<String, Value>,
        depth: usize,
        additional: &str,
    ) -> Result<Option<(String, Value)>, SchemaError> {
        let inner = self.schema(value, &below(here, None), depth.saturating_add(1))?;
        if value == &Value::Bool(true) {
            return Ok(None);
        }
        if IN_PLACE.iter().any(|keyword| object.contains_key(*keyword)) {
            return Err(here.unenforced());
        }
        let is_covered = object.contains_key(additional);
        Ok((!is_covered).then(|| (additional.to_owned(), inner)))
    }
}

/// The place below a keyword, as a JSON pointer.
fn below(here: Here<'_>, name: Option<&str>) -> String {
    match name {
        Some(name) => format!("{}/{}/{}", here.place, here.keyword, reference::escaped(name)),
        None => format!("{}/{}", here.place, here.keyword),
    }
}

fn dialect(here: Here<'_>, value: &Value) -> Result<(), SchemaError> {
    let known = value.as_str().is_some_and(|name| DIALECTS.contains(&name.trim_end_matches('#')));
    if known { Ok(()) } else { Err(here.because("that version of JSON Schema is not known")) }
}

fn types(here: Here<'_>, value: &Value) -> Result<Value, SchemaError> {
    let is_type = |name: &Value| name.as_str().is_some_and(|name| TYPES.contains(&name));
    let is_good = match value {
        Value::Array(names) => !names.is_empty() && names.iter().all(is_type),
        name => is_type(name),
    };
    if is_good { Ok(value.clone()) } else { Err(here.form("a type is none that JSON has")) }
}

fn names(here: Here<'_>, value: &Value) -> Result<Value, SchemaError> {
    match value.as_array() {
        Some(names) if names.iter().all(Value::is_string) => Ok(value.clone()),
        _ => Err(here.form("a list of names is none")),
    }
}

fn constants(here: Here<'_>, value: &Value) -> Result<Value, SchemaError> {
    let values = value.as_array().filter(|values| !values.is_empty());
    let values = values.ok_or_else(|| here.form("a list of values is none, or empty"))?;
    Ok(Value::Array(values.iter().map(|value| constant(here, value)).collect::<Result<_, _>>()?))
}

/// A value that can be asked for to the letter.
fn constant(here: Here<'_>, value: &Value) -> Result<Value, SchemaError> {
    Ok(match value {
        Value::Null | Value::Bool(_) => value.clone(),
        Value::Number(number) => number::constant(here, number)?,
        Value::String(text) if text.chars().all(is_writable) => value.clone(),
        Value::String(_) => return Err(here.because("a control character can't be written")),
        Value::Array(items) => {
            Value::Array(items.iter().map(|item| constant(here, item)).collect::<Result<_, _>>()?)
        }
        Value::Object(entries) => {
            let entries = entries.iter().map(|(key, entry)| Ok((key.clone(), constant(here, entry)?)));
            Value::Object(entries.collect::<Result<_, SchemaError>>()?)
        }
    })
}

/// The grammar writes no `\u` escapes: by them a name could be said in other words.
pub(super) fn is_writable(character: char) -> bool {
    matches!(character, '\n' | '\r' | '\t' | '\u{8}' | '\u{c}') || !character.is_ascii_control()
}

fn count(here: Here<'_>, value: &Value) -> Result<u64, SchemaError> {
    number::whole(value)
        .and_then(|count| u64::try_from(count).ok())
        .ok_or_else(|| here.form("a count is no whole number"))
}

fn least(here: Here<'_>, value: &Value) -> Result<Value, SchemaError> {
    match count(here, value)? {
        count if count > COUNT_MAX => Err(here.because("it asks for more than fits a reply")),
        count => Ok(Value::from(count)),
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

/// Whether the schema names numbers, or asks something of them.
fn may_be_number(kept: &Map<String, Value>) -> bool {
    let number = |name: &Value| matches!(name.as_str(), Some("integer" | "number"));
    match kept.get("type") {
        Some(Value::Array(names)) => names.iter().any(number),
        Some(name) => number(name),
        None => number::KEYWORDS.iter().any(|keyword| kept.contains_key(*keyword)),
    }
}

pub(super) fn shown(place: &str) -> String {
    if place.is_empty() { "/".to_owned() } else { place.to_owned() }
}
