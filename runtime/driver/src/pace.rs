//! How long calls are held back, how many may be open, and how long an operator has.

use std::time::Duration;

use everstep_core::{CallId, Pending};

use crate::{activity, driver::Driver, store::Flash};

impl<F: Flash> Driver<F> {
    pub(crate) fn is_open(&self, call: CallId) -> bool {
        self.open.iter().any(|(open, _)| *open == call)
    }

    /// How many tries of `tool` are open, where its grant allows no more.
    pub(crate) fn too_many_open(&self, tool: &str) -> Option<usize> {
        let max = self.tools.terms(tool)?.concurrent_max?;
        let open = self.open.iter().filter(|(_, open)| open == tool).count();
        (open >= max as usize).then_some(open)
    }

    /// Milliseconds until `tool` may be called again, by the interval of its grant. After an outage of
    /// unknown length the whole interval is waited.
    pub(crate) fn hold_ms(&self, tool: &str) -> u64 {
        let interval_ms = self.tools.terms(tool).map_or(0, |terms| u64::from(terms.interval_s_min) * 1_000);
        let state = self.agent.state();
        let Some(used) = state.ledger.tool(tool) else { return 0 };
        let age_ms = state.timeline.age_ms(used.last, self.clock.now_ms());
        interval_ms.saturating_sub(age_ms.unwrap_or(0))
    }

    /// How long a repeated call is held back. Never so long that it would be too old to run.
    pub(crate) fn retry_delay(&self, pending: &Pending, key: &str) -> Duration {
        let age_ms = self.agent.state().timeline.age_ms(pending.since, self.clock.now_ms());
        let fresh_ms = u64::from(self.config.limits.rerun_s_max) * 1_000;
        let left_ms = fresh_ms.saturating_sub(age_ms.unwrap_or(fresh_ms));
        activity::retry_delay(pending, key).min(Duration::from_millis(left_ms))
    }

    /// Milliseconds that an operator still has.
    pub(crate) fn approval_left_ms(&self) -> u64 {
        let state = self.agent.state();
        let waited_ms =
            state.ledger.asked.and_then(|asked| state.timeline.age_ms(asked, self.clock.now_ms()));
        let max_ms = u64::from(self.config.limits.approval_s_max) * 1_000;
        max_ms.saturating_sub(waited_ms.unwrap_or(max_ms))
    }
}
