//! The loop: performs effects, makes records of what comes back.

use std::{future::Future, pin::Pin, sync::Arc};

use everstep_core::{
    ActivityId, Agent, CallId, DecideError, Digests, Effect, Event, Kind, Outcome, Phase, Verdict,
};
use everstep_model::{Model, ModelEvent, Reply, Request};
use everstep_tool::{Clock, Toolbox};
use tokio::sync::mpsc;

use crate::{
    activity::{self, Returned, Task, UnderWay},
    boot::{Actuators, Before, Heartbeat, set_safe_unrecorded},
    config::{AgentConfig, Approvals},
    observe::{Observer, Report},
    operator::{Command, DriveError, Pause, StatusReport, call_digest},
    prompt,
    store::{Flash, Store, StoreError},
};

/// One agent at work.
pub struct Driver<F: Flash> {
    pub(crate) agent: Agent,
    pub(crate) store: Store<F>,
    pub(crate) config: AgentConfig,
    pub(crate) model: Box<dyn Model>,
    pub(crate) tools: Arc<Toolbox>,
    pub(crate) actuators: Arc<dyn Actuators>,
    pub(crate) heartbeat: Option<Box<dyn Heartbeat>>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) observer: Box<dyn Observer>,
    pub(crate) commands: mpsc::Receiver<Command>,
    pub(crate) boot: u32,
    pub(crate) before: Before,
    pub(crate) salt: [u8; 16],
    pub(crate) digests: Digests,
    under_way: Option<UnderWay>,
    returned: (mpsc::UnboundedSender<Returned>, mpsc::UnboundedReceiver<Returned>),
    /// Calls with a try that has not returned, given up or not, and their tools.
    pub(crate) open: Vec<(CallId, String)>,
}

impl<F: Flash> Driver<F> {
    pub(crate) fn assemble(parts: Assembly<F>) -> Self {
        let Assembly {
            agent,
            store,
            config,
            model,
            tools,
            actuators,
            heartbeat,
            clock,
            observer,
            commands,
            boot,
            before,
            salt,
            digests,
        } = parts;
        let returned = mpsc::unbounded_channel();
        Self {
            agent,
            store,
            config,
            model,
            tools,
            actuators,
            heartbeat,
            clock,
            observer,
            commands,
            boot,
            before,
            salt,
            digests,
            under_way: None,
            returned,
            open: Vec::new(),
        }
    }

    /// The agent as its applied records made it.
    #[must_use]
    pub fn agent(&self) -> &Agent {
        &self.agent
    }

    /// The records on flash.
    #[must_use]
    pub fn store(&self) -> &Store<F> {
        &self.store
    }

    /// Begins a run. Once this returns `Ok`, the task survives power loss.
    ///
    /// # Errors
    ///
    /// [`DriveError::Refused`] while another run is unfinished, for a task that is too long, and for
    /// a `task_id` whose run is over; nothing was written then.
    pub fn start(
        &mut self,
        task: String,
        task_id: Option<String>,
        seed: u64,
    ) -> Result<(), DriveError<F::Error>> {
        let event = Event::TaskArrived { task, task_id, seed, digests: self.digests };
        let kind = self.agent.decide(self.now(), event)?;
        // Time between two runs counts for what may be done in a day.
        if self.agent.state().timeline.boot != self.boot && self.agent.state().runs.0 > 0 {
            let (now_ms, now_clock) = (self.clock.now_ms(), self.clock.unix_s());
            let away_ms = self.before.away_ms(&self.agent, now_ms, now_clock);
            self.record(Kind::Rested { away_ms })?;
        }
        self.record(kind)
    }

    /// Records an operator's decision about a call, while nobody drives.
    ///
    /// # Errors
    ///
    /// [`DriveError::Refused`] if this call is not being asked about.
    pub fn approval(&mut self, call: CallId, verdict: Verdict) -> Result<(), DriveError<F::Error>> {
        let kind = self.agent.decide(self.now(), Event::Approval { call, verdict })?;
        self.record(kind)
    }

    /// Asks the run to end. `drive` then sets the safe states and records the end.
    ///
    /// # Errors
    ///
    /// [`DriveError::Refused`] if there is no run to end.
    pub fn stop(&mut self, reason: String) -> Result<(), DriveError<F::Error>> {
        let kind = self.agent.decide(self.now(), Event::StopAsked { reason })?;
        self.record(kind)
    }

    /// Works until the run is over or an operator is needed.
    ///
    /// # Errors
    ///
    /// See [`DriveError`]. Calls that have started go on; their outcome is settled at the next start.
    /// After the flash failed, every further attempt is refused and nothing is begun. Nobody looks after
    /// the board from then on, so the safe states are set, without a record.
    pub async fn drive(&mut self) -> Result<Pause, DriveError<F::Error>> {
        let worked = self.work().await;
        if worked.is_err() {
            self.set_safe().await;
        }
        worked
    }

    /// Sets the safe states without a record: for whoever can't record any more.
    pub async fn set_safe(&self) {
        set_safe_unrecorded(self.actuators.as_ref()).await;
    }

    async fn work(&mut self) -> Result<Pause, DriveError<F::Error>> {
        self.store.check_usable()?;
        loop {
            if let Some(heartbeat) = &mut self.heartbeat {
                heartbeat.beat();
            }
            match self.agent.effect() {
                Effect::AwaitTask => {
                    self.store.rest()?;
                    self.rest_heart();
                    return Ok(Pause::AtRest(self.agent.state().last.clone()));
                }
                Effect::AwaitApproval { activity, .. } if self.config.approvals == Approvals::Return => {
                    // It may have waited long enough already.
                    self.step(Event::TimePassed)?;
                    if let Some(pause) = self.asks(activity) {
                        self.store.rest()?;
                        self.rest_heart();
                        return Ok(pause);
                    }
                    continue;
                }
                _ => self.reconcile()?,
            }
            if let Some(event) = self.next_event().await? {
                self.step(event)?;
            }
        }
    }

    fn rest_heart(&mut self) {
        if let Some(heartbeat) = &mut self.heartbeat {
            heartbeat.rest();
        }
    }

    /// What the operator is asked, while `activity` is that question.
    fn asks(&self, activity: ActivityId) -> Option<Pause> {
        match self.agent.effect() {
            Effect::AwaitApproval { activity: now, call, reason } if now == activity => {
                Some(Pause::NeedsApproval { call: call.clone(), reason: reason.into() })
            }
            _ => None,
        }
    }

    /// Makes what is under way what should be: starts what is new, keeps what is the same, cancels
    /// what is gone.
    fn reconcile(&mut self) -> Result<(), StoreError<F::Error>> {
        let wanted = self.agent.effect().activity();
        if self.under_way.as_ref().map(|under_way| under_way.id) == wanted {
            return Ok(());
        }
        if let Some(gone) = self.under_way.take() {
            match gone.task {
                Task::Generating { .. } => self.model.cancel(gone.id),
                Task::Calling { cancel, .. } => cancel.ask(),
                Task::Working(_) | Task::Queued { .. } => {}
            }
        }
        if let Some(id) = wanted {
            let task = self.begin()?;
            self.under_way = Some(UnderWay { id, task });
        }
        Ok(())
    }

    /// Starts the activity the agent's effect names.
    fn begin(&mut self) -> Result<Task, StoreError<F::Error>> {
        Ok(match self.agent.effect() {
            Effect::AwaitTask => Task::Working(Box::pin(std::future::pending())),
            Effect::AwaitApproval { .. } => {
                let limit = self.clock.limit(self.approval_left_ms());
                self.store.rest()?;
                Task::Working(Box::pin(async move {
                    limit.await;
                    Event::TimePassed
                }))
            }
            Effect::AskAgain(activity) => activity::at_once(Event::AskAgain(activity)),
            Effect::BeginAttempt(activity) => activity::at_once(Event::AttemptReady(activity)),
            Effect::Finish { activity, .. } => activity::at_once(Event::EndReady(activity)),
            Effect::Generate { activity, run, generation, tokens_max } => {
                self.model.submit(Request {
                    activity,
                    generation: generation.id,
                    redo: generation.redo,
                    seed: run.seed,
                    messages: prompt::messages(&self.config.system, run),
                    tools: prompt::tools(&self.tools),
                    generated: generation.tokens.clone(),
                    tokens_max,
                    run_tokens_max: self.config.run_tokens_max,
                    constraint: self.config.constraint,
                    sampling: self.config.sampling,
                });
                activity::generate(activity, self.config.limits.reply_s_max)
            }
            Effect::Decide { activity, text } => {
                let reply = self.model.parse(text, &prompt::tools(&self.tools));
                let hold_ms = match &reply {
                    Reply::Call { tool, .. } => self.hold_ms(tool),
                    Reply::Answer(_) | Reply::Malformed(_) => 0,
                };
                activity::decide(activity, reply, &self.tools, hold_ms, &self.clock)
            }
            Effect::CallTool { activity, pending } => {
                let (id, tool) = (pending.call.id, pending.call.tool.clone());
                if self.is_open(id) {
                    activity::queue(activity, pending, &self.tools)
                } else if let Some(open) = self.too_many_open(&tool) {
                    let why = format!("{open} earlier calls of {tool} have not returned yet");
                    let outcome = Outcome::NotStarted(why);
                    activity::at_once(Event::CallEnded { activity, outcome })
                } else if let Some(why) = activity::refusal(pending, &self.tools) {
                    let outcome = Outcome::NotStarted(why);
                    activity::at_once(Event::CallEnded { activity, outcome })
                } else {
                    let key = idempotency_key(&self.salt, &self.config.name, id);
                    let delay = self.retry_delay(pending, &key);
                    let returned = self.returned.0.clone();
                    let task = activity::call(activity, pending, &self.tools, key, delay, returned);
                    self.open.push((id, tool));
                    task
                }
            }
            Effect::Probe { activity, pending, .. } if self.is_open(pending.call.id) => {
                // A device that is asked too early says "not done", and then does it.
                activity::queue_probe(activity, pending, &self.tools)
            }
            Effect::Probe { activity, pending, settle_ms } => {
                activity::probe(activity, pending, settle_ms, &self.tools, &self.clock)
            }
            Effect::Sleep { activity, left_ms } => {
                let slept = self.clock.sleep(left_ms);
                self.store.rest()?;
                Task::Working(Box::pin(async move {
                    slept.await;
                    Event::Woke(activity)
                }))
            }
            Effect::SetSafe(activity) => {
                let set = self.actuators.set_safe();
                Task::Working(Box::pin(async move {
                    let (changed, failed) = set.await;
                    Event::SafeSet { activity, changed, failed }
                }))
            }
        })
    }

    async fn next_event(&mut self) -> Result<Option<Event>, DriveError<F::Error>> {
        let limit = self.power_limit();
        let beat = self.next_beat();
        let Some(under_way) = &mut self.under_way else { return Ok(None) };
        let generating = matches!(under_way.task, Task::Generating { .. });
        tokio::select! {
            // A fixed order, so that a simulated run is the same each time.
            biased;
            Some(command) = self.commands.recv() => self.obey(command),
            Some(returned) = self.returned.1.recv() => Ok(Some(self.take_back(returned))),
            // Before the model, or one that always has something to say would never be too slow.
            event = under_way.event() => Ok(Some(event)),
            event = self.model.next_event(), if generating => self.hear(event),
            () = limit => Ok(Some(Event::TimePassed)),
            () = beat => Ok(None),
        }
    }

    /// Ends when the loop has to show that it is alive. Real time, as the hardware counts it.
    fn next_beat(&self) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        match &self.heartbeat {
            Some(heartbeat) => Box::pin(tokio::time::sleep(heartbeat.interval())),
            None => Box::pin(std::future::pending()),
        }
    }

    /// Ends when the run has used up its powered seconds.
    fn power_limit(&self) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let Some(run) = self.agent.run() else { return Box::pin(std::future::pending()) };
        if matches!(run.phase, Phase::SettingSafe { .. } | Phase::Ending { .. }) {
            return Box::pin(std::future::pending());
        }
        let since_record_ms = self.clock.now_ms().saturating_sub(self.agent.state().timeline.mono_ms);
        let used_ms = run.used.powered_ms.saturating_add(since_record_ms);
        let max_ms = u64::from(self.config.limits.powered_s_max) * 1_000;
        self.clock.limit(max_ms.saturating_sub(used_ms))
    }

    fn take_back(&mut self, returned: Returned) -> Event {
        let Returned { activity, call, outcome } = returned;
        self.open.retain(|(open, _)| *open != call);
        if self.under_way.as_ref().is_some_and(|under_way| under_way.id == activity) {
            return Event::CallEnded { activity, outcome };
        }
        // The next try waited for this one: let it begin.
        if matches!(&self.under_way, Some(UnderWay { task: Task::Queued { call: queued, .. }, .. }) if *queued == call)
        {
            self.under_way = None;
        }
        Event::CallEndedLate { call, outcome }
    }

    fn hear(&mut self, event: ModelEvent) -> Result<Option<Event>, DriveError<F::Error>> {
        Ok(Some(match event {
            ModelEvent::Progress { evaluated, cached, total, .. } => {
                self.observer.report(Report::Evaluating { evaluated, cached, total });
                return Ok(None);
            }
            ModelEvent::Snapshot(fact) => {
                self.observer.report(Report::KvSnapshot(&fact));
                return Ok(None);
            }
            ModelEvent::Tokens { activity, tokens, end } => Event::Generated { activity, tokens, end },
            ModelEvent::PrefixRefused { activity, reason } => Event::PrefixRefused { activity, reason },
            ModelEvent::ContextFull { activity, tokens, tokens_max } => {
                Event::ContextFull { activity, tokens, tokens_max }
            }
            ModelEvent::Failed { activity, reason } => Event::GenerationFailed { activity, reason },
            ModelEvent::Gone { reason } => return Err(DriveError::ModelGone { reason }),
        }))
    }

    fn obey(&mut self, command: Command) -> Result<Option<Event>, DriveError<F::Error>> {
        // A reply nobody waits for any more is no reason to stop.
        match command {
            Command::Status(reply) => {
                let (agent, state) = (self.config.name.clone(), self.agent.state().clone());
                let _ = reply.send(StatusReport { agent, state });
            }
            Command::Stop { reason, reply } => {
                let taken = self.stop(reason);
                let _ = reply.send(taken.is_ok());
                fatal(taken)?;
            }
            Command::Approval { call, digest, verdict, reply } => {
                let taken = if self.was_shown(call, digest.as_deref()) {
                    self.approval(call, verdict)
                } else {
                    Err(DecideError::Stale.into())
                };
                let _ = reply.send(taken.is_ok());
                fatal(taken)?;
            }
        }
        Ok(None)
    }

    /// Whether `digest` is that of the call in question, where one is given.
    fn was_shown(&self, call: CallId, digest: Option<&str>) -> bool {
        match self.agent.run().map(|run| &run.phase) {
            Some(Phase::Asking { call: asked, .. }) if asked.id == call => {
                digest.is_none_or(|digest| digest == call_digest(asked))
            }
            _ => false,
        }
    }

    /// One step: event → record → flash → state.
    fn step(&mut self, event: Event) -> Result<(), DriveError<F::Error>> {
        match self.agent.decide(self.now(), event) {
            Ok(kind) => self.record(kind),
            Err(DecideError::Stale | DecideError::NothingDue) => Ok(()),
            Err(refused) => Err(refused.into()),
        }
    }
}

/// Everything a driver is made of.
pub(crate) struct Assembly<F: Flash> {
    pub(crate) agent: Agent,
    pub(crate) store: Store<F>,
    pub(crate) config: AgentConfig,
    pub(crate) model: Box<dyn Model>,
    pub(crate) tools: Arc<Toolbox>,
    pub(crate) actuators: Arc<dyn Actuators>,
    pub(crate) heartbeat: Option<Box<dyn Heartbeat>>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) observer: Box<dyn Observer>,
    pub(crate) commands: mpsc::Receiver<Command>,
    pub(crate) boot: u32,
    pub(crate) before: Before,
    pub(crate) salt: [u8; 16],
    pub(crate) digests: Digests,
}

/// A refused command was answered; anything else ends the loop.
fn fatal<E: std::error::Error + 'static>(taken: Result<(), DriveError<E>>) -> Result<(), DriveError<E>> {
    match taken {
        Err(DriveError::Refused(_)) | Ok(()) => Ok(()),
        Err(error) => Err(error),
    }
}

/// The key a remote end recognises a repetition by. The salt is the board's own and call numbers
/// never restart, so that no two calls of any board share a key and every try of one call does.
fn idempotency_key(salt: &[u8; 16], agent: &str, call: CallId) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(salt);
    hasher.update(agent.as_bytes());
    hasher.update(&call.0.to_le_bytes());
    let hex = hasher.finalize().to_hex();
    hex.chars().take(32).collect()
}
