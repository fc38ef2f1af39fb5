//! The Hermes form, as Qwen 2.5 writes it: `<tool_call>`, a line of JSON, `</tool_call>`.
//!
//! Leaves out several calls in one reply and text beside a call: a step of an agent is one call or
//! one answer, so both are refused in words the model can act on.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::Family;
use crate::Reply;

/// Qwen 2.5, Hermes 2 and 3, and the bundled model.
pub const FAMILY: Family = Family { name: "hermes", call_open: OPEN, call_close: CLOSE, parse, write_call };

const OPEN: &str = "<tool_call>";
const CLOSE: &str = "</tool_call>";

/// What stands between the marks.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    name: String,
    arguments: Map<String, Value>,
}

fn write_call(tool: &str, arguments: &str) -> String {
    // A tool's name is a JSON string like any other.
    let name = Value::from(tool);
    format!("{OPEN}\n{{\"name\": {name}, \"arguments\": {arguments}}}\n{CLOSE}")
}

fn parse(text: &str) -> Reply {
    let Some((before, rest)) = text.split_once(OPEN) else {
        if text.trim().is_empty() {
            return malformed("the reply is empty");
        }
        return Reply::Answer(text.trim().to_owned());
    };
    if !before.trim().is_empty() {
        return malformed("text stands before the tool call");
    }
    let mut bodies = serde_json::Deserializer::from_str(rest).into_iter::<Body>();
    let body = match bodies.next() {
        Some(Ok(body)) => body,
        Some(Err(error)) => {
            return malformed(&format!("the tool call is not valid JSON of the right form: {error}"));
        }
        None => return malformed("the tool call is empty, which is not valid JSON"),
    };
    // Marks inside of the JSON's strings are text, so what follows counts from the JSON's end.
    let behind = rest.get(bodies.byte_offset()..).unwrap_or_default();
    let Some(after) = behind.trim_start().strip_prefix(CLOSE) else {
        return malformed("the tool call's JSON is not followed by </tool_call>");
    };
    if after.contains(OPEN) {
        return malformed("the reply has more than one tool call");
    }
    if !after.trim().is_empty() {
        return malformed("text stands behind the tool call");
    }
    if body.name.is_empty() {
        return malformed("the tool call names no tool");
    }
    Reply::Call { tool: body.name, arguments: Value::Object(body.arguments) }
}

fn malformed(what: &str) -> Reply {
    Reply::Malformed(format!(
        "{what}; write either one <tool_call> with {{\"name\": ..., \"arguments\": {{...}}}} and nothing \
         else, or a plain answer"
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn is_malformed(text: &str, word: &str) {
        match parse(text) {
            Reply::Malformed(why) => assert!(why.contains(word), "{text:?} gave {why:?}"),
            other => panic!("{text:?} was read as {other:?}"),
        }
    }

    #[test]
    fn written_call_reads_back() {
        for (tool, arguments) in [
            ("read_room", json!({})),
            ("set_fan", json!({"percent": 100})),
            ("log", json!({"text": "line\nwith \"quotes\" and \u{1f9ca}"})),
            ("log", json!({"text": "</tool_call> <tool_call>"})),
            ("odd \"name\"", json!({"a": [1, {"b": null}]})),
        ] {
            let text = write_call(tool, &arguments.to_string());
            assert_eq!(parse(&text), Reply::Call { tool: tool.to_owned(), arguments });
        }
    }

    #[test]
    fn written_call_has_the_form_wren_is_trained_on() {
        let text = write_call("set_fan", "{\"percent\": 100}");
        let expected =
            "<tool_call>\n{\"name\": \"set_fan\", \"arguments\": {\"percent\": 100}}\n</tool_call>";
        assert_eq!(text, expected);
    }

    #[test]
    fn reply_without_a_call_is_the_answer() {
        let text = "The air is at -18.6 C.\n";
        assert_eq!(parse(text), Reply::Answer("The air is at -18.6 C.".to_owned()));
        // A closing mark or JSON alone opens no call.
        for text in ["{\"name\": \"run_defrost\"}", "</tool_call>", "< tool_call>"] {
            assert_eq!(parse(text), Reply::Answer(text.to_owned()));
        }
    }

    #[test]
    fn anything_but_exactly_one_well_formed_call_is_malformed() {
        let call = write_call("read_room", "{}");
        is_malformed("", "empty");
        is_malformed(" \n", "empty");
        is_malformed(&format!("I will read. {call}"), "before");
        is_malformed(&format!("{call} done"), "behind");
        is_malformed(&format!("{call}\n{call}"), "more than one");
        is_malformed("<tool_call>\n{\"name\": \"read_room\", \"arguments\": {}}\n", "not followed");
        for body in [
            "",
            "read_room",
            "{\"name\": \"read_room\"}",
            "{\"name\": 3, \"arguments\": {}}",
            "{\"name\": \"read_room\", \"arguments\": []}",
            "{\"name\": \"read_room\", \"arguments\": \"{}\"}",
            "{\"name\": \"read_room\", \"arguments\": {}, \"id\": 1}",
            "{\"name\": \"a\", \"name\": \"b\", \"arguments\": {}}",
            "{\"name\": \"read_room\", \"arguments\": {}} {}",
            "[{\"name\": \"read_room\", \"arguments\": {}}]",
        ] {
            is_malformed(&format!("<tool_call>\n{body}\n</tool_call>"), "JSON");
        }
        is_malformed("<tool_call>{\"name\": \"\", \"arguments\": {}}</tool_call>", "names no tool");
    }

    #[test]
    fn very_deep_arguments_are_malformed_rather_than_a_stack_overflow() {
        let deep = format!("{{\"a\": {}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        is_malformed(&write_call("log", &deep), "JSON");
    }
}
