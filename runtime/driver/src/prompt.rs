//! The conversation as the model is given it.

use everstep_core::{Run, Turn};
use everstep_model::{Message, ToolDefinition};
use everstep_tool::Toolbox;

/// Builds the messages of `run`: the system text, then every turn in order.
///
/// The head never changes within a run, and turns are only ever added unless the context is full: then
/// the oldest of them are pruned, behind the task. So the model's cache of everything said before keeps,
/// and over a pruning that of the head does.
pub(crate) fn messages(system: &str, run: &Run) -> Vec<Message> {
    let turns = run.turns.iter().map(|turn| match turn {
        Turn::Task(text) | Turn::Notice(text) => Message::User(text.clone()),
        Turn::Reply { tokens, text } => Message::Assistant { tokens: tokens.clone(), text: text.clone() },
        Turn::Result(text) => Message::Tool(text.clone()),
    });
    std::iter::once(Message::System(system.into())).chain(turns).collect()
}

/// The granted tools as the model sees them.
pub(crate) fn tools(tools: &Toolbox) -> Vec<ToolDefinition> {
    let definitions = tools.definitions().iter();
    definitions
        .map(|tool| ToolDefinition {
            name: tool.name.clone(),
            summary: tool.summary.clone(),
            arguments: tool.arguments.clone(),
        })
        .collect()
}
