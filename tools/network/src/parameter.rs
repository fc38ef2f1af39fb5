//! A typed parameter: what the model is told of it, and the value a call gives.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value, json};

use crate::section::Wrong;

/// Parameters of one tool.
pub const PARAMETERS_MAX: usize = 16;
/// Most characters that a text can be allowed.
pub const TEXT_CHARS_LIMIT: u32 = 2_000;
/// Characters of a text where the board file says nothing.
const TEXT_CHARS_MAX: u32 = 200;
/// Choices of one parameter.
const CHOICES_MAX: usize = 64;
/// Whole numbers that every reader of JSON reads as themselves.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

/// One parameter of a tool.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ParameterSection {
    /// Name, as the model and templates call it.
    pub name: String,
    /// What its values are.
    pub kind: Kind,
    /// Where an HTTP request carries it; queries of databases have no such key.
    #[serde(default, rename = "in", skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// What the model is told about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// Lowest number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// Highest number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// Most characters of a text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chars_max: Option<u32>,
    /// The texts there are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
    /// Whether a call may leave it out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
}

/// What a parameter's values are.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Whole numbers.
    Integer,
    /// Numbers.
    Number,
    /// Any text, within a length.
    Text,
    /// One of some texts.
    Choice,
}

/// Where an HTTP request carries a parameter.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// In the path of the address, where `{name}` stands.
    Path,
    /// Behind the `?` of the address.
    Query,
    /// In the body.
    Body,
}

/// A value that a call gives.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Given {
    Integer(i64),
    Number(f64),
    Text(String),
}

impl Given {
    /// As text, numbers as JSON writes them.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Integer(number) => number.to_string(),
            Self::Number(_) => self.json().to_string(),
            Self::Text(text) => text.clone(),
        }
    }

    pub(crate) fn json(&self) -> Value {
        match self {
            Self::Integer(number) => (*number).into(),
            Self::Number(number) => Number::from_f64(*number).map_or(Value::Null, Value::Number),
            Self::Text(text) => text.as_str().into(),
        }
    }
}

/// The values of one call, in the order of the parameters; those left out are missing.
pub(crate) type Values = Vec<(String, Given)>;

/// The value called `name`.
pub(crate) fn value_of<'a>(values: &'a Values, name: &str) -> Option<&'a Given> {
    values.iter().find(|(found, _)| found == name).map(|(_, value)| value)
}

/// What is wrong with the parameters of a tool, if anything.
pub(crate) fn check(parameters: &[ParameterSection]) -> Result<(), Wrong> {
    let wrong = |message: String| Err(("parameters".to_owned(), message));
    if parameters.len() > PARAMETERS_MAX {
        return wrong(format!("a tool has at most {PARAMETERS_MAX} parameters, not {}", parameters.len()));
    }
    for (index, parameter) in parameters.iter().enumerate() {
        let name = &parameter.name;
        if !crate::template::is_name(name) {
            return wrong(format!("a name has 1 to 32 of a-z, 0-9 and _, not `{}`", name.escape_debug()));
        }
        if parameters.iter().take(index).any(|earlier| earlier.name == *name) {
            return wrong(format!("`{name}` is there twice"));
        }
        parameter.check().or_else(|message| wrong(format!("`{name}`: {message}")))?;
    }
    Ok(())
}

/// The schema of a call's arguments.
pub(crate) fn schema(parameters: &[ParameterSection]) -> Value {
    let properties: Map<_, _> =
        parameters.iter().map(|parameter| (parameter.name.clone(), parameter.schema())).collect();
    let required: Vec<_> =
        parameters.iter().filter(|one| !one.optional).map(|one| one.name.as_str()).collect();
    json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
}

/// Reads a call's arguments. The schema was checked before; what leaves the board is worth a second look.
pub(crate) fn read(parameters: &[ParameterSection], arguments: &Value) -> Result<Values, String> {
    let mut values = Vec::with_capacity(parameters.len());
    for parameter in parameters {
        match arguments.get(&parameter.name) {
            Some(value) => values.push((parameter.name.clone(), parameter.read(value)?)),
            None if parameter.optional => {}
            None => return Err(format!("{} is missing", parameter.name)),
        }
    }
    Ok(values)
}

impl ParameterSection {
    fn check(&self) -> Result<(), String> {
        let is_number = matches!(self.kind, Kind::Integer | Kind::Number);
        if !is_number && (self.min.is_some() || self.max.is_some()) {
            return Err("only numbers have `min` and `max`".into());
        }
        if self.kind != Kind::Text && self.chars_max.is_some() {
            return Err("only a text has `chars_max`".into());
        }
        if self.kind == Kind::Choice && !(1..=CHOICES_MAX).contains(&self.choices.len()) {
            return Err(format!("a choice has 1 to {CHOICES_MAX} `choices`"));
        }
        if self.kind != Kind::Choice && !self.choices.is_empty() {
            return Err("only a choice has `choices`".into());
        }
        let bounds = [self.min, self.max];
        if bounds.iter().flatten().any(|bound| !bound.is_finite()) {
            return Err("`min` and `max` are numbers".into());
        }
        let is_whole = |bound: &f64| bound.fract() == 0.0 && bound.abs() <= EXACT_MAX;
        if self.kind == Kind::Integer && !bounds.iter().flatten().all(is_whole) {
            return Err("`min` and `max` of an integer are whole numbers".into());
        }
        if let [Some(min), Some(max)] = bounds
            && min > max
        {
            return Err(format!("min {min} is above max {max}"));
        }
        match self.chars_max {
            Some(chars_max) if !(1..=TEXT_CHARS_LIMIT).contains(&chars_max) => {
                Err(format!("chars_max must be from 1 to {TEXT_CHARS_LIMIT}, not {chars_max}"))
            }
            _ => Ok(()),
        }
    }

    fn chars_max(&self) -> u32 {
        self.chars_max.unwrap_or(TEXT_CHARS_MAX)
    }

    fn schema(&self) -> Value {
        let mut schema = match self.kind {
            Kind::Integer => json!({"type": "integer"}),
            Kind::Number => json!({"type": "number"}),
            Kind::Text => json!({"type": "string", "minLength": 1, "maxLength": self.chars_max()}),
            Kind::Choice => json!({"type": "string", "enum": self.choices}),
        };
        if let Some(object) = schema.as_object_mut() {
            let bounds = [("minimum", self.min), ("maximum", self.max)];
            object.extend(
                bounds.iter().filter_map(|(keyword, bound)| Some(((*keyword).to_owned(), plain((*bound)?)))),
            );
            if let Some(summary) = &self.summary {
                object.insert("description".into(), summary.as_str().into());
            }
        }
        schema
    }

    fn read(&self, value: &Value) -> Result<Given, String> {
        let name = &self.name;
        match self.kind {
            Kind::Integer => {
                let number = value.as_i64().or_else(|| value.as_f64().and_then(whole));
                let number = number.ok_or_else(|| format!("{name} must be a whole number"))?;
                #[expect(
                    clippy::cast_precision_loss,
                    reason = "bounds are exact; beyond them it is refused either way"
                )]
                self.within(number as f64)?;
                Ok(Given::Integer(number))
            }
            Kind::Number => {
                let number = value.as_f64().ok_or_else(|| format!("{name} must be a number"))?;
                self.within(number)?;
                Ok(whole(number).map_or(Given::Number(number), Given::Integer))
            }
            Kind::Text => {
                let text = value.as_str().ok_or_else(|| format!("{name} must be a text"))?;
                let count = text.chars().count();
                let chars_max = usize::try_from(self.chars_max()).unwrap_or(usize::MAX);
                if !(1..=chars_max).contains(&count) {
                    return Err(format!("{name} must have 1 to {chars_max} characters, got {count}"));
                }
                Ok(Given::Text(text.to_owned()))
            }
            Kind::Choice => {
                let text = value.as_str().filter(|text| self.choices.iter().any(|choice| choice == text));
                let text = text.ok_or_else(|| format!("{name} must be {}", self.choices.join(" or ")))?;
                Ok(Given::Text(text.to_owned()))
            }
        }
    }

    fn within(&self, number: f64) -> Result<(), String> {
        if self.min.is_some_and(|min| number < min) || self.max.is_some_and(|max| number > max) {
            let bound = |bound: Option<f64>, word: &str| {
                bound.map_or_else(String::new, |bound| format!(" {word} {bound}"))
            };
            let (min, max) = (bound(self.min, "from"), bound(self.max, "to"));
            return Err(format!("{} must be{min}{max}, got {number}", self.name));
        }
        Ok(())
    }
}

#[expect(clippy::cast_possible_truncation, reason = "checked to be whole and within 53 bits")]
fn whole(number: f64) -> Option<i64> {
    (number.fract() == 0.0 && number.abs() <= EXACT_MAX).then_some(number as i64)
}

/// Whole numbers without a fraction, as people write them.
fn plain(number: f64) -> Value {
    whole(number).map_or_else(|| json!(number), |whole| json!(whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(text: &str) -> Vec<ParameterSection> {
        #[derive(Deserialize)]
        struct Holder {
            parameters: Vec<ParameterSection>,
        }
        toml::from_str::<Holder>(&format!("parameters = [{text}]")).unwrap().parameters
    }

    #[test]
    fn the_model_is_told_types_bounds_and_choices_in_order() {
        let all = parameters(
            r#"{ name = "room", kind = "text", chars_max = 20, summary = "Name of the room." },
               { name = "celsius", kind = "number", min = -30, max = 5.5 },
               { name = "count", kind = "integer", min = 1, optional = true },
               { name = "mode", kind = "choice", choices = ["eco", "full"] }"#,
        );
        check(&all).unwrap();
        assert_eq!(
            schema(&all).to_string(),
            r#"{"type":"object","properties":{"room":{"type":"string","minLength":1,"maxLength":20,"description":"Name of the room."},"celsius":{"type":"number","minimum":-30,"maximum":5.5},"count":{"type":"integer","minimum":1},"mode":{"type":"string","enum":["eco","full"]}},"required":["room","celsius","mode"],"additionalProperties":false}"#
        );
        let values = read(&all, &json!({"room": "a b", "celsius": 4.0, "mode": "eco"})).unwrap();
        assert_eq!(values.iter().map(|(_, value)| value.text()).collect::<Vec<_>>(), ["a b", "4", "eco"]);
    }

    #[test]
    fn values_outside_of_what_was_declared_are_refused() {
        let all = parameters(
            r#"{ name = "n", kind = "integer", min = 1, max = 5, optional = true },
               { name = "x", kind = "number", max = 2, optional = true },
               { name = "t", kind = "text", chars_max = 3, optional = true },
               { name = "c", kind = "choice", choices = ["a"], optional = true }"#,
        );
        for (arguments, told) in [
            (json!({"n": 6}), "n must be from 1 to 5, got 6"),
            (json!({"n": 1.5}), "n must be a whole number"),
            (json!({"n": 1e300}), "n must be a whole number"),
            (json!({"x": 2.5}), "x must be to 2, got 2.5"),
            (json!({"x": "2"}), "x must be a number"),
            (json!({"t": "äöüß"}), "t must have 1 to 3 characters, got 4"),
            (json!({"t": ""}), "t must have 1 to 3 characters, got 0"),
            (json!({"c": "b"}), "c must be a"),
        ] {
            assert_eq!(read(&all, &arguments).unwrap_err(), told);
        }
        assert_eq!(
            read(&parameters(r#"{ name = "n", kind = "integer" }"#), &json!({})).unwrap_err(),
            "n is missing"
        );
    }

    #[test]
    fn declarations_that_mean_nothing_are_refused() {
        for (text, told) in [
            (r#"{ name = "N", kind = "text" }"#, "a name has"),
            (r#"{ name = "n", kind = "text", min = 1 }"#, "only numbers have"),
            (r#"{ name = "n", kind = "choice" }"#, "a choice has 1 to 64"),
            (r#"{ name = "n", kind = "text", choices = ["a"] }"#, "only a choice"),
            (r#"{ name = "n", kind = "integer", min = 1.5 }"#, "whole numbers"),
            (r#"{ name = "n", kind = "number", min = nan }"#, "are numbers"),
            (r#"{ name = "n", kind = "number", min = 2, max = 1 }"#, "min 2 is above max 1"),
            (r#"{ name = "n", kind = "text", chars_max = 0 }"#, "from 1 to 2000, not 0"),
            (r#"{ name = "n", kind = "integer", chars_max = 5 }"#, "only a text"),
            (r#"{ name = "n", kind = "text" }, { name = "n", kind = "text" }"#, "`n` is there twice"),
        ] {
            let (key, message) = check(&parameters(text)).unwrap_err();
            assert!(key == "parameters" && message.contains(told), "{message}");
        }
    }
}
