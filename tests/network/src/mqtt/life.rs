//! A whole agent under one seed that publishes: connections break, the broker is killed, and the power
//! goes, at seeded points.
//!
//! The agent's clock stands still but where it waits. Only what a broker never answers takes real time.

use std::{
    fmt::Write as _,
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use everstep_board_sim::{CutModel, PowerCut, SimFlash, SimFlashError};
use everstep_core::{End, Limits, Verdict};
use everstep_driver::{
    Actuators, AgentConfig, BootError, Budget, Change, DriveError, Parts, Pause, SharedFlash, Silent,
    StoreError,
};
use everstep_model::{Constraint, Sampling, Script, ScriptedModel};
use everstep_tool::{BoxFuture, Clock, Toolbox};
use serde_json::json;
use tokio::sync::mpsc;

use super::{
    broker::Broker,
    oracle::{Story, Violation, check, records},
    peer::Peer,
    proxy::{Fate, Proxy},
    tools::Board,
};

const SECTOR_BYTES: u32 = 4_096;
const BOARD_REGION: Range<u32> = 0..8 * SECTOR_BYTES;
pub(super) const AGENT_REGION: Range<u32> = BOARD_REGION.end..BOARD_REGION.end + 120 * SECTOR_BYTES;
const SECTORS: usize = 128;
/// Boots one life may take; more means that it makes no progress.
const BOOTS_MAX: u32 = 60;
/// Answers that a script holds.
const ANSWERS: usize = 20;
/// Cuts of one life.
const CUTS_MAX: u32 = 4;

/// Seeded chance: everything random in a life comes from one `u64` (`SplitMix64`, Steele et al. 2014).
struct Chance(u64);

impl Chance {
    fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.draw().checked_rem(bound).unwrap_or(0)
    }

    fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    fn fate(&mut self) -> Fate {
        match self.below(100) {
            0..7 => Fate::DropBefore,
            7..12 => Fate::DropInside,
            12..21 => Fate::DropAfter,
            21..26 => Fate::DropRelease,
            26..30 => Fate::Stall,
            30..34 => Fate::KillBefore,
            34..40 => Fate::KillAfter,
            40..46 => Fate::CutBefore,
            46..54 => Fate::CutAfter,
            _ => Fate::Well,
        }
    }
}

/// How a boot ended.
enum Ended {
    Rested,
    FlashCut,
    MessageCut,
}

/// What lives share: a broker, and what stands in front of it.
pub struct Stage {
    /// The broker.
    pub broker: Arc<Broker>,
    /// What stands in front of it.
    pub proxy: Proxy,
    /// Somebody else, who counts.
    pub peer: Peer,
}

impl Stage {
    /// A new one.
    pub async fn new() -> Self {
        let broker = Arc::new(Broker::open());
        let proxy = Proxy::new(&broker);
        let peer = Peer::new(&broker, "counter", "#").await;
        Self { broker, proxy, peer }
    }
}

struct Life<'a> {
    stage: &'a Stage,
    seed: u64,
    version: &'static str,
    chance: Chance,
    flash: SharedFlash<SimFlash>,
    now_ms: Arc<AtomicU64>,
    script: String,
    story: Story,
    has_begun: bool,
}

/// Lives one life under `seed`.
///
/// # Errors
///
/// The promise that did not hold.
pub fn live(seed: u64, stage: &Stage) -> Result<Story, Violation> {
    let mut chance = Chance(seed);
    let mut life = Life {
        stage,
        seed,
        version: if chance.percent(50) { "5" } else { "3.1.1" },
        flash: SharedFlash::new(SimFlash::new(SECTORS)),
        now_ms: Arc::default(),
        script: script(&mut chance),
        chance,
        story: Story::default(),
        has_begun: false,
    };
    let starts = stage.broker.count(" running");
    for _ in 0..BOOTS_MAX {
        life.story.boots += 1;
        match life.boot()? {
            Ended::Rested => {
                life.story.broker_kills = stage.broker.count(" running") - starts;
                check(&records(&life.flash)?, seed, stage, &mut life.story)?;
                return Ok(life.story);
            }
            Ended::FlashCut => life.story.flash_cuts += 1,
            Ended::MessageCut => life.story.message_cuts += 1,
        }
    }
    Err(Violation(format!("no end after {BOOTS_MAX} boots")))
}

/// Replies in order: calls, and an answer behind them.
fn script(chance: &mut Chance) -> String {
    let mut script = String::new();
    for _ in 0..4 + chance.below(4) {
        let tool = match chance.below(10) {
            0..4 => "pulse",
            4..7 => "ring",
            _ => "set_level",
        };
        // Few values, so that the same call is asked for again.
        let arguments = json!({"n": 1 + chance.below(3)});
        // Writing to a string can't fail.
        let _ = writeln!(script, "[[reply]]\ncall = \"{tool}\"\narguments = '{arguments}'");
    }
    script.push_str(&"[[reply]]\nsay = \"Done.\"\n".repeat(ANSWERS));
    script
}

impl Life<'_> {
    fn network(&self) -> String {
        let parameter = r#"parameters = [{ name = "n", kind = "integer", min = 1, max = 9 }]"#;
        let tool = |name: &str, more: &str| {
            format!(
                "[mqtt.site.publish.{name}]\nsummary = \"s\"\ntopic = \"{}/{name}/{{n}}\"\n{parameter}\n\
                 answer_ms_max = 900\n{more}\n",
                self.seed
            )
        };
        let head = format!(
            "[mqtt.site]\nbroker = \"mqtt://{}\"\nprivate = true\nclient_id = \"life{}\"\nversion = \"{}\"\n",
            self.stage.proxy.at(),
            self.seed,
            self.version
        );
        let pulse = tool("pulse", "qos = 2");
        let ring = tool("ring", "qos = 1\nclass = \"never\"");
        let level = tool("set_level", "retain = true\nclass = \"safe\"");
        [head, pulse, ring, level].concat()
    }

    /// One start of the process, until it rests or the power goes.
    fn boot(&mut self) -> Result<Ended, Violation> {
        let may_cut = self.story.flash_cuts + self.story.message_cuts < CUTS_MAX;
        if may_cut && self.chance.percent(50) {
            self.flash.lock().cut_power(PowerCut {
                operation: self.chance.below(60),
                bytes: usize::try_from(self.chance.below(260)).unwrap_or(0),
                model: *CutModel::ALL
                    .get(usize::try_from(self.chance.below(99)).unwrap_or(0) % CutModel::ALL.len())
                    .ok_or_else(|| Violation("there is no cut".into()))?,
                seed: self.chance.draw(),
            });
        }
        let fates: Vec<Fate> = (0..6)
            .map(|_| match self.chance.fate() {
                Fate::CutBefore | Fate::CutAfter if !may_cut => Fate::Well,
                fate => fate,
            })
            .collect();
        self.stage.proxy.fates(&fates);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.map_err(|error| Violation(error.to_string()))?;
        let ended = runtime.block_on(self.powered());
        // The process is gone, and with it its connections.
        drop(runtime);
        self.flash.lock().power_on();
        ended
    }

    async fn powered(&mut self) -> Result<Ended, Violation> {
        let tools = Board::default().tools(&self.network());
        let grants: Vec<String> = tools.keys().cloned().collect();
        let toolbox = Toolbox::new(tools.into_values().collect(), &grants);
        let toolbox = toolbox.map_err(|error| Violation(error.to_string()))?;
        let script = Script::parse("life", &self.script);
        let script = script.map_err(|error| Violation(format!("{error}: {}", self.script)))?;
        let (_commands, receiver) = mpsc::channel(1);
        let boot = everstep_driver::boot(Parts {
            flash: self.flash.clone(),
            board_region: BOARD_REGION,
            agent_region: AGENT_REGION,
            config: config(),
            model: Box::new(ScriptedModel::new(script)),
            tools: Arc::new(toolbox),
            actuators: Arc::new(NoActuators),
            heartbeat: None,
            clock: Arc::new(StillClock(Arc::clone(&self.now_ms))),
            timeline: [1; 16],
            entropy: [2; 16],
            observer: Box::new(Silent),
            commands: receiver,
            aborted: false,
            change: Change::Refuse,
        });
        let stage = self.stage;
        let mut driver = tokio::select! {
            booted = boot => match booted {
                Ok(driver) => driver,
                Err(BootError::Store(error) | BootError::Drive(DriveError::Store(error))) => return cut(&error),
                Err(error) => return Err(Violation(error.to_string())),
            },
            () = stage.proxy.cut() => return Ok(Ended::MessageCut),
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
                () = stage.proxy.cut() => return Ok(Ended::MessageCut),
            };
            let approved = match pause {
                Ok(Pause::AtRest(last)) => return self.rested(last.map(|last| last.how).as_ref()),
                Ok(Pause::NeedsApproval { call, .. }) => {
                    self.story.approvals += 1;
                    // What comes from outside taints, and then every message is asked for.
                    let yes = self.chance.percent(85);
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
        let last: Vec<_> = records.iter().rev().take(8).map(|record| &record.kind).collect();
        Err(Violation(format!("the run ended as {how:?}; newest first: {last:?}")))
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
        // A script repeats itself, and a broker that dies makes many errors.
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

/// A board without actuators.
struct NoActuators;

impl Actuators for NoActuators {
    fn boot(&self) -> BoxFuture<'static, Vec<String>> {
        Box::pin(async { Vec::new() })
    }

    fn set_safe(&self) -> BoxFuture<'static, (Vec<String>, Vec<String>)> {
        Box::pin(async { (Vec::new(), Vec::new()) })
    }
}

/// A clock that stands still but where somebody waits for it.
struct StillClock(Arc<AtomicU64>);

impl Clock for StillClock {
    fn now_ms(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    fn unix_s(&self) -> Option<u64> {
        None
    }

    fn sleep(&self, board_ms: u64) -> BoxFuture<'static, ()> {
        self.0.fetch_add(board_ms, Ordering::SeqCst);
        Box::pin(std::future::ready(()))
    }

    fn limit(&self, _board_ms: u64) -> BoxFuture<'static, ()> {
        Box::pin(std::future::pending())
    }
}
