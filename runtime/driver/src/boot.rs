//! A start of the process: from what is on flash to a driver that goes on at the very step.

use std::{ops::Range, sync::Arc, time::Duration};

use everstep_core::{Agent, DecideError, Digests, Event};
use everstep_journal::FORMAT_VERSION;
use everstep_model::{FamilyFrom, Model, ModelCard, ToolsRefused};
use everstep_tool::{BoxFuture, Clock, Toolbox};
use tokio::sync::mpsc;

use crate::{
    board_log::{BoardLog, BoardRecord},
    config::{AgentConfig, first_half},
    driver::{Assembly, Driver},
    observe::Observer,
    operator::{Command, DriveError},
    prompt,
    shared_flash::SharedFlash,
    store::{Flash, Store, StoreError},
};

/// The board's actuators, all at once.
///
/// Both functions answer within a time limit of their own: a dead bus must not hang a boot.
pub trait Actuators: Send + Sync {
    /// Brings every actuator to what its boot policy asks for. Returns what that changed, in words
    /// for the model: "compressor set to off".
    fn boot(&self) -> BoxFuture<'static, Vec<String>>;

    /// Sets every safe state. Returns what changed and what could not be set.
    fn set_safe(&self) -> BoxFuture<'static, (Vec<String>, Vec<String>)>;
}

/// Whoever must hear from the loop now and then, such as a hardware watchdog.
pub trait Heartbeat: Send {
    /// The loop is alive.
    fn beat(&mut self);

    /// The loop ends on purpose, and nothing is wrong. Not said where it ends in an error: whoever waits for
    /// the next beat is to act then.
    fn rest(&mut self);

    /// How often it wants to hear so.
    fn interval(&self) -> Duration;
}

/// Everything a boot needs.
pub struct Parts<F> {
    /// The flash part.
    pub flash: SharedFlash<F>,
    /// Where the board's own log is on it.
    pub board_region: Range<u32>,
    /// Where the agent's journal is.
    pub agent_region: Range<u32>,
    /// The agent.
    pub config: AgentConfig,
    /// Its model.
    pub model: Box<dyn Model>,
    /// Its tools.
    pub tools: Arc<Toolbox>,
    /// The board's actuators.
    pub actuators: Arc<dyn Actuators>,
    /// Who hears that the loop is alive, if anybody.
    pub heartbeat: Option<Box<dyn Heartbeat>>,
    /// The board's clock.
    pub clock: Arc<dyn Clock>,
    /// Names the clock's time line: two boots with the same one share monotonic time.
    pub timeline: [u8; 16],
    /// Fresh random bytes; the first boot keeps them as the board's salt.
    pub entropy: [u8; 16],
    /// Takes reports.
    pub observer: Box<dyn Observer>,
    /// Brings an operator's commands.
    pub commands: mpsc::Receiver<Command>,
    /// Whether the process before left the mark of an abort.
    pub aborted: bool,
    /// What to do about an unfinished run whose model, tools or board file changed.
    pub change: Change,
}

/// What to do about an unfinished run that would go on with something else than it began with.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Change {
    /// Refuse, by name.
    Refuse,
    /// Go on; the operator's word is a record.
    Accept,
}

/// Why a boot failed. Nothing was written, unless the flash itself failed.
#[derive(Debug, thiserror::Error)]
pub enum BootError<E: std::error::Error + 'static> {
    /// The flash failed, or needs attention.
    #[error(transparent)]
    Store(#[from] StoreError<E>),
    /// The model can't be held to the schema of a tool.
    #[error(transparent)]
    Tools(#[from] ToolsRefused),
    /// The unfinished run began with something else.
    #[error("the unfinished run began with another {}", changed.join(", "))]
    Changed {
        /// What differs.
        changed: Vec<&'static str>,
    },
    /// The first step failed.
    #[error(transparent)]
    Drive(DriveError<E>),
}

/// Boots an agent. Reads what is on flash, and refuses what does not fit before anything is written
/// or moved; then counts the boot, applies the actuators' boot policies, and records what that
/// changed. Where no run is unfinished the policies apply only if the machine itself was off: a process
/// that is started for the next task leaves the board as the last one left it.
///
/// # Errors
///
/// See [`BootError`]. Where the flash fails nobody will look after the board, so the safe states are set.
pub async fn boot<F: Flash>(parts: Parts<F>) -> Result<Driver<F>, BootError<F::Error>> {
    let actuators = Arc::clone(&parts.actuators);
    let booted = begin(parts).await;
    if let Err(BootError::Store(_) | BootError::Drive(_)) = &booted {
        set_safe_unrecorded(actuators.as_ref()).await;
    }
    booted
}

/// Sets the safe states where nothing can be recorded any more.
pub(crate) async fn set_safe_unrecorded(actuators: &dyn Actuators) {
    let (changed, failed) = actuators.set_safe().await;
    for line in changed.iter().chain(&failed) {
        tracing::warn!("{line}; the flash has no record of it");
    }
}

async fn begin<F: Flash>(parts: Parts<F>) -> Result<Driver<F>, BootError<F::Error>> {
    let Parts { flash, board_region, agent_region, config, mut model, tools, actuators, clock, .. } = parts;
    model.check_tools(&prompt::tools(&tools))?;
    let digests = digests(&config, model.as_ref(), &tools);
    let (store, agent) = Store::open(&flash, agent_region, config.limits, config.budget)?;
    let agent = agent.with_rules(tools.rules());
    let changed: Vec<_> = agent.run().map_or_else(Vec::new, |run| run.digests.changed(&digests).collect());
    if !changed.is_empty() && parts.change == Change::Refuse {
        return Err(BootError::Changed { changed });
    }

    let mut board = BoardLog::open(&flash, board_region)?;
    let before = board.newest();
    let now_clock = clock.unix_s();
    let past = Before { board: before.clone(), timeline: parts.timeline };
    let was_off = before.as_ref().is_some_and(|before| before.timeline != parts.timeline);
    let away_ms = past.away_ms(&agent, clock.now_ms(), now_clock);
    let this = BoardRecord {
        boot: before.as_ref().map_or(0, |before| before.boot).saturating_add(1),
        timeline: parts.timeline,
        salt: before.as_ref().map_or(parts.entropy, |before| before.salt),
        clock: now_clock,
        trusted_s: before.as_ref().and_then(|before| before.trusted_s).max(store.trusted_s()).max(now_clock),
    };
    board.append(&this)?;

    tracing::info!(boot = this.boot, flash_format = FORMAT_VERSION, ?away_ms, limits = ?config.limits, "booted");
    tell_model(model.card());

    let resumes = agent.run().is_some();
    let mut driver = Driver::assemble(Assembly {
        agent,
        store,
        config,
        model,
        tools,
        actuators,
        heartbeat: parts.heartbeat,
        clock,
        observer: parts.observer,
        commands: parts.commands,
        boot: this.boot,
        before: past,
        salt: this.salt,
        digests,
    });
    if resumes || was_off {
        let set = driver.actuators.boot().await;
        let booted = Event::Booted { away_ms, aborted: parts.aborted, changed: set };
        match driver.first(booted) {
            // What was moved is told to the next run by its readings; a full journal refuses that run.
            Err(DriveError::Store(error @ StoreError::NoRoom { .. })) if !resumes => {
                tracing::warn!(%error, "what the boot changed is not in the journal");
            }
            booted => booted.map_err(BootError::Drive)?,
        }
        if !changed.is_empty() {
            driver.first(Event::ChangeAccepted(digests)).map_err(BootError::Drive)?;
        }
    }
    Ok(driver)
}

/// What is known of the time before this start.
#[derive(Clone, Debug)]
pub(crate) struct Before {
    /// The start before this one.
    board: Option<BoardRecord>,
    /// This start's time line.
    timeline: [u8; 16],
}

impl Before {
    /// Milliseconds from the agent's newest record, which is of an earlier start, to now, if one clock ran
    /// through: the monotonic one where the time line is the same, else the wall clock where both starts
    /// trusted it.
    pub(crate) fn away_ms(&self, agent: &Agent, now_ms: u64, now_clock: Option<u64>) -> Option<u64> {
        let before = self.board.as_ref()?;
        let newest = &agent.state().timeline;
        // The agent's newest record may be of an older boot than the board's.
        if newest.boot != before.boot {
            return None;
        }
        if before.timeline == self.timeline {
            return now_ms.checked_sub(newest.mono_ms);
        }
        let away_s = now_clock?.checked_sub(newest.clock?)?;
        // Whole seconds hide up to one more. Counted as less than it was, it would let old calls act.
        Some(away_s.saturating_add(1).saturating_mul(1_000))
    }
}

/// Logs what the model is and how it is spoken to.
fn tell_model(card: &ModelCard) {
    let ModelCard { name, family, family_from, workarounds, .. } = card;
    if *family_from == FamilyFrom::Assumed {
        tracing::warn!(
            model = name,
            family,
            "the model's family is not known, so it is spoken to in the generic form; `model.family` names one"
        );
    } else {
        tracing::info!(model = name, family, ?family_from, "model");
    }
    for workaround in workarounds {
        tracing::info!(model = name, "chat template: {workaround}");
    }
}

/// What a run depends on.
fn digests(config: &AgentConfig, model: &dyn Model, tools: &Toolbox) -> Digests {
    let card = model.card();
    Digests {
        spec: config.digest(),
        model: first_half(&card.digest),
        tools: first_half(&tools.digest()),
        template: first_half(&card.template_digest),
    }
}

impl<F: Flash> Driver<F> {
    fn first(&mut self, event: Event) -> Result<(), DriveError<F::Error>> {
        let now = self.now();
        match self.agent.decide(now, event) {
            Ok(kind) => self.record(kind),
            Err(DecideError::NothingDue) => Ok(()),
            Err(refused) => Err(refused.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use everstep_core::{Agent, Kind, Limits, Moment, Record, RunId};

    use super::*;

    const LINE: [u8; 16] = [1; 16];

    /// An agent whose newest record is of `boot`, 5 s into its monotonic time, at `clock`.
    fn agent(boot: u32, clock: Option<u64>) -> Agent {
        let mut agent = Agent::new(Limits::default());
        let (task, digests) = ("cool".into(), Digests::default());
        let kind = Kind::Started { run: RunId(1), task, task_id: None, seed: 1, digests };
        agent.apply(&Record { at: Moment { boot, mono_ms: 5_000, clock }, kind }).unwrap();
        agent
    }

    fn board(boot: u32) -> BoardRecord {
        BoardRecord { boot, timeline: LINE, salt: [0; 16], clock: Some(1_000), trusted_s: Some(1_000) }
    }

    #[test]
    fn outage_is_counted_by_a_clock_that_ran_through_or_not_at_all() {
        let away = |agent: &Agent, timeline, now_ms, clock| {
            Before { board: Some(board(3)), timeline }.away_ms(agent, now_ms, clock)
        };
        let (timed, untimed) = (agent(3, Some(1_200)), agent(3, None));
        assert_eq!(away(&timed, LINE, 7_500, None), Some(2_500));
        // Another time line's monotonic time says nothing; the wall clock counts from the record, and
        // the second it hides counts, too.
        assert_eq!(away(&timed, [2; 16], 7_500, Some(1_230)), Some(31_000));
        for (agent, line, now_ms, clock) in [
            (&timed, [2; 16], 7_500, None),
            (&untimed, [2; 16], 7_500, Some(1_230)),
            // A clock that went back was not the same one.
            (&timed, LINE, 4_999, None),
            (&timed, [2; 16], 7_500, Some(1_199)),
            // The record is of an older boot than the board's newest.
            (&agent(2, Some(1_200)), LINE, 7_500, Some(1_230)),
        ] {
            assert_eq!(away(agent, line, now_ms, clock), None);
        }
        assert_eq!(Before { board: None, timeline: LINE }.away_ms(&timed, 7_500, None), None);
    }
}
