use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use everstep_core::{CallId, Outcome};
use serde_json::{Value, json};

use super::*;
use crate::{Cancel, Context, LineSink, SinkError, Tool, ToolCall, Toolbox};

async fn run(tool: &dyn Tool, arguments: Value, attempt: u32) -> Outcome {
    let call = ToolCall { id: CallId(7), arguments, baseline: None, idempotency_key: None };
    let cx = Context { attempt, deadline: Duration::from_mins(1), cancel: Cancel::default() };
    tool.run(&call, &cx).await
}

#[tokio::test]
async fn comparison_is_exact() {
    let compare = Compare::default();
    for (value, operator, limit, expected) in [
        ("-18.6", "<=", "-18", true),
        ("-18", "<=", "-18.0", true),
        ("-17.9", "<=", "-18", false),
        ("0.1", "==", "0.10", true),
        ("6", ">", "4", true),
        ("4", ">", "4", false),
        ("4", ">=", "4", true),
        ("-0.0", "==", "0", true),
        ("3", "<", "3.5", true),
        ("-3", "<", "-3.5", false),
        // As fractions these two would be one number.
        ("9007199254740993", ">", "9007199254740992", true),
        ("9007199254740993", "<=", "9007199254740992.0", false),
        ("18446744073709551615", "<", "1e300", true),
        ("1e300", "<", "-18446744073709551615", false),
    ] {
        let arguments = format!(r#"{{"value":{value},"operator":"{operator}","limit":{limit}}}"#);
        let outcome = run(&compare, serde_json::from_str(&arguments).unwrap(), 1).await;
        assert_eq!(outcome, Outcome::Done(expected.to_string()), "{arguments}");
    }
}

#[tokio::test]
async fn wrong_arguments_never_start() {
    let outcome = run(&Compare::default(), json!({"value": 1, "operator": "=>", "limit": 2}), 1).await;
    assert!(matches!(outcome, Outcome::NotStarted(_)), "{outcome:?}");
    let outcome = run(&Wait::default(), json!({"seconds": 1}), 1).await;
    assert!(matches!(outcome, Outcome::NotStarted(_)), "{outcome:?}");
}

#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Vec<String>>>);

impl LineSink for Memory {
    fn append(&mut self, line: &str) -> Result<(), SinkError> {
        if line.contains("disk") {
            let source = std::io::Error::other("the disk is gone");
            return Err(SinkError::Write { path: "alerts".into(), source });
        }
        self.0.lock().unwrap().push(line.to_owned());
        Ok(())
    }
}

#[tokio::test]
async fn repeated_line_can_be_told_by_its_call() {
    let memory = Memory::default();
    let alert = Lines::alert(Box::new(memory.clone()));
    for attempt in [1, 2] {
        let outcome = run(&alert, json!({"text": "the door is open"}), attempt).await;
        assert_eq!(outcome, Outcome::Done("alert sent".into()));
    }
    let lines = memory.0.lock().unwrap().clone();
    assert_eq!(
        lines,
        [
            r#"{"call":7,"try":1,"text":"the door is open"}"#,
            r#"{"call":7,"try":2,"text":"the door is open"}"#
        ]
    );
}

#[tokio::test]
async fn line_that_may_be_torn_is_not_called_written_or_unwritten() {
    let log = Lines::log(Box::new(Memory::default()));
    assert_eq!(run(&log, json!({"text": "fine"}), 1).await, Outcome::Done("logged".into()));
    let outcome = run(&log, json!({"text": "disk"}), 1).await;
    assert_eq!(outcome, Outcome::MayHaveRun("alerts can't be written: the disk is gone".into()));
}

#[test]
fn schemas_fit_the_toolbox_and_the_stated_limits() {
    let memory = || Box::new(Memory::default());
    let tools: Vec<Arc<dyn Tool>> = vec![
        Arc::new(Compare::default()),
        Arc::new(Wait::default()),
        Arc::new(Lines::log(memory())),
        Arc::new(Lines::alert(memory())),
    ];
    let grants: Vec<String> = ["compare", "wait", "log", "alert"].map(String::from).to_vec();
    let toolbox = Toolbox::new(tools, &grants).unwrap();
    let schema = |name: &str| toolbox.get(name).unwrap().spec().arguments.clone();
    assert_eq!(schema("wait")["properties"]["seconds"]["maximum"], WAIT_S_MAX);
    assert_eq!(schema("log")["properties"]["text"]["maxLength"], TEXT_CHARS_MAX);
    let operator = json!({"type": "string", "enum": ["<", "<=", ">", ">=", "=="]});
    let mut found = schema("compare")["properties"]["operator"].clone();
    found.as_object_mut().unwrap().remove("description");
    assert_eq!(found, operator);
    let keys: Vec<_> = schema("compare")["properties"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(keys, ["value", "operator", "limit"]);
}
