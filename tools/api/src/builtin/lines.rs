//! `log` and `alert`: a line for people.

use everstep_core::{Class, Outcome};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use crate::{
    BoxFuture, Context, Device, DeviceError, LineSink, SinkError, Tool, ToolCall, ToolSpec, Trust,
    parse_arguments, schema_for,
};

/// Characters of one text.
pub const TEXT_CHARS_MAX: usize = 200;

/// Arguments of `log` and `alert`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Args {
    /// What to write, on one line.
    #[schemars(length(min = 1, max = 200))]
    text: String,
}

/// Writes lines to a sink.
///
/// The class is `Safe`: a line that may be there already is written again, because losing an alert is
/// worse than showing it twice. Each line carries the number of its call and the try, so that a
/// repeated one can be told.
pub struct Lines {
    spec: ToolSpec,
    done: &'static str,
    sink: Device<Box<dyn LineSink>>,
}

impl Lines {
    /// `log`: appends a note to the board's log.
    #[must_use]
    pub fn log(sink: Box<dyn LineSink>) -> Self {
        Self::new("log", "write a line to the log", "logged", sink)
    }

    /// `alert`: tells the operator.
    #[must_use]
    pub fn alert(sink: Box<dyn LineSink>) -> Self {
        Self::new("alert", "alert the operator", "alert sent", sink)
    }

    fn new(name: &str, summary: &str, done: &'static str, sink: Box<dyn LineSink>) -> Self {
        let spec = ToolSpec {
            name: name.into(),
            summary: summary.into(),
            arguments: schema_for::<Args>(),
            class: Class::Safe,
            trust: Trust::Inside,
            device: Some(name.into()),
            run_ms_max: 5_000,
        };
        Self { spec, done, sink: Device::new(name, sink) }
    }
}

impl Tool for Lines {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn run<'a>(&'a self, call: &'a ToolCall, cx: &'a Context) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let Args { text } = match parse_arguments(call) {
                Ok(args) => args,
                Err(why) => return Outcome::NotStarted(why),
            };
            let line = json!({"call": call.id.0, "try": cx.attempt, "text": text}).to_string();
            let kept = self.sink.call(cx, move |sink| sink.append(&line).map_err(DeviceError::from)).await;
            kept.map_or_else(Outcome::from, |()| Outcome::Done(self.done.into()))
        })
    }
}

impl From<SinkError> for DeviceError {
    fn from(error: SinkError) -> Self {
        match error {
            SinkError::Full { .. } | SinkError::Open { .. } => Self::NotSent(error.to_string()),
            SinkError::Write { .. } => Self::Unknown(error.to_string()),
        }
    }
}
