//! `apply`: the only place where state changes. Live steps and replay share it.

use alloc::{
    string::{String, ToString},
    vec::Vec,
};

use crate::{
    agent::Agent,
    ledger::warning,
    limits::{ABORTS_MAX, UNKNOWN_MAX},
    loss::{is_repeatable, rules_out},
    record::{Digests, End, Kind, Record, Then},
    state::{Attempt, Generation, Notice, Pending, Phase, Run, State, Turn, Used},
    timeline::Mark,
    words::{Call, CallId, Class, Outcome, RunId, Settlement, StepId},
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
    /// Moves past `record`, which is on flash already. Never panics, whatever the record and the
    /// state: numbers that don't follow, a call that its class rules out and counters at their end
    /// are refused. Work is bounded by the state's size.
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
        let phase = self.run.as_ref().map_or("at rest", |run| run.phase.name());
        self.follow_record(record).ok_or(OutOfPlace { kind: record.kind.name(), phase })
    }

    fn follow_record(&mut self, record: &Record) -> Option<()> {
        let powered_ms = self.timeline.pass(record)?;
        if let Some(run) = &mut self.run {
            run.used.powered_ms = run.used.powered_ms.saturating_add(powered_ms);
        }
        // These two change what is known, not what is under way.
        match &record.kind {
            Kind::EndedLate { call, outcome } => {
                self.end_late(*call, outcome);
                return Some(());
            }
            Kind::ChangeAccepted { digests } => {
                self.run.as_mut()?.digests = *digests;
                return Some(());
            }
            _ => {}
        }
        if let Kind::Rested { .. } = record.kind {
            return self.run.is_none().then_some(());
        }
        // More tokens of the same reply, too: the model goes on with it.
        if !matches!(record.kind, Kind::Generated { end: None, .. }) {
            self.activity.0 = self.activity.0.checked_add(1)?;
        }
        if let Kind::Started { run, task, task_id, seed, digests } = &record.kind {
            return self.start(*run, task, task_id.as_ref(), *seed, digests);
        }
        let mut run = self.run.take()?;
        match (&record.kind, &run.phase) {
            (Kind::Finished { how }, Phase::Ending { end }) if how == end => {
                self.last = Some(run.into_finished(how.clone()));
                Some(())
            }
            _ => {
                let moved = self.move_run(&mut run, &record.kind);
                self.run = Some(run);
                moved
            }
        }
    }

    fn start(
        &mut self,
        id: RunId,
        task: &str,
        task_id: Option<&String>,
        seed: u64,
        digests: &Digests,
    ) -> Option<()> {
        if self.run.is_some() || id.0 != self.runs.0.saturating_add(1) {
            return None;
        }
        self.runs = id;
        self.generations.0 = self.generations.0.saturating_add(1);
        self.ledger.start();
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
            outage_ms: Some(0),
        });
        Some(())
    }

    fn move_run(&mut self, run: &mut Run, kind: &Kind) -> Option<()> {
        match (kind, &mut run.phase) {
            (Kind::Booted { away_ms, aborted, changed, lost }, _) => {
                run.note_outage(*away_ms);
                return self.boot(run, *aborted, changed, *lost);
            }
            (Kind::StopAsked { reason }, phase) if !phase.is_last() => {
                self.leave(run, End::Stopped(reason.clone()));
            }
            (Kind::LimitReached { limit, .. }, phase) if !phase.is_last() => {
                self.leave(run, End::Limit(*limit));
            }
            (Kind::Attempt { generation: id, number }, Phase::Generating(generation))
                if generation.is_due(*id, *number) =>
            {
                generation.attempts = *number;
                generation.attempt = Attempt::Begun;
            }
            (Kind::Pruned { through, what }, Phase::Generating(generation))
                if generation.attempt == Attempt::Begun =>
            {
                return run.prune(*through, *what, &self.unknown);
            }
            (_, Phase::Generating(generation)) if generation.attempt == Attempt::Begun => {
                return run.hear(kind);
            }
            (Kind::Warned { limit, count }, Phase::Generating(_)) => {
                self.ledger.warn();
                run.turns.push(Turn::Notice(warning(*limit, *count)));
            }
            (Kind::Tainted { tool }, Phase::Deciding { .. }) => self.ledger.tainted = Some(tool.clone()),
            (Kind::Answered, Phase::Deciding { .. }) => self.answered(run),
            (Kind::Refused { reason }, Phase::Deciding { text }) => {
                self.ledger.came_of(&[text, reason], true);
                self.tell(run, reason.clone());
            }
            (Kind::Called(call), Phase::Deciding { .. }) if self.is_next(call) => {
                self.call(run, call.clone());
            }
            (Kind::ApprovalAsked { call, reason }, Phase::Deciding { .. }) if self.is_next(call) => {
                self.ask(run, call, reason);
            }
            (Kind::ApprovalAsked { call, reason }, Phase::Asking { .. })
                if !self.is_question_dated() && self.is_next(call) =>
            {
                self.ask(run, call, reason);
            }
            (Kind::ApprovalGiven, Phase::Asking { call, .. }) => {
                let call = call.clone();
                self.unknown.retain(|unknown| !unknown.equals(&call));
                self.call(run, call);
            }
            (Kind::ApprovalRefused { reason }, Phase::Asking { call, .. }) => {
                self.ledger.came_of(&[&call.tool, &call.arguments, "refused"], true);
                self.tell(run, alloc::format!("refused: {reason}"));
            }
            (Kind::Ended { outcome, then }, Phase::Calling(pending)) => {
                let pending = pending.clone();
                let is_error = !matches!(outcome, Outcome::Done(_));
                return self.follow(run, pending, *then, &outcome_text(outcome), is_error);
            }
            (Kind::Settled { found, then }, Phase::Probing(pending)) => {
                let pending = pending.clone();
                let text = settlement_text(found, &pending.call.tool);
                let is_error = !matches!(found, Settlement::Done(_));
                return self.follow(run, pending, *then, &text, is_error);
            }
            (Kind::Slept, Phase::Sleeping { call, .. }) => {
                let text = alloc::format!("waited {} seconds", call.wait_ms.unwrap_or_default() / 1_000);
                self.ledger.waited();
                self.tell(run, text);
            }
            (Kind::SafeSet { .. }, Phase::SettingSafe { end }) => {
                self.ledger.made_safe();
                run.phase = Phase::Ending { end: end.clone() };
            }
            _ => return None,
        }
        Some(())
    }

    /// Whether `call` has the number that comes next. No two calls share one.
    fn is_next(&self, call: &Call) -> bool {
        self.calls.0.checked_add(1) == Some(call.id.0)
    }

    fn boot(&mut self, run: &mut Run, aborted: bool, changed: &[String], lost: Option<Then>) -> Option<()> {
        run.note_restart(changed);
        if aborted {
            run.aborts = run.aborts.saturating_add(1);
        }
        match (&mut run.phase, lost) {
            // Nobody saw its end, so there is nothing to tell.
            (Phase::Calling(_), None | Some(Then::Tell)) => return None,
            (Phase::Calling(pending), Some(then)) => {
                let pending = pending.clone();
                self.follow(run, pending, then, "", true)?;
            }
            (_, Some(_)) => return None,
            (Phase::Generating(generation), None) => generation.attempt = Attempt::Due,
            (_, None) => {}
        }
        if run.aborts >= ABORTS_MAX && !run.phase.is_last() {
            let reason = alloc::format!("the process aborted {ABORTS_MAX} times at this step");
            self.leave(run, End::Failed(reason));
        }
        Some(())
    }

    /// Goes on after a try of a call, as `then` says. What the call's class rules out does not
    /// follow, whatever a record says.
    fn follow(
        &mut self,
        run: &mut Run,
        pending: Pending,
        then: Then,
        text: &str,
        is_error: bool,
    ) -> Option<()> {
        if rules_out(pending.call.class, then) {
            return None;
        }
        if matches!(then, Then::Tell | Then::Unknown) {
            self.ledger.came_of(&[&pending.call.tool, &pending.call.arguments, text], is_error);
        }
        match then {
            Then::Tell => {
                if !is_error {
                    self.ledger.commanded(&pending.call);
                }
                self.tell(run, text.to_string());
            }
            Then::RunAgain => {
                let tries = pending.tries.saturating_add(1);
                run.phase = Phase::Calling(Pending { tries, ..pending });
            }
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
        Some(())
    }

    fn ask(&mut self, run: &mut Run, call: &Call, reason: &str) {
        self.calls = call.id;
        self.ledger.asked = Some(self.timeline.mark());
        run.phase = Phase::Asking { call: call.clone(), reason: reason.into() };
    }

    fn remember_unknown(&mut self, call: Call) {
        self.ledger.doubted(&call);
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
        run.used.calls = run.used.calls.saturating_add(1);
        self.ledger.called(&call, &self.timeline);
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
        run.step.0 = run.step.0.saturating_add(1);
        run.aborts = 0;
        run.outage_ms = Some(0);
        self.generations.0 = self.generations.0.saturating_add(1);
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

#[cfg(test)]
mod tests;
