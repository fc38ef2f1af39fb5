//! Grants: what one agent may ask of one tool, beyond that it may call it.
//!
//! A limit of an argument becomes part of the schema: the model reads it, the constraint holds it while
//! it samples, and the check before a call refuses what is beyond.

use std::collections::BTreeMap;

use everstep_core::{Class, SharedBudget, ToolRule};
use serde::{Deserialize, Serialize};
use serde_json::{Number, Value, json};

use crate::{ToolSpec, Trust};

/// One tool granted to one agent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Grant {
    /// The tool.
    pub tool: String,
    /// What it is granted for.
    pub terms: Terms,
}

/// Under which terms a tool is granted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Terms {
    /// Limits of single arguments, by name. An argument with a limit must be given, so that no default
    /// gets around it.
    pub arguments: BTreeMap<String, ArgumentLimit>,
    /// Calls in one run.
    pub calls_per_run_max: Option<u32>,
    /// Calls in 24 hours from the first of them.
    pub calls_per_day_max: Option<u32>,
    /// Seconds from one call to the next, at least. The runtime waits; where it would be long, the model is
    /// told instead.
    pub interval_s_min: u32,
    /// Tries that may be open at once: given up, and not back yet. `None` leaves it to the device.
    pub concurrent_max: Option<u32>,
    /// Whether calls wait for an operator once a run holds text from outside. Without a word it depends on
    /// the tool: see [`is_sensitive`].
    pub sensitive: Option<bool>,
}

/// What one argument may be, within what the tool allows anyway.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ArgumentLimit {
    /// Lowest number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<Number>,
    /// Highest number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<Number>,
    /// The only values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub only: Option<Vec<Value>>,
}

impl From<&String> for Grant {
    fn from(tool: &String) -> Self {
        Self { tool: tool.clone(), terms: Terms::default() }
    }
}

impl From<&Self> for Grant {
    fn from(grant: &Self) -> Self {
        grant.clone()
    }
}

impl Terms {
    /// What decisions about calls of `spec` depend on.
    pub(crate) fn rule(&self, spec: &ToolSpec, shared: &BTreeMap<String, u32>) -> ToolRule {
        let shared = spec.device.as_ref().and_then(|device| shared.get_key_value(device));
        ToolRule {
            tool: spec.name.clone(),
            outside: spec.trust == Trust::Outside,
            sensitive: self.sensitive.unwrap_or_else(|| is_sensitive(spec)),
            calls_per_run_max: self.calls_per_run_max,
            calls_per_day_max: self.calls_per_day_max,
            shared: shared.map(|(name, max)| SharedBudget { name: name.clone(), calls_per_day_max: *max }),
        }
    }

    /// The tool as the agent is granted it.
    ///
    /// # Errors
    ///
    /// The argument and what is wrong with its limit.
    pub(crate) fn narrow(&self, mut spec: ToolSpec) -> Result<ToolSpec, (String, String)> {
        for (name, limit) in &self.arguments {
            narrow(&mut spec.arguments, name, limit).map_err(|what| (name.clone(), what))?;
        }
        Ok(spec)
    }
}

/// Whether a tool does something that a stranger may want done: it moves a device, or acts on something
/// outside the board. Reading, writing to the operator and waiting are not.
#[must_use]
pub fn is_sensitive(spec: &ToolSpec) -> bool {
    spec.class != Class::Observe && (spec.device.is_some() || spec.trust == Trust::Outside)
}

fn narrow(schema: &mut Value, name: &str, limit: &ArgumentLimit) -> Result<(), String> {
    let names = || -> Vec<String> {
        let properties = schema.get("properties").and_then(Value::as_object);
        properties.map(|properties| properties.keys().cloned().collect()).unwrap_or_default()
    };
    let names = names();
    let Some(property) = schema.pointer_mut("/properties").and_then(|all| all.get_mut(name)) else {
        return Err(match names.as_slice() {
            [] => "the tool has no arguments".into(),
            names => format!("the tool has no such argument: it has {}", names.join(", ")),
        });
    };
    let Some(property) = property.as_object_mut() else {
        return Err("the tool says nothing about it that could be narrowed".into());
    };
    if let Some(only) = &limit.only {
        let whole = Value::Object(property.clone());
        let allowed = jsonschema::validator_for(&whole).map_err(|error| error.to_string())?;
        if let Some(foreign) = only.iter().find(|value| !allowed.is_valid(value)) {
            return Err(format!("the tool does not allow {foreign} anyway"));
        }
        if only.is_empty() {
            return Err("`only` leaves nothing".into());
        }
        property.insert("enum".into(), json!(only));
    }
    let kind = property.get("type").and_then(Value::as_str);
    if (limit.min.is_some() || limit.max.is_some()) && !matches!(kind, Some("integer" | "number")) {
        return Err("only a number has `min` and `max`: use `only`".into());
    }
    let is_whole = |number: &Number| kind != Some("integer") || number.as_i64().is_some();
    if let Some(number) = limit.min.iter().chain(&limit.max).find(|number| !is_whole(number)) {
        return Err(format!("{number} is no whole number"));
    }
    let bound = |key: &str| property.get(key).and_then(Value::as_number).cloned();
    let min = tighter(bound("minimum"), limit.min.clone(), |own, new| new > own);
    let max = tighter(bound("maximum"), limit.max.clone(), |own, new| new < own);
    if let (Some(min), Some(max)) = (&min, &max)
        && as_f64(min) > as_f64(max)
    {
        return Err(format!("{min} to {max} leaves nothing"));
    }
    property.extend(min.map(|min| ("minimum".to_owned(), Value::Number(min))));
    property.extend(max.map(|max| ("maximum".to_owned(), Value::Number(max))));
    require(schema, name);
    Ok(())
}

/// The stricter of two bounds.
fn tighter(own: Option<Number>, new: Option<Number>, is_tighter: fn(f64, f64) -> bool) -> Option<Number> {
    match (own, new) {
        (Some(own), Some(new)) => Some(if is_tighter(as_f64(&own), as_f64(&new)) { new } else { own }),
        (own, new) => new.or(own),
    }
}

fn as_f64(number: &Number) -> f64 {
    number.as_f64().unwrap_or(f64::NAN)
}

fn require(schema: &mut Value, name: &str) {
    let Some(schema) = schema.as_object_mut() else { return };
    let required = schema.entry("required").or_insert_with(|| json!([]));
    if let Some(required) = required.as_array_mut()
        && !required.iter().any(|known| known == name)
    {
        required.push(name.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> ToolSpec {
        ToolSpec {
            name: "set_fan".into(),
            summary: "set the fan".into(),
            arguments: json!({
                "type": "object",
                "properties": {
                    "percent": {"type": "integer", "minimum": 0, "maximum": 100},
                    "mode": {"type": "string", "enum": ["slow", "fast"]},
                    "on": {"type": "boolean"},
                },
                "required": ["mode"],
                "additionalProperties": false,
            }),
            class: Class::Safe,
            trust: Trust::Inside,
            device: Some("fan".into()),
            run_ms_max: 100,
        }
    }

    fn limit(text: &str) -> ArgumentLimit {
        serde_json::from_str(text).unwrap()
    }

    fn narrowed(name: &str, text: &str) -> Result<Value, String> {
        let arguments = BTreeMap::from([(name.to_owned(), limit(text))]);
        let terms = Terms { arguments, ..Terms::default() };
        terms.narrow(spec()).map(|spec| spec.arguments).map_err(|(_, what)| what)
    }

    #[test]
    fn limits_become_part_of_the_schema() {
        let schema = narrowed("percent", r#"{"max": 80}"#).unwrap();
        assert_eq!(schema["properties"]["percent"], json!({"type": "integer", "minimum": 0, "maximum": 80}));
        assert_eq!(schema["required"], json!(["mode", "percent"]), "no default gets around a limit");
        let schema = narrowed("percent", r#"{"min": 20, "max": 300}"#).unwrap();
        assert_eq!(schema["properties"]["percent"]["minimum"], 20);
        assert_eq!(schema["properties"]["percent"]["maximum"], 100, "a limit never widens");
        let schema = narrowed("mode", r#"{"only": ["slow"]}"#).unwrap();
        assert_eq!(schema["properties"]["mode"]["enum"], json!(["slow"]));
        assert_eq!(schema["required"], json!(["mode"]));
        let schema = narrowed("on", r#"{"only": [false]}"#).unwrap();
        assert_eq!(schema["properties"]["on"], json!({"type": "boolean", "enum": [false]}));
    }

    #[test]
    fn limits_that_mean_nothing_are_refused() {
        for (name, text, words) in [
            ("speed", r#"{"max": 80}"#, "it has percent, mode, on"),
            ("mode", r#"{"max": 80}"#, "use `only`"),
            ("mode", r#"{"only": ["slow", "medium"]}"#, "does not allow \"medium\""),
            ("mode", r#"{"only": []}"#, "leaves nothing"),
            ("percent", r#"{"min": 120}"#, "120 to 100 leaves nothing"),
            ("percent", r#"{"max": 80.5}"#, "80.5 is no whole number"),
            ("percent", r#"{"only": [101]}"#, "does not allow 101"),
        ] {
            let what = narrowed(name, text).unwrap_err();
            assert!(what.contains(words), "{name} {text}: {what}");
        }
        assert!(serde_json::from_str::<ArgumentLimit>(r#"{"maximum": 80}"#).is_err());
    }

    #[test]
    fn what_moves_something_is_sensitive_unless_the_board_says_otherwise() {
        assert!(is_sensitive(&spec()));
        assert!(!is_sensitive(&ToolSpec { class: Class::Observe, ..spec() }));
        assert!(!is_sensitive(&ToolSpec { device: None, ..spec() }), "built in: log, alert, wait");
        assert!(is_sensitive(&ToolSpec { device: None, trust: Trust::Outside, ..spec() }));
        let none = BTreeMap::new();
        let rule = |sensitive| Terms { sensitive, ..Terms::default() }.rule(&spec(), &none);
        assert!(rule(None).sensitive && !rule(Some(false)).sensitive);
        assert!(!rule(None).outside);
        let shared = Terms::default().rule(&spec(), &BTreeMap::from([("fan".to_owned(), 7)])).shared;
        assert_eq!(shared, Some(SharedBudget { name: "fan".into(), calls_per_day_max: 7 }));
        assert_eq!(rule(None).shared, None);
    }
}
