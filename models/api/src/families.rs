//! The chat families: how a model of each writes a tool call. One table, one file for each form.
//!
//! Families that write the very same form share a file. Leaves out how a prompt is written: that is the
//! model's own template's business.

mod detect;
mod gemma4;
mod hermes;
mod json;
mod lfm2;
mod llama3;
mod minicpm5;
mod mistral;
mod parameters;
mod qwen3_5;
mod thought;

use crate::{Reply, ToolDefinition};

use self::detect::Signs;
pub use self::{
    detect::Traits,
    parameters::{ParameterForm, TextKind, Values},
    thought::{THOUGHT_CLOSE, THOUGHT_OPEN, Thought, ThoughtBegin},
};

/// Every family known, in the order a model is compared with them: the first that fits is taken. The
/// last one fits all.
pub const FAMILIES: &[Family] = &[
    qwen3_5::FAMILY,
    minicpm5::FAMILY,
    gemma4::FAMILY,
    mistral::FAMILY,
    llama3::FAMILY,
    hermes::SMOLLM3,
    hermes::GRANITE4,
    hermes::QWEN3,
    hermes::FAMILY,
    lfm2::FAMILY,
    hermes::PHI3,
    hermes::GEMMA2,
    hermes::GENERIC,
];

/// Qwen 2.5, Hermes 2 and 3, and the bundled model.
pub const HERMES: &Family = &hermes::FAMILY;
/// What a model of no known family is spoken to in.
pub const GENERIC: &Family = &hermes::GENERIC;

/// How the models of one family write a tool call.
#[derive(Clone, Copy, Debug)]
pub struct Family {
    /// Name, as the board file and the model's card write it.
    pub name: &'static str,
    /// Which models these are, for people.
    pub models: &'static str,
    /// Marks the begin of a call; a reply that lacks it is an answer.
    pub call_open: &'static str,
    /// Marks the end of a call; empty where the body ends by itself.
    pub call_close: &'static str,
    /// What stands between the marks.
    pub body: Body,
    /// How its models think before they reply, where they do.
    pub thought: Option<Thought>,
    /// A call in short, for messages to the model.
    sketch: &'static str,
    /// What tells a model of this family.
    signs: Signs,
    /// Reads what stands behind the opening mark.
    read: fn(&Self, &str, &[ToolDefinition]) -> Result<Call, String>,
}

/// What stands between the marks of a call.
#[derive(Clone, Copy, Debug)]
pub enum Body {
    /// An object with the tool's name, a JSON string, and the arguments, an object.
    Json(JsonForm),
    /// The tool's name and one parameter behind the other.
    Parameters(ParameterForm),
}

/// The texts around the two values of a call in JSON.
#[derive(Clone, Copy, Debug)]
pub struct JsonForm {
    /// Before the name.
    pub before_name: &'static str,
    /// Between the name and the arguments.
    pub before_arguments: &'static str,
    /// Behind the arguments.
    pub behind: &'static str,
}

/// The number of every call, for the templates that ask for one: a model makes one call at a time.
pub const CALL_ID: &str = "000000000";

/// A call as it was read, and how much text it took.
struct Call {
    tool: String,
    arguments: serde_json::Map<String, serde_json::Value>,
    /// Bytes up to the end of the closing mark.
    bytes: usize,
}

impl Family {
    /// The family of that name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<&'static Self> {
        FAMILIES.iter().find(|family| family.name == name)
    }

    /// The names of all families, for messages: `a`, `b`, `c`.
    #[must_use]
    pub fn names() -> String {
        let names: Vec<String> = FAMILIES.iter().map(|family| format!("`{}`", family.name)).collect();
        names.join(", ")
    }

    /// The family of a model with these traits, and [`GENERIC`] where none fits.
    #[must_use]
    pub fn detect(traits: &Traits<'_>) -> &'static Self {
        FAMILIES.iter().find(|family| family.signs.fit(traits)).unwrap_or(GENERIC)
    }

    /// Writes a call of a tool with arguments in JSON, the way a model of the family does.
    #[must_use]
    pub fn write_call(&self, tool: &str, arguments: &str) -> String {
        let Self { call_open, call_close, .. } = self;
        let body = match &self.body {
            Body::Json(form) => form.write(tool, arguments),
            Body::Parameters(form) => form.write(tool, arguments),
        };
        format!("{call_open}{body}{call_close}")
    }

    /// How a call looks, for a model that is told so.
    #[must_use]
    pub fn example(&self) -> String {
        match &self.body {
            Body::Json(form) => {
                let body = form.sketch("<function-name>", "<args-json-object>");
                format!("{}{body}{}", self.call_open, self.call_close)
            }
            Body::Parameters(_) => self.write_call("function-name", "{\"parameter-name\": 1}"),
        }
    }

    /// Reads a finished reply. Thought in front of it is left out, whatever it holds.
    ///
    /// `begin` says where the thought of this model begins; `tools` are those the model was offered,
    /// which forms without quotes are read by.
    #[must_use]
    pub fn parse(&self, text: &str, begin: ThoughtBegin, tools: &[ToolDefinition]) -> Reply {
        match thought::behind(text, begin) {
            Ok(text) => self.parse_said(text, tools),
            Err(what) => self.malformed(what),
        }
    }

    /// Reads a reply behind its thought.
    fn parse_said(&self, text: &str, tools: &[ToolDefinition]) -> Reply {
        let Some((before, rest)) = text.split_once(self.call_open) else {
            return self.parse_unmarked(text.trim());
        };
        if !before.trim().is_empty() {
            return self.malformed("text stands before the tool call");
        }
        let call = match (self.read)(self, rest, tools) {
            Ok(call) => call,
            Err(what) => return self.malformed(&what),
        };
        // Marks inside of the call's strings are text, so what follows counts from the call's end.
        let after = rest.get(call.bytes..).unwrap_or_default();
        if after.contains(self.call_open) {
            return self.malformed("the reply has more than one tool call");
        }
        if !after.trim().is_empty() {
            return self.malformed("text stands behind the tool call");
        }
        if call.tool.is_empty() {
            return self.malformed("the tool call names no tool");
        }
        Reply::Call { tool: call.tool, arguments: serde_json::Value::Object(call.arguments) }
    }

    /// Reads a reply without the mark of a call: white space may hide one where an object's begin is the
    /// mark.
    fn parse_unmarked(&self, text: &str) -> Reply {
        if text.is_empty() {
            return self.malformed("the reply is empty");
        }
        match llama3::whole_object(text).filter(|_| self.is_bare()) {
            Some((tool, arguments)) => Reply::Call { tool, arguments: serde_json::Value::Object(arguments) },
            None => Reply::Answer(text.to_owned()),
        }
    }

    /// Whether a call is a JSON object without marks around it, so that no answer may begin like one.
    #[must_use]
    pub fn is_bare(&self) -> bool {
        self.call_open.starts_with('{')
    }

    fn malformed(&self, what: &str) -> Reply {
        let sketch = self.sketch;
        Reply::Malformed(format!("{what}; write either one {sketch} and nothing else, or a plain answer"))
    }

    /// Every text that a vocabulary may have as one token and that the form of a call needs.
    pub fn marks(&self) -> impl Iterator<Item = &'static str> {
        let own: &[&str] = match self.body {
            Body::Json(_) => &[],
            Body::Parameters(form) => form.marks,
        };
        let call = [self.call_open, self.call_close].into_iter().filter(|mark| !mark.is_empty());
        // A template may begin a thought in any family.
        call.chain(own.iter().copied()).chain([THOUGHT_OPEN, THOUGHT_CLOSE])
    }
}
