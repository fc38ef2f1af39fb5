//! The Hermes form, as Qwen 2.5 writes it: `<tool_call>`, a line of JSON, `</tool_call>`.
//!
//! Also the generic form: models that were trained for none are told to write this one. Leaves out
//! several calls in one reply and text beside a call: a step of an agent is one call or one answer, so
//! both are refused in words the model can act on.

use super::{Body, Call, Family, JsonForm, Signs, Thought, json};
use crate::ToolDefinition;

/// Qwen 2.5, Hermes 2 and 3, and the bundled model.
pub(super) const FAMILY: Family = Family {
    name: "hermes",
    models: "Qwen 2.5, Hermes 2 and 3, wren",
    call_open: OPEN,
    call_close: CLOSE,
    body: Body::Json(JsonForm {
        before_name: "\n{\"name\": ",
        before_arguments: ", \"arguments\": ",
        behind: "}\n",
    }),
    thought: None,
    sketch: "<tool_call> with {\"name\": ..., \"arguments\": {...}}",
    // The bundled model's template shows no call, but its vocabulary has the mark.
    signs: Signs { mark: Some(OPEN), ..Signs::ANY },
    read,
};

/// Qwen 3, which may think before.
pub(super) const QWEN3: Family = Family {
    name: "qwen3",
    models: "Qwen 3",
    thought: Some(Thought { gap: "\n\n" }),
    signs: Signs { template: &[OPEN, "</think>"], ..Signs::ANY },
    ..FAMILY
};

/// `SmolLM3`, whose published template may leave its tools out.
pub(super) const SMOLLM3: Family = Family {
    name: "smollm3",
    models: "SmolLM3",
    thought: Some(Thought { gap: "\n" }),
    signs: Signs { template: &["SmolLM", "</think>"], ..Signs::ANY },
    ..FAMILY
};

/// Granite 4.
pub(super) const GRANITE4: Family = Family {
    name: "granite4",
    models: "Granite 3.3 and 4",
    signs: Signs { template: &["<|start_of_role|>", OPEN], ..Signs::ANY },
    ..FAMILY
};

/// Phi 3.5, which was trained for no calls.
pub(super) const PHI3: Family = Family {
    name: "phi3",
    models: "Phi 3 and 3.5",
    signs: Signs { template: &["<|end|>", "<|assistant|>"], ..Signs::ANY },
    ..FAMILY
};

/// Gemma 2, which was trained for no calls and knows no system text.
pub(super) const GEMMA2: Family = Family {
    name: "gemma2",
    models: "Gemma 2 and 3",
    signs: Signs { template: &["<start_of_turn>"], ..Signs::ANY },
    ..FAMILY
};

/// Models of no known family.
pub(super) const GENERIC: Family =
    Family { name: "generic", models: "any other", signs: Signs::ANY, ..FAMILY };

const OPEN: &str = "<tool_call>";
const CLOSE: &str = "</tool_call>";

fn read(family: &Family, text: &str, _: &[ToolDefinition]) -> Result<Call, String> {
    json::read_marked(family, text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{Reply, ThoughtBegin};

    fn parse(text: &str) -> Reply {
        FAMILY.parse(text, ThoughtBegin::Never, &[])
    }

    fn write_call(tool: &str, arguments: &str) -> String {
        FAMILY.write_call(tool, arguments)
    }

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
