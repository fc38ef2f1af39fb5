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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use everstep_core::{CallId, Class};
    use everstep_tool::{Cancel, Trust};
    use serde_json::json;

    use super::*;
    use crate::rehearsal::vault;

    const SECRET: &str = "tok-1234567890";

    /// Says the secret wherever it can.
    struct Parrot(ToolSpec);

    impl Tool for Parrot {
        fn spec(&self) -> &ToolSpec {
            &self.0
        }

        fn run<'a>(&'a self, call: &'a ToolCall, _cx: &'a Context) -> BoxFuture<'a, Outcome> {
            let text = format!("see {SECRET}");
            Box::pin(async move {
                match call.id.0 {
                    1 => Outcome::Done(text),
                    2 => Outcome::NotStarted(text),
                    _ => Outcome::MayHaveRun(text),
                }
            })
        }

        fn baseline<'a>(&'a self, arguments: &'a Value) -> BoxFuture<'a, Result<Option<String>, String>> {
            let text = format!("see {SECRET}");
            Box::pin(async move { if arguments.is_null() { Err(text) } else { Ok(Some(text)) } })
        }

        fn probe<'a>(&'a self, call: &'a ToolCall) -> BoxFuture<'a, Settlement> {
            let text = format!("see {SECRET}");
            Box::pin(async move {
                match call.id.0 {
                    1 => Settlement::Done(text),
                    2 => Settlement::NotDone,
                    _ => Settlement::CantTell(text),
                }
            })
        }
    }

    #[tokio::test]
    async fn whatever_a_tool_says_is_without_secrets() {
        let arguments =
            json!({"type": "object", "properties": {SECRET: {"description": SECRET, "enum": [SECRET]}}});
        let spec = ToolSpec {
            name: "parrot".into(),
            summary: format!("says {SECRET}"),
            arguments,
            class: Class::Never,
            trust: Trust::Outside,
            device: None,
            run_ms_max: 1,
        };
        let tool = Masked::new(Arc::new(Parrot(spec)), vault(&[("api", SECRET)]));
        let told = format!("{:?}", tool.spec());
        assert!(!told.contains(SECRET) && told.matches("[secret api]").count() == 4, "{told}");
        let cx = Context { attempt: 1, deadline: Duration::from_secs(1), cancel: Cancel::default() };
        let said = || "see [secret api]".to_owned();
        let call =
            |id| ToolCall { id: CallId(id), arguments: json!({}), baseline: None, idempotency_key: None };
        assert_eq!(tool.run(&call(1), &cx).await, Outcome::Done(said()));
        assert_eq!(tool.run(&call(2), &cx).await, Outcome::NotStarted(said()));
        assert_eq!(tool.run(&call(3), &cx).await, Outcome::MayHaveRun(said()));
        assert_eq!(tool.baseline(&json!({})).await, Ok(Some(said())));
        assert_eq!(tool.baseline(&Value::Null).await, Err(said()));
        assert_eq!(tool.probe(&call(1)).await, Settlement::Done(said()));
        assert_eq!(tool.probe(&call(2)).await, Settlement::NotDone);
        assert_eq!(tool.probe(&call(3)).await, Settlement::CantTell(said()));
    }
}
