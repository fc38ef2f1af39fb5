//! One tool of a server, as the agent calls it.

use std::sync::Arc;

use everstep_core::Outcome;
use everstep_tool::{BoxFuture, Context, Tool, ToolCall, ToolSpec};
use serde_json::Value;

use super::server::Server;

/// A pinned tool.
pub(super) struct McpTool {
    spec: ToolSpec,
    /// Its name at the server.
    name: String,
    server: Arc<Server>,
}

impl McpTool {
    pub(super) fn new(spec: ToolSpec, name: &str, server: &Arc<Server>) -> Self {
        Self { spec, name: name.to_owned(), server: Arc::clone(server) }
    }
}

impl Tool for McpTool {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn run<'a>(&'a self, call: &'a ToolCall, cx: &'a Context) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let Value::Object(arguments) = &call.arguments else {
                return Outcome::NotStarted("the arguments must be an object".into());
            };
            self.server.call(&self.name, arguments.clone(), self.spec.class, cx).await
        })
    }
}
