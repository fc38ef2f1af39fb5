//! The `Tool` trait: one capability an agent may be granted.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use everstep_core::{CallId, Class, Outcome, Settlement};
use serde_json::Value;

/// Longest that the runtime holds a repeated call back, in milliseconds. Whoever recognises repetitions by
/// their key has to know it for that much longer.
pub const RETRY_MS_MAX: u32 = 30_000;

/// A boxed future, so that tools of many types fit one registry.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What a tool promises: what the model reads, and what the runtime may rely on.
#[derive(Clone, Debug)]
pub struct ToolSpec {
    /// Name the model calls it by: `[a-z0-9_]`, 1 to 64 bytes.
    pub name: String,
    /// One sentence for the model.
    pub summary: String,
    /// JSON Schema of the arguments, an object; property order is the order of the keys in a call.
    pub arguments: Value,
    /// What may be done about a lost outcome.
    pub class: Class,
    /// Whether results carry text from outside the board.
    pub trust: Trust,
    /// The device the tool moves or reads. A call that timed out holds it until it returns.
    pub device: Option<String>,
    /// Milliseconds after which a call counts as timed out.
    pub run_ms_max: u32,
}

/// Where a tool's results come from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Trust {
    /// This board's own devices and the runtime itself.
    Inside,
    /// Anything a stranger could have written: the network, files from elsewhere.
    Outside,
}

/// A checked call as the tool receives it.
#[derive(Clone, Debug)]
pub struct ToolCall {
    /// Identity of the call, the same over all its tries.
    pub id: CallId,
    /// Arguments, valid against the tool's schema.
    pub arguments: Value,
    /// What `baseline` returned before the intent was recorded.
    pub baseline: Option<String>,
    /// Key the remote end recognises a repetition by, for `Keyed` tools.
    pub idempotency_key: Option<String>,
}

/// What surrounds one try of a call.
#[derive(Clone, Debug)]
pub struct Context {
    /// Counts the tries of this call, from 1.
    pub attempt: u32,
    /// How long the runtime waits; afterwards the outcome is `MayHaveRun`.
    pub deadline: Duration,
    /// Set when the result is no longer wanted.
    pub cancel: Cancel,
}

/// A flag that asks a call to end early. Dropping a future is not cancelling: what moves, moves.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Asks for an early end.
    pub fn ask(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether an early end was asked for.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// One capability. Implementations are shared between tasks; each call is one `run`.
pub trait Tool: Send + Sync {
    /// What the tool promises. The same for the life of the process.
    fn spec(&self) -> &ToolSpec;

    /// Performs one try of a call. Never panics on bad input: that is [`Outcome::NotStarted`].
    fn run<'a>(&'a self, call: &'a ToolCall, cx: &'a Context) -> BoxFuture<'a, Outcome>;

    /// Reads what `probe` will compare with, before the intent is recorded. Moves nothing.
    ///
    /// # Errors
    ///
    /// Why the device can't be read; the call is then refused, because a lost outcome could not be
    /// settled.
    fn baseline<'a>(&'a self, _arguments: &'a Value) -> BoxFuture<'a, Result<Option<String>, String>> {
        Box::pin(async { Ok(None) })
    }

    /// For a tool that only lets time pass: the board's milliseconds to wait. The runtime then sleeps
    /// durably and never calls `run`.
    fn wait_ms(&self, _arguments: &Value) -> Option<u64> {
        None
    }

    /// Asks the device whether an earlier try of `call` ran. Moves nothing.
    fn probe<'a>(&'a self, _call: &'a ToolCall) -> BoxFuture<'a, Settlement> {
        Box::pin(async { Settlement::CantTell("the device can't be read back".into()) })
    }
}
