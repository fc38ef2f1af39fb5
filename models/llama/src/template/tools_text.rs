//! The tools as text, for templates that do not show them.

use std::fmt::Write as _;

use everstep_model::{Family, ToolDefinition};

use super::{describe, json};

/// Tells the tools and how to call one, close to the words that Hermes and Qwen 2.5 were trained with.
pub(super) fn write(family: &Family, tools: &[ToolDefinition]) -> String {
    let mut text = String::from(
        "# Tools\n\nYou may call one function at a time to assist with the user query.\n\nYou are provided \
         with function signatures within <tools></tools> XML tags:\n<tools>",
    );
    for tool in tools {
        let _ = write!(text, "\n{}", json::line(&describe(tool)));
    }
    let _ = write!(
        text,
        "\n</tools>\n\nTo call a function, reply with its name and its arguments in this form and nothing \
         else:\n{}\n\nWhat it returns follows within <tool_response></tool_response> XML tags. Where no \
         function is needed, answer in plain words.",
        family.example()
    );
    text
}
