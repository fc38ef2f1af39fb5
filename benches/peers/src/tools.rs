//! The tools all agents have, and what is said to them.

use std::path::Path;

use everstep_model::ToolDefinition;
use everstep_tool::{
    FileSink, LineSink, Tool,
    builtin::{Compare, Lines, Wait},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Which tools are offered.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) enum Offer {
    /// Everstep's own, some of which take a text.
    BuiltIn,
    /// Those of a pump station, whose arguments are choices and bounded numbers.
    Devices,
}

pub(crate) const SYSTEM: &str = "You watch a pump station. Log what you see, one thing at a time.";
pub(crate) const TASK: &str = "Log the state of the north tank.";

impl Offer {
    /// The call that the large model means.
    pub(crate) fn call(self) -> (&'static str, Value) {
        match self {
            Self::BuiltIn => ("log", json!({"text": "north tank low, pump on"})),
            Self::Devices => ("set_valve", json!({"valve": "north_inlet", "state": "half_open"})),
        }
    }

    /// The tools as the engine takes them.
    pub(crate) fn definitions(self) -> Vec<ToolDefinition> {
        match self {
            Self::BuiltIn => built_in(),
            Self::Devices => devices(),
        }
    }

    /// The same, as `OpenAI` has them.
    pub(crate) fn functions(self) -> Value {
        let functions = self.definitions().into_iter().map(|tool| {
            json!({"type": "function", "function": {
                "name": tool.name, "description": tool.summary, "parameters": tool.arguments,
            }})
        });
        functions.collect()
    }
}

fn built_in() -> Vec<ToolDefinition> {
    let sink = || -> Box<dyn LineSink> { Box::new(FileSink::new(Path::new("/dev/null"))) };
    let tools: [Box<dyn Tool>; 4] = [
        Box::new(Lines::log(sink())),
        Box::new(Lines::alert(sink())),
        Box::new(Compare::default()),
        Box::new(Wait::default()),
    ];
    tools.iter().map(|tool| definition(tool.as_ref())).collect()
}

fn devices() -> Vec<ToolDefinition> {
    let tool = |name: &str, summary: &str, properties: Value| {
        let required: Vec<&String> =
            properties.as_object().map(|all| all.keys().collect()).unwrap_or_default();
        let arguments = json!({
            "type": "object", "properties": properties, "required": required, "additionalProperties": false,
        });
        ToolDefinition { name: name.to_owned(), summary: summary.to_owned(), arguments }
    };
    let tank = json!({"enum": ["north", "south"]});
    let valve = json!({"enum": ["north_inlet", "south_inlet", "drain"]});
    let state = json!({"enum": ["open", "half_open", "closed"]});
    let percent = json!({"type": "integer", "minimum": 0, "maximum": 100});
    vec![
        tool("read_level", "read how full a tank is", json!({"tank": tank})),
        tool("set_pump", "set the speed of a pump", json!({"pump": tank, "percent": percent})),
        tool("set_valve", "move a valve", json!({"valve": valve, "state": state})),
        tool(
            "arm_alarm",
            "arm or disarm the alarm of a tank",
            json!({"tank": tank, "armed": {"type": "boolean"}}),
        ),
    ]
}

fn definition(tool: &dyn Tool) -> ToolDefinition {
    let spec = tool.spec();
    ToolDefinition {
        name: spec.name.clone(),
        summary: spec.summary.clone(),
        arguments: spec.arguments.clone(),
    }
}

/// The task with so many sentences of about 14 tokens behind it.
pub(crate) fn task_of(sentences: usize) -> String {
    format!("{TASK} {}", "The north tank was at 40 percent and the pump was off. ".repeat(sentences))
}
