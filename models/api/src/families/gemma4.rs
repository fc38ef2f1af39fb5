//! The form of Gemma 4: `call:tool{parameter:value}`, strings between marks of their own.
//!
//! Leaves out its thought, which its template turns off.

use super::{Body, Family, ParameterForm, Signs, Values, parameters};

/// Gemma 4.
pub(super) const FAMILY: Family = Family {
    name: "gemma4",
    models: "Gemma 4",
    call_open: "<|tool_call>",
    call_close: "<tool_call|>",
    body: Body::Parameters(ParameterForm {
        before_name: "call:",
        after_name: "{",
        before_key: "",
        after_key: ":",
        after_value: "",
        separator: ",",
        behind: "}",
        values: Values::Between(QUOTE, QUOTE),
        marks: &[QUOTE],
    }),
    thought: None,
    sketch: "<|tool_call>call:tool{parameter:value}<tool_call|>",
    signs: Signs { template: &["<|tool_call>"], ..Signs::ANY },
    read: parameters::read,
};

const QUOTE: &str = "<|\"|>";
