//! How often a server is started: so many times within an hour, and each time in a row that it failed
//! later than the time before.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

/// What counts as one budget.
const HOUR: Duration = Duration::from_hours(1);
/// First pause after a failure; each further one doubles it.
const PAUSE_FIRST: Duration = Duration::from_millis(250);
/// Longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// The starts of one server.
#[derive(Debug, Default)]
pub(super) struct Starts {
    times: VecDeque<Instant>,
    /// Failures since it last answered.
    failures: u32,
    free_from: Option<Instant>,
}

/// Why a server isn't started now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum NotNow {
    /// It failed, and is left alone for a while.
    Pausing { wait: Duration },
    /// It was started too often; the budget has room again after that time.
    TooOften { wait: Duration },
}

impl Starts {
    /// Takes one start out of the budget.
    pub(super) fn begin(&mut self, now: Instant, restarts_max: u32) -> Result<(), NotNow> {
        while self.times.front().is_some_and(|time| now.duration_since(*time) >= HOUR) {
            self.times.pop_front();
        }
        let starts_max = usize::try_from(restarts_max).unwrap_or(usize::MAX).saturating_add(1);
        if let Some(first) = self.times.front().filter(|_| self.times.len() >= starts_max) {
            return Err(NotNow::TooOften { wait: HOUR.saturating_sub(now.duration_since(*first)) });
        }
        let wait = self.free_from.map_or(Duration::ZERO, |from| from.saturating_duration_since(now));
        if !wait.is_zero() {
            return Err(NotNow::Pausing { wait });
        }
        self.times.push_back(now);
        Ok(())
    }

    /// It failed: while it started, or while it was asked.
    pub(super) fn failed(&mut self, now: Instant) {
        let doublings = self.failures.min(16);
        self.failures = self.failures.saturating_add(1);
        // The first failure after an answer costs no time.
        let pause = PAUSE_FIRST.saturating_mul(1 << doublings) / 2;
        let pause = if doublings == 0 { Duration::ZERO } else { pause.min(PAUSE_MAX) };
        self.free_from = Some(now + pause);
    }

    /// It answered.
    pub(super) fn answered(&mut self) {
        self.failures = 0;
        self.free_from = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn starts_within_an_hour_are_counted() {
        let start = Instant::now();
        let mut starts = Starts::default();
        for minute in 0..3 {
            assert_eq!(starts.begin(start + Duration::from_secs(60 * minute), 2), Ok(()));
        }
        let at = start + Duration::from_mins(3);
        assert_eq!(starts.begin(at, 2), Err(NotNow::TooOften { wait: Duration::from_mins(57) }));
        // The first start is out of the hour.
        let at = start + HOUR;
        assert_eq!(starts.begin(at, 2), Ok(()));
        assert!(starts.begin(at, 2).is_err());
        assert_eq!(Starts::default().begin(at, 0), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn pauses_grow_with_failures_in_a_row_up_to_a_limit() {
        let now = Instant::now();
        let mut starts = Starts::default();
        let mut pauses = Vec::new();
        for _ in 0..40 {
            starts.failed(now);
            pauses.push(match starts.begin(now, u32::MAX) {
                Ok(()) => 0,
                Err(NotNow::Pausing { wait }) => wait.as_millis(),
                Err(other) => panic!("{other:?}"),
            });
        }
        assert_eq!(pauses[..5], [0, 250, 500, 1_000, 2_000]);
        assert_eq!(pauses[39], 30_000);
        starts.answered();
        assert_eq!(starts.begin(now, u32::MAX), Ok(()));
    }
}
