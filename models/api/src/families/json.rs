//! Calls whose body is one JSON object, whatever stands around it.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Call, Family, JsonForm};

/// A call as most families write it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WithArguments {
    name: String,
    arguments: Map<String, Value>,
}

/// A call as Llama 3 writes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WithParameters {
    name: String,
    parameters: Map<String, Value>,
}

impl From<WithArguments> for (String, Map<String, Value>) {
    fn from(call: WithArguments) -> Self {
        (call.name, call.arguments)
    }
}

impl From<WithParameters> for (String, Map<String, Value>) {
    fn from(call: WithParameters) -> Self {
        (call.name, call.parameters)
    }
}

impl JsonForm {
    pub(super) fn write(&self, tool: &str, arguments: &str) -> String {
        // A tool's name is a JSON string like any other.
        self.sketch(&Value::from(tool).to_string(), arguments)
    }

    /// The same with a name that has its quotes, or none.
    pub(super) fn sketch(&self, name: &str, arguments: &str) -> String {
        let Self { before_name, before_arguments, behind } = self;
        format!("{before_name}{name}{before_arguments}{arguments}{behind}")
    }
}

/// Reads one object at the begin of `text`, and says where it ends.
pub(super) fn object<'t, B>(text: &'t str) -> Result<(String, Map<String, Value>, usize), String>
where
    B: Deserialize<'t> + Into<(String, Map<String, Value>)>,
{
    let mut bodies = serde_json::Deserializer::from_str(text).into_iter::<B>();
    match bodies.next() {
        Some(Ok(body)) => {
            let (tool, arguments) = body.into();
            Ok((tool, arguments, bodies.byte_offset()))
        }
        Some(Err(error)) => Err(format!("the tool call is not valid JSON of the right form: {error}")),
        None => Err("the tool call is empty, which is not valid JSON".to_owned()),
    }
}

/// An object, then the closing mark.
pub(super) fn read_marked(family: &Family, text: &str) -> Result<Call, String> {
    let (tool, arguments, end) = object::<WithArguments>(text)?;
    closed(family, text, end).map(|bytes| Call { tool, arguments, bytes })
}

/// Where the closing mark ends that must follow at `end`.
pub(super) fn closed(family: &Family, text: &str, end: usize) -> Result<usize, String> {
    let behind = text.get(end..).unwrap_or_default();
    match behind.trim_start().strip_prefix(family.call_close) {
        Some(after) => Ok(text.len().saturating_sub(after.len())),
        None => Err(format!("the tool call's JSON is not followed by {}", family.call_close)),
    }
}
