//! The Llama 3 form: a bare JSON object, `{"name": ..., "parameters": {...}}`.
//!
//! No mark opens a call, so the object's begin does. Leaves out the built-in tools of `ipython`.

use serde_json::{Map, Value};

use super::{Body, Call, Family, JsonForm, Signs, json};
use crate::ToolDefinition;

/// Llama 3.1 and 3.2.
pub(super) const FAMILY: Family = Family {
    name: "llama3",
    models: "Llama 3.1, 3.2 and 3.3",
    call_open: OPEN,
    call_close: "",
    body: Body::Json(JsonForm { before_name: "", before_arguments: ", \"parameters\": ", behind: "}" }),
    thought: None,
    sketch: "{\"name\": ..., \"parameters\": {...}}",
    signs: Signs { template: &["<|start_header_id|>", "\"parameters\": "], ..Signs::ANY },
    read,
};

const OPEN: &str = "{\"name\": ";

fn read(_: &Family, text: &str, _: &[ToolDefinition]) -> Result<Call, String> {
    // The object begins with the mark that was cut off.
    let whole = format!("{OPEN}{text}");
    let (tool, arguments, end) = json::object::<json::WithParameters>(&whole)?;
    Ok(Call { tool, arguments, bytes: end.saturating_sub(OPEN.len()) })
}

/// A call that is the whole of `text`, whatever its white space and the order of its keys.
pub(super) fn whole_object(text: &str) -> Option<(String, Map<String, Value>)> {
    let (tool, arguments, end) = json::object::<json::WithParameters>(text).ok()?;
    (end == text.len()).then_some((tool, arguments))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{Reply, ThoughtBegin};

    fn parse(text: &str) -> Reply {
        FAMILY.parse(text, ThoughtBegin::Never, &[])
    }

    #[test]
    fn call_has_the_form_of_the_template() {
        let text = FAMILY.write_call("set_fan", "{\"percent\": 100}");
        assert_eq!(text, "{\"name\": \"set_fan\", \"parameters\": {\"percent\": 100}}");
        let call = Reply::Call { tool: "set_fan".to_owned(), arguments: json!({"percent": 100}) };
        assert_eq!(parse(&text), call);
        assert_eq!(parse(&format!("\n{text} ")), call);
    }

    #[test]
    fn text_beside_a_call_and_a_second_call_are_malformed() {
        let call = FAMILY.write_call("read_room", "{}");
        for (text, word) in [
            (format!("I read. {call}"), "before"),
            (format!("{call} done"), "behind"),
            (format!("{call}; {call}"), "more than one"),
            ("{\"name\": \"read_room\"}".to_owned(), "JSON"),
            ("{\"name\": \"read_room\", \"arguments\": {}}".to_owned(), "JSON"),
        ] {
            assert!(matches!(parse(&text), Reply::Malformed(why) if why.contains(word)), "{text}");
        }
        let loose = "{\"parameters\":{}, \"name\":\"read_room\"}";
        assert_eq!(parse(loose), parse(&call));
        assert_eq!(parse("{\"air\": 2}"), Reply::Answer("{\"air\": 2}".to_owned()));
    }
}
