//! The form of a line: fixed text around at most one value.

use std::fmt;

/// Where the value stands in a form.
const VALUE: &str = "{value}";
/// Bytes of a form: a line is not longer.
const FORM_BYTES_MAX: usize = 200;

/// A line such as `T={value} C`, or fixed text such as `OK`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Form {
    before: String,
    /// What follows the value; `None` where there is no value.
    after: Option<String>,
}

/// Why a text is no form.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum FormError {
    /// More than one value.
    Values(String),
    /// It has no value, and must have one.
    NoValue(String),
    /// It has a value, and must have none.
    Value(String),
    /// It is no line of printable ASCII.
    Text(String),
}

impl fmt::Display for FormError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Values(text) => write!(f, "`{text}` has more than one {VALUE}"),
            Self::NoValue(text) => write!(f, "`{text}` must hold {VALUE}, where the value stands"),
            Self::Value(text) => write!(f, "`{text}` must hold no {VALUE}"),
            Self::Text(text) => {
                write!(f, "a line has 1 to {FORM_BYTES_MAX} printable ASCII characters, not `{text}`")
            }
        }
    }
}

impl Form {
    /// Reads a form that may hold a value.
    ///
    /// # Errors
    ///
    /// See [`FormError`].
    pub fn parse(text: &str) -> Result<Self, FormError> {
        let printable = text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
        if text.is_empty() || text.len() > FORM_BYTES_MAX || !printable {
            return Err(FormError::Text(text.escape_debug().to_string()));
        }
        let Some((before, after)) = text.split_once(VALUE) else {
            return Ok(Self { before: text.to_owned(), after: None });
        };
        if after.contains(VALUE) {
            return Err(FormError::Values(text.to_owned()));
        }
        Ok(Self { before: before.to_owned(), after: Some(after.to_owned()) })
    }

    /// Reads a form that must hold a value.
    ///
    /// # Errors
    ///
    /// See [`FormError`].
    pub fn of_value(text: &str) -> Result<Self, FormError> {
        let form = Self::parse(text)?;
        if form.after.is_some() { Ok(form) } else { Err(FormError::NoValue(text.to_owned())) }
    }

    /// Checks a line without a value.
    ///
    /// # Errors
    ///
    /// See [`FormError`].
    pub fn fixed(text: &str) -> Result<Self, FormError> {
        let form = Self::parse(text)?;
        if form.after.is_none() { Ok(form) } else { Err(FormError::Value(text.to_owned())) }
    }

    /// The line with `value` in it.
    #[must_use]
    pub fn fill(&self, value: &str) -> String {
        match &self.after {
            Some(after) => format!("{}{value}{after}", self.before),
            None => self.before.clone(),
        }
    }

    /// The value in a line of this form, without spaces around it; empty where the form has none.
    #[must_use]
    pub fn value_in<'a>(&self, line: &'a str) -> Option<&'a str> {
        match &self.after {
            Some(after) => {
                let value = line.strip_prefix(self.before.as_str())?.strip_suffix(after.as_str())?.trim();
                (!value.is_empty()).then_some(value)
            }
            None => (line == self.before).then_some(""),
        }
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.fill(VALUE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn value_is_what_stands_between_the_fixed_text() {
        for (form, line, value) in [
            ("{value}", "21.5", Some("21.5")),
            ("T={value} C", "T=21.5 C", Some("21.5")),
            ("T={value} C", "T=  -3 C", Some("-3")),
            ("T={value} C", "T=21.5", None),
            ("T={value} C", "T= C", None),
            ("T={value}", "H=3", None),
            ("OK", "OK", Some("")),
            ("OK", "OK!", None),
            // The fixed texts must not overlap.
            ("ab{value}ba", "aba", None),
        ] {
            assert_eq!(Form::parse(form).unwrap().value_in(line), value, "{form} {line}");
        }
        let form = Form::parse("SP {value};").unwrap();
        assert_eq!((form.fill("3"), form.to_string()), ("SP 3;".into(), "SP {value};".into()));
        assert_eq!(Form::parse("OK").unwrap().fill("3"), "OK");
    }

    #[test]
    fn what_is_no_form_is_refused() {
        for text in ["", "T\r\n", "grad \u{b0}", "a\0", &"x".repeat(201)] {
            assert!(matches!(Form::parse(text), Err(FormError::Text(_))), "{text:?}");
        }
        assert!(matches!(Form::parse("{value}{value}"), Err(FormError::Values(_))));
        let told = Form::of_value("T?").unwrap_err().to_string();
        assert_eq!(told, "`T?` must hold {value}, where the value stands");
        let told = Form::fixed("{value}?").unwrap_err().to_string();
        assert_eq!(told, "`{value}?` must hold no {value}");
        assert!(Form::fixed("T?").is_ok() && Form::of_value("S{value}").is_ok());
    }
}
