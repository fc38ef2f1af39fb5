//! The form of `MiniCPM` 5: a function and its parameters in XML, strings with markup in CDATA.

use super::{Body, Family, ParameterForm, Signs, Thought, Values, parameters};

/// `MiniCPM` 5.
pub(super) const FAMILY: Family = Family {
    name: "minicpm5",
    models: "MiniCPM 5",
    call_open: "<function",
    call_close: "</function>",
    body: Body::Parameters(ParameterForm {
        before_name: " name=\"",
        after_name: "\">",
        before_key: "<param name=\"",
        after_key: "\">",
        after_value: "</param>",
        separator: "",
        behind: "",
        values: Values::TextOr("<![CDATA[", "]]>"),
        marks: &["<param", "</param>", "<![CDATA[", "]]>"],
    }),
    thought: Some(Thought { gap: "\n\n" }),
    sketch: "<function name=\"...\"><param name=\"...\">...</param></function>",
    signs: Signs { template: &["<function name=\"", "<param name=\""], ..Signs::ANY },
    read: parameters::read,
};
