//! A try that outlives its time limit: nothing of the same call begins before it has returned, and
//! its late result is a record.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test's set-up may fail")]

use std::{
    ops::Range,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
};

use everstep_board_sim::SimFlash;
use everstep_core::{Class, Kind, Limits, Outcome, Settlement};
use everstep_driver::{Actuators, AgentConfig, Budget, Change, Observer, Parts, Pause, Report, SharedFlash};
use everstep_model::{Constraint, Sampling, Script, ScriptedModel};
use everstep_tool::{BoxFuture, Clock, Context, Tool, ToolCall, ToolSpec, Toolbox, Trust, builtin::Wait};
use serde_json::json;
use tokio::time::{Duration, Instant, sleep};

const SECTOR_BYTES: u32 = 4_096;
const BOARD_REGION: Range<u32> = 0..8 * SECTOR_BYTES;
const AGENT_REGION: Range<u32> = 8 * SECTOR_BYTES..64 * SECTOR_BYTES;
const RUN_MS_MAX: u32 = 100;

/// A device without any lock of its own: whoever asks twice at once is seen.
struct Slow {
    spec: ToolSpec,
    busy: AtomicBool,
    tries: AtomicU32,
    /// Times it was asked for something while a try had not returned.
    too_early: AtomicU32,
}

impl Slow {
    fn new(class: Class) -> Self {
        let spec = ToolSpec {
            name: "slow".into(),
            summary: "a slow device".into(),
            arguments: json!({"type": "object", "properties": {}, "additionalProperties": false}),
            class,
            trust: Trust::Inside,
            device: None,
            run_ms_max: RUN_MS_MAX,
        };
        Self { spec, busy: AtomicBool::new(false), tries: AtomicU32::new(0), too_early: AtomicU32::new(0) }
    }
}

impl Tool for Slow {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn run<'a>(&'a self, _call: &'a ToolCall, _cx: &'a Context) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let overlaps = self.busy.swap(true, Ordering::SeqCst);
            self.too_early.fetch_add(overlaps.into(), Ordering::SeqCst);
            // The first one returns after its time limit, and before that of whoever waits for it.
            if self.tries.fetch_add(1, Ordering::SeqCst) == 0 {
                sleep(Duration::from_millis(u64::from(RUN_MS_MAX) + 50)).await;
            }
            self.busy.store(false, Ordering::SeqCst);
            Outcome::Done("slow done".into())
        })
    }

    fn probe<'a>(&'a self, _call: &'a ToolCall) -> BoxFuture<'a, Settlement> {
        Box::pin(async move {
            // It would say "not done", and then do it.
            let early = self.busy.load(Ordering::SeqCst);
            self.too_early.fetch_add(early.into(), Ordering::SeqCst);
            if early { Settlement::NotDone } else { Settlement::Done("slow done".into()) }
        })
    }
}

struct Uptime(Instant);

impl Clock for Uptime {
    fn now_ms(&self) -> u64 {
        u64::try_from(self.0.elapsed().as_millis()).unwrap()
    }

    fn unix_s(&self) -> Option<u64> {
        None
    }

    fn sleep(&self, board_ms: u64) -> BoxFuture<'static, ()> {
        Box::pin(sleep(Duration::from_millis(board_ms)))
    }
}

struct NoActuators;

impl Actuators for NoActuators {
    fn boot(&self) -> BoxFuture<'static, Vec<String>> {
        Box::pin(async { Vec::new() })
    }

    fn set_safe(&self) -> BoxFuture<'static, (Vec<String>, Vec<String>)> {
        Box::pin(async { (Vec::new(), Vec::new()) })
    }
}

#[derive(Clone, Default)]
struct Kinds(Arc<Mutex<Vec<Kind>>>);

impl Observer for Kinds {
    fn report(&mut self, report: Report<'_>) {
        if let Report::Recorded { record, .. } = report {
            self.0.lock().unwrap().push(record.kind.clone());
        }
    }
}

/// Calls `slow` once and answers; returns what was recorded and how often the device was asked.
async fn call_once(class: Class) -> (Vec<Kind>, u32) {
    let script = r#"
        [[reply]]
        call = "slow"
        [[reply]]
        call = "wait"
        arguments = '{"seconds": 1}'
        [[reply]]
        say = "Done."
        [[reply]]
        say = "Done, and told late."
    "#;
    let slow = Arc::new(Slow::new(class));
    let tools = Toolbox::new(
        vec![Arc::clone(&slow) as Arc<dyn Tool>, Arc::new(Wait::default())],
        &["slow".into(), "wait".into()],
    )
    .unwrap();
    let kinds = Kinds::default();
    let (_commands, commands) = tokio::sync::mpsc::channel(1);
    let mut driver = everstep_driver::boot(Parts {
        flash: SharedFlash::new(SimFlash::<4, 4096>::new(64)),
        board_region: BOARD_REGION,
        agent_region: AGENT_REGION,
        config: AgentConfig {
            name: "late".into(),
            system: "Wait.".into(),
            limits: Limits::default(),
            sampling: Sampling { temperature: 0.0, top_p: 1.0 },
            constraint: Constraint::Calls,
            run_tokens_max: 16,
            budget: Budget { snapshot_bytes_max: 24 * 1024, ..Budget::default() },
        },
        model: Box::new(ScriptedModel::new(Script::parse("late", script).unwrap())),
        tools: Arc::new(tools),
        actuators: Arc::new(NoActuators),
        clock: Arc::new(Uptime(Instant::now())),
        timeline: [1; 16],
        entropy: [2; 16],
        observer: Box::new(kinds.clone()),
        commands,
        aborted: false,
        change: Change::Refuse,
    })
    .await
    .unwrap_or_else(|error| panic!("{error}"));
    driver.start("call it".into(), None, 1).unwrap();
    let pause = driver.drive().await.unwrap();
    assert!(matches!(pause, Pause::AtRest(Some(_))), "{pause:?}");
    let kinds = kinds.0.lock().unwrap().clone();
    assert_eq!(slow.too_early.load(Ordering::SeqCst), 0, "{kinds:?}");
    (kinds, slow.tries.load(Ordering::SeqCst))
}

fn told_as_done(kinds: &[Kind]) -> bool {
    kinds.iter().any(|kind| {
        matches!(
            kind,
            Kind::Ended { outcome: Outcome::Done(_), .. } | Kind::Settled { found: Settlement::Done(_), .. }
        )
    })
}

#[tokio::test(start_paused = true)]
async fn next_try_waits_for_the_one_before() {
    let (kinds, tries) = call_once(Class::Safe).await;
    assert!(told_as_done(&kinds), "{kinds:?}");
    // The late result of the first try settles the call, so that no second one is needed.
    assert_eq!(tries, 1, "{kinds:?}");
}

#[tokio::test(start_paused = true)]
async fn device_is_not_asked_before_the_lost_try_has_returned() {
    let (kinds, tries) = call_once(Class::ReadBack { settle_ms: 0 }).await;
    assert!(told_as_done(&kinds), "{kinds:?}");
    assert_eq!(tries, 1, "{kinds:?}");
}

#[tokio::test(start_paused = true)]
async fn late_result_of_a_call_given_up_is_a_record() {
    let (kinds, tries) = call_once(Class::Never).await;
    let unknown = |kind: &Kind| matches!(kind, Kind::Ended { outcome: Outcome::MayHaveRun(_), .. });
    let late = |kind: &Kind| matches!(kind, Kind::EndedLate { outcome: Outcome::Done(_), .. });
    assert!(kinds.iter().any(unknown) && kinds.iter().any(late), "{kinds:?}");
    assert_eq!(tries, 1, "{kinds:?}");
}
