//! The form of Qwen 3.5: a function and its parameters in XML's manner, values as they are.
//!
//! Also Qwen 3 Coder's. Its prompt ends inside of the thought.

use super::{Body, Family, ParameterForm, Signs, Thought, Values, parameters};

/// Qwen 3.5 and Qwen 3 Coder.
pub(super) const FAMILY: Family = Family {
    name: "qwen3.5",
    models: "Qwen 3.5, Qwen 3 Coder",
    call_open: "<tool_call>",
    call_close: "</tool_call>",
    body: Body::Parameters(ParameterForm {
        before_name: "\n<function=",
        after_name: ">\n",
        before_key: "<parameter=",
        after_key: ">\n",
        after_value: "\n</parameter>\n",
        separator: "",
        behind: "</function>\n",
        values: Values::Text,
        marks: &["<function", "</function>", "<parameter", "</parameter>"],
    }),
    thought: Some(Thought { gap: "\n\n" }),
    sketch: "<tool_call> with <function=...><parameter=...>...</parameter></function>",
    signs: Signs { template: &["<function=", "<parameter="], ..Signs::ANY },
    read: parameters::read,
};
