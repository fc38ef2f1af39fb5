//! Where a `$ref` leads, and that every schema has an end.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{
    SchemaError,
    walk::{DEPTH_MAX, Here, LIST, NAMED, ONE, shown},
};

/// The schema itself.
pub(super) const ROOT: &str = "#";
/// Where the schemas are kept that a `$ref` leads to.
pub(super) const DEFINITIONS: &str = "$defs";

/// What a `$ref` to the definition of that number says.
pub(super) fn name(number: usize) -> String {
    format!("#/{DEFINITIONS}/{number}")
}

/// A name as a part of a JSON pointer.
pub(super) fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// The JSON pointer in a `$ref`.
pub(super) fn place(target: &str) -> Result<String, &'static str> {
    let fragment = target.strip_prefix('#').ok_or("a `$ref` leads outside of the schema")?;
    if !fragment.is_empty() && !fragment.starts_with('/') {
        return Err("a `$ref` names an anchor");
    }
    let wrong = "a `$ref` is no JSON pointer";
    let mut bytes = Vec::with_capacity(fragment.len());
    let mut rest = fragment.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|digit| char::from(digit).to_digit(16));
        let (Some(high), Some(low)) = (digit(), digit()) else { return Err(wrong) };
        bytes.push(u8::try_from(high.saturating_mul(16).saturating_add(low)).map_err(|_| wrong)?);
    }
    String::from_utf8(bytes).map_err(|_| wrong)
}

/// Whether there is a schema at `place`, and not just something that looks like one.
pub(super) fn is_schema(root: &Value, place: &str) -> bool {
    let mut value = root;
    let mut parts = place.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~"));
    while let Some(keyword) = parts.next() {
        let Some(found) = value.get(&keyword) else { return false };
        let keyword = keyword.as_str();
        let is_one = ONE.contains(&keyword) || keyword.starts_with("unevaluated");
        let below = if is_one {
            Some(found)
        } else if LIST.contains(&keyword) || keyword == "oneOf" {
            parts
                .next()
                .filter(|index| is_index(index))
                .and_then(|index| found.get(index.parse::<usize>().ok()?))
        } else if NAMED.contains(&keyword) {
            parts.next().and_then(|name| found.as_object()?.get(&name))
        } else {
            None
        };
        match below {
            Some(below) => value = below,
            None => return false,
        }
    }
    value.is_object() || value.is_boolean()
}

fn is_index(text: &str) -> bool {
    text == "0" || (!text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Refuses what never ends: a schema that is defined by itself alone, and one whose smallest value
/// holds another of its kind. `targets` are the places the definitions come from.
pub(super) fn check_ends(checked: &Value, targets: &[String]) -> Result<(), SchemaError> {
    let none = Map::new();
    let definitions = checked.get(DEFINITIONS).and_then(Value::as_object).unwrap_or(&none);
    let place = |name: &str| {
        let number = name.rsplit('/').next().and_then(|number| number.parse::<usize>().ok());
        shown(number.and_then(|number| targets.get(number)).map_or("", String::as_str))
    };
    let all: Vec<(String, &Value)> = definitions
        .iter()
        .map(|(number, schema)| (format!("#/{DEFINITIONS}/{number}"), schema))
        .chain([(ROOT.to_owned(), checked)])
        .collect();
    // Of the schemas that only speak about the same value, those whose references are all settled.
    let settles =
        |schema: &Value, settled: &BTreeSet<String>| in_place(schema).all(|name| settled.contains(name));
    check_all(&all, settles)
        .map_err(|name| Here { keyword: "$ref", place: &place(&name) }.because("it leads back to itself"))?;
    check_all(&all, |schema, settled| has_end(schema, settled, 0)).map_err(|name| {
        let what = "no value can be written: the schema takes none, or none that ends";
        SchemaError::Form { what, place: place(&name) }
    })
}

/// Settles schemas by what is settled already, until nothing changes; names one that is left.
fn check_all(
    all: &[(String, &Value)],
    settles: impl Fn(&Value, &BTreeSet<String>) -> bool,
) -> Result<(), String> {
    let mut settled = BTreeSet::new();
    loop {
        let before = settled.len();
        for (name, schema) in all {
            if !settled.contains(name) && settles(schema, &settled) {
                settled.insert(name.clone());
            }
        }
        if settled.len() == all.len() {
            return Ok(());
        }
        if settled.len() == before {
            let left = all.iter().find(|(name, _)| !settled.contains(name));
            return left.map_or(Ok(()), |(name, _)| Err(name.clone()));
        }
    }
}

/// The references that speak about the very value `schema` does.
fn in_place(schema: &Value) -> Box<dyn Iterator<Item = &str> + '_> {
    let reference = schema.get("$ref").and_then(Value::as_str).into_iter();
    let lists = ["anyOf", "allOf"].into_iter().filter_map(|keyword| schema.get(keyword)?.as_array());
    Box::new(reference.chain(lists.flatten().flat_map(in_place)))
}

/// Whether some value of `schema` needs no schema that isn't settled.
fn has_end(schema: &Value, settled: &BTreeSet<String>, depth: usize) -> bool {
    let Some(object) = schema.as_object().filter(|_| depth <= DEPTH_MAX) else {
        return schema == &Value::Bool(true);
    };
    let ends = |schema: &Value| has_end(schema, settled, depth.saturating_add(1));
    if object.contains_key("const") || object.contains_key("enum") {
        return true;
    }
    if object.get("$ref").and_then(Value::as_str).is_some_and(|name| !settled.contains(name)) {
        return false;
    }
    let list = |keyword: &str| object.get(keyword).and_then(Value::as_array);
    if list("anyOf").is_some_and(|any| !any.iter().any(&ends))
        || list("allOf").is_some_and(|all| !all.iter().all(&ends))
    {
        return false;
    }
    let names: Vec<&str> = match object.get("type") {
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => return true,
    };
    names.iter().any(|name| match *name {
        "object" => {
            let required = list("required").into_iter().flatten().filter_map(Value::as_str);
            let below = |name: &str| object.get("properties").and_then(|properties| properties.get(name));
            let mut needed = required.filter_map(|name| below(name).or(object.get("additionalProperties")));
            needed.all(ends)
        }
        "array" => {
            let count =
                object.get("minItems").and_then(Value::as_u64).and_then(|count| usize::try_from(count).ok());
            let count = count.unwrap_or(0);
            let first = list("prefixItems").map_or(&[][..], Vec::as_slice);
            first.iter().take(count).all(&ends)
                && (count <= first.len() || object.get("items").is_none_or(&ends))
        }
        _ => true,
    })
}
