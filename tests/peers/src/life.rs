//! A whole agent under one seed, with real devices: they misbehave, and the power goes, at seeded points.
//!
//! Only the peer's own time is real. The agent's clock stands still but where it waits, and it waits for
//! the peer to have settled, so that no machine is too slow for a life.

use std::{
    fmt::Write as _,
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use everstep_board_sim::{CutModel, PowerCut, SimFlash, SimFlashError};
use everstep_core::{End, Limits, Record, Verdict};
use everstep_driver::{
    AgentConfig, BootError, Budget, Change, DriveError, Parts, Pause, SharedFlash, Silent, StoreError,
};
use everstep_journal::{BUFFER_BYTES, Entry, Journal};
use everstep_model::{Constraint, Sampling, Script, ScriptedModel};
use everstep_tool::{BoxFuture, Clock, Toolbox};
use serde_json::{Value, json};
use system_tests::harness::Chance;
use tokio::sync::mpsc;

use crate::{
    oracle::{Violation, check},
    peer::Peer,
    tools::Tools,
};

const SECTOR_BYTES: u32 = 4_096;
const BOARD_REGION: Range<u32> = 0..8 * SECTOR_BYTES;
const AGENT_REGION: Range<u32> = BOARD_REGION.end..BOARD_REGION.end + 120 * SECTOR_BYTES;
const SECTORS: usize = 128;
/// Boots one life may take; more means that it makes no progress.
const BOOTS_MAX: u32 = 60;
/// Answers that a script holds.
const ANSWERS: usize = 20;
/// Records that a violation shows.
const LAST: usize = 8;
/// Cuts of one life.
const CUTS_MAX: u32 = 4;

impl Story {
    /// Adds what another life was like.
    pub fn add(&mut self, other: &Self) {
        self.boots += other.boots;
        self.flash_cuts += other.flash_cuts;
        self.request_cuts += other.request_cuts;
        self.intents += other.intents;
        self.acts += other.acts;
        self.pulses += other.pulses;
        self.lost += other.lost;
        self.settled += other.settled;
        self.reruns += other.reruns;
        self.approvals += other.approvals;
    }
}

/// What the agent lives with: devices of one kind, and what can be asked of them.
pub struct Ways {
    /// Its board file's devices, with `AT` for where the peer is.
    pub board: &'static str,
    /// Starts the peer.
    pub peer: fn() -> Peer,
    /// What the peer may do with a request.
    pub fates: fn(&mut Chance) -> Value,
    /// The next call: a tool and its arguments.
    pub call: fn(&mut Chance) -> (&'static str, Value),
}

/// What a life was like.
#[derive(Clone, Debug, Default)]
pub struct Story {
    /// Starts of the process.
    pub boots: u32,
    /// Cuts of the power between two operations of the flash, or within one.
    pub flash_cuts: u32,
    /// Cuts while a request was with the peer.
    pub request_cuts: u32,
    /// Intents on flash.
    pub intents: usize,
    /// Everything the peer did.
    pub acts: usize,
    /// Pulses among it.
    pub pulses: usize,
    /// Times an outcome was lost.
    pub lost: usize,
    /// Times the device settled it.
    pub settled: usize,
    /// Calls that ran again.
    pub reruns: usize,
    /// Calls that needed an operator.
    pub approvals: u32,
}

/// How a boot ended.
enum Ended {
    Rested,
    FlashCut,
    RequestCut,
}

struct Life<'a> {
    ways: &'a Ways,
    seed: u64,
    chance: Chance,
    flash: SharedFlash<SimFlash>,
    peer: Arc<Peer>,
    now_ms: Arc<AtomicU64>,
    script: String,
    story: Story,
    has_begun: bool,
}

/// Lives one life under `seed` with `peer`, which is made a new device first.
///
/// # Errors
///
/// The promise that did not hold.
pub fn live(seed: u64, ways: &Ways, peer: &Arc<Peer>) -> Result<Story, Violation> {
    peer.reset();
    let mut chance = Chance::new(seed);
    let mut life = Life {
        ways,
        seed,
        flash: SharedFlash::new(SimFlash::new(SECTORS)),
        peer: Arc::clone(peer),
        now_ms: Arc::default(),
        script: script(&mut chance, ways),
        chance,
        story: Story::default(),
        has_begun: false,
    };
    for _ in 0..BOOTS_MAX {
        life.story.boots += 1;
        match life.boot()? {
            Ended::Rested => {
                life.peer.settle();
                return life.end();
            }
            Ended::FlashCut => life.story.flash_cuts += 1,
            Ended::RequestCut => life.story.request_cuts += 1,
        }
    }
    Err(Violation(format!("no end after {BOOTS_MAX} boots")))
}

/// Replies in order: calls, and an answer behind them.
fn script(chance: &mut Chance, ways: &Ways) -> String {
    let mut script = String::new();
    for _ in 0..4 + chance.below(4) {
        let (tool, arguments) = (ways.call)(chance);
        // Writing to a string can't fail.
        let _ = writeln!(script, "[[reply]]\ncall = \"{tool}\"\narguments = '{arguments}'");
    }
    // A result that comes late has the model asked again.
    script.push_str(&"[[reply]]\nsay = \"Done.\"\n".repeat(ANSWERS));
    script
}

impl Life<'_> {
    /// One start of the process, until it rests or the power goes.
    fn boot(&mut self) -> Result<Ended, Violation> {
        let cuts = self.story.flash_cuts + self.story.request_cuts;
        let may_cut = cuts < CUTS_MAX;
        if may_cut && self.chance.percent(60) {
            self.flash.lock().cut_power(PowerCut {
                operation: self.chance.below(60),
                bytes: usize::try_from(self.chance.below(260)).unwrap_or(0),
                model: *self.chance.one_of(&CutModel::ALL),
                seed: self.chance.draw(),
            });
        }
        let mut fates = |count: u64| -> Vec<Value> {
            let mut next = || {
                let fate = (self.ways.fates)(&mut self.chance);
                let cuts =
                    fate.get("fate").and_then(Value::as_str).is_some_and(|fate| fate.starts_with("cut"));
                if cuts && !may_cut { json!({"fate": "well"}) } else { fate }
            };
            (0..count).map(|_| next()).collect()
        };
        let (write, read) = (fates(6), fates(4));
        // A cut while it only reads changes nothing, and is rarer.
        self.peer.fates(&write, &read);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build();
        let runtime = runtime.map_err(|error| Violation(error.to_string()))?;
        let ended = runtime.block_on(self.powered());
        // The process is gone, and with it its connections. Its threads end with their requests: what they
        // still do is what a process does in its last moment.
        self.peer.tell(&json!({"do": "drop"}));
        drop(runtime);
        self.flash.lock().power_on();
        ended
    }

    async fn powered(&mut self) -> Result<Ended, Violation> {
        let Tools { tools, actuators } = Tools::of(self.ways.board, self.peer.at());
        let grants: Vec<String> = tools.keys().cloned().collect();
        let toolbox = Toolbox::new(tools.into_values().collect(), &grants)
            .map_err(|error| Violation(error.to_string()))?;
        let script = Script::parse("life", &self.script)
            .map_err(|error| Violation(format!("{error}: {}", self.script)))?;
        let (_commands, receiver) = mpsc::channel(1);
        let boot = everstep_driver::boot(Parts {
            flash: self.flash.clone(),
            board_region: BOARD_REGION,
            agent_region: AGENT_REGION,
            config: config(),
            model: Box::new(ScriptedModel::new(script)),
            tools: Arc::new(toolbox),
            actuators: Arc::new(actuators),
            heartbeat: None,
            clock: Arc::new(PeerClock { peer: Arc::clone(&self.peer), now_ms: Arc::clone(&self.now_ms) }),
            timeline: [1; 16],
            entropy: [2; 16],
            observer: Box::new(Silent),
            commands: receiver,
            aborted: false,
            change: Change::Refuse,
        });
        let peer = Arc::clone(&self.peer);
        let mut driver = tokio::select! {
            booted = boot => match booted {
                Ok(driver) => driver,
                Err(BootError::Store(error) | BootError::Drive(DriveError::Store(error))) => {
                    return cut(&error);
                }
                Err(error) => return Err(Violation(error.to_string())),
            },
            () = peer.cut() => return Ok(Ended::RequestCut),
        };
        if driver.agent().run().is_none() {
            if self.has_begun && driver.agent().state().runs.0 > 0 {
                return Ok(Ended::Rested);
            }
            self.has_begun = true;
            match driver.start("do it".into(), None, self.seed) {
                Ok(()) => {}
                Err(DriveError::Store(error)) => return cut(&error),
                Err(error) => return Err(Violation(error.to_string())),
            }
        }
        loop {
            let pause = tokio::select! {
                pause = driver.drive() => pause,
                () = peer.cut() => return Ok(Ended::RequestCut),
            };
            let approved = match pause {
                Ok(Pause::AtRest(last)) => return self.rested(last.map(|last| last.how).as_ref()),
                Ok(Pause::NeedsApproval { call, .. }) => {
                    self.story.approvals += 1;
                    let yes = self.chance.percent(50);
                    let verdict = if yes { Verdict::Approve } else { Verdict::Refuse("not now".into()) };
                    driver.approval(call.id, verdict)
                }
                Err(error) => Err(error),
            };
            match approved {
                Ok(()) => {}
                Err(DriveError::Store(error)) => return cut(&error),
                Err(error) => return Err(Violation(error.to_string())),
            }
        }
    }

    /// A run that rests has done everything its script says.
    fn rested(&self, how: Option<&End>) -> Result<Ended, Violation> {
        if how == Some(&End::Done) {
            return Ok(Ended::Rested);
        }
        let records = records(&self.flash)?;
        let last: Vec<_> = records.iter().rev().take(LAST).map(|record| &record.kind).collect();
        Err(Violation(format!("the run ended as {how:?}; newest first: {last:?}")))
    }

    fn end(mut self) -> Result<Story, Violation> {
        let records = records(&self.flash)?;
        let log = self.peer.log();
        check(&records, &log, &mut self.story)?;
        Ok(self.story)
    }
}

fn cut(error: &StoreError<SimFlashError>) -> Result<Ended, Violation> {
    if error.flash() == Some(&SimFlashError::PowerLoss) {
        Ok(Ended::FlashCut)
    } else {
        Err(Violation(error.to_string()))
    }
}

fn config() -> AgentConfig {
    AgentConfig {
        name: "life".into(),
        system: "You live.".into(),
        // A script repeats itself, and a peer that misbehaves makes many errors.
        limits: Limits {
            tries_max: 5,
            repeats_max: 1_000,
            alternations_max: 1_000,
            errors_max: 1_000,
            ..Limits::default()
        },
        sampling: Sampling { temperature: 0.0, top_p: 1.0 },
        constraint: Constraint::Calls,
        run_tokens_max: 256,
        // Every record stays to be read at the end.
        budget: Budget { snapshot_records: 1_000_000, snapshot_bytes_max: 64 * 1024 },
        approvals: everstep_driver::Approvals::Return,
    }
}

/// Every record on flash, in order.
fn records(flash: &SharedFlash<SimFlash>) -> Result<Vec<Record>, Violation> {
    let copy = SharedFlash::new(flash.lock().clone());
    let (mut records, mut buffer) = (Vec::new(), vec![0; BUFFER_BYTES]);
    let visit = |entry: Entry<'_>| match entry {
        Entry::Record { bytes, .. } => Record::decode(bytes).map(|record| records.push(record)),
        Entry::Snapshot { .. } => Ok(()),
    };
    let region = copy.region(AGENT_REGION);
    Journal::recover(copy, region, everstep_journal::Budget::default(), &mut buffer, visit)
        .map_err(|error| Violation(format!("recovery: {error}")))?;
    Ok(records)
}

/// A clock that stands still. Who waits for a device to settle waits for the peer to say that it has.
struct PeerClock {
    peer: Arc<Peer>,
    now_ms: Arc<AtomicU64>,
}

impl Clock for PeerClock {
    fn now_ms(&self) -> u64 {
        self.now_ms.load(Ordering::SeqCst)
    }

    fn unix_s(&self) -> Option<u64> {
        None
    }

    fn sleep(&self, board_ms: u64) -> BoxFuture<'static, ()> {
        let (peer, now_ms) = (Arc::clone(&self.peer), Arc::clone(&self.now_ms));
        Box::pin(async move {
            // A peer that is gone fails the test elsewhere.
            let _ = tokio::task::spawn_blocking(move || peer.settle()).await;
            now_ms.fetch_add(board_ms, Ordering::SeqCst);
        })
    }

    fn limit(&self, _board_ms: u64) -> BoxFuture<'static, ()> {
        Box::pin(std::future::pending())
    }
}
