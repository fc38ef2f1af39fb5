//! JSON as Python's `json.dumps` writes it, which is what chat templates were trained with.
//!
//! minijinja's own filter escapes for HTML and leaves out the spaces.

use std::io;

use minijinja::{Error, ErrorKind, Value, value::Kwargs};
use serde::Serialize;
use serde_json::ser::{Formatter, PrettyFormatter, Serializer};

use super::pieces::noted_as_json;

/// The filter `tojson`, with `indent`.
#[expect(clippy::needless_pass_by_value, reason = "the form of a template's filter")]
pub(super) fn filter(value: &Value, options: Kwargs) -> Result<Value, Error> {
    let indent = options.get::<Option<usize>>("indent")?;
    // Keys keep their order and characters stay as they are, whatever these say.
    for ignored in ["ensure_ascii", "sort_keys", "separators"] {
        let _ = options.get::<Option<Value>>(ignored);
    }
    options.assert_all_used()?;
    let text = match indent {
        None => write(value, Spaced),
        Some(indent) => {
            let spaces = b" ".repeat(indent.min(16));
            write(value, PrettyFormatter::with_indent(&spaces))
        }
    };
    text.map(|text| Value::from_safe_string(noted_as_json(text)))
}

/// `value` on one line, as the filter writes it.
pub(super) fn line(value: &serde_json::Value) -> String {
    // A value without other types than JSON's always has a text.
    write(value, Spaced).unwrap_or_default()
}

fn write(value: &impl Serialize, formatter: impl Formatter) -> Result<String, Error> {
    let mut bytes = Vec::new();
    let failed = |reason: String| Error::new(ErrorKind::BadSerialization, reason);
    value
        .serialize(&mut Serializer::with_formatter(&mut bytes, formatter))
        .map_err(|error| failed(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| failed(error.to_string()))
}

/// One line, a space behind each comma and colon.
struct Spaced;

impl Formatter for Spaced {
    fn begin_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }
}
