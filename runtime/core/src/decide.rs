//! `decide`: what an event means now. Chooses and changes nothing.

use alloc::{string::String, vec::Vec};

use crate::{
    agent::Agent,
    event::{Event, Move, NewCall, Verdict},
    limits::{LimitName, REPLY_BYTES_MAX, TASK_BYTES_MAX, UNKNOWN_MAX},
    record::{Kind, Then},
    state::{Attempt, Mark, Pending, Phase, Run},
    text::{cut, shorten},
    words::{ActivityId, Call, CallId, Class, Moment, Outcome, RunId, Settlement, TokenId},
};

/// Why an event leads to no record.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum DecideError {
    /// It belongs to an activity that is over.
    #[error("the event belongs to an activity that is over")]
    Stale,
    /// Nothing is due.
    #[error("nothing is due")]
    NothingDue,
    /// It can't happen in this phase.
    #[error("{event} can't happen while {phase}")]
    Unexpected {
        /// The event.
        event: &'static str,
        /// The phase.
        phase: &'static str,
    },
    /// Another task is under way.
    #[error("run {run} is unfinished: {task:?}")]
    Unfinished {
        /// Its run.
        run: RunId,
        /// Its task.
        task: String,
    },
    /// The task is too long to be kept in one record.
    #[error("task has {bytes} bytes, at most {TASK_BYTES_MAX} fit")]
    TaskTooLong {
        /// Its length.
        bytes: usize,
    },
    /// The run with this task id is over; its result is kept.
    #[error("the run with this task id is over")]
    AlreadyFinished,
}

impl Agent {
    /// Decides what `event` means at `now`. Changes nothing.
    ///
    /// # Errors
    ///
    /// See [`DecideError`]: the event leads to no record.
    pub fn decide(&self, now: Moment, event: Event) -> Result<Kind, DecideError> {
        let Some(run) = &self.state.run else { return self.decide_at_rest(event) };
        match event {
            Event::TaskArrived { .. } => {
                Err(DecideError::Unfinished { run: run.id, task: run.task().into() })
            }
            Event::Booted { away_ms, aborted, changed } => {
                let lost = self.lost_at_boot(run, away_ms);
                Ok(Kind::Booted { away_ms, aborted, changed, lost })
            }
            Event::StopAsked { reason } => match run.phase {
                Phase::SettingSafe { .. } | Phase::Ending { .. } => Err(DecideError::NothingDue),
                _ => Ok(Kind::StopAsked { reason: shorten(reason) }),
            },
            Event::ChangeAccepted(digests) => Ok(Kind::ChangeAccepted { digests }),
            Event::CallEndedLate { call, outcome } => Ok(self.late(call, outcome)),
            Event::TimePassed => self.time_limit(run, now).ok_or(DecideError::NothingDue),
            Event::JournalFull { bytes, bytes_max } => {
                Ok(Kind::LimitReached { limit: LimitName::JournalBytes, used: bytes, max: bytes_max })
            }
            Event::Approval { call, verdict } => approval(run, call, verdict),
            Event::AttemptReady(activity) => self.current(activity)?.attempt(run, now),
            Event::Generated { activity, tokens, end } => {
                self.current(activity)?;
                generated(run, tokens, end)
            }
            Event::PrefixRefused { activity, reason } => {
                self.current(activity)?;
                generating(run, "prefix_refused", Kind::Discarded { reason: shorten(reason) })
            }
            Event::GenerationFailed { activity, reason } => {
                self.current(activity)?;
                generating(run, "generation_failed", Kind::GenerationFailed { reason: shorten(reason) })
            }
            Event::ContextFull { activity, tokens, tokens_max } => {
                self.current(activity)?;
                let (used, max) = (u64::from(tokens), u64::from(tokens_max));
                generating(run, "context_full", Kind::LimitReached { limit: LimitName::Context, used, max })
            }
            Event::Moved { activity, what } => self.current(activity)?.moved(run, what),
            Event::CallEnded { activity, outcome } => self.current(activity)?.ended(run, now, outcome),
            Event::Probed { activity, found } => self.current(activity)?.probed(run, now, found),
            Event::Woke(activity) => {
                self.current(activity)?;
                match run.phase {
                    Phase::Sleeping { .. } => Ok(Kind::Slept),
                    _ => Err(unexpected("woke", run)),
                }
            }
            Event::SafeSet { activity, changed, failed } => {
                self.current(activity)?;
                match run.phase {
                    Phase::SettingSafe { .. } => Ok(Kind::SafeSet { changed, failed }),
                    _ => Err(unexpected("safe_set", run)),
                }
            }
            Event::EndReady(activity) => {
                self.current(activity)?;
                match &run.phase {
                    Phase::Ending { end } => Ok(Kind::Finished { how: end.clone() }),
                    _ => Err(unexpected("end_ready", run)),
                }
            }
        }
    }

    fn decide_at_rest(&self, event: Event) -> Result<Kind, DecideError> {
        match event {
            Event::TaskArrived { task, task_id, seed, digests } => {
                if task.len() > TASK_BYTES_MAX {
                    return Err(DecideError::TaskTooLong { bytes: task.len() });
                }
                let last_id = self.state.last.as_ref().and_then(|last| last.task_id.as_ref());
                if task_id.is_some() && task_id.as_ref() == last_id {
                    return Err(DecideError::AlreadyFinished);
                }
                Ok(Kind::Started { run: RunId(self.state.runs.0 + 1), task, task_id, seed, digests })
            }
            Event::CallEndedLate { call, outcome } => Ok(self.late(call, outcome)),
            Event::TimePassed | Event::Booted { .. } | Event::StopAsked { .. } => {
                Err(DecideError::NothingDue)
            }
            _ => Err(DecideError::Stale),
        }
    }

    /// Refuses events of activities that are over.
    fn current(&self, activity: ActivityId) -> Result<&Self, DecideError> {
        if activity == self.state.activity { Ok(self) } else { Err(DecideError::Stale) }
    }

    fn attempt(&self, run: &Run, now: Moment) -> Result<Kind, DecideError> {
        let Phase::Generating(generation) = &run.phase else { return Err(unexpected("attempt", run)) };
        if generation.attempt == Attempt::Begun {
            return Err(DecideError::Stale);
        }
        let limits = &self.limits;
        let reached = [
            (LimitName::Steps, run.step.0, limits.steps_max.saturating_add(1)),
            (LimitName::Tokens, run.used.tokens, limits.tokens_max),
            (LimitName::GenerationFailures, run.generation_failures, limits.generation_failures_max),
        ]
        .into_iter()
        .find(|(_, used, max)| used >= max);
        if let Some((limit, used, max)) = reached {
            return Ok(Kind::LimitReached { limit, used: used.into(), max: max.into() });
        }
        if let Some(kind) = self.time_limit(run, now) {
            return Ok(kind);
        }
        Ok(Kind::Attempt { generation: generation.id, number: generation.attempts + 1 })
    }

    fn moved(&self, run: &Run, what: Move) -> Result<Kind, DecideError> {
        let Phase::Deciding { .. } = &run.phase else { return Err(unexpected("moved", run)) };
        let new = match what {
            Move::Answer => return Ok(Kind::Answered),
            Move::Refused(reason) => {
                let reason = cut(reason, self.limits.result_bytes_max);
                return Ok(Kind::Refused { reason });
            }
            Move::Call(new) => new,
        };
        if run.used.calls >= self.limits.calls_max {
            let (used, max) = (u64::from(run.used.calls), u64::from(self.limits.calls_max));
            return Ok(Kind::LimitReached { limit: LimitName::Calls, used, max });
        }
        let call = self.numbered(new);
        Ok(match self.why_ask(&call) {
            Some(reason) => Kind::ApprovalAsked { call, reason },
            None => Kind::Called(call),
        })
    }

    fn numbered(&self, new: NewCall) -> Call {
        let NewCall { tool, arguments, class, baseline, wait_ms } = new;
        let id = CallId(self.state.calls.0 + 1);
        Call { id, tool, arguments, class, baseline: baseline.map(shorten), wait_ms }
    }

    /// Why an operator must agree before `call` may run, if so.
    fn why_ask(&self, call: &Call) -> Option<String> {
        if is_repeatable(call.class) {
            return None;
        }
        if let Some(earlier) = self.state.unknown.iter().find(|unknown| unknown.equals(call)) {
            return Some(alloc::format!("call {} was the same and may have run", earlier.id));
        }
        self.state
            .unknown_overflowed
            .then(|| alloc::format!("more than {UNKNOWN_MAX} calls may have run unnoticed"))
    }

    fn ended(&self, run: &Run, now: Moment, outcome: Outcome) -> Result<Kind, DecideError> {
        let Phase::Calling(pending) = &run.phase else { return Err(unexpected("call_ended", run)) };
        let max = self.limits.result_bytes_max;
        Ok(match outcome {
            Outcome::Done(text) => Kind::Ended { outcome: Outcome::Done(cut(text, max)), then: Then::Tell },
            Outcome::NotStarted(why) => {
                Kind::Ended { outcome: Outcome::NotStarted(shorten(why)), then: Then::Tell }
            }
            Outcome::MayHaveRun(why) => {
                let then = self.after_loss(pending, self.age_ms(pending.since, now));
                Kind::Ended { outcome: Outcome::MayHaveRun(shorten(why)), then }
            }
        })
    }

    fn probed(&self, run: &Run, now: Moment, found: Settlement) -> Result<Kind, DecideError> {
        let Phase::Probing(pending) = &run.phase else { return Err(unexpected("probed", run)) };
        let (found, then) = match found {
            Settlement::Done(text) => (Settlement::Done(cut(text, self.limits.result_bytes_max)), Then::Tell),
            Settlement::CantTell(why) => (Settlement::CantTell(shorten(why)), Then::Unknown),
            Settlement::NotDone => {
                let again = self.may_run_again(pending, self.age_ms(pending.since, now));
                (Settlement::NotDone, if again { Then::RunAgain } else { Then::Tell })
            }
        };
        Ok(Kind::Settled { found, then })
    }

    fn late(&self, call: CallId, outcome: Outcome) -> Kind {
        let max = self.limits.result_bytes_max;
        let outcome = match outcome {
            Outcome::Done(text) => Outcome::Done(cut(text, max)),
            Outcome::NotStarted(why) => Outcome::NotStarted(shorten(why)),
            Outcome::MayHaveRun(why) => Outcome::MayHaveRun(shorten(why)),
        };
        Kind::EndedLate { call, outcome }
    }

    /// What is done about a call whose outcome is lost: the table of classes.
    fn after_loss(&self, pending: &Pending, age_ms: Option<u64>) -> Then {
        match pending.call.class {
            Class::Observe | Class::Safe if self.may_run_again(pending, age_ms) => Then::RunAgain,
            Class::Keyed { key_valid_s }
                if self.may_run_again(pending, age_ms)
                    && age_ms.is_some_and(|age_ms| age_ms <= u64::from(key_valid_s) * 1_000) =>
            {
                Then::RunAgain
            }
            Class::ReadBack { .. } => Then::Probe,
            Class::Observe | Class::Safe | Class::Keyed { .. } | Class::Never => Then::Unknown,
        }
    }

    /// Nothing runs again that is too old, of unknown age, or was tried too often.
    fn may_run_again(&self, pending: &Pending, age_ms: Option<u64>) -> bool {
        pending.tries < self.limits.tries_max
            && age_ms.is_some_and(|age_ms| age_ms <= u64::from(self.limits.rerun_s_max) * 1_000)
    }

    fn lost_at_boot(&self, run: &Run, away_ms: Option<u64>) -> Option<Then> {
        let Phase::Calling(pending) = &run.phase else { return None };
        let timeline = &self.state.timeline;
        let age_ms = match (timeline.age_ms(pending.since, timeline.mono_ms), away_ms) {
            (Some(before_ms), Some(away_ms)) => Some(before_ms.saturating_add(away_ms)),
            _ => None,
        };
        Some(self.after_loss(pending, age_ms))
    }

    fn age_ms(&self, since: Mark, now: Moment) -> Option<u64> {
        // Another boot's monotonic time means nothing here.
        if now.boot != self.state.timeline.boot {
            return None;
        }
        self.state.timeline.age_ms(since, now.mono_ms)
    }

    fn time_limit(&self, run: &Run, now: Moment) -> Option<Kind> {
        if matches!(run.phase, Phase::SettingSafe { .. } | Phase::Ending { .. }) {
            return None;
        }
        let since_record_ms = if now.boot == self.state.timeline.boot {
            now.mono_ms.saturating_sub(self.state.timeline.mono_ms)
        } else {
            0
        };
        let used_s = run.used.powered_ms.saturating_add(since_record_ms) / 1_000;
        let max = u64::from(self.limits.powered_s_max);
        (used_s >= max).then_some(Kind::LimitReached { limit: LimitName::PoweredSeconds, used: used_s, max })
    }
}

/// Whether a call may be repeated without asking anybody.
pub(crate) const fn is_repeatable(class: Class) -> bool {
    match class {
        Class::Observe | Class::Safe => true,
        Class::Keyed { .. } | Class::ReadBack { .. } | Class::Never => false,
    }
}

fn approval(run: &Run, id: CallId, verdict: Verdict) -> Result<Kind, DecideError> {
    match &run.phase {
        // An answer counts for the very call that was asked about, and once.
        Phase::Asking { call, .. } if call.id == id => Ok(match verdict {
            Verdict::Approve => Kind::ApprovalGiven,
            Verdict::Refuse(reason) => Kind::ApprovalRefused { reason: shorten(reason) },
        }),
        _ => Err(DecideError::Stale),
    }
}

fn generated(run: &Run, tokens: Vec<TokenId>, end: Option<String>) -> Result<Kind, DecideError> {
    if let Some(text) = &end
        && text.len() > REPLY_BYTES_MAX
    {
        let reason = alloc::format!("reply of {} bytes, at most {REPLY_BYTES_MAX} fit", text.len());
        return generating(run, "generated", Kind::GenerationFailed { reason });
    }
    generating(run, "generated", Kind::Generated { tokens, end })
}

fn generating(run: &Run, event: &'static str, kind: Kind) -> Result<Kind, DecideError> {
    match &run.phase {
        Phase::Generating(generation) if generation.attempt == Attempt::Begun => Ok(kind),
        _ => Err(unexpected(event, run)),
    }
}

fn unexpected(event: &'static str, run: &Run) -> DecideError {
    DecideError::Unexpected { event, phase: run.phase.name() }
}
