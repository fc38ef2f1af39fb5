//! One case: a request, the tools in reach, and what would be right. One JSON object a line.
//!
//! Leaves out files: `read` has them.

use everstep_model::{Message, ToolDefinition};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::expect::{ExpectedCall, Wrong};

/// One case.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// Its name, the only one in its file.
    pub id: String,
    /// Group it is counted in, where the file says so.
    pub kind: Option<String>,
    /// What was said, up to where the model is asked: replies and results of earlier steps, too.
    pub messages: Vec<Message>,
    /// The tools the model may call.
    pub tools: Vec<ToolDefinition>,
    /// What would be right.
    pub want: Want,
}

/// What would be right.
#[derive(Clone, Debug, PartialEq)]
pub enum Want {
    /// These calls in this order, at least one.
    Calls(Vec<ExpectedCall>),
    /// An answer, and no call.
    NoCall,
}

/// Why a line is no case.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CaseError {
    /// The line is no JSON.
    #[error("it is not JSON, column {column}: {reason}")]
    Json {
        /// Where, from 1.
        column: usize,
        /// What is wrong.
        reason: String,
    },
    /// The JSON is no case: an unknown or missing key, or a value of another type.
    #[error("it is no case, column {column}: {reason}")]
    Form {
        /// Where, from 1.
        column: usize,
        /// What is wrong.
        reason: String,
    },
    /// `request` and `messages` are both there, or both missing.
    #[error("it needs either `request` or `messages`")]
    Request,
    /// The messages do not lead up to a reply.
    #[error("`messages` {what}")]
    Messages {
        /// What is wrong.
        what: &'static str,
    },
    /// `expect` and `expect_none` are both there, or both missing, or say nothing.
    #[error("it needs either `expect` with at least one call, or `expect_none`: true")]
    Want,
    /// More calls than a case may expect.
    #[error("it expects {calls} calls; at most {CALLS_MAX} are played")]
    TooManyCalls {
        /// Calls it expects.
        calls: usize,
    },
    /// An expected value is not in the right form.
    #[error("`{place}` {what}")]
    Expected {
        /// Which value.
        place: String,
        /// What is wrong.
        what: &'static str,
    },
    /// A call of a tool that isn't there could never be made.
    #[error("it expects a call of `{name}`, which is not among its tools")]
    UnknownTool {
        /// The tool.
        name: String,
    },
}

/// Most calls a case may expect.
pub(crate) const CALLS_MAX: usize = 64;

impl Case {
    /// Reads one line.
    ///
    /// # Errors
    ///
    /// [`CaseError`] says what is wrong, and where.
    pub fn parse(line: &str) -> Result<Self, CaseError> {
        let line: Line = serde_json::from_str(line).map_err(|error| {
            let (column, reason) = (error.column(), reason(&error));
            if error.is_data() {
                CaseError::Form { column, reason }
            } else {
                CaseError::Json { column, reason }
            }
        })?;
        let messages = match (line.request, line.messages) {
            (Some(request), None) => vec![Message::User(request)],
            (None, Some(messages)) => messages_of(messages)?,
            _ => return Err(CaseError::Request),
        };
        let tools: Vec<ToolDefinition> = line.tools.into_iter().map(|tool| tool.function.into()).collect();
        let want = match (line.expect, line.expect_none) {
            (Some(calls), None) if !calls.is_empty() => Want::Calls(expected(calls, &tools)?),
            (None, Some(true)) => Want::NoCall,
            _ => return Err(CaseError::Want),
        };
        Ok(Self { id: line.id, kind: line.kind, messages, tools, want })
    }

    /// Calls that would be right; 0 where none is.
    #[must_use]
    pub fn calls_wanted(&self) -> usize {
        match &self.want {
            Want::Calls(calls) => calls.len(),
            Want::NoCall => 0,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    id: String,
    kind: Option<String>,
    request: Option<String>,
    messages: Option<Vec<LineMessage>>,
    tools: Vec<LineTool>,
    expect: Option<Vec<LineCall>>,
    expect_none: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LineMessage {
    role: Role,
    content: String,
}

#[derive(Clone, Copy, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Role {
    System,
    User,
    Assistant,
    Tool,
}

/// A function object in the form `OpenAI` gave it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LineTool {
    #[serde(rename = "type")]
    _type: ToolType,
    function: Function,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum ToolType {
    Function,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Function {
    name: String,
    #[serde(default)]
    description: String,
    parameters: Option<Value>,
    /// Asks for what the constraint does anyway.
    #[serde(rename = "strict")]
    _strict: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LineCall {
    name: String,
    arguments: Map<String, Value>,
}

impl From<Function> for ToolDefinition {
    fn from(function: Function) -> Self {
        let Function { name, description, parameters, .. } = function;
        let none = || json!({"type": "object", "properties": {}, "additionalProperties": false});
        Self { name, summary: description, arguments: parameters.unwrap_or_else(none) }
    }
}

fn messages_of(lines: Vec<LineMessage>) -> Result<Vec<Message>, CaseError> {
    let wrong = |what| Err(CaseError::Messages { what });
    if lines.iter().skip(1).any(|line| line.role == Role::System) {
        return wrong("has a system message that is not the first");
    }
    if lines.last().is_none_or(|line| !matches!(line.role, Role::User | Role::Tool)) {
        return wrong("does not end in a user's message or a tool's result");
    }
    if lines.windows(2).any(
        |pair| matches!(pair, [before, line] if line.role == Role::Tool && before.role != Role::Assistant),
    ) {
        return wrong("has a tool's result without a call before it");
    }
    let messages = lines.into_iter().map(|line| match line.role {
        Role::System => Message::System(line.content),
        Role::User => Message::User(line.content),
        Role::Assistant => Message::Assistant { tokens: Vec::new(), text: line.content },
        Role::Tool => Message::Tool(line.content),
    });
    Ok(messages.collect())
}

fn expected(calls: Vec<LineCall>, tools: &[ToolDefinition]) -> Result<Vec<ExpectedCall>, CaseError> {
    if calls.len() > CALLS_MAX {
        return Err(CaseError::TooManyCalls { calls: calls.len() });
    }
    let read = calls.into_iter().enumerate().map(|(number, call)| {
        if !tools.iter().any(|tool| tool.name == call.name) {
            return Err(CaseError::UnknownTool { name: call.name });
        }
        let place = format!("expect[{number}].arguments");
        ExpectedCall::read(call.name, &call.arguments, &place)
            .map_err(|Wrong { place, what }| CaseError::Expected { place, what })
    });
    read.collect()
}

/// What serde says, without the line: it only saw one.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    text.strip_suffix(&place).unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests;
