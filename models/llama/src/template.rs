//! The model's own chat template, rendered so that nothing said can pass for markup.
//!
//! Each message's text goes in as a placeholder and is put back after the template's own text has been
//! cut off around it, so the two are tokenised apart. What stands in front of the first reply is rendered
//! as a whole; what follows each reply is rendered in a short conversation of its own, so that a prompt
//! always begins with the one before it. Leaves out tokens: `vocabulary` has them.

mod chat;
mod json;
mod pieces;
mod tools_text;

use std::collections::BTreeMap;

use everstep_model::{Family, Message, THOUGHT_CLOSE, THOUGHT_OPEN, ThoughtBegin, ToolDefinition};
use minijinja::{Environment, ErrorKind, Value, context, syntax::SyntaxConfig, value::Serde};
use serde_json::json;

pub(crate) use self::pieces::Piece;
use self::{
    chat::{Manner, ReplyForm, Results, SystemText, Users},
    pieces::{Marker, Segment, cut, fill},
};

/// A chat template that is known to render.
pub(crate) struct Template {
    environment: Environment<'static>,
    family: &'static Family,
    bos: String,
    eos: String,
    plan: Plan,
}

/// What the template can do, found out when it is loaded.
#[derive(Clone, Copy, Debug)]
struct Plan {
    system: SystemText,
    /// Whether it shows the tools.
    tools: ToolsShown,
    /// What it takes for "no tools".
    no_tools: NoTools,
    thought: ThoughtBegin,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum ToolsShown {
    ByTemplate,
    ByUs,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum NoTools {
    None,
    EmptyList,
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
    /// The template drops, repeats, reorders or changes a message, whatever is tried.
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

/// What follows a reply, as far as a template may care.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct TurnKind {
    is_call: bool,
    /// Whether each message behind the reply is a result, else it is the user's.
    results: Vec<bool>,
}

impl Template {
    /// Compiles `source` and renders short conversations with it, so that a template that can't be
    /// used is found before any work starts. `bos` and `eos` are the texts of the tokens of that name.
    pub(crate) fn new(
        source: &str,
        family: &'static Family,
        bos: String,
        eos: String,
    ) -> Result<Self, TemplateError> {
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
        let plan = Plan {
            system: SystemText::Role,
            tools: ToolsShown::ByTemplate,
            no_tools: NoTools::None,
            thought: ThoughtBegin::Never,
        };
        let mut template = Self { environment, family, bos, eos, plan };
        template.plan = template.find_plan()?;
        template.try_turns()?;
        Ok(template)
    }

    /// Where the thought of a reply begins.
    pub(crate) fn thought(&self) -> ThoughtBegin {
        self.plan.thought
    }

    /// What the template can't do and how it is done instead, a line each.
    pub(crate) fn workarounds(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if self.plan.system == SystemText::InUser {
            lines.push("it takes no system text, which goes in front of the first user message".to_owned());
        }
        if self.plan.tools == ToolsShown::ByUs {
            lines.push("it shows no tools, which are told in the system text".to_owned());
        }
        let turn = TurnKind { is_call: true, results: vec![true] };
        if let Ok((Manner { results: Results::AsUser, .. }, _)) = self.turn(&turn) {
            lines.push("results of tools come as user messages".to_owned());
        }
        lines
    }

    /// The prompt for the next reply, in pieces. It begins with the prompt of the reply before and that
    /// reply, token by token.
    pub(crate) fn render<'a>(
        &self,
        messages: &'a [Message],
        tools: &[ToolDefinition],
    ) -> Result<Vec<Piece<'a>>, TemplateError> {
        let is_reply = |message: &Message| matches!(message, Message::Assistant { .. });
        let first = messages.iter().position(is_reply).unwrap_or(messages.len());
        let (head, mut rest) = messages.split_at(first);
        let (segments, tools_text) = self.head(head, tools)?;
        let mut pieces = fill(&segments, head, tools_text.as_deref(), "");
        let mut turns: BTreeMap<TurnKind, Vec<Segment>> = BTreeMap::new();
        while let Some((Message::Assistant { tokens, text }, behind)) = rest.split_first() {
            let followers = behind.iter().position(is_reply).unwrap_or(behind.len());
            let (followers, next) = behind.split_at(followers);
            let called = self.tool_called(text);
            let results = followers.iter().map(|message| matches!(message, Message::Tool(_))).collect();
            let kind = TurnKind { is_call: called.is_some(), results };
            if !turns.contains_key(&kind) {
                let (_, segments) = self.turn(&kind)?;
                turns.insert(kind.clone(), segments);
            }
            let segments = turns.get(&kind).map(Vec::as_slice).unwrap_or_default();
            let is_known = !tokens.is_empty();
            pieces.push(if is_known { Piece::Reply(tokens) } else { Piece::Markup(self.reply_text(text)) });
            pieces.extend(fill(segments, followers, None, called.as_deref().unwrap_or_default()));
            rest = next;
        }
        Ok(pieces)
    }

    /// A reply of which only the text is known. The marks in it are the model's own: no one else's text
    /// gets here.
    fn reply_text(&self, text: &str) -> String {
        match (self.plan.thought, self.family.thought) {
            // The prompt in front of it ends inside of a thought that nobody knows.
            (ThoughtBegin::InPrompt, thought) if !text.contains(THOUGHT_CLOSE) => {
                format!("\n{THOUGHT_CLOSE}{}{text}", thought.map_or("\n\n", |thought| thought.gap))
            }
            _ => text.to_owned(),
        }
    }

    /// The tool a reply calls, by its text.
    fn tool_called(&self, text: &str) -> Option<String> {
        match self.family.parse(text, self.plan.thought, &[]) {
            everstep_model::Reply::Call { tool, .. } => Some(tool),
            _ => None,
        }
    }

    /// What stands in front of the first reply, and the tools where they are told by us.
    fn head(
        &self,
        head: &[Message],
        tools: &[ToolDefinition],
    ) -> Result<(Vec<Segment>, Option<String>), TemplateError> {
        let own_text = self.plan.tools == ToolsShown::ByUs && !tools.is_empty();
        let tools_text = own_text.then(|| tools_text::write(self.family, tools));
        let shown = if own_text { &[] } else { tools };
        let mut refused = None;
        for users in [Users::Apart, Users::Together] {
            let manner = Manner { system: self.plan.system, users, ..Manner::PLAIN };
            let chat = chat::head(head, manner, own_text);
            let cut = self.run(&chat, shown).and_then(|text| cut(&text, &markers(head, own_text)));
            match cut {
                Ok(segments) => return Ok((segments, tools_text)),
                Err(error) => refused = refused.or(Some(error)),
            }
        }
        Err(refused.unwrap_or(TemplateError::Message { message: "first" }))
    }

    /// What stands behind a reply, up to the next one, and how the template was brought to show it.
    fn turn(&self, kind: &TurnKind) -> Result<(Manner, Vec<Segment>), TemplateError> {
        let mut refused = None;
        // Where we tell the tools, we have said how results come.
        let preferred = match self.plan.tools {
            ToolsShown::ByTemplate => Results::AsTool,
            ToolsShown::ByUs => Results::AsUser,
        };
        let (first, then): (Vec<&Manner>, Vec<&Manner>) =
            Manner::TURNS.iter().partition(|manner| manner.results == preferred);
        for manner in first.into_iter().chain(then) {
            if manner.reply == ReplyForm::Call && (!kind.is_call || self.family.call_close.is_empty()) {
                continue;
            }
            let chat = chat::turn(&kind.results, *manner);
            let cut = self.run(&chat, &[]).and_then(|text| {
                let behind = behind_reply(&text, *manner, self.family)?;
                cut(behind, &turn_markers(&kind.results))
            });
            match cut {
                Ok(segments) => return Ok((*manner, segments)),
                Err(error) => refused = refused.or(Some(error)),
            }
        }
        Err(refused.unwrap_or(TemplateError::Message { message: "assistant" }))
    }

    fn run(&self, chat: &[serde_json::Value], tools: &[ToolDefinition]) -> Result<String, TemplateError> {
        let tools: Vec<serde_json::Value> = tools.iter().map(describe).collect();
        // Templates ask `if tools`, and some tell an empty list from none.
        let tools = match self.plan.no_tools {
            NoTools::None if tools.is_empty() => Value::from(()),
            _ => Value::from(Serde(&tools)),
        };
        let rendered = self.environment.get_template(NAME).and_then(|template| {
            template.render(context! {
                messages => Value::from(Serde(chat)),
                tools => tools,
                add_generation_prompt => true,
                bos_token => &self.bos,
                eos_token => &self.eos,
            })
        });
        rendered.map_err(|error| render_error(&error))
    }

    /// Finds out what the template can do.
    fn find_plan(&mut self) -> Result<Plan, TemplateError> {
        let head = [Message::System("x".to_owned()), Message::User("x".to_owned())];
        let mut refused = None;
        for system in [SystemText::Role, SystemText::InUser] {
            for no_tools in [NoTools::None, NoTools::EmptyList] {
                self.plan = Plan { system, no_tools, tools: ToolsShown::ByTemplate, ..self.plan };
                let (segments, _) = match self.head(&head, &[]) {
                    Ok(head) => head,
                    Err(error) => {
                        refused = refused.or(Some(error));
                        continue;
                    }
                };
                let thought = self.thought_behind(&segments);
                let tools = self.tools_shown(&head);
                self.plan = Plan { tools, thought, ..self.plan };
                // Told by us or not, they must find their place.
                self.head(&head, &[probe()])?;
                return Ok(self.plan);
            }
        }
        Err(refused.unwrap_or(TemplateError::Message { message: "system" }))
    }

    /// Whether the template shows a tool. How much of it is the template's business.
    fn tools_shown(&self, head: &[Message]) -> ToolsShown {
        let Ok((segments, _)) = self.head(head, &[probe()]) else { return ToolsShown::ByUs };
        let shows = |segment: &Segment| matches!(segment, Segment::Text(text) if text.contains(PROBE_NAME));
        if segments.iter().any(shows) { ToolsShown::ByTemplate } else { ToolsShown::ByUs }
    }

    fn thought_behind(&self, head: &[Segment]) -> ThoughtBegin {
        let end = match head.last() {
            Some(Segment::Text(text)) => text.trim_end(),
            _ => "",
        };
        if end.ends_with(THOUGHT_OPEN) {
            ThoughtBegin::InPrompt
        } else if end.ends_with(THOUGHT_CLOSE) || self.family.thought.is_none() {
            ThoughtBegin::Never
        } else {
            ThoughtBegin::InReply
        }
    }

    /// Tries what a run may come to.
    fn try_turns(&self) -> Result<(), TemplateError> {
        let turns: [(bool, &[bool]); 4] =
            [(true, &[true]), (false, &[true]), (false, &[false]), (true, &[true, false])];
        for (is_call, results) in turns {
            self.turn(&TurnKind { is_call, results: results.to_vec() })?;
        }
        Ok(())
    }
}

/// The text behind the reply, where the conversation goes on.
fn behind_reply<'t>(text: &'t str, manner: Manner, family: &Family) -> Result<&'t str, TemplateError> {
    let wrong = TemplateError::Message { message: "assistant" };
    let marker = Marker::Reply.to_string();
    let Some((_, behind)) = text.split_once(&marker) else { return Err(wrong) };
    if behind.contains(&marker) {
        return Err(wrong);
    }
    match manner.reply {
        ReplyForm::Text => Ok(behind),
        // What ends the call belongs to the reply.
        ReplyForm::Call => behind.split_once(family.call_close).map(|(_, behind)| behind).ok_or(wrong),
    }
}

/// The placeholders of a head, in order, each with the name of its message.
fn markers(head: &[Message], own_tools: bool) -> Vec<(Marker, &'static str)> {
    let mut markers: Vec<_> =
        head.iter().enumerate().map(|(number, message)| (Marker::Message(number), role(message))).collect();
    if own_tools {
        let behind_system = usize::from(matches!(head.first(), Some(Message::System(_))));
        markers.insert(behind_system, (Marker::Tools, "system"));
    }
    markers
}

fn turn_markers(results: &[bool]) -> Vec<(Marker, &'static str)> {
    let name = |&is_result: &bool| if is_result { "tool" } else { "user" };
    results.iter().map(name).enumerate().map(|(number, name)| (Marker::Message(number), name)).collect()
}

fn role(message: &Message) -> &'static str {
    match message {
        Message::System(_) => "system",
        Message::User(_) => "user",
        Message::Assistant { .. } => "assistant",
        Message::Tool(_) => "tool",
    }
}

const PROBE_NAME: &str = "read_probe";

/// A tool that a template is tried with.
fn probe() -> ToolDefinition {
    ToolDefinition {
        name: PROBE_NAME.to_owned(),
        summary: "Reads one probe.".to_owned(),
        arguments: json!({
            "type": "object",
            "properties": {"number": {"type": "integer"}},
            "required": ["number"],
        }),
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

#[expect(clippy::needless_pass_by_value, reason = "the form of a template's function")]
fn raise_exception(message: String) -> Result<Value, minijinja::Error> {
    Err(minijinja::Error::new(ErrorKind::InvalidOperation, format!("it refuses the messages: {message}")))
}

fn render_error(error: &minijinja::Error) -> TemplateError {
    TemplateError::Render { reason: error.to_string() }
}

#[cfg(test)]
mod tests;
