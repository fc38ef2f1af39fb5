//! A tool that says what it is told to say, and counts its calls.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

use everstep_core::{Class, Outcome};
use everstep_tool::{BoxFuture, Context, Tool, ToolCall, ToolSpec, Trust};
use serde_json::json;
use tokio::time::{Duration, sleep};

/// Something that answers calls.
pub struct Endpoint {
    spec: ToolSpec,
    answer_ms: u64,
    answers: Mutex<VecDeque<Outcome>>,
    otherwise: Outcome,
    ran: AtomicU32,
}

impl Endpoint {
    /// A tool that always answers `outcome`, of a device of its own name.
    #[must_use]
    pub fn new(name: &str, class: Class, trust: Trust, outcome: Outcome) -> Self {
        let arguments = json!({
            "type": "object",
            "properties": {"text": {"type": "string"}},
            "additionalProperties": false,
        });
        let spec = ToolSpec {
            name: name.into(),
            summary: format!("The endpoint {name}."),
            arguments,
            class,
            trust,
            device: Some(name.into()),
            run_ms_max: 60_000,
        };
        let ran = AtomicU32::new(0);
        Self { spec, answer_ms: 0, answers: Mutex::default(), otherwise: outcome, ran }
    }

    /// The same, whose answers take `answer_ms`.
    #[must_use]
    pub fn slow(self, answer_ms: u64) -> Self {
        Self { answer_ms, ..self }
    }

    /// The same, which first gives these answers, in order.
    #[must_use]
    pub fn first(self, answers: impl IntoIterator<Item = Outcome>) -> Self {
        Self { answers: Mutex::new(answers.into_iter().collect()), ..self }
    }

    /// Ready to be granted.
    #[must_use]
    pub fn shared(self) -> Arc<Self> {
        Arc::new(self)
    }

    /// Calls so far, tries counted one by one.
    #[must_use]
    pub fn ran(&self) -> u32 {
        self.ran.load(Ordering::SeqCst)
    }
}

impl Tool for Endpoint {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn run<'a>(&'a self, _call: &'a ToolCall, _cx: &'a Context) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            self.ran.fetch_add(1, Ordering::SeqCst);
            if self.answer_ms > 0 {
                sleep(Duration::from_millis(self.answer_ms)).await;
            }
            let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
            answers.pop_front().unwrap_or_else(|| self.otherwise.clone())
        })
    }
}
