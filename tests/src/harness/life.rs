//! One life of an agent: tasks, faults, stops and power cuts under one seed, checked after each cut.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use everstep_board_sim::{CutModel, PowerCut, SimFlash, SimFlashError};
use everstep_core::{End, Kind, Verdict};
use everstep_driver::{
    Actuators, AgentConfig, BootError, Change, Command, DriveError, Driver, Observer, Parts, Pause, Report,
    SharedFlash, Store, StoreError,
};
use everstep_tool::{BoxFuture, Toolbox, builtin::Wait};
use tokio::sync::mpsc;

use super::{
    chance::Chance,
    home::{BOARD_REGION, Home, RUN_TOKENS_MAX, SECTORS},
    model::{ChaosModel, Tally},
    oracle::{Told, Violation, violated},
    time::{BootClock, Clocks},
    world::{self, SharedWorld},
};

/// Boots one life may take; more means that it makes no progress.
const BOOTS_MAX: u32 = 400;
/// Records one boot may write; more means an endless loop.
const RECORDS_MAX: usize = 5_000;

/// How hard a life is.
#[derive(Clone, Debug)]
pub struct Faults {
    /// Power cuts, at most.
    pub cuts_max: u64,
    /// What a cut leaves of the operation under way.
    pub models: Vec<CutModel>,
    /// Chance that a device does not do as it is told, in percent.
    pub devices_percent: u64,
    /// Chance that an operator stops the run, in percent.
    pub stop_percent: u64,
    /// Tasks given one after the other.
    pub tasks: u32,
}

/// What a life was like.
#[derive(Clone, Debug, Default)]
pub struct Story {
    /// Starts of the process.
    pub boots: u32,
    /// Cuts that hit an operation of the flash.
    pub cuts: u32,
    /// Records accepted.
    pub records: usize,
    /// Changes of the world.
    pub changes: usize,
    /// Calls that needed an operator.
    pub approvals: u32,
    /// Times a conversation was pruned.
    pub prunings: usize,
    /// Tasks that a full region had no room for.
    pub refused: u32,
    /// How the runs ended.
    pub ends: Vec<End>,
    /// How often each kind of record was the newest at a cut.
    pub cut_after: std::collections::BTreeMap<&'static str, u32>,
}

/// A life under way.
pub struct Life {
    seed: u64,
    faults: Faults,
    home: Home,
    chance: Chance,
    flash: SharedFlash<SimFlash>,
    world: SharedWorld,
    tally: Tally,
    told: Arc<Mutex<Told>>,
    clocks: Clocks,
    story: Story,
    tasks_begun: u32,
}

/// How a boot ended.
enum Ended {
    Rested,
    Cut,
}

/// Lives one life under `seed`.
///
/// # Errors
///
/// The promise that did not hold.
pub fn live(seed: u64, faults: &Faults) -> Result<Story, Violation> {
    let mut life = Life {
        seed,
        faults: faults.clone(),
        home: Home::of(seed),
        chance: Chance::new(seed),
        flash: SharedFlash::new(SimFlash::new(SECTORS as usize)),
        world: SharedWorld::default(),
        tally: Tally::default(),
        told: Arc::default(),
        clocks: Clocks::new(),
        story: Story::default(),
        tasks_begun: 0,
    };
    for _ in 0..BOOTS_MAX {
        life.story.boots += 1;
        let ended = life.boot()?;
        life.check()?;
        match ended {
            Ended::Rested if life.tasks_begun >= life.faults.tasks => return Ok(life.end()),
            Ended::Rested | Ended::Cut => life.pass_time(),
        }
    }
    violated("P6", format!("no end after {BOOTS_MAX} boots"))
}

impl Life {
    /// One start of the process, until it rests or the power goes.
    fn boot(&mut self) -> Result<Ended, Violation> {
        self.check_found()?;
        if u64::from(self.story.cuts) < self.faults.cuts_max {
            let model = *self.chance.one_of(&self.faults.models);
            // Most boots are cut late, some at once: in recovery, too.
            let operations = if self.chance.percent(20) { 12 } else { 200 };
            let cut = PowerCut {
                operation: self.chance.below(operations),
                bytes: usize::try_from(self.chance.below(260)).unwrap_or(0),
                model,
                seed: self.chance.draw(),
            };
            self.flash.lock().cut_power(cut);
        }
        world::lock(&self.world).power += 1;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let Ok(runtime) = runtime else { return violated("set-up", "no runtime") };
        let ended = runtime.block_on(self.powered());
        // Power is gone for the process; commands that were on the wire arrive or are lost.
        drop(runtime);
        self.flash.lock().power_on();
        ended
    }

    async fn powered(&mut self) -> Result<Ended, Violation> {
        world::lock(&self.world).time.power_on();
        let clock = Arc::new(BootClock::new(self.clocks, &self.world));
        let (commands, receiver) = mpsc::channel(4);
        let ended = match self.start(clock, receiver).await {
            Ok(driver) => self.drive(driver, commands).await,
            Err(BootError::Store(error)) => cut(&error),
            Err(BootError::Drive(error)) => cut_driving(&error),
            Err(error @ (BootError::Changed { .. } | BootError::Tools(_))) => {
                violated("P1", error.to_string())
            }
        };
        let on_ms = world::lock(&self.world).time.power_off();
        self.clocks.run(on_ms);
        ended
    }

    async fn start(
        &mut self,
        clock: Arc<BootClock>,
        commands: mpsc::Receiver<Command>,
    ) -> Result<Driver<SimFlash>, BootError<SimFlashError>> {
        let mut tools =
            world::devices(&self.world, self.seed, self.faults.devices_percent, self.home.answer_bytes);
        tools.push(Arc::new(Wait::default()));
        let grants: Vec<String> = tools.iter().map(|tool| tool.spec().name.clone()).collect();
        let tools = Toolbox::new(tools, &grants).unwrap_or_else(|error| unreachable!("{error}"));
        let mut entropy = [0; 16];
        entropy.fill_with(|| (self.chance.draw() & 0xFF) as u8);
        everstep_driver::boot(Parts {
            flash: self.flash.clone(),
            board_region: BOARD_REGION,
            agent_region: self.home.region.clone(),
            config: self.home.config.clone(),
            model: Box::new(ChaosModel::new(self.seed, self.story.boots, &self.home, self.tally.clone())),
            tools: Arc::new(tools),
            actuators: Arc::new(NoActuators),
            heartbeat: None,
            clock,
            timeline: [self.clocks.timeline; 16],
            entropy,
            observer: Box::new(Ear { told: Arc::clone(&self.told), world: SharedWorld::clone(&self.world) }),
            commands,
            aborted: false,
            change: Change::Refuse,
        })
        .await
    }

    async fn drive(
        &mut self,
        mut driver: Driver<SimFlash>,
        commands: mpsc::Sender<Command>,
    ) -> Result<Ended, Violation> {
        if driver.agent().run().is_none() && self.tasks_begun < self.faults.tasks {
            let task = format!("task {}", self.tasks_begun + 1);
            match driver.start(task, None, self.seed) {
                Ok(()) => {}
                Err(DriveError::Store(StoreError::NoRoom { .. })) if self.home.is_small => {
                    self.story.refused += 1;
                    self.faults.tasks = self.tasks_begun;
                    return Ok(Ended::Rested);
                }
                Err(error) => return cut_driving(&error),
            }
        }
        let stop_at = self.chance.percent(self.faults.stop_percent).then(|| self.chance.below(5_000));
        let stopper = tokio::spawn(async move {
            if let Some(stop_ms) = stop_at {
                tokio::time::sleep(Duration::from_millis(stop_ms)).await;
                let (reply, _answer) = tokio::sync::oneshot::channel();
                // The run may be over by then.
                let _ = commands.send(Command::Stop { reason: "enough".into(), reply }).await;
            }
            std::future::pending::<()>().await;
        });
        let ended = loop {
            match driver.drive().await {
                Ok(Pause::AtRest(_)) => break Ok(Ended::Rested),
                Ok(Pause::NeedsApproval { call, .. }) => {
                    self.story.approvals += 1;
                    let verdict = self.verdict();
                    if let Err(error) = driver.approval(call.id, verdict) {
                        break cut_driving(&error);
                    }
                }
                Err(error) => break cut_driving(&error),
            }
            if self.told().records.len() > RECORDS_MAX {
                break violated("P6", "an endless loop of records");
            }
        };
        stopper.abort();
        ended
    }

    fn verdict(&mut self) -> Verdict {
        if self.chance.percent(50) { Verdict::Approve } else { Verdict::Refuse("not now".into()) }
    }

    /// Reads the flash the way a boot will, on a copy, and compares it with what was accepted.
    fn check_found(&mut self) -> Result<(), Violation> {
        let copy = SharedFlash::new(self.flash.lock().clone());
        let AgentConfig { limits, budget, .. } = self.home.config;
        let (store, agent) = match Store::open(&copy, self.home.region.clone(), limits, budget) {
            Ok(opened) => opened,
            Err(error) => return violated("P1", format!("recovery: {error}")),
        };
        let now_ms = world::lock(&self.world).time.now_ms();
        self.told().check_found(&agent, store.newest(), now_ms)
    }

    /// After each boot: the world against the intents, the samples against the flash.
    fn check(&mut self) -> Result<(), Violation> {
        self.check_found()?;
        let log = world::lock(&self.world).log.clone();
        let sampled = self.tally.snapshot();
        let mut told = self.told();
        told.check_world(&log)?;
        told.check_ages(&self.home.config.limits)?;
        told.check_ends(self.home.is_small)?;
        told.check_tokens(&sampled, RUN_TOKENS_MAX)?;
        let newest = told.records.last().map_or("nothing", |record| record.kind.name());
        drop(told);
        let runs = self.told().state.runs.0;
        self.tasks_begun = runs;
        *self.story.cut_after.entry(newest).or_default() += 1;
        Ok(())
    }

    fn told(&self) -> std::sync::MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The time without power.
    fn pass_time(&mut self) {
        // Short outages let calls run again, long ones must not.
        let away_ms =
            if self.chance.percent(50) { self.chance.below(60_000) } else { self.chance.below(1_500_000) };
        self.clocks.stand_still(away_ms, &mut self.chance);
        world::lock(&self.world).time.pass(away_ms);
        self.story.cuts += 1;
    }

    fn end(self) -> Story {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let ends = told.records.iter().filter_map(|record| match &record.kind {
            Kind::Finished { how } => Some(how.clone()),
            _ => None,
        });
        Story {
            records: told.records.len(),
            prunings: told.records.iter().filter(|record| matches!(record.kind, Kind::Pruned { .. })).count(),
            changes: world::lock(&self.world).log.len(),
            ends: ends.collect(),
            ..self.story
        }
    }
}

/// An error is a cut where the power is off, and a defect where it is not.
fn cut(error: &StoreError<SimFlashError>) -> Result<Ended, Violation> {
    if error.flash() == Some(&SimFlashError::PowerLoss) {
        Ok(Ended::Cut)
    } else {
        violated("P1", error.to_string())
    }
}

fn cut_driving(error: &DriveError<SimFlashError>) -> Result<Ended, Violation> {
    match error {
        DriveError::Store(error) => cut(error),
        error => violated("P6", error.to_string()),
    }
}

/// Takes every accepted record.
struct Ear {
    told: Arc<Mutex<Told>>,
    world: SharedWorld,
}

impl Observer for Ear {
    fn report(&mut self, report: Report<'_>) {
        if let Report::Recorded { sequence, record, agent, .. } = report {
            let now_ms = world::lock(&self.world).time.now_ms();
            let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            told.accept(sequence, record, agent, now_ms);
        }
    }
}

/// A board without actuators of its own: the world's devices hold their state.
struct NoActuators;

impl Actuators for NoActuators {
    fn boot(&self) -> BoxFuture<'static, Vec<String>> {
        Box::pin(async { vec!["heater set to off".into()] })
    }

    fn set_safe(&self) -> BoxFuture<'static, (Vec<String>, Vec<String>)> {
        Box::pin(async { (vec!["heater set to off".into()], Vec::new()) })
    }
}
