//! `wait`: lets time pass, also over a power cut.

use everstep_core::{Class, Outcome};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::{BoxFuture, Context, Tool, ToolCall, ToolSpec, Trust, schema_for};

/// Longest wait, in seconds: a day.
pub const WAIT_S_MAX: u32 = 86_400;

/// Arguments of `wait`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Args {
    /// How long, in seconds.
    #[schemars(range(min = 1, max = 86_400))]
    seconds: u32,
}

/// The durable wait. The runtime sleeps for it; it never runs as a call.
#[derive(Debug)]
pub struct Wait {
    spec: ToolSpec,
}

impl Default for Wait {
    fn default() -> Self {
        Self {
            spec: ToolSpec {
                name: "wait".into(),
                summary: "wait for some time".into(),
                arguments: schema_for::<Args>(),
                class: Class::Observe,
                trust: Trust::Inside,
                device: None,
                run_ms_max: 1_000,
            },
        }
    }
}

impl Tool for Wait {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn wait_ms(&self, arguments: &Value) -> Option<u64> {
        let Args { seconds } = Args::deserialize(arguments).ok()?;
        Some(u64::from(seconds.min(WAIT_S_MAX)) * 1_000)
    }

    fn run<'a>(&'a self, _call: &'a ToolCall, _cx: &'a Context) -> BoxFuture<'a, Outcome> {
        Box::pin(async { Outcome::NotStarted("a wait is slept by the runtime, not called".into()) })
    }
}
