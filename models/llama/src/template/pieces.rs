//! Placeholders in a rendered template, and what is put in their place.

use std::{borrow::Cow, fmt};

use everstep_core::TokenId;
use everstep_model::Message;

use super::TemplateError;

/// A part of a prompt.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Piece<'a> {
    /// Text of the template: markup counts.
    Markup(String),
    /// Text of a message: markup is text.
    Content(Cow<'a, str>),
    /// An earlier reply: the very tokens that were sampled.
    Reply(&'a [TokenId]),
}

/// A part of a rendered template, before the messages are put in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Segment {
    Text(String),
    Message(usize, Quoting),
    /// The tools, told by us.
    Tools,
    /// The name of the tool that was called.
    Name,
}

/// How a template wrote a message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Quoting {
    /// As it is.
    Bare,
    /// Inside of a JSON string.
    Json,
}

/// What stands for a text while a template is rendered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Marker {
    Message(usize),
    Reply,
    Tools,
    Name,
}

/// Private-use characters around a placeholder's name.
const OPEN: char = '\u{F5C0}';
const CLOSE: char = '\u{F5C1}';
/// Closes a placeholder that went through `tojson`.
const JSON_CLOSE: char = '\u{F5C2}';

impl fmt::Display for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Message(number) => write!(f, "{OPEN}{number}{CLOSE}"),
            Self::Reply => write!(f, "{OPEN}reply{CLOSE}"),
            Self::Tools => write!(f, "{OPEN}tools{CLOSE}"),
            Self::Name => write!(f, "{OPEN}name{CLOSE}"),
        }
    }
}

/// Notes that the placeholders in `json` are inside of JSON strings.
pub(super) fn noted_as_json(json: String) -> String {
    if json.contains(CLOSE) { json.replace(CLOSE, &JSON_CLOSE.to_string()) } else { json }
}

/// Cuts `text` at the placeholders. Each of `markers` must be there once, in order, and no other; only
/// the tool's name may come as often as the template likes.
pub(super) fn cut(text: &str, markers: &[(Marker, &'static str)]) -> Result<Vec<Segment>, TemplateError> {
    let mut expected = markers.iter();
    let mut segments = Vec::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once(OPEN) {
        let message = expected.as_slice().first().or(markers.last()).map_or("first", |(_, name)| name);
        let wrong = || TemplateError::Message { message };
        let end = behind.find([CLOSE, JSON_CLOSE]).ok_or_else(wrong)?;
        let (name, behind) = behind.split_at(end);
        let mut behind = behind.chars();
        let quoting = if behind.next() == Some(JSON_CLOSE) { Quoting::Json } else { Quoting::Bare };
        if before.contains([CLOSE, JSON_CLOSE]) {
            return Err(wrong());
        }
        segments.push(Segment::Text(before.to_owned()));
        rest = behind.as_str();
        if name == "name" {
            segments.push(Segment::Name);
            continue;
        }
        let next = expected.next().map(|(marker, _)| *marker);
        segments.push(match next {
            Some(Marker::Message(number)) if name == number.to_string() => Segment::Message(number, quoting),
            Some(Marker::Tools) if name == "tools" && quoting == Quoting::Bare => Segment::Tools,
            _ => return Err(wrong()),
        });
    }
    if let Some((_, message)) = expected.next() {
        return Err(TemplateError::Message { message });
    }
    if rest.contains([CLOSE, JSON_CLOSE]) {
        return Err(TemplateError::Message { message: markers.last().map_or("first", |(_, name)| name) });
    }
    segments.push(Segment::Text(rest.to_owned()));
    Ok(segments)
}

/// Puts the texts in. None of `messages` is a reply.
pub(super) fn fill<'a>(
    segments: &[Segment],
    messages: &'a [Message],
    tools: Option<&str>,
    name: &str,
) -> Vec<Piece<'a>> {
    let mut pieces: Vec<Piece<'a>> = Vec::with_capacity(segments.len());
    for segment in segments {
        let text = match segment {
            Segment::Text(text) => text.as_str(),
            Segment::Tools => tools.unwrap_or_default(),
            Segment::Name => {
                pieces.push(Piece::Content(Cow::Owned(name.to_owned())));
                continue;
            }
            Segment::Message(number, quoting) => {
                let text = match messages.get(*number) {
                    Some(Message::System(text) | Message::User(text) | Message::Tool(text)) => text.as_str(),
                    Some(Message::Assistant { .. }) | None => "",
                };
                pieces.push(Piece::Content(match quoting {
                    Quoting::Bare => Cow::Borrowed(text),
                    Quoting::Json => Cow::Owned(json_inside(text)),
                }));
                continue;
            }
        };
        // Markup that stands side by side is one text to the tokenizer.
        match pieces.last_mut() {
            Some(Piece::Markup(last)) => last.push_str(text),
            _ => pieces.push(Piece::Markup(text.to_owned())),
        }
    }
    pieces
}

/// `text` as it stands between the quotes of a JSON string.
fn json_inside(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default().to_owned()
}
