//! The agent of a life: its flash, its script, and one start of its process after the other. What it moves
//! is the life's own.

use std::{fmt::Write as _, ops::Range, sync::Arc};

use everstep_board_sim::{CutModel, PowerCut, SimFlash, SimFlashError};
use everstep_core::{End, Limits, Record, Verdict};
use everstep_driver::{
    Actuators, AgentConfig, Approvals, BootError, Budget, Change, DriveError, Driver, Parts, Pause,
    SharedFlash, Silent, StoreError,
};
use everstep_journal::{BUFFER_BYTES, Entry, Journal};
use everstep_model::{Constraint, Sampling, Script, ScriptedModel};
use everstep_tool::{BoxFuture, Clock, Toolbox};
use serde_json::Value;
use system_tests::harness::Chance;
use tokio::sync::mpsc;

use crate::oracle::Violation;

/// Boots one life may take; more means that it makes no progress.
pub const BOOTS_MAX: u32 = 60;
/// Cuts of one life.
pub const CUTS_MAX: u32 = 4;

const SECTOR_BYTES: u32 = 4_096;
const BOARD_REGION: Range<u32> = 0..8 * SECTOR_BYTES;
const AGENT_REGION: Range<u32> = BOARD_REGION.end..BOARD_REGION.end + 120 * SECTOR_BYTES;
const SECTORS: usize = 128;
/// Operations of the flash within which a cut is aimed.
const OPERATIONS: u64 = 60;
/// Bytes of such an operation.
const BYTES: u64 = 260;
/// Answers that a script holds.
const ANSWERS: usize = 20;
/// Records that a violation shows.
const LAST: usize = 8;

/// How a boot ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ended {
    /// The run is over.
    Rested,
    /// The power went between two operations of the flash, or within one.
    FlashCut,
    /// The power went while a request was under way.
    RequestCut,
}

/// An agent under a seed.
pub struct Agent {
    /// Everything random in its life.
    pub chance: Chance,
    /// How long a call may be repeated, in seconds.
    pub rerun_s_max: u32,
    /// How often its operator says yes, in percent.
    pub approved_percent: u64,
    /// Calls that needed an operator.
    pub approvals: u32,
    seed: u64,
    script: String,
    flash: SharedFlash<SimFlash>,
    has_begun: bool,
}

/// What one start of the process finds around it.
pub struct Around {
    /// Its tools.
    pub tools: Toolbox,
    /// What is made safe.
    pub actuators: Arc<dyn Actuators>,
    /// Its clock.
    pub clock: Arc<dyn Clock>,
    /// Names the clock's time line.
    pub timeline: [u8; 16],
}

impl Agent {
    /// One with an empty flash, which makes some calls and then only answers. `call` draws the next one.
    pub fn new(seed: u64, mut chance: Chance, call: impl Fn(&mut Chance) -> (&'static str, Value)) -> Self {
        let mut script = String::new();
        for _ in 0..4 + chance.below(4) {
            let (tool, arguments) = call(&mut chance);
            // Writing to a string can't fail.
            let _ = writeln!(script, "[[reply]]\ncall = \"{tool}\"\narguments = '{arguments}'");
        }
        // A result that comes late has the model asked again.
        script.push_str(&"[[reply]]\nsay = \"Done.\"\n".repeat(ANSWERS));
        Self {
            chance,
            rerun_s_max: Limits::default().rerun_s_max,
            approved_percent: 50,
            approvals: 0,
            seed,
            script,
            flash: SharedFlash::new(SimFlash::new(SECTORS)),
            has_begun: false,
        }
    }

    /// Has the power go in the start to come, at an operation of the flash.
    pub fn aim(&mut self) {
        self.flash.lock().cut_power(PowerCut {
            operation: self.chance.below(OPERATIONS),
            bytes: usize::try_from(self.chance.below(BYTES)).unwrap_or(0),
            model: *self.chance.one_of(&CutModel::ALL),
            seed: self.chance.draw(),
        });
    }

    /// The power is back.
    pub fn power_on(&self) {
        self.flash.lock().power_on();
    }

    /// One start of the process, until it rests or the flash loses power. Dropped, it is gone as a killed
    /// process is.
    ///
    /// # Errors
    ///
    /// What may not happen to a process.
    pub async fn work(&mut self, around: Around) -> Result<Ended, Violation> {
        let script = Script::parse("life", &self.script)
            .map_err(|error| Violation(format!("{error}: {}", self.script)))?;
        let (_commands, receiver) = mpsc::channel(1);
        let booted = everstep_driver::boot(Parts {
            flash: self.flash.clone(),
            board_region: BOARD_REGION,
            agent_region: AGENT_REGION,
            config: config(self.rerun_s_max),
            model: Box::new(ScriptedModel::new(script)),
            tools: Arc::new(around.tools),
            actuators: around.actuators,
            heartbeat: None,
            clock: around.clock,
            timeline: around.timeline,
            entropy: [2; 16],
            observer: Box::new(Silent),
            commands: receiver,
            aborted: false,
            change: Change::Refuse,
        });
        match booted.await {
            Ok(driver) => self.drive(driver).await,
            Err(BootError::Store(error) | BootError::Drive(DriveError::Store(error))) => cut(&error),
            Err(error) => Err(Violation(error.to_string())),
        }
    }

    async fn drive(&mut self, mut driver: Driver<SimFlash>) -> Result<Ended, Violation> {
        let mut step = Ok(());
        if driver.agent().run().is_none() {
            if self.has_begun && driver.agent().state().runs.0 > 0 {
                return Ok(Ended::Rested);
            }
            self.has_begun = true;
            step = driver.start("do it".into(), None, self.seed);
        }
        loop {
            match step {
                Ok(()) => {}
                Err(DriveError::Store(error)) => return cut(&error),
                Err(error) => return Err(Violation(error.to_string())),
            }
            step = match driver.drive().await {
                Ok(Pause::AtRest(last)) => return self.rested(last.map(|last| last.how).as_ref()),
                Ok(Pause::NeedsApproval { call, .. }) => {
                    self.approvals += 1;
                    let yes = self.chance.percent(self.approved_percent);
                    let verdict = if yes { Verdict::Approve } else { Verdict::Refuse("not now".into()) };
                    driver.approval(call.id, verdict)
                }
                Err(error) => Err(error),
            };
        }
    }

    /// A run that rests has done everything its script says.
    fn rested(&self, how: Option<&End>) -> Result<Ended, Violation> {
        if how == Some(&End::Done) {
            return Ok(Ended::Rested);
        }
        let records = self.records()?;
        let last: Vec<_> = records.iter().rev().take(LAST).map(|record| &record.kind).collect();
        Err(Violation(format!("the run ended as {how:?}; newest first: {last:?}")))
    }

    /// Every record on flash, in order.
    ///
    /// # Errors
    ///
    /// The flash can't be recovered.
    pub fn records(&self) -> Result<Vec<Record>, Violation> {
        let copy = SharedFlash::new(self.flash.lock().clone());
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
}

fn cut(error: &StoreError<SimFlashError>) -> Result<Ended, Violation> {
    if error.flash() == Some(&SimFlashError::PowerLoss) {
        Ok(Ended::FlashCut)
    } else {
        Err(Violation(error.to_string()))
    }
}

fn config(rerun_s_max: u32) -> AgentConfig {
    AgentConfig {
        name: "life".into(),
        system: "You live.".into(),
        // A script repeats itself, and what misbehaves makes many errors.
        limits: Limits {
            tries_max: 5,
            rerun_s_max,
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
        approvals: Approvals::Return,
    }
}

/// A board on which nothing moves.
#[derive(Clone, Copy, Debug)]
pub struct NoActuators;

impl Actuators for NoActuators {
    fn boot(&self) -> BoxFuture<'static, Vec<String>> {
        Box::pin(async { Vec::new() })
    }

    fn set_safe(&self) -> BoxFuture<'static, (Vec<String>, Vec<String>)> {
        Box::pin(async { (Vec::new(), Vec::new()) })
    }
}
