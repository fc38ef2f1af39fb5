//! The world of a life: devices that fail, answer late or lose their answers, and a log of every
//! change. The log is the oracle: it knows nothing of records.

use std::sync::{Arc, Mutex, PoisonError};

use everstep_core::{CallId, Class, Outcome, Settlement};
use everstep_tool::{BoxFuture, Context, Tool, ToolCall, ToolSpec, Trust};
use serde_json::{Value, json};
use tokio::time::{Duration, sleep};

use super::{chance::Chance, time::TrueTime};

/// How long a try may take before the runtime gives it up.
pub(super) const RUN_MS_MAX: u32 = 100;
/// After this long, no command sent earlier can still arrive: what `ReadBack` tools promise.
pub(super) const SETTLE_MS: u32 = 400;
/// How long the remote end of the `Keyed` tool remembers a key, in seconds.
pub(super) const KEY_VALID_S: u32 = 300;
/// A try that is decided in time may still wait for the device.
const KEY_KEPT_MS: u64 = KEY_VALID_S as u64 * 1_000 + 1_000;

/// One change of the world.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Change {
    /// The call that caused it. Real pins carry no call numbers; the simulated ones do, so that each
    /// change can be matched to exactly one intent.
    pub call: CallId,
    /// The tool.
    pub tool: &'static str,
    /// Its arguments.
    pub arguments: Value,
}

/// The devices, and everything that ever happened to them.
#[derive(Debug, Default)]
pub(super) struct World {
    /// Every change, in order.
    pub log: Vec<Change>,
    /// Counter of the dosing pump.
    pub doses: u64,
    /// Keys the remote end has seen, and when.
    pub keys: Vec<(String, u64)>,
    /// The world's own time.
    pub time: TrueTime,
    /// Power of the process: commands on a local bus die with it, those on the wire do not.
    pub power: u32,
}

/// A world shared by its tools and the harness.
pub(super) type SharedWorld = Arc<Mutex<World>>;

/// Locks the world.
pub(super) fn lock(world: &SharedWorld) -> std::sync::MutexGuard<'_, World> {
    world.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a device does with one command.
#[derive(Clone, Copy, Debug)]
enum Fate {
    /// Performs and answers.
    Well,
    /// Refuses before anything moves.
    Refuses,
    /// Performs, but the answer is lost.
    AnswerLost,
    /// The command is lost.
    CommandLost,
    /// Performs after the runtime has given up, and answers then.
    Late,
}

/// One device of the world, as a tool.
pub(super) struct Device {
    spec: ToolSpec,
    kind: &'static str,
    world: SharedWorld,
    seed: u64,
    faults_percent: u64,
    answer_bytes: usize,
    /// One command at a time; a command that was given up keeps the device until it returns.
    bus: Arc<tokio::sync::Mutex<()>>,
}

/// Every device of the world; each answer is `answer_bytes` longer than it need be.
pub(super) fn devices(
    world: &SharedWorld,
    seed: u64,
    faults_percent: u64,
    answer_bytes: usize,
) -> Vec<Arc<dyn Tool>> {
    let number = |name: &str| {
        json!({"type": "object", "properties": {name: {"type": "integer", "minimum": 1, "maximum": 9}},
               "required": [name], "additionalProperties": false})
    };
    let nothing = json!({"type": "object", "properties": {}, "additionalProperties": false});
    [
        ("look", nothing, Class::Observe),
        ("set_level", number("level"), Class::Safe),
        ("pay", number("amount"), Class::Keyed { key_valid_s: KEY_VALID_S }),
        ("dose", number("pulses"), Class::ReadBack { settle_ms: SETTLE_MS }),
        ("pulse", number("seconds"), Class::Never),
    ]
    .into_iter()
    .map(|(kind, arguments, class)| {
        let spec = ToolSpec {
            name: kind.into(),
            summary: format!("The {kind} device."),
            arguments,
            class,
            trust: Trust::Inside,
            device: Some(kind.into()),
            run_ms_max: RUN_MS_MAX,
        };
        let bus = Arc::default();
        Arc::new(Device { spec, kind, world: Arc::clone(world), seed, faults_percent, answer_bytes, bus })
            as Arc<dyn Tool>
    })
    .collect()
}

impl Device {
    fn fate(&self, call: &ToolCall, cx: &Context, power: u32) -> (Fate, Chance) {
        let parts: [&[u8]; 4] =
            [self.kind.as_bytes(), &call.id.0.to_le_bytes(), &cx.attempt.to_le_bytes(), &power.to_le_bytes()];
        let mut chance = Chance::of(self.seed, &parts);
        let fate = if chance.percent(self.faults_percent) {
            *chance.one_of(&[Fate::Refuses, Fate::AnswerLost, Fate::CommandLost, Fate::Late])
        } else {
            Fate::Well
        };
        (fate, chance)
    }

    /// Moves the device. The remote end of `pay` recognises a repeated key.
    fn perform(&self, call: &ToolCall) -> String {
        let mut world = lock(&self.world);
        if self.kind == "look" {
            return format!("the level is {}{}", world.log.len(), ".".repeat(self.answer_bytes));
        }
        if self.kind == "pay" {
            let key = call.idempotency_key.clone().unwrap_or_default();
            let now_ms = world.time.now_ms();
            world.keys.retain(|(_, seen_ms)| now_ms - seen_ms <= KEY_KEPT_MS);
            if world.keys.iter().any(|(seen, _)| *seen == key) {
                return "paid before".into();
            }
            world.keys.push((key, now_ms));
        }
        if self.kind == "dose" {
            world.doses += call.arguments.get("pulses").and_then(Value::as_u64).unwrap_or_default();
        }
        let arguments = call.arguments.clone();
        world.log.push(Change { call: call.id, tool: self.kind, arguments });
        format!("{} done{}", self.kind, ".".repeat(self.answer_bytes))
    }

    async fn obey(&self, call: &ToolCall, cx: &Context) -> Outcome {
        let guard = Arc::clone(&self.bus).lock_owned().await;
        let power = lock(&self.world).power;
        let (fate, mut chance) = self.fate(call, cx, power);
        let soon = Duration::from_millis(chance.below(u64::from(RUN_MS_MAX) / 2));
        let outcome = match fate {
            Fate::Refuses => {
                sleep(soon).await;
                Outcome::NotStarted("the device refuses".into())
            }
            Fate::CommandLost => {
                sleep(soon).await;
                Outcome::MayHaveRun("no answer".into())
            }
            Fate::AnswerLost => {
                sleep(soon).await;
                self.perform(call);
                Outcome::MayHaveRun("connection lost".into())
            }
            Fate::Well => {
                sleep(soon).await;
                let text = self.perform(call);
                sleep(soon).await;
                Outcome::Done(text)
            }
            Fate::Late => {
                sleep(Duration::from_millis(u64::from(RUN_MS_MAX) + chance.below(250))).await;
                Outcome::Done(self.perform(call))
            }
        };
        drop(guard);
        outcome
    }
}

impl Tool for Device {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn run<'a>(&'a self, call: &'a ToolCall, cx: &'a Context) -> BoxFuture<'a, Outcome> {
        Box::pin(self.obey(call, cx))
    }

    fn baseline<'a>(&'a self, _arguments: &'a Value) -> BoxFuture<'a, Result<Option<String>, String>> {
        Box::pin(async move {
            if self.kind != "dose" {
                return Ok(None);
            }
            let _guard = Arc::clone(&self.bus).lock_owned().await;
            Ok(Some(lock(&self.world).doses.to_string()))
        })
    }

    fn probe<'a>(&'a self, call: &'a ToolCall) -> BoxFuture<'a, Settlement> {
        Box::pin(async move {
            let _guard = Arc::clone(&self.bus).lock_owned().await;
            let before: Option<u64> = call.baseline.as_ref().and_then(|baseline| baseline.parse().ok());
            let pulses = call.arguments.get("pulses").and_then(Value::as_u64);
            let now = lock(&self.world).doses;
            match before.zip(pulses) {
                Some((before, pulses)) if now == before + pulses => Settlement::Done("dose done".into()),
                Some((before, _)) if now == before => Settlement::NotDone,
                _ => Settlement::CantTell(format!("the counter shows {now}")),
            }
        })
    }
}
