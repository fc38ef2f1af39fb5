//! What is done about a call whose outcome is lost: the table of classes.

use crate::{
    agent::Agent,
    record::Then,
    state::{Pending, Phase, Run},
    timeline::Mark,
    words::{CallId, Class, Moment},
};

/// Whether a call may be repeated without asking anybody.
pub(crate) const fn is_repeatable(class: Class) -> bool {
    match class {
        Class::Observe | Class::Safe => true,
        Class::Keyed { .. } | Class::ReadBack { .. } | Class::Never => false,
    }
}

/// Whether a call of this class runs again without anything having shown that the try before did not run.
/// That a later try did not start then says nothing of the whole call. A look changes nothing anyway.
pub(crate) const fn repeats_unread(class: Class) -> bool {
    match class {
        Class::Safe | Class::Keyed { .. } => true,
        Class::Observe | Class::ReadBack { .. } | Class::Never => false,
    }
}

/// Whether `then` can never follow a try of a call of this class, whatever a record says.
pub(crate) const fn rules_out(class: Class, then: Then) -> bool {
    match then {
        Then::RunAgain => matches!(class, Class::Never),
        Then::Probe => !matches!(class, Class::ReadBack { .. }),
        Then::Tell | Then::Unknown => false,
    }
}

impl Agent {
    /// What is done about a call whose outcome is lost: the table of classes.
    pub(crate) fn after_loss(&self, pending: &Pending, age_ms: Option<u64>) -> Then {
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
    pub(crate) fn may_run_again(&self, pending: &Pending, age_ms: Option<u64>) -> bool {
        pending.tries < self.limits.tries_max && self.is_fresh(age_ms)
    }

    /// Whether more than one try of `call`, whose outcome is unknown, may have been made.
    pub(crate) fn may_have_repeated(&self, call: CallId) -> bool {
        self.state.unknown.iter().any(|unknown| unknown.id == call && repeats_unread(unknown.class))
    }

    /// Whether what is `age_ms` old may still act. What is of unknown age may not.
    pub(crate) fn is_fresh(&self, age_ms: Option<u64>) -> bool {
        age_ms.is_some_and(|age_ms| age_ms <= u64::from(self.limits.rerun_s_max) * 1_000)
    }

    pub(crate) fn lost_at_boot(&self, run: &Run, away_ms: Option<u64>) -> Option<Then> {
        let Phase::Calling(pending) = &run.phase else { return None };
        let timeline = &self.state.timeline;
        let age_ms = match (timeline.age_ms(pending.since, timeline.mono_ms), away_ms) {
            (Some(before_ms), Some(away_ms)) => Some(before_ms.saturating_add(away_ms)),
            _ => None,
        };
        Some(self.after_loss(pending, age_ms))
    }

    pub(crate) fn age_ms(&self, since: Mark, now: Moment) -> Option<u64> {
        // Another boot's monotonic time means nothing here.
        if now.boot != self.state.timeline.boot {
            return None;
        }
        self.state.timeline.age_ms(since, now.mono_ms)
    }
}

#[cfg(test)]
mod tests;
