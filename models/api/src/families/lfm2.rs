//! The form of LFM2: a list with one call as Python writes it.

use super::{Body, Family, ParameterForm, Signs, Thought, Values, parameters};

/// LFM2 and LFM2.5.
pub(super) const FAMILY: Family = Family {
    name: "lfm2",
    models: "LFM2 and LFM2.5",
    call_open: OPEN,
    call_close: "<|tool_call_end|>",
    body: Body::Parameters(ParameterForm {
        before_name: "[",
        after_name: "(",
        before_key: "",
        after_key: "=",
        after_value: "",
        separator: ", ",
        behind: ")]",
        values: Values::Python,
        marks: &[],
    }),
    thought: Some(Thought { gap: "\n\n" }),
    sketch: "<|tool_call_start|>[tool(parameter=value)]<|tool_call_end|>",
    signs: Signs { mark: Some(OPEN), ..Signs::ANY },
    read: parameters::read,
};

const OPEN: &str = "<|tool_call_start|>";
