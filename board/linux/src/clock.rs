//! The board's clock: time since the machine started, and the date where it can be trusted.
//!
//! Leaves out setting the clock: that is the system's own time service.

mod discipline;

use rustix::time::{ClockId, clock_gettime};

/// Where the kernel keeps the identity of this start of the machine.
const BOOT_ID_PATH: &str = "/proc/sys/kernel/random/boot_id";

/// Whether the date is believed when no time service has confirmed it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TrustRtc {
    /// Only a synchronised clock is believed.
    No,
    /// The board has a battery-backed clock that the operator vouches for (`clock.trust_rtc`).
    Yes,
}

/// The machine's own clock.
#[derive(Clone, Debug)]
pub struct SystemClock {
    trust_rtc: TrustRtc,
    timeline: String,
}

/// The machine can't say which start of it this is, so that times of two processes can't be compared.
#[derive(Debug, thiserror::Error)]
#[error("{BOOT_ID_PATH} can't be read")]
pub struct TimelineError(#[source] std::io::Error);

impl SystemClock {
    /// The clock of this machine.
    ///
    /// # Errors
    ///
    /// [`TimelineError`], where `/proc` is not mounted.
    pub fn new(trust_rtc: TrustRtc) -> Result<Self, TimelineError> {
        let timeline = std::fs::read_to_string(BOOT_ID_PATH).map_err(TimelineError)?.trim().to_owned();
        Ok(Self { trust_rtc, timeline })
    }

    /// Milliseconds since the machine started, time asleep included. Never goes back while the
    /// timeline is the same.
    #[must_use]
    pub fn mono_ms(&self) -> u64 {
        let now = clock_gettime(ClockId::Boottime);
        // The kernel counts both from zero upwards.
        u64::try_from(now.tv_sec).unwrap_or(0) * 1000 + u64::try_from(now.tv_nsec).unwrap_or(0) / 1_000_000
    }

    /// Seconds since 1970 UTC, if the clock is synchronised or the board file vouches for it.
    #[must_use]
    pub fn unix_s(&self) -> Option<u64> {
        let trusted = self.trust_rtc == TrustRtc::Yes || discipline::is_synchronised();
        if !trusted {
            return None;
        }
        u64::try_from(clock_gettime(ClockId::Realtime).tv_sec).ok()
    }

    /// Names the time line `mono_ms` belongs to: the same for every process until the machine starts
    /// anew.
    #[must_use]
    pub fn timeline(&self) -> &str {
        &self.timeline
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_does_not_go_back_and_both_clocks_share_the_time_line() {
        let (one, two) = (SystemClock::new(TrustRtc::No).unwrap(), SystemClock::new(TrustRtc::Yes).unwrap());
        let before = one.mono_ms();
        assert!(before > 0 && two.mono_ms() >= before);
        assert_eq!(one.timeline(), two.timeline());
        assert_eq!(one.timeline().len(), 36, "a UUID");
    }

    #[test]
    fn vouched_clock_tells_the_date() {
        let clock = SystemClock::new(TrustRtc::Yes).unwrap();
        // 2020-01-01; this machine's clock is at least set to about now.
        assert!(clock.unix_s().unwrap() > 1_577_836_800);
    }

    #[test]
    fn unvouched_clock_tells_the_date_only_when_synchronised() {
        let clock = SystemClock::new(TrustRtc::No).unwrap();
        assert_eq!(clock.unix_s().is_some(), discipline::is_synchronised());
    }
}
