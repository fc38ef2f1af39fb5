//! A device that counts what it is asked for, and whose first try may take its time.

use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
};

use everstep_core::{Class, Outcome, Settlement};
use everstep_tool::{BoxFuture, Context, Tool, ToolCall, ToolSpec, Trust};
use serde_json::json;
use tokio::time::{Duration, sleep};

/// A device without any lock of its own: whoever asks twice at once is seen.
pub struct TestDevice {
    spec: ToolSpec,
    first_ms: u64,
    result: String,
    busy: AtomicBool,
    begun: AtomicU32,
    finished: AtomicU32,
    too_early: AtomicU32,
    keys: Mutex<HashSet<String>>,
}

impl TestDevice {
    /// Milliseconds a try may take before the runtime gives it up.
    pub const RUN_MS_MAX: u32 = 100;

    /// A device as a tool: its first try takes `first_ms`, every try says `result`.
    #[must_use]
    pub fn new(name: &str, class: Class, first_ms: u64, result: &str) -> Arc<Self> {
        let text = json!({"type": "object", "properties": {"text": {"type": "string"}},
                          "additionalProperties": false});
        let spec = ToolSpec {
            name: name.into(),
            summary: format!("The device {name}."),
            arguments: text,
            class,
            trust: Trust::Inside,
            device: None,
            run_ms_max: Self::RUN_MS_MAX,
        };
        Arc::new(Self {
            spec,
            first_ms,
            result: result.into(),
            busy: AtomicBool::new(false),
            begun: AtomicU32::new(0),
            finished: AtomicU32::new(0),
            too_early: AtomicU32::new(0),
            keys: Mutex::default(),
        })
    }

    /// Tries that began.
    #[must_use]
    pub fn begun(&self) -> u32 {
        self.begun.load(Ordering::SeqCst)
    }

    /// Tries that moved what they were to move.
    #[must_use]
    pub fn finished(&self) -> u32 {
        self.finished.load(Ordering::SeqCst)
    }

    /// Times it was asked for something while a try had not returned.
    #[must_use]
    pub fn too_early(&self) -> u32 {
        self.too_early.load(Ordering::SeqCst)
    }

    /// The remote end of a keyed device does nothing for a key it has seen.
    fn is_new(&self, call: &ToolCall) -> bool {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let is_keyed = matches!(self.spec.class, Class::Keyed { .. });
        !is_keyed || keys.insert(call.idempotency_key.clone().unwrap_or_default())
    }
}

impl Tool for TestDevice {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn run<'a>(&'a self, call: &'a ToolCall, _cx: &'a Context) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let overlaps = self.busy.swap(true, Ordering::SeqCst);
            self.too_early.fetch_add(overlaps.into(), Ordering::SeqCst);
            if self.begun.fetch_add(1, Ordering::SeqCst) == 0 && self.first_ms > 0 {
                sleep(Duration::from_millis(self.first_ms)).await;
            }
            self.finished.fetch_add(self.is_new(call).into(), Ordering::SeqCst);
            self.busy.store(false, Ordering::SeqCst);
            Outcome::Done(self.result.clone())
        })
    }

    fn probe<'a>(&'a self, _call: &'a ToolCall) -> BoxFuture<'a, Settlement> {
        Box::pin(async move {
            // It would say "not done", and then do it.
            let early = self.busy.load(Ordering::SeqCst);
            self.too_early.fetch_add(early.into(), Ordering::SeqCst);
            let done = !early && self.finished() > 0;
            if done { Settlement::Done(self.result.clone()) } else { Settlement::NotDone }
        })
    }
}
