//! What a call may need beyond its grant: a budget that is not used up, and an operator's word.

use alloc::string::String;

use crate::{
    agent::Agent,
    decide::{DecideError, calls_reached, unexpected},
    event::Verdict,
    limits::UNKNOWN_MAX,
    loss::is_repeatable,
    record::Kind,
    rules::SharedBudget,
    state::{Phase, Run},
    text::shorten,
    words::{Call, CallId, Moment},
};

impl Agent {
    /// Why an operator must agree before `call` may run, if so.
    pub(crate) fn why_ask(&self, call: &Call) -> Option<String> {
        if let Some(source) = &self.state.ledger.tainted
            && self.rules.get(&call.tool).is_some_and(|rule| rule.sensitive)
        {
            return Some(alloc::format!("text from outside is in the run since {source}"));
        }
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

    /// Why a budget leaves no call of `tool` at `now`, if so; the model reads it.
    #[must_use]
    pub fn over_budget(&self, tool: &str, now: Moment) -> Option<String> {
        let rule = self.rules.get(tool)?;
        let ledger = &self.state.ledger;
        let in_run = ledger.tool(tool).map_or(0, |used| used.run_calls);
        let elapsed_ms = self.state.timeline.elapsed_at(now);
        let in_day = ledger.day_calls(tool, elapsed_ms);
        if let Some(SharedBudget { name, calls_per_day_max: max }) = &rule.shared {
            let all = self.rules.sharing(name).map(|tool| ledger.day_calls(tool, elapsed_ms));
            if all.fold(0, u32::saturating_add) >= *max {
                return Some(alloc::format!("error: {name} may be asked {max} times a day, and was"));
            }
        }
        [(in_run, rule.calls_per_run_max, "run"), (in_day, rule.calls_per_day_max, "day")]
            .into_iter()
            .find_map(|(used, max, of)| max.filter(|max| used >= *max).map(|max| (max, of)))
            .map(|(max, of)| alloc::format!("error: {tool} may be called {max} times a {of}, and was"))
    }

    /// A question that nobody can date is a new question.
    pub(crate) fn ask_again(&self, run: &Run) -> Result<Kind, DecideError> {
        let Phase::Asking { call, reason } = &run.phase else { return Err(unexpected("ask_again", run)) };
        if self.state.is_question_dated() {
            return Err(DecideError::Stale);
        }
        let Some(id) = self.state.calls.0.checked_add(1) else {
            return Ok(calls_reached(u32::MAX, u32::MAX));
        };
        Ok(Kind::ApprovalAsked { call: Call { id: CallId(id), ..call.clone() }, reason: reason.clone() })
    }

    pub(crate) fn approval(
        &self,
        run: &Run,
        now: Moment,
        id: CallId,
        verdict: Verdict,
    ) -> Result<Kind, DecideError> {
        match &run.phase {
            // An answer counts for the very call that was asked about, and once.
            Phase::Asking { call, .. } if call.id == id => match verdict {
                Verdict::Refuse(reason) => Ok(Kind::ApprovalRefused { reason: shorten(reason) }),
                Verdict::Approve if self.has_waited_ms(now).is_some_and(|ms| ms < self.approval_ms_max()) => {
                    Ok(Kind::ApprovalGiven)
                }
                // Too late, or nobody knows how late.
                Verdict::Approve => Err(DecideError::Stale),
            },
            _ => Err(DecideError::Stale),
        }
    }

    /// Milliseconds that the question under way has waited, where that is known.
    fn has_waited_ms(&self, now: Moment) -> Option<u64> {
        self.state.ledger.asked.and_then(|asked| self.age_ms(asked, now))
    }

    fn approval_ms_max(&self) -> u64 {
        u64::from(self.limits.approval_s_max) * 1_000
    }

    /// Nobody answering is an answer.
    pub(crate) fn approval_limit(&self, run: &Run, now: Moment) -> Option<Kind> {
        let Phase::Asking { .. } = run.phase else { return None };
        self.has_waited_ms(now).filter(|ms| *ms >= self.approval_ms_max()).map(|_| {
            let reason = alloc::format!("nobody answered within {} s", self.limits.approval_s_max);
            Kind::ApprovalRefused { reason }
        })
    }

    /// Whether a late result of `call` would bring text from outside into a run that isn't tainted.
    pub(crate) fn would_taint(&self, call: CallId) -> bool {
        if self.state.ledger.tainted.is_some() {
            return false;
        }
        let unknown = self.state.unknown.iter().find(|unknown| unknown.id == call);
        let rule = unknown.and_then(|unknown| self.rules.get(&unknown.tool));
        rule.is_some_and(|rule| rule.outside)
    }
}
