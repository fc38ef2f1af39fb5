//! Reads a call with named parameters. White space at the borders of its marks is free, that of a value
//! is not.

use serde_json::{Map, Value};

use super::{ParameterForm, TextKind, Values};
use crate::{
    ToolDefinition,
    families::{Body, Call, Family},
};

/// What is left to read of a call.
struct Cursor<'t> {
    rest: &'t str,
}

pub(in crate::families) fn read(
    family: &Family,
    text: &str,
    tools: &[ToolDefinition],
) -> Result<Call, String> {
    let Body::Parameters(form) = &family.body else {
        return Err("the tool call has another form".to_owned());
    };
    let mut cursor = Cursor { rest: text };
    cursor.eat(form.before_name)?;
    let tool = cursor.until(form.after_name)?.trim().to_owned();
    let schema = tools.iter().find(|known| known.name == tool).map(|known| &known.arguments);
    let mut arguments = Map::new();
    while !cursor.ends(form.behind, family.call_close) {
        if !arguments.is_empty() {
            cursor.eat(form.separator)?;
        }
        cursor.eat(form.before_key)?;
        let key = cursor.until(form.after_key)?.trim().to_owned();
        let value = cursor.value(form, &key, schema)?;
        if arguments.insert(key.clone(), value).is_some() {
            return Err(format!("the tool call has the parameter {key} twice"));
        }
    }
    cursor.eat(family.call_close)?;
    Ok(Call { tool, arguments, bytes: text.len().saturating_sub(cursor.rest.len()) })
}

impl<'t> Cursor<'t> {
    /// Whether `mark` comes next; if so, it is taken.
    fn takes(&mut self, mark: &str) -> bool {
        match self.rest.trim_start().strip_prefix(mark.trim()) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// Whether the parameters are over; what stands behind them is taken.
    fn ends(&mut self, behind: &str, close: &str) -> bool {
        match behind {
            "" => self.rest.trim_start().starts_with(close),
            behind => self.takes(behind),
        }
    }

    fn eat(&mut self, mark: &str) -> Result<(), String> {
        if self.takes(mark) {
            return Ok(());
        }
        let found: String = self.rest.trim_start().chars().take(20).collect();
        Err(format!("the tool call has {found:?} where {:?} belongs", mark.trim()))
    }

    /// What stands before `mark`, which is taken.
    fn until(&mut self, mark: &str) -> Result<&'t str, String> {
        let mark = mark.trim();
        let Some((before, rest)) = self.rest.split_once(mark) else {
            return Err(format!("the tool call lacks {mark:?}"));
        };
        self.rest = rest;
        Ok(before)
    }

    fn value(&mut self, form: &ParameterForm, key: &str, schema: Option<&Value>) -> Result<Value, String> {
        match form.values {
            Values::Between(open, close) if self.takes(open) => {
                let text = self.until(close)?;
                self.eat(form.after_value)?;
                Ok(Value::from(text))
            }
            Values::Python | Values::Between(..) => {
                let value = self.literal(key)?;
                self.eat(form.after_value)?;
                Ok(value)
            }
            // Marked strings begin right behind the parameter's name.
            Values::TextOr(open, close) if self.rest.starts_with(open) => {
                self.takes(open);
                let text = self.until(close)?;
                self.eat(form.after_value)?;
                Ok(typed(text, kind(schema, key)))
            }
            Values::Text | Values::TextOr(..) => {
                let text = self.until(form.after_value)?;
                // One line break at each end belongs to the form where the form has one.
                let (first, last) = (form.after_key.ends_with('\n'), form.after_value.starts_with('\n'));
                let text = text.strip_prefix('\n').filter(|_| first).unwrap_or(text);
                let text = text.strip_suffix('\n').filter(|_| last).unwrap_or(text);
                Ok(typed(text, kind(schema, key)))
            }
        }
    }

    /// A JSON value, or one of Python's three words.
    fn literal(&mut self, key: &str) -> Result<Value, String> {
        self.rest = self.rest.trim_start();
        for (words, value) in [
            (["True", "true"], Value::Bool(true)),
            (["False", "false"], Value::Bool(false)),
            (["None", "null"], Value::Null),
        ] {
            if words.into_iter().any(|word| self.takes(word)) {
                return Ok(value);
            }
        }
        // A number ends where its characters do; behind the others anything may stand.
        let digits = self.rest.find(|next: char| !next.is_ascii_digit() && !"+-.eE".contains(next));
        let (text, is_number) = match digits.unwrap_or(self.rest.len()) {
            0 => (self.rest, false),
            length => (self.rest.get(..length).unwrap_or_default(), true),
        };
        let mut values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
        match values.next() {
            Some(Ok(value)) if !is_number || values.byte_offset() == text.len() => {
                self.rest = self.rest.get(values.byte_offset()..).unwrap_or_default();
                Ok(value)
            }
            _ => Err(format!("the value of the tool call's parameter {key} is not valid JSON")),
        }
    }
}

/// How the values of a parameter are meant; those of unknown ones are strings, and refused later.
fn kind(schema: Option<&Value>, key: &str) -> TextKind {
    let parameter = schema.and_then(|root| Some((root.get("properties")?.get(key)?, root)));
    parameter.map_or(TextKind::Text, |(parameter, root)| TextKind::of(parameter, root))
}

fn typed(text: &str, kind: TextKind) -> Value {
    if kind == TextKind::Text {
        return Value::from(text);
    }
    // Templates write truth values as Python does.
    let trimmed = text.trim();
    match trimmed {
        "True" => Value::Bool(true),
        "False" => Value::Bool(false),
        "None" => Value::Null,
        // A text that is no JSON stays one: whoever checks the schema says what is wrong.
        _ => serde_json::from_str(trimmed).unwrap_or_else(|_| Value::from(text)),
    }
}
