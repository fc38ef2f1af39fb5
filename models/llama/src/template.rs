//! The model's own chat template, rendered so that nothing said can pass for markup.
//!
//! Each message's text goes in as a placeholder and is put back after the template's own text has been
//! cut off around it, so the two are tokenised apart. Leaves out tokens: `vocabulary` has them.

mod json;

use everstep_core::TokenId;
use everstep_model::{Message, ToolDefinition};
use minijinja::{Environment, ErrorKind, Value, context, syntax::SyntaxConfig, value::Serde};
use serde::Serialize;
use serde_json::json;

/// A chat template that is known to render.
pub(crate) struct Template {
    environment: Environment<'static>,
    bos: String,
    eos: String,
}

/// A part of a prompt.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Piece<'a> {
    /// Text of the template: markup counts.
    Markup(String),
    /// Text of a message: markup is text.
    Content(&'a str),
    /// An earlier reply: the very tokens that were sampled.
    Reply(&'a [TokenId]),
}

/// Why a template can't be used.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// The template is no Jinja we can run, or refused the messages.
    #[error("the chat template does not render: {reason}")]
    Render {
        /// What minijinja says, with the line.
        reason: String,
    },
    /// The template drops, repeats, reorders or changes a message.
    #[error("the chat template does not show the {message} message exactly once and in order")]
    Message {
        /// Which message.
        message: &'static str,
    },
}

/// Steps a template may take: about ten thousand messages' worth, and an end to any loop.
const FUEL: u64 = 2_000_000;
/// Longest template that is compiled.
const TEMPLATE_BYTES_MAX: usize = 256 * 1024;
/// The name the template is kept under.
const NAME: &str = "chat";
/// Private-use characters around a placeholder's number.
const OPEN: char = '\u{F5C0}';
const CLOSE: char = '\u{F5C1}';

#[derive(Serialize)]
struct ChatMessage {
    role: &'static str,
    content: String,
}

impl Template {
    /// Compiles `source` and renders a short conversation with it, so that a template that can't be
    /// used is found before any work starts. `bos` and `eos` are the texts of the tokens of that name.
    pub(crate) fn new(source: &str, bos: String, eos: String) -> Result<Self, TemplateError> {
        if source.len() > TEMPLATE_BYTES_MAX {
            let reason = format!("it has {} bytes; at most {TEMPLATE_BYTES_MAX} are read", source.len());
            return Err(TemplateError::Render { reason });
        }
        let mut environment = Environment::new();
        // The settings chat templates are written for.
        let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
        environment.set_syntax(syntax.map_err(|error| render_error(&error))?);
        environment.set_fuel(Some(FUEL));
        environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.add_filter("tojson", json::filter);
        environment.add_function("raise_exception", raise_exception);
        environment.add_template_owned(NAME, source.to_owned()).map_err(|error| render_error(&error))?;
        let template = Self { environment, bos, eos };
        template.try_out()?;
        Ok(template)
    }

    /// The prompt for the next reply, in pieces.
    pub(crate) fn render<'a>(
        &self,
        messages: &'a [Message],
        tools: &[ToolDefinition],
    ) -> Result<Vec<Piece<'a>>, TemplateError> {
        let placeholders: Vec<ChatMessage> = messages
            .iter()
            .enumerate()
            .map(|(number, message)| ChatMessage { role: role(message), content: placeholder(number) })
            .collect();
        let tools: Vec<serde_json::Value> = tools.iter().map(describe).collect();
        // Templates ask `if tools`, and some tell an empty list from none.
        let tools = if tools.is_empty() { Value::from(()) } else { Value::from(Serde(&tools)) };
        let text = self
            .environment
            .get_template(NAME)
            .and_then(|template| {
                template.render(context! {
                    messages => Value::from(Serde(&placeholders)),
                    tools => tools,
                    add_generation_prompt => true,
                    bos_token => &self.bos,
                    eos_token => &self.eos,
                })
            })
            .map_err(|error| render_error(&error))?;
        split(&text, messages)
    }

    fn try_out(&self) -> Result<(), TemplateError> {
        let reply = || Message::Assistant { tokens: vec![0], text: String::new() };
        let text = || "x".to_owned();
        let messages = [
            Message::System(text()),
            Message::User(text()),
            reply(),
            Message::Tool(text()),
            Message::User(text()),
            reply(),
            Message::Tool(text()),
        ];
        let tool = ToolDefinition {
            name: "read".to_owned(),
            summary: "Read.".to_owned(),
            arguments: json!({"type": "object", "properties": {"count": {"type": "integer"}}}),
        };
        self.render(&messages, &[tool])?;
        self.render(messages.get(..2).unwrap_or_default(), &[]).map(drop)
    }
}

fn role(message: &Message) -> &'static str {
    match message {
        Message::System(_) => "system",
        Message::User(_) => "user",
        Message::Assistant { .. } => "assistant",
        Message::Tool(_) => "tool",
    }
}

/// A tool in the form of `OpenAI`'s function objects, which templates expect.
fn describe(tool: &ToolDefinition) -> serde_json::Value {
    json!({
        "type": "function",
        "function": {
            "name": tool.name,
            "description": tool.summary,
            "parameters": tool.arguments,
        },
    })
}

fn placeholder(number: usize) -> String {
    format!("{OPEN}{number}{CLOSE}")
}

/// Cuts `text` at the placeholders and puts the messages back in their place.
fn split<'a>(text: &str, messages: &'a [Message]) -> Result<Vec<Piece<'a>>, TemplateError> {
    let mut pieces = Vec::with_capacity(messages.len().saturating_mul(2).saturating_add(1));
    let mut rest = text;
    for (number, message) in messages.iter().enumerate() {
        let wrong = TemplateError::Message { message: role(message) };
        let Some((before, behind)) = rest.split_once(&placeholder(number)) else { return Err(wrong) };
        if has_placeholder(before) {
            return Err(wrong);
        }
        rest = behind;
        pieces.push(Piece::Markup(before.to_owned()));
        pieces.push(match message {
            Message::System(text) | Message::User(text) | Message::Tool(text) => Piece::Content(text),
            // The marks in it are the model's own: no one else's text gets here.
            Message::Assistant { tokens, text } if tokens.is_empty() => Piece::Markup(text.clone()),
            Message::Assistant { tokens, .. } => Piece::Reply(tokens),
        });
    }
    if has_placeholder(rest) {
        return Err(TemplateError::Message { message: messages.last().map_or("first", role) });
    }
    pieces.push(Piece::Markup(rest.to_owned()));
    Ok(pieces)
}

fn has_placeholder(text: &str) -> bool {
    text.contains([OPEN, CLOSE])
}

#[expect(clippy::needless_pass_by_value, reason = "the form of a template's function")]
fn raise_exception(message: String) -> Result<Value, minijinja::Error> {
    Err(minijinja::Error::new(ErrorKind::InvalidOperation, format!("it refuses the messages: {message}")))
}

fn render_error(error: &minijinja::Error) -> TemplateError {
    TemplateError::Render { reason: error.to_string() }
}

#[cfg(test)]
mod tests;
