//! Text with `{name}` in it. Everything else, other braces included, stands for itself.

use crate::parameter::{Values, value_of};

const NAME_BYTES_MAX: usize = 32;

/// A text with places for values.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Template(Vec<Piece>);

#[derive(Clone, Debug, Eq, PartialEq)]
enum Piece {
    Text(String),
    Name(String),
}

/// Whether it may be a parameter's name.
pub(crate) fn is_name(name: &str) -> bool {
    (1..=NAME_BYTES_MAX).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

impl Template {
    pub(crate) fn new(text: &str) -> Self {
        let (mut pieces, mut rest, mut plain) = (Vec::new(), text, String::new());
        while let Some((before, behind)) = rest.split_once('{') {
            plain.push_str(before);
            match behind.split_once('}') {
                Some((name, after)) if is_name(name) => {
                    pieces.push(Piece::Text(std::mem::take(&mut plain)));
                    pieces.push(Piece::Name(name.to_owned()));
                    rest = after;
                }
                _ => {
                    plain.push('{');
                    rest = behind;
                }
            }
        }
        plain.push_str(rest);
        pieces.push(Piece::Text(plain));
        Self(pieces)
    }

    /// The names in it.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Name(name) => Some(name.as_str()),
            Piece::Text(_) => None,
        })
    }

    /// Whether a brace stands for itself: where none can, somebody meant a place.
    pub(crate) fn has_braces(&self) -> bool {
        self.0.iter().any(|piece| matches!(piece, Piece::Text(text) if text.contains(['{', '}'])))
    }

    /// The name, where there is nothing else.
    pub(crate) fn only_name(&self) -> Option<&str> {
        match self.0.as_slice() {
            [Piece::Text(before), Piece::Name(name), Piece::Text(behind)]
                if before.is_empty() && behind.is_empty() =>
            {
                Some(name)
            }
            _ => None,
        }
    }

    /// The text with values in their places, each as `write` writes it.
    pub(crate) fn fill(&self, values: &Values, write: impl Fn(&str) -> String) -> Result<String, String> {
        let mut text = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(plain) => text.push_str(plain),
                Piece::Name(name) => {
                    let value = value_of(values, name).ok_or_else(|| format!("{name} is missing"))?;
                    text.push_str(&write(&value.text()));
                }
            }
        }
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameter::Given;

    #[test]
    fn only_names_in_braces_are_places() {
        let template = Template::new(r#"{"a": {x}, "b": "{not a name}{y_1}"} {"#);
        assert_eq!(template.names().collect::<Vec<_>>(), ["x", "y_1"]);
        let values =
            vec![("x".to_owned(), Given::Integer(1)), ("y_1".to_owned(), Given::Text("{x}".to_owned()))];
        // What a value says is never a place.
        assert_eq!(template.fill(&values, str::to_owned).unwrap(), r#"{"a": 1, "b": "{not a name}{x}"} {"#);
        assert_eq!(template.fill(&Vec::new(), str::to_owned).unwrap_err(), "x is missing");
    }

    #[test]
    fn a_template_may_be_a_name_alone() {
        assert_eq!(Template::new("{x}").only_name(), Some("x"));
        assert_eq!((Template::new("{x}{y}").only_name(), Template::new(" {x}").only_name()), (None, None));
    }
}
