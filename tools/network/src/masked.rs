//! A tool whose every word passes the vault: whatever the other end sends back, no secret reaches the
//! model or the journal.

use std::sync::Arc;

use everstep_core::{Outcome, Settlement};
use everstep_tool::{BoxFuture, Context, Tool, ToolCall, ToolSpec};
use serde_json::Value;

use crate::vault::Vault;

/// A tool, with secrets taken out of what it says.
pub(crate) struct Masked {
    tool: Arc<dyn Tool>,
    /// A server's own description may repeat what it was sent.
    spec: ToolSpec,
    vault: Arc<Vault>,
}

impl Masked {
    pub(crate) fn new(tool: Arc<dyn Tool>, vault: Arc<Vault>) -> Self {
        let mut spec = tool.spec().clone();
        spec.summary = vault.mask(&spec.summary);
        spec.arguments = masked(spec.arguments, &vault);
        Self { tool, spec, vault }
    }
}

fn masked(value: Value, vault: &Vault) -> Value {
    match value {
        Value::String(text) => vault.mask(&text).into(),
        Value::Array(items) => items.into_iter().map(|item| masked(item, vault)).collect(),
        Value::Object(named) => {
            named.into_iter().map(|(name, value)| (vault.mask(&name), masked(value, vault))).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value,
    }
}

impl Tool for Masked {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn run<'a>(&'a self, call: &'a ToolCall, cx: &'a Context) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            match self.tool.run(call, cx).await {
                Outcome::Done(text) => Outcome::Done(self.vault.mask(&text)),
                Outcome::NotStarted(why) => Outcome::NotStarted(self.vault.mask(&why)),
                Outcome::MayHaveRun(why) => Outcome::MayHaveRun(self.vault.mask(&why)),
            }
        })
    }

    fn baseline<'a>(&'a self, arguments: &'a Value) -> BoxFuture<'a, Result<Option<String>, String>> {
        Box::pin(async move {
            match self.tool.baseline(arguments).await {
                Ok(baseline) => Ok(baseline.map(|text| self.vault.mask(&text))),
                Err(why) => Err(self.vault.mask(&why)),
            }
        })
    }

    fn wait_ms(&self, arguments: &Value) -> Option<u64> {
        self.tool.wait_ms(arguments)
    }

    fn probe<'a>(&'a self, call: &'a ToolCall) -> BoxFuture<'a, Settlement> {
        Box::pin(async move {
            match self.tool.probe(call).await {
                Settlement::Done(text) => Settlement::Done(self.vault.mask(&text)),
                Settlement::NotDone => Settlement::NotDone,
                Settlement::CantTell(why) => Settlement::CantTell(self.vault.mask(&why)),
            }
        })
    }
}
