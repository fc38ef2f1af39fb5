//! A stand for one agent: flash, tools, actuators and a scripted model in memory, and an ear for
//! every record. Boots as often as a test asks, on the same flash.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test's set-up may fail")]

use std::{
    collections::BTreeMap,
    ops::Range,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
};

use everstep_core::{Kind, Limits, Record};
use everstep_driver::{
    Actuators, AgentConfig, Approvals, BootError, Budget, Change, Command, Driver, Flash, Heartbeat,
    Observer, Parts, Report, SharedFlash,
};
use everstep_model::{Constraint, Model, Sampling, Script, ScriptedModel};
use everstep_tool::{BoxFuture, Clock, Grant, Terms, Tool, Toolbox};
use tokio::{
    sync::mpsc,
    time::{Duration, Instant, sleep},
};

pub use self::{
    device::TestDevice,
    endpoint::Endpoint,
    failing_flash::{FailingFlash, FailingFlashError, Left},
};

mod device;
mod endpoint;
mod failing_flash;

/// Bytes of a sector of the simulated flash.
pub const SECTOR_BYTES: u32 = 4_096;
/// Sectors in front of the agent's region, for the board's own log.
pub const BOARD_SECTORS: u32 = 8;

/// Everything of one agent that outlives a boot.
pub struct Stand<F> {
    /// The flash part.
    pub flash: SharedFlash<F>,
    /// Sectors of the agent's region, right behind the board's.
    pub agent_sectors: u32,
    /// The agent.
    pub config: AgentConfig,
    /// Its tools, all of them granted.
    pub tools: Vec<Arc<dyn Tool>>,
    /// Terms of those grants that have some, by tool.
    pub terms: BTreeMap<String, Terms>,
    /// Who hears that the loop is alive at the next boot.
    pub heartbeat: Mutex<Option<Box<dyn Heartbeat>>>,
    /// The board's actuators.
    pub actuators: Arc<CountingActuators>,
    /// Every record that was accepted, over all boots.
    pub heard: Heard,
    started: Instant,
}

impl<F: Flash> Stand<F> {
    /// A stand on `flash`, whose agent may use its sectors behind the board's.
    ///
    /// # Panics
    ///
    /// If the flash has no sector for an agent. Needs a tokio runtime with time.
    #[must_use]
    pub fn new(flash: F, tools: Vec<Arc<dyn Tool>>) -> Self {
        let sectors = u32::try_from(flash.capacity()).unwrap() / SECTOR_BYTES;
        Self {
            flash: SharedFlash::new(flash),
            agent_sectors: sectors.checked_sub(BOARD_SECTORS).unwrap(),
            config: AgentConfig {
                name: "stand".into(),
                system: "Do it.".into(),
                limits: Limits::default(),
                sampling: Sampling { temperature: 0.0, top_p: 1.0 },
                constraint: Constraint::Calls,
                run_tokens_max: 16,
                budget: Budget { snapshot_bytes_max: 24 * 1024, ..Budget::default() },
                approvals: Approvals::Return,
            },
            tools,
            terms: BTreeMap::new(),
            heartbeat: Mutex::default(),
            actuators: Arc::default(),
            heard: Heard::default(),
            started: Instant::now(),
        }
    }

    /// Where the agent's journal is.
    #[must_use]
    pub fn agent_region(&self) -> Range<u32> {
        let start = BOARD_SECTORS * SECTOR_BYTES;
        start..start + self.agent_sectors * SECTOR_BYTES
    }

    /// One start of the process, with the way an operator's commands take.
    ///
    /// # Errors
    ///
    /// The boot's own.
    ///
    /// # Panics
    ///
    /// If two tools share a name.
    pub async fn boot(
        &self,
        model: impl Model + 'static,
    ) -> Result<(Driver<F>, mpsc::Sender<Command>), BootError<F::Error>> {
        let grant = |tool: &Arc<dyn Tool>| {
            let tool = tool.spec().name.clone();
            Grant { terms: self.terms.get(&tool).cloned().unwrap_or_default(), tool }
        };
        let grants: Vec<Grant> = self.tools.iter().map(grant).collect();
        let heartbeat = self.heartbeat.lock().unwrap().take();
        let (sender, commands) = mpsc::channel(1);
        let driver = everstep_driver::boot(Parts {
            flash: self.flash.clone(),
            board_region: 0..BOARD_SECTORS * SECTOR_BYTES,
            agent_region: self.agent_region(),
            config: self.config.clone(),
            model: Box::new(model),
            tools: Arc::new(Toolbox::new(self.tools.clone(), &grants).unwrap()),
            actuators: Arc::clone(&self.actuators) as Arc<dyn Actuators>,
            heartbeat,
            clock: Arc::new(Uptime(self.started)),
            timeline: [1; 16],
            entropy: [2; 16],
            observer: Box::new(self.heard.clone()),
            commands,
            aborted: false,
            change: Change::Refuse,
        })
        .await?;
        Ok((driver, sender))
    }

    /// [`Self::boot`] where it has to work.
    ///
    /// # Panics
    ///
    /// If it does not.
    pub async fn booted(&self, script: &str) -> (Driver<F>, mpsc::Sender<Command>) {
        self.boot(scripted(script)).await.unwrap_or_else(|error| panic!("{error}"))
    }
}

/// A model that follows `script`.
///
/// # Panics
///
/// If the script is not valid.
#[must_use]
pub fn scripted(script: &str) -> ScriptedModel {
    ScriptedModel::new(Script::parse("stand", script).unwrap_or_else(|error| panic!("{error}")))
}

/// Milliseconds since the stand was made, over all boots: a machine's clock runs on after a kill.
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

/// Actuators that count how often the safe states were set, and report what they are told to.
#[derive(Default)]
pub struct CountingActuators {
    /// Times the safe states were set.
    pub set_safe: AtomicU32,
    /// What a boot, and setting the safe states, says it changed.
    pub changed: Vec<String>,
    /// What setting the safe states could not set.
    pub failed: Vec<String>,
}

impl Actuators for CountingActuators {
    fn boot(&self) -> BoxFuture<'static, Vec<String>> {
        let changed = self.changed.clone();
        Box::pin(async { changed })
    }

    fn set_safe(&self) -> BoxFuture<'static, (Vec<String>, Vec<String>)> {
        self.set_safe.fetch_add(1, Ordering::SeqCst);
        let set = (self.changed.clone(), self.failed.clone());
        Box::pin(async { set })
    }
}

/// Every record that was accepted.
#[derive(Clone, Default)]
pub struct Heard {
    records: Arc<Mutex<Vec<Record>>>,
    text: Arc<Mutex<String>>,
}

impl Heard {
    /// What they say, in order.
    ///
    /// # Panics
    ///
    /// If a test failed while it was listening.
    #[must_use]
    pub fn kinds(&self) -> Vec<Kind> {
        self.records.lock().unwrap().iter().map(|record| record.kind.clone()).collect()
    }

    /// The text that came with them.
    ///
    /// # Panics
    ///
    /// If a test failed while it was listening.
    #[must_use]
    pub fn text(&self) -> String {
        self.text.lock().unwrap().clone()
    }

    /// How many are of the kind with this name.
    #[must_use]
    pub fn count(&self, name: &str) -> usize {
        self.kinds().iter().filter(|kind| kind.name() == name).count()
    }
}

impl Observer for Heard {
    fn report(&mut self, report: Report<'_>) {
        if let Report::Recorded { record, text, .. } = report {
            self.records.lock().unwrap().push(record.clone());
            self.text.lock().unwrap().push_str(text.unwrap_or_default());
        }
    }
}
