//! The grammar of a family's replies in llguidance's Lark.
//!
//! Every text of a tool's making is quoted here, so none of it can become grammar.

use std::{collections::BTreeMap, fmt::Write as _};

use everstep_core::TokenId;
use everstep_model::{Body, Family, JsonForm, THOUGHT_CLOSE, THOUGHT_OPEN, ThoughtBegin};
use serde_json::{Value, json};

use super::parameters;
use crate::schema::SchemaError;

/// The marks of a family that are control tokens, which no text ever becomes.
pub(super) struct Marks(BTreeMap<&'static str, TokenId>);

impl Marks {
    /// `control_token` tells the token of a mark that plain text never becomes.
    pub(super) fn new(family: &Family, control_token: impl Fn(&str) -> Option<TokenId>) -> Self {
        Self(family.marks().filter_map(|mark| Some((mark, control_token(mark)?))).collect())
    }

    pub(super) fn token(&self, mark: &str) -> Option<TokenId> {
        self.0.get(mark).copied()
    }

    /// Cuts `text` at the marks that are tokens of their own.
    pub(super) fn cut<'t>(&self, text: &'t str) -> Vec<Part<'t>> {
        let mut parts = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let found = self.0.iter().filter_map(|(mark, token)| Some((rest.find(mark)?, *mark, *token)));
            // Where two begin at one place, the longer one is meant.
            let first = found.min_by_key(|(at, mark, _)| (*at, usize::MAX.saturating_sub(mark.len())));
            let Some((at, mark, token)) = first else { break };
            let (before, behind) = rest.split_at(at);
            if !before.is_empty() {
                parts.push(Part::Text(before));
            }
            parts.push(Part::Token(token));
            rest = behind.get(mark.len()..).unwrap_or_default();
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest));
        }
        parts
    }

    /// `text` as a Lark expression; empty for an empty one.
    pub(super) fn literal(&self, text: &str) -> String {
        let parts = self.cut(text).into_iter().map(|part| match part {
            Part::Text(text) => quoted(text),
            Part::Token(token) => format!("<[{token}]>"),
        });
        parts.collect::<Vec<_>>().join(" ")
    }
}

/// A part of a literal text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Part<'t> {
    Text(&'t str),
    Token(TokenId),
}

/// A grammar that grows tool by tool.
pub(super) struct Source<'s> {
    family: &'s Family,
    thought: ThoughtBegin,
    pub(super) marks: &'s Marks,
    pub(super) rules: String,
    tools: usize,
}

impl<'s> Source<'s> {
    pub(super) fn new(family: &'s Family, thought: ThoughtBegin, marks: &'s Marks) -> Self {
        Self { family, thought, marks, rules: String::new(), tools: 0 }
    }

    /// Adds the rule of a tool's calls. `schema` is what `schema::check` handed back.
    pub(super) fn tool(&mut self, name: &str, schema: &Value) -> Result<(), SchemaError> {
        let number = self.tools;
        self.tools = self.tools.saturating_add(1);
        match &self.family.body {
            Body::Json(form) => self.json_tool(number, name, schema, form),
            Body::Parameters(form) => parameters::tool(self, number, name, schema, form)?,
        }
        Ok(())
    }

    fn json_tool(&mut self, number: usize, name: &str, schema: &Value, form: &JsonForm) {
        let JsonForm { before_name, before_arguments, behind } = form;
        let head = self.marks.literal(&format!("{before_name}{}{before_arguments}", Value::from(name)));
        let behind = self.marks.literal(behind);
        self.rule(&format!("tool_{number}"), &format!("{head} args_{number} {behind}"));
        self.rule(&format!("args_{number}"), &json_rule(schema));
    }

    pub(super) fn rule(&mut self, name: &str, body: &str) {
        // Writing to a string can't fail.
        let _ = writeln!(self.rules, "{name}: {body}");
    }

    /// The grammar of the one tool's calls and nothing else.
    pub(super) fn only_tool(&self) -> String {
        format!("start: tool_0\n{}", self.rules)
    }

    /// The grammar of whole replies.
    pub(super) fn whole(mut self) -> String {
        let said = if self.tools == 0 { "ANSWER" } else { "ANSWER | call" };
        let start = match self.thought {
            ThoughtBegin::Never => "said",
            ThoughtBegin::InReply => "said | thought said",
            ThoughtBegin::InPrompt => "thought said",
        };
        let rules = std::mem::take(&mut self.rules);
        self.rule("start", start);
        self.rule("said", said);
        self.answer();
        self.thought();
        if self.tools > 0 {
            let Family { call_open, call_close, .. } = self.family;
            let (open, close) = (self.marks.literal(call_open), self.marks.literal(call_close));
            self.rule("call", &format!("{open} body {close}"));
            let alternatives: Vec<String> = (0..self.tools).map(|number| format!("tool_{number}")).collect();
            self.rule("body", &alternatives.join(" | "));
        }
        self.rules + &rules
    }

    /// An answer is any text without the marks of a call or of thought.
    fn answer(&mut self) {
        let mut answer = String::from("/(?s:.+)/");
        let mut without = |text: &str| {
            let _ = write!(answer, " & ~/(?s:.*){}(?s:.*)/", escaped_regex(text));
        };
        without(self.family.call_open);
        if self.thought != ThoughtBegin::Never {
            without(THOUGHT_OPEN);
            without(THOUGHT_CLOSE);
        }
        if self.family.is_bare() {
            // White space and the order of keys are free where a call is read.
            answer.push_str(" & ~/\\s*\\{(?s:.*)/");
        }
        self.rule("ANSWER", &answer);
    }

    fn thought(&mut self) {
        let gap = self.family.thought.map_or("\n\n", |thought| thought.gap);
        let open = match self.thought {
            ThoughtBegin::Never => return,
            ThoughtBegin::InReply => THOUGHT_OPEN,
            ThoughtBegin::InPrompt => "",
        };
        let text = Text {
            begin: open,
            end: &format!("{THOUGHT_CLOSE}{gap}"),
            without: &[THOUGHT_CLOSE],
            ..Text::ANY
        };
        // Marks that are tokens of their own can only stand at the begin.
        let rule = self.text("THOUGHT", &text).unwrap_or_default();
        self.rule("thought", &rule);
    }

    /// The expression of a free text and what stands around it; its terminal is added under `name`.
    /// `None` where the end can't be told from the text.
    pub(super) fn text(&mut self, name: &str, text: &Text<'_>) -> Option<String> {
        let Text { begin, end, without, chars, pattern } = text;
        let mut inner = format!("/(?s:.{chars})/");
        for pattern in *pattern {
            let _ = write!(inner, " & {pattern}");
        }
        for mark in *without {
            let _ = write!(inner, " & ~/(?s:.*){}(?s:.*)/", escaped_regex(mark));
        }
        let begins = self.marks.cut(begin).iter().all(|part| matches!(part, Part::Text(_)));
        match self.marks.cut(end).as_slice() {
            // A token of its own ends any text. One terminal must not match nothing.
            [Part::Token(_), ..] => {
                let begin = self.marks.literal(begin);
                let end = self.marks.literal(end);
                let may_be_empty = chars.starts_with("{0,") || *chars == "*";
                self.rule(name, &format!("({inner}) & /(?s:.+)/"));
                Some(format!("{begin} {name}{} {end}", if may_be_empty { "?" } else { "" }))
            }
            // The lexer never goes back, so a text and its end are one terminal.
            [Part::Text(_)] if begins => {
                let begin = if begin.is_empty() { String::new() } else { quoted(begin) };
                self.rule(name, &format!("{begin} ({inner}) {}", quoted(end)));
                Some(name.to_owned())
            }
            [Part::Text(_)] => {
                let begin = self.marks.literal(begin);
                self.rule(name, &format!("({inner}) {}", quoted(end)));
                Some(format!("{begin} {name}"))
            }
            _ => None,
        }
    }
}

/// A free text with an end.
pub(super) struct Text<'t> {
    pub(super) begin: &'t str,
    pub(super) end: &'t str,
    /// What the text does not hold.
    pub(super) without: &'t [&'t str],
    /// How many characters, as a regular expression's repetition.
    pub(super) chars: &'t str,
    /// Further regular expressions that it fits, with their slashes.
    pub(super) pattern: &'t [String],
}

impl Text<'_> {
    /// Any number of any characters.
    pub(super) const ANY: Self = Self { begin: "", end: "", without: &[], chars: "*", pattern: &[] };
}

/// A schema as a Lark rule, in the one form of white space that models are shown.
pub(super) fn json_rule(schema: &Value) -> String {
    let mut schema = schema.clone();
    if let Some(object) = schema.as_object_mut() {
        // Without `\u` a text is written in one way only, so that no additional property can pass by the
        // schema of a declared one.
        let form = json!({
            "whitespace_flexible": false,
            "item_separator": ", ",
            "key_separator": ": ",
            "json_allowed_escapes": "nrbtf\\\"",
        });
        object.insert("x-guidance".to_owned(), form);
    }
    format!("%json {schema}")
}

/// `text` as a Lark string.
pub(super) fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// `text` inside a Lark regular expression.
pub(super) fn escaped_regex(text: &str) -> String {
    text.chars().fold(String::new(), |mut out, character| {
        // A terminal ends with its line.
        if character == '\n' {
            out.push_str("\\n");
            return out;
        }
        if !character.is_ascii_alphanumeric() && character != '_' && character != '<' && character != '>' {
            out.push('\\');
        }
        out.push(character);
        out
    })
}
