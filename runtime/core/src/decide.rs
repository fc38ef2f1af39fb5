//! `decide`: what an event means now. Chooses and changes nothing.

use alloc::{string::String, vec::Vec};

use crate::{
    agent::Agent,
    event::{Event, Move, NewCall},
    ledger::Runaway,
    limits::{
        ARGUMENTS_BYTES_MAX, LimitName, REPLY_BYTES_MAX, RESULT_BYTES_LIMIT, RUN_TOKENS_LIMIT,
        TASK_BYTES_MAX, TASK_ID_BYTES_MAX, TOOL_BYTES_MAX,
    },
    loss::repeats_unread,
    record::{Kind, Then},
    state::{Attempt, Generation, Phase, Run},
    text::{cut, shorten, shorten_list},
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
    /// The operator's name for the run is too long to be kept.
    #[error("task id has {bytes} bytes, at most {TASK_ID_BYTES_MAX} fit")]
    TaskIdTooLong {
        /// Its length.
        bytes: usize,
    },
    /// The run with this task id is over; its result is kept.
    #[error("the run with this task id is over")]
    AlreadyFinished,
}

impl Agent {
    /// Decides what `event` means at `now`. Changes nothing; [`Agent::apply`] takes whatever this
    /// answers, once it is on flash. Texts and lists that are too long for a record are cut here.
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
                Ok(Kind::Booted { away_ms, aborted, changed: shorten_list(changed), lost })
            }
            // A run that ends already is not ended again: the safe states would never be done.
            Event::StopAsked { .. } | Event::JournalFull { .. } if run.phase.is_last() => {
                Err(DecideError::NothingDue)
            }
            Event::StopAsked { reason } => Ok(Kind::StopAsked { reason: shorten(reason) }),
            Event::ChangeAccepted(digests) => Ok(Kind::ChangeAccepted { digests }),
            Event::CallEndedLate { call, outcome } => self.late_in_run(run, now, call, outcome),
            Event::TimePassed => self
                .time_limit(run, now)
                .or_else(|| self.approval_limit(run, now))
                .ok_or(DecideError::NothingDue),
            Event::JournalFull { bytes, bytes_max } => {
                Ok(Kind::LimitReached { limit: LimitName::JournalBytes, used: bytes, max: bytes_max })
            }
            Event::Approval { call, verdict } => self.approval(run, now, call, verdict),
            Event::AskAgain(activity) => self.current(activity)?.ask_again(run),
            Event::Rested { .. } => Err(DecideError::NothingDue),
            Event::AttemptReady(activity) => self.current(activity)?.attempt(run, now),
            Event::Generated { activity, tokens, end } => self.current(activity)?.generated(run, tokens, end),
            Event::PrefixRefused { activity, reason } => {
                self.current(activity)?;
                let reason = shorten(reason);
                // Where nothing is on flash nothing can be discarded; a model that says so again
                // and again must run into a limit.
                let kind = match &run.phase {
                    Phase::Generating(generation) if generation.tokens.is_empty() => {
                        Kind::GenerationFailed { reason }
                    }
                    _ => Kind::Discarded { reason },
                };
                generating(run, "prefix_refused", kind)
            }
            Event::GenerationFailed { activity, reason } => {
                self.current(activity)?;
                generating(run, "generation_failed", Kind::GenerationFailed { reason: shorten(reason) })
            }
            Event::ContextFull { activity, tokens, tokens_max } => {
                self.current(activity)?;
                generating(run, "context_full", self.context_full(run, tokens, tokens_max))
            }
            Event::Moved { activity, what } => self.current(activity)?.moved(run, now, what),
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
                    Phase::SettingSafe { .. } => {
                        let (changed, failed) = (shorten_list(changed), shorten_list(failed));
                        Ok(Kind::SafeSet { changed, failed })
                    }
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
                if let Some(task_id) = &task_id
                    && task_id.len() > TASK_ID_BYTES_MAX
                {
                    return Err(DecideError::TaskIdTooLong { bytes: task_id.len() });
                }
                let last_id = self.state.last.as_ref().and_then(|last| last.task_id.as_ref());
                if task_id.is_some() && task_id.as_ref() == last_id {
                    return Err(DecideError::AlreadyFinished);
                }
                let run = RunId(self.state.runs.0.saturating_add(1));
                Ok(Kind::Started { run, task, task_id, seed, digests })
            }
            Event::CallEndedLate { call, outcome } => self.late(call, outcome),
            Event::Rested { away_ms } => Ok(Kind::Rested { away_ms }),
            // Kept only for what it moved: a boot with nothing to do costs no flash.
            Event::Booted { away_ms, aborted, changed } if !changed.is_empty() => {
                Ok(Kind::Booted { away_ms, aborted, changed: shorten_list(changed), lost: None })
            }
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
            // The step that would begin now is not used yet.
            (LimitName::Steps, run.step.0.saturating_sub(1), limits.steps_max),
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
        if let Some(Runaway { limit, count, max }) = self.state.ledger.runaway(limits) {
            return Ok(if self.state.ledger.warned {
                Kind::LimitReached { limit, used: count.into(), max: max.into() }
            } else {
                Kind::Warned { limit, count }
            });
        }
        Ok(Kind::Attempt { generation: generation.id, number: generation.attempts.saturating_add(1) })
    }

    fn moved(&self, run: &Run, now: Moment, what: Move) -> Result<Kind, DecideError> {
        let Phase::Deciding { .. } = &run.phase else { return Err(unexpected("moved", run)) };
        let new = match what {
            Move::Answer => return Ok(Kind::Answered),
            Move::Refused(reason) => {
                return Ok(Kind::Refused { reason: cut(reason, self.result_bytes_max()) });
            }
            Move::Call(new) => new,
        };
        if let Some(reason) = too_long(&new) {
            return Ok(Kind::Refused { reason });
        }
        if new.class != Class::Observe && !self.is_fresh(run.outage_ms) {
            // Nobody wants Friday's valve opened on Monday.
            let reason = alloc::format!("error: {} was decided before an outage; look again", new.tool);
            return Ok(Kind::Refused { reason });
        }
        if run.used.calls >= self.limits.calls_max {
            return Ok(calls_reached(run.used.calls, self.limits.calls_max));
        }
        if let Some(reason) = self.over_budget(&new.tool, now) {
            return Ok(Kind::Refused { reason });
        }
        if self.state.ledger.tainted.is_none() && self.rules.get(&new.tool).is_some_and(|rule| rule.outside) {
            // On flash before the call, so that no cut can part the text from its taint. The same reply is
            // then decided about once more.
            return Ok(Kind::Tainted { tool: new.tool });
        }
        // A number given twice would be an idempotency key used twice.
        let Some(id) = self.state.calls.0.checked_add(1) else {
            return Ok(calls_reached(u32::MAX, u32::MAX));
        };
        let NewCall { tool, arguments, class, baseline, wait_ms } = new;
        let baseline = baseline.map(shorten);
        let call = Call { id: CallId(id), tool, arguments, class, baseline, wait_ms };
        Ok(match self.why_ask(&call) {
            Some(reason) => Kind::ApprovalAsked { call, reason },
            None => Kind::Called(call),
        })
    }

    fn ended(&self, run: &Run, now: Moment, outcome: Outcome) -> Result<Kind, DecideError> {
        let Phase::Calling(pending) = &run.phase else { return Err(unexpected("call_ended", run)) };
        let max = self.result_bytes_max();
        Ok(match outcome {
            Outcome::Done(text) => Kind::Ended { outcome: Outcome::Done(cut(text, max)), then: Then::Tell },
            Outcome::NotStarted(why) => {
                let lost_before = pending.tries > 1 && repeats_unread(pending.call.class);
                let then = if lost_before { Then::Unknown } else { Then::Tell };
                Kind::Ended { outcome: Outcome::NotStarted(shorten(why)), then }
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
            Settlement::Done(text) => (Settlement::Done(cut(text, self.result_bytes_max())), Then::Tell),
            Settlement::CantTell(why) => (Settlement::CantTell(shorten(why)), Then::Unknown),
            Settlement::NotDone => {
                let again = self.may_run_again(pending, self.age_ms(pending.since, now));
                (Settlement::NotDone, if again { Then::RunAgain } else { Then::Tell })
            }
        };
        Ok(Kind::Settled { found, then })
    }

    /// A late result of the very call that is waited for settles it: an earlier try came back while
    /// the next one waits for it, or while the device is asked. Starting the next try all the same
    /// could do twice what was done once.
    fn late_in_run(
        &self,
        run: &Run,
        now: Moment,
        call: CallId,
        outcome: Outcome,
    ) -> Result<Kind, DecideError> {
        match (&run.phase, outcome) {
            (Phase::Calling(pending), outcome @ (Outcome::Done(_) | Outcome::MayHaveRun(_)))
                if pending.call.id == call =>
            {
                self.ended(run, now, outcome)
            }
            (Phase::Probing(pending), Outcome::Done(text)) if pending.call.id == call => {
                self.probed(run, now, Settlement::Done(text))
            }
            (_, outcome) => self.late(call, outcome),
        }
    }

    fn late(&self, call: CallId, outcome: Outcome) -> Result<Kind, DecideError> {
        if call > self.state.calls {
            return Err(DecideError::Stale);
        }
        let max = self.result_bytes_max();
        let outcome = match outcome {
            // It is told to the run under way, which may be another than the one that asked for it.
            Outcome::Done(_) if self.would_taint(call) => Outcome::Done("it ran".into()),
            Outcome::Done(text) => Outcome::Done(cut(text, max)),
            // Of which try it is nobody knows any more, and one before it may have run.
            Outcome::NotStarted(why) if self.may_have_repeated(call) => Outcome::MayHaveRun(shorten(why)),
            Outcome::NotStarted(_) if self.would_taint(call) => Outcome::NotStarted("it failed".into()),
            Outcome::NotStarted(why) => Outcome::NotStarted(shorten(why)),
            Outcome::MayHaveRun(why) => Outcome::MayHaveRun(shorten(why)),
        };
        Ok(Kind::EndedLate { call, outcome })
    }

    fn generated(&self, run: &Run, tokens: Vec<TokenId>, end: Option<String>) -> Result<Kind, DecideError> {
        let kind = match (&run.phase, &end) {
            // It would wear the flash, and count as progress that was not made.
            (_, None) if tokens.is_empty() => return Err(DecideError::NothingDue),
            (Phase::Generating(generation), _) => {
                match self.reply_too_long(run, generation, &tokens, end.as_ref()) {
                    Some(reason) => Kind::GenerationFailed { reason },
                    None => Kind::Generated { tokens, end },
                }
            }
            _ => Kind::Generated { tokens, end },
        };
        generating(run, "generated", kind)
    }

    /// Why these tokens can't be taken, if so. A model is asked to keep to the limits; this holds
    /// where it does not.
    fn reply_too_long(
        &self,
        run: &Run,
        generation: &Generation,
        tokens: &[TokenId],
        end: Option<&String>,
    ) -> Option<String> {
        let reply_tokens = tokens.len().saturating_add(generation.tokens.len());
        let reply_tokens_max = self.reply_tokens_max(run, generation) as usize;
        let text_bytes = end.map_or(0, String::len);
        [
            (tokens.len(), RUN_TOKENS_LIMIT, "tokens at once"),
            (reply_tokens, reply_tokens_max, "tokens"),
            (text_bytes, REPLY_BYTES_MAX, "bytes"),
        ]
        .into_iter()
        .find(|(used, max, _)| used > max)
        .map(|(used, max, unit)| alloc::format!("reply of {used} {unit}, at most {max} fit"))
    }

    /// Makes room in the model's context, or ends the run where nothing is left to be left out.
    fn context_full(&self, run: &Run, tokens: u32, tokens_max: u32) -> Kind {
        match run.pruning(&self.state.unknown) {
            Some((through, what)) => Kind::Pruned { through, what },
            None => {
                Kind::LimitReached { limit: LimitName::Context, used: tokens.into(), max: tokens_max.into() }
            }
        }
    }

    fn result_bytes_max(&self) -> u32 {
        self.limits.result_bytes_max.min(RESULT_BYTES_LIMIT)
    }

    fn time_limit(&self, run: &Run, now: Moment) -> Option<Kind> {
        if run.phase.is_last() {
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

pub(crate) fn calls_reached(used: u32, max: u32) -> Kind {
    Kind::LimitReached { limit: LimitName::Calls, used: used.into(), max: max.into() }
}

/// Why a call can't be kept in one record, if so; the model reads it.
fn too_long(new: &NewCall) -> Option<String> {
    [("tool name", new.tool.len(), TOOL_BYTES_MAX), ("arguments", new.arguments.len(), ARGUMENTS_BYTES_MAX)]
        .into_iter()
        .find(|(_, bytes, bytes_max)| bytes > bytes_max)
        .map(|(what, bytes, max)| alloc::format!("error: {what} of {bytes} bytes, at most {max} fit"))
}

fn generating(run: &Run, event: &'static str, kind: Kind) -> Result<Kind, DecideError> {
    match &run.phase {
        Phase::Generating(generation) if generation.attempt == Attempt::Begun => Ok(kind),
        _ => Err(unexpected(event, run)),
    }
}

pub(crate) fn unexpected(event: &'static str, run: &Run) -> DecideError {
    DecideError::Unexpected { event, phase: run.phase.name() }
}

#[cfg(test)]
mod tests;
