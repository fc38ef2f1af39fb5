//! `apply`: the only place where state changes. Live steps and replay share it.

use alloc::{
    string::{String, ToString},
    vec::Vec,
};

use crate::{
    agent::Agent,
    decide::is_repeatable,
    limits::{ABORTS_MAX, LimitName, UNKNOWN_MAX},
    record::{Digests, End, Kind, Record, Then},
    state::{Attempt, Finished, Generation, Mark, Notice, Pending, Phase, Run, State, Timeline, Turn, Used},
    words::{Call, CallId, Class, GenerationId, Moment, Outcome, RunId, Settlement, StepId, TokenId},
};

/// A record does not follow from those before it: the journal holds records of something else, or a
/// defect of this build wrote them.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("record {kind} does not fit while {phase}")]
pub struct OutOfPlace {
    /// The record's kind.
    pub kind: &'static str,
    /// The phase it came in.
    pub phase: &'static str,
}

impl Agent {
    /// Moves past `record`.
    ///
    /// # Errors
    ///
    /// [`OutOfPlace`] where the record does not follow; the state is then unusable.
    pub fn apply(&mut self, record: &Record) -> Result<(), OutOfPlace> {
        self.state.apply(record)
    }
}

impl State {
    fn apply(&mut self, record: &Record) -> Result<(), OutOfPlace> {
        let powered_ms = self.timeline.pass(record);
        if let Some(run) = &mut self.run {
            run.used.powered_ms = run.used.powered_ms.saturating_add(powered_ms);
        }
        // A late end changes what is known, not what is under way.
        if let Kind::EndedLate { call, outcome } = &record.kind {
            self.end_late(*call, outcome);
            return Ok(());
        }
        if let Kind::ChangeAccepted { digests } = &record.kind {
            return self.accept_change(digests, record.kind.name());
        }
        // More tokens of the same reply, too: the model goes on with it.
        if !matches!(record.kind, Kind::Generated { end: None, .. }) {
            self.activity.0 += 1;
        }
        if let Kind::Started { run, task, task_id, seed, digests } = &record.kind {
            return self.start(*run, task, task_id.as_ref(), *seed, digests);
        }
        let Some(mut run) = self.run.take() else {
            return Err(OutOfPlace { kind: record.kind.name(), phase: "at rest" });
        };
        let moved = self.move_run(&mut run, &record.kind);
        match run.phase {
            Phase::Ending { .. } if matches!(record.kind, Kind::Finished { .. }) => {
                self.last = Some(run.into_finished(&record.kind));
            }
            _ => self.run = Some(run),
        }
        moved
    }

    fn start(
        &mut self,
        id: RunId,
        task: &str,
        task_id: Option<&String>,
        seed: u64,
        digests: &Digests,
    ) -> Result<(), OutOfPlace> {
        if let Some(run) = &self.run {
            return Err(OutOfPlace { kind: "started", phase: run.phase.name() });
        }
        self.runs = id;
        self.generations.0 += 1;
        self.run = Some(Run {
            id,
            task_id: task_id.cloned(),
            seed,
            digests: *digests,
            step: StepId(1),
            turns: alloc::vec![Turn::Task(task.into())],
            notices: Vec::new(),
            phase: Phase::Generating(Generation::new(self.generations)),
            used: Used::default(),
            aborts: 0,
            generation_failures: 0,
        });
        Ok(())
    }

    fn accept_change(&mut self, digests: &Digests, kind: &'static str) -> Result<(), OutOfPlace> {
        let run = self.run.as_mut().ok_or(OutOfPlace { kind, phase: "at rest" })?;
        run.digests = *digests;
        Ok(())
    }

    fn move_run(&mut self, run: &mut Run, kind: &Kind) -> Result<(), OutOfPlace> {
        let out_of_place = OutOfPlace { kind: kind.name(), phase: run.phase.name() };
        match (kind, &mut run.phase) {
            (Kind::Booted { aborted, changed, lost, .. }, _) => {
                return self.boot(run, *aborted, changed, *lost).ok_or(out_of_place);
            }
            (Kind::StopAsked { reason }, _) => self.leave(run, End::Stopped(reason.clone())),
            (Kind::LimitReached { limit, .. }, _) => self.leave(run, End::Limit(*limit)),
            (Kind::Attempt { number, .. }, Phase::Generating(generation)) => {
                generation.attempts = *number;
                generation.attempt = Attempt::Begun;
            }
            (Kind::Generated { tokens, end }, Phase::Generating(_)) => run.hear(tokens, end.as_ref()),
            (Kind::Discarded { .. }, Phase::Generating(generation)) => generation.start_over(),
            (Kind::GenerationFailed { .. }, Phase::Generating(generation)) => {
                generation.start_over();
                run.generation_failures += 1;
            }
            (Kind::Answered, Phase::Deciding { .. }) => self.answered(run),
            (Kind::Refused { reason }, Phase::Deciding { .. }) => self.tell(run, reason.clone()),
            (Kind::Called(call), Phase::Deciding { .. }) => self.call(run, call.clone()),
            (Kind::ApprovalAsked { call, reason }, Phase::Deciding { .. }) => {
                self.calls = call.id;
                run.phase = Phase::Asking { call: call.clone(), reason: reason.clone() };
            }
            (Kind::ApprovalGiven, Phase::Asking { call, .. }) => {
                let call = call.clone();
                self.unknown.retain(|unknown| !unknown.equals(&call));
                self.call(run, call);
            }
            (Kind::ApprovalRefused { reason }, Phase::Asking { .. }) => {
                self.tell(run, alloc::format!("refused: {reason}"));
            }
            (Kind::Ended { outcome, then }, Phase::Calling(pending)) => {
                let pending = pending.clone();
                self.follow(run, pending, *then, &outcome_text(outcome));
            }
            (Kind::Settled { found, then }, Phase::Probing(pending)) => {
                let pending = pending.clone();
                let text = settlement_text(found, &pending.call.tool);
                self.follow(run, pending, *then, &text);
            }
            (Kind::Slept, Phase::Sleeping { call, .. }) => {
                let text = alloc::format!("waited {} seconds", call.wait_ms.unwrap_or_default() / 1_000);
                self.tell(run, text);
            }
            (Kind::SafeSet { .. }, Phase::SettingSafe { end }) => {
                run.phase = Phase::Ending { end: end.clone() };
            }
            (Kind::Finished { .. }, Phase::Ending { .. }) => {}
            _ => return Err(out_of_place),
        }
        Ok(())
    }

    fn boot(&mut self, run: &mut Run, aborted: bool, changed: &[String], lost: Option<Then>) -> Option<()> {
        run.note_restart(changed);
        if aborted {
            run.aborts += 1;
        }
        match (&mut run.phase, lost) {
            (Phase::Calling(pending), Some(then)) => {
                let pending = pending.clone();
                // Nobody saw its end, so there is no text to tell.
                self.follow(run, pending, then, "");
            }
            (Phase::Calling(_), None) | (_, Some(_)) => return None,
            (Phase::Generating(generation), None) => generation.attempt = Attempt::Due,
            (_, None) => {}
        }
        if run.aborts >= ABORTS_MAX && !matches!(run.phase, Phase::SettingSafe { .. } | Phase::Ending { .. })
        {
            let reason = alloc::format!("the process aborted {ABORTS_MAX} times at this step");
            self.leave(run, End::Failed(reason));
        }
        Some(())
    }

    /// Goes on after a try of a call, as `then` says.
    fn follow(&mut self, run: &mut Run, pending: Pending, then: Then, text: &str) {
        match then {
            Then::Tell => self.tell(run, text.to_string()),
            Then::RunAgain => run.phase = Phase::Calling(Pending { tries: pending.tries + 1, ..pending }),
            Then::Probe => run.phase = Phase::Probing(pending),
            Then::Unknown => {
                let text = match pending.call.class {
                    Class::Observe => alloc::format!("error: {} gave no result", pending.call.tool),
                    _ => alloc::format!("unknown: {} may have run; check before deciding", pending.call.tool),
                };
                self.remember_unknown(pending.call);
                self.tell(run, text);
            }
        }
    }

    fn remember_unknown(&mut self, call: Call) {
        if is_repeatable(call.class) {
            return;
        }
        if self.unknown.len() < UNKNOWN_MAX {
            self.unknown.push(call);
        } else {
            self.unknown_overflowed = true;
        }
    }

    fn call(&mut self, run: &mut Run, call: Call) {
        self.calls = call.id;
        run.used.calls += 1;
        let since = self.timeline.mark();
        run.phase = match call.wait_ms {
            Some(wait_ms) => {
                let until = Mark { elapsed_ms: since.elapsed_ms.saturating_add(wait_ms), ..since };
                Phase::Sleeping { call, until }
            }
            None => Phase::Calling(Pending { call, tries: 1, since }),
        };
    }

    fn answered(&mut self, run: &mut Run) {
        // What the model has not been told may change its answer.
        if run.notices.is_empty() {
            run.phase = Phase::Ending { end: End::Done };
        } else {
            self.ask_again(run);
        }
    }

    fn tell(&mut self, run: &mut Run, text: String) {
        run.turns.push(Turn::Result(text));
        self.ask_again(run);
    }

    fn ask_again(&mut self, run: &mut Run) {
        let notices = core::mem::take(&mut run.notices);
        run.turns.extend(notices.iter().map(|notice| Turn::Notice(notice.text())));
        run.step.0 += 1;
        run.aborts = 0;
        self.generations.0 += 1;
        run.phase = Phase::Generating(Generation::new(self.generations));
    }

    /// Ends the run badly: what was under way is given up, and the safe states are set first.
    fn leave(&mut self, run: &mut Run, end: End) {
        if let Phase::Calling(pending) | Phase::Probing(pending) = &run.phase {
            self.remember_unknown(pending.call.clone());
        }
        run.phase = Phase::SettingSafe { end };
    }

    fn end_late(&mut self, id: CallId, outcome: &Outcome) {
        let Some(index) = self.unknown.iter().position(|unknown| unknown.id == id) else { return };
        let text = match outcome {
            Outcome::Done(text) => text.clone(),
            Outcome::NotStarted(why) => alloc::format!("it did not run: {why}"),
            // It is as unknown as before.
            Outcome::MayHaveRun(_) => return,
        };
        let call = self.unknown.remove(index);
        if let Some(run) = &mut self.run {
            run.notices.push(Notice::Late(alloc::format!("{} returned late: {text}", call.tool)));
        }
    }
}

impl Run {
    /// The task in the operator's words.
    #[must_use]
    pub fn task(&self) -> &str {
        match self.turns.first() {
            Some(Turn::Task(task)) => task,
            _ => "",
        }
    }

    /// The newest whole reply.
    #[must_use]
    pub fn last_reply(&self) -> Option<&str> {
        self.turns.iter().rev().find_map(|turn| match turn {
            Turn::Reply { text, .. } => Some(text.as_str()),
            _ => None,
        })
    }

    fn hear(&mut self, tokens: &[TokenId], end: Option<&String>) {
        let Phase::Generating(generation) = &mut self.phase else { return };
        self.used.tokens = self.used.tokens.saturating_add(u32::try_from(tokens.len()).unwrap_or(u32::MAX));
        self.aborts = 0;
        generation.tokens.extend_from_slice(tokens);
        if let Some(text) = end {
            let tokens = core::mem::take(&mut generation.tokens);
            self.turns.push(Turn::Reply { tokens, text: text.clone() });
            self.generation_failures = 0;
            self.phase = Phase::Deciding { text: text.clone() };
        }
    }

    fn note_restart(&mut self, changed: &[String]) {
        let earlier = self.notices.iter_mut().find_map(|notice| match notice {
            Notice::Restarted { changed } => Some(changed),
            Notice::Late(_) => None,
        });
        match earlier {
            Some(earlier) => {
                for text in changed {
                    if !earlier.contains(text) {
                        earlier.push(text.clone());
                    }
                }
            }
            None => self.notices.push(Notice::Restarted { changed: changed.to_vec() }),
        }
    }

    fn into_finished(self, kind: &Kind) -> Finished {
        let how = match kind {
            Kind::Finished { how } => how.clone(),
            _ => End::Limit(LimitName::Steps),
        };
        let answer = if how == End::Done { self.last_reply().map(Into::into) } else { None };
        Finished {
            run: self.id,
            task: self.task().into(),
            task_id: self.task_id,
            how,
            answer,
            steps: self.step,
            used: self.used,
        }
    }
}

impl Generation {
    fn new(id: GenerationId) -> Self {
        Self { id, redo: 0, attempts: 0, attempt: Attempt::Due, tokens: Vec::new() }
    }

    fn start_over(&mut self) {
        self.tokens.clear();
        self.redo += 1;
        self.attempt = Attempt::Due;
    }
}

impl Timeline {
    /// Moves to `record` and returns how many milliseconds passed with power on.
    fn pass(&mut self, record: &Record) -> u64 {
        let Moment { boot, mono_ms, clock } = record.at;
        let passed_ms = if boot == self.boot { mono_ms.saturating_sub(self.mono_ms) } else { 0 };
        self.elapsed_ms = self.elapsed_ms.saturating_add(passed_ms);
        match &record.kind {
            Kind::Booted { away_ms: Some(away_ms), .. } => {
                self.elapsed_ms = self.elapsed_ms.saturating_add(*away_ms);
            }
            Kind::Booted { away_ms: None, .. } => self.gaps += 1,
            _ if boot != self.boot => self.gaps += 1,
            _ => {}
        }
        (self.boot, self.mono_ms, self.clock) = (boot, mono_ms, clock);
        passed_ms
    }
}

fn outcome_text(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Done(text) => text.clone(),
        Outcome::NotStarted(why) | Outcome::MayHaveRun(why) => alloc::format!("error: {why}"),
    }
}

fn settlement_text(found: &Settlement, tool: &str) -> String {
    match found {
        Settlement::Done(text) => text.clone(),
        Settlement::NotDone => alloc::format!("error: {tool} did not run"),
        Settlement::CantTell(why) => alloc::format!("error: {why}"),
    }
}
