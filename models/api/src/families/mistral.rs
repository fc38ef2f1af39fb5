//! The form of Mistral Nemo: `[TOOL_CALLS]`, then a list with one JSON object.
//!
//! The call's number is always the same: a model makes one call at a time. Leaves out the form of later
//! models, `[TOOL_CALLS]name[ARGS]{...}`.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Body, Call, Family, JsonForm, Signs, json};
use crate::ToolDefinition;

/// Mistral Nemo and others of its time.
pub(super) const FAMILY: Family = Family {
    name: "mistral",
    models: "Mistral Nemo, Mistral 7B v0.3",
    call_open: "[TOOL_CALLS]",
    call_close: "]",
    body: Body::Json(JsonForm {
        before_name: "[{\"name\": ",
        before_arguments: ", \"arguments\": ",
        behind: ", \"id\": \"000000000\"}",
    }),
    thought: None,
    sketch: "[TOOL_CALLS][{\"name\": ..., \"arguments\": {...}}]",
    signs: Signs { template: &["[TOOL_CALLS]"], lacks: Some("[ARGS]"), ..Signs::ANY },
    read,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Numbered {
    name: String,
    arguments: Map<String, Value>,
    #[serde(default, rename = "id")]
    _id: Option<String>,
}

impl From<Numbered> for (String, Map<String, Value>) {
    fn from(call: Numbered) -> Self {
        (call.name, call.arguments)
    }
}

fn read(family: &Family, text: &str, _: &[ToolDefinition]) -> Result<Call, String> {
    let Some(list) = text.trim_start().strip_prefix('[') else {
        return Err("the tool call is no JSON list".to_owned());
    };
    let (tool, arguments, end) = json::object::<Numbered>(list)?;
    if list.get(end..).unwrap_or_default().trim_start().starts_with(',') {
        return Err("the reply has more than one tool call".to_owned());
    }
    let before = text.len().saturating_sub(list.len());
    json::closed(family, text, before.saturating_add(end)).map(|bytes| Call { tool, arguments, bytes })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{CALL_ID, Reply, ThoughtBegin};

    fn parse(text: &str) -> Reply {
        FAMILY.parse(text, ThoughtBegin::Never, &[])
    }

    #[test]
    fn call_reads_back_with_and_without_its_number() {
        let text = FAMILY.write_call("log", "{\"text\": \"]} [TOOL_CALLS]\"}");
        assert!(text.contains(CALL_ID));
        let call = Reply::Call { tool: "log".to_owned(), arguments: json!({"text": "]} [TOOL_CALLS]"}) };
        assert_eq!(parse(&text), call);
        assert_eq!(parse(&text.replace(", \"id\": \"000000000\"", "")), call);
    }

    #[test]
    fn lists_of_none_or_several_calls_are_malformed() {
        let one = "{\"name\": \"read_room\", \"arguments\": {}}";
        for (text, word) in [
            ("[TOOL_CALLS][]".to_owned(), "JSON"),
            (format!("[TOOL_CALLS][{one}, {one}]"), "more than one"),
            (format!("[TOOL_CALLS][{one}]\n[TOOL_CALLS][{one}]"), "more than one"),
            (format!("[TOOL_CALLS][{one}"), "not followed"),
            (format!("[TOOL_CALLS]{one}"), "list"),
            (format!("So: [TOOL_CALLS][{one}]"), "before"),
        ] {
            assert!(matches!(parse(&text), Reply::Malformed(why) if why.contains(word)), "{text}");
        }
    }
}
