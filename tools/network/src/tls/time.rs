//! What time it is for a certificate: the board's clock, unless it can't be right.

use std::{sync::Arc, time::Duration};

use everstep_tool::Clock;
use rustls::{pki_types::UnixTime, time_provider::TimeProvider};
use x509_cert::der::DateTime;

/// When the program was built, in seconds since 1970 UTC: no right clock shows an earlier time.
const BUILT_S: &str = env!("EVERSTEP_BUILT_S");

/// The board's clock with a lower bound.
pub struct TrustedTime {
    clock: Arc<dyn Clock>,
    not_before_s: u64,
}

/// Why certificates can't be checked.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ClockError {
    /// Nobody set it, or no time service confirmed it.
    #[error("the board's clock is not set: certificates can't be checked; set it or wait for NTP")]
    NotSet,
    /// It shows a time that is over for sure.
    #[error(
        "the board's clock is not set right, it shows {} and it is {} at least: certificates can't be checked; set it or wait for NTP",
        date(*now_s), date(*not_before_s)
    )]
    Behind {
        /// What it shows.
        now_s: u64,
        /// The latest of the program's build and the last time that was trusted.
        not_before_s: u64,
    },
}

impl TrustedTime {
    /// Takes the clock, and the last time that the board trusted and kept, in seconds since 1970 UTC.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, trusted_s: Option<u64>) -> Self {
        Self { clock, not_before_s: built_s().max(trusted_s.unwrap_or(0)) }
    }

    /// Any time will do: chains of others' tests are of the past.
    #[cfg(test)]
    pub(super) fn without_bound(clock: Arc<dyn Clock>) -> Self {
        Self { clock, not_before_s: 0 }
    }

    /// Seconds since 1970 UTC.
    ///
    /// # Errors
    ///
    /// Where the clock isn't set, or shows a time that is over.
    pub fn now(&self) -> Result<u64, ClockError> {
        let now_s = self.clock.unix_s().ok_or(ClockError::NotSet)?;
        if now_s < self.not_before_s {
            return Err(ClockError::Behind { now_s, not_before_s: self.not_before_s });
        }
        Ok(now_s)
    }
}

impl std::fmt::Debug for TrustedTime {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("TrustedTime").field("not_before_s", &self.not_before_s).finish_non_exhaustive()
    }
}

/// What rustls asks: no other clock is looked at.
impl TimeProvider for TrustedTime {
    fn current_time(&self) -> Option<UnixTime> {
        self.now().ok().map(|now_s| UnixTime::since_unix_epoch(Duration::from_secs(now_s)))
    }
}

/// When the program was built.
pub(crate) fn built_s() -> u64 {
    // The build script writes digits; without them no time would be late enough.
    BUILT_S.parse().unwrap_or(u64::MAX)
}

/// `2026-11-28`
fn date(unix_s: u64) -> String {
    match DateTime::from_unix_duration(Duration::from_secs(unix_s)) {
        Ok(date) => format!("{:04}-{:02}-{:02}", date.year(), date.month(), date.day()),
        // No calendar of certificates goes so far.
        Err(_) => format!("{unix_s} s after 1970"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rehearsal::TestClock;

    fn now(unix_s: Option<u64>, trusted_s: Option<u64>) -> Result<u64, String> {
        let time = TrustedTime::new(TestClock::at(unix_s), trusted_s);
        let now = time.now();
        // What rustls is told is the same.
        assert_eq!(time.current_time().map(|time| time.as_secs()), now.ok());
        now.map_err(|error| error.to_string())
    }

    #[test]
    fn a_clock_that_is_not_set_or_behind_is_named() {
        let built_s = built_s();
        assert!(built_s >= 1_795_824_000, "{built_s}");
        let unset = now(None, None).unwrap_err();
        assert_eq!(
            unset,
            "the board's clock is not set: certificates can't be checked; set it or wait for NTP"
        );
        let behind = now(Some(0), None).unwrap_err();
        assert!(behind.contains("it shows 1970-01-01 and it is 20"), "{behind}");
        assert!(now(Some(built_s - 1), None).is_err());
        assert_eq!(now(Some(built_s), None), Ok(built_s));
    }

    #[test]
    fn a_time_once_trusted_is_never_behind_again() {
        let later = built_s() + 1_000;
        assert!(now(Some(later - 1), Some(later)).is_err());
        assert_eq!(now(Some(later), Some(later)), Ok(later));
        // One from before the build bounds nothing.
        assert_eq!(now(Some(built_s()), Some(5)), Ok(built_s()));
    }

    #[test]
    fn dates_are_of_the_calendar() {
        for (unix_s, shown) in [
            (0, "1970-01-01"),
            (951_825_600, "2000-02-29"),
            (1_795_824_000, "2026-11-28"),
            (1_798_761_599, "2026-12-31"),
            (u64::MAX, "18446744073709551615 s after 1970"),
        ] {
            assert_eq!(date(unix_s), shown);
        }
    }
}
