//! The board's clock: time since the machine started, and the date where it can be trusted.
//!
//! Leaves out setting the clock: that is the system's own time service.

mod discipline;

use std::time::Duration;

use everstep_tool::{BoxFuture, Clock};
use rustix::time::{ClockId, clock_gettime};

/// Longest sleep at a stretch: the runtime's timer stands still while the machine sleeps, this clock
/// does not.
const STRETCH_MS_MAX: u64 = 60_000;

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
    timeline: [u8; 16],
}

/// The machine can't say which start of it this is, so that times of two processes can't be compared.
#[derive(Debug, thiserror::Error)]
pub enum TimelineError {
    /// `/proc` is not mounted, most likely.
    #[error("{BOOT_ID_PATH} can't be read")]
    Read(#[source] std::io::Error),
    /// It is no UUID.
    #[error("{BOOT_ID_PATH} holds no UUID")]
    NoUuid,
}

impl SystemClock {
    /// The clock of this machine.
    ///
    /// # Errors
    ///
    /// See [`TimelineError`].
    pub fn new(trust_rtc: TrustRtc) -> Result<Self, TimelineError> {
        let text = std::fs::read_to_string(BOOT_ID_PATH).map_err(TimelineError::Read)?;
        let timeline = uuid(&text).ok_or(TimelineError::NoUuid)?;
        Ok(Self { trust_rtc, timeline })
    }

    /// Names the time line `now_ms` belongs to: the same for every process until the machine starts
    /// anew.
    #[must_use]
    pub fn timeline(&self) -> [u8; 16] {
        self.timeline
    }
}

impl Clock for SystemClock {
    /// Milliseconds since the machine started, time asleep included.
    fn now_ms(&self) -> u64 {
        now_ms()
    }

    /// The date, if the clock is synchronised or the board file vouches for it.
    fn unix_s(&self) -> Option<u64> {
        let trusted = self.trust_rtc == TrustRtc::Yes || discipline::is_synchronised();
        if !trusted {
            return None;
        }
        u64::try_from(clock_gettime(ClockId::Realtime).tv_sec).ok()
    }

    fn sleep(&self, board_ms: u64) -> BoxFuture<'static, ()> {
        let until = now_ms().saturating_add(board_ms);
        Box::pin(async move {
            loop {
                let left_ms = until.saturating_sub(now_ms());
                if left_ms == 0 {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(left_ms.min(STRETCH_MS_MAX))).await;
            }
        })
    }
}

/// Time since the machine started, time asleep included, as finely as the kernel counts it. For
/// measurements; everything that an agent decides by comes through [`Clock`].
#[must_use]
pub fn uptime() -> Duration {
    let now = clock_gettime(ClockId::Boottime);
    // The kernel counts both from zero upwards.
    let (seconds, nanos) = (u64::try_from(now.tv_sec), u32::try_from(now.tv_nsec));
    Duration::new(seconds.unwrap_or(0), nanos.unwrap_or(0))
}

fn now_ms() -> u64 {
    u64::try_from(uptime().as_millis()).unwrap_or(u64::MAX)
}

fn uuid(text: &str) -> Option<[u8; 16]> {
    let digits: Vec<u8> =
        text.trim().chars().filter(|letter| *letter != '-').map(hex_digit).collect::<Option<_>>()?;
    let bytes: Vec<u8> =
        digits.chunks_exact(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect();
    (digits.len() == 32).then_some(bytes)?.try_into().ok()
}

fn hex_digit(letter: char) -> Option<u8> {
    u8::try_from(letter.to_digit(16)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_does_not_go_back_and_both_clocks_share_the_time_line() {
        let (one, two) = (SystemClock::new(TrustRtc::No).unwrap(), SystemClock::new(TrustRtc::Yes).unwrap());
        let before = one.now_ms();
        assert!(before > 0 && two.now_ms() >= before);
        assert_eq!(one.timeline(), two.timeline());
        assert_ne!(one.timeline(), [0; 16]);
    }

    #[test]
    fn uuids_are_read_and_anything_else_is_not() {
        let read = uuid("00112233-4455-6677-8899-aabbccddeeff\n").unwrap();
        assert_eq!(read, std::array::from_fn(|index| u8::try_from(index * 0x11).unwrap()));
        assert!(uuid("").is_none() && uuid("0011").is_none() && uuid("0011x").is_none());
        assert!(uuid(&"0".repeat(34)).is_none());
    }

    #[tokio::test]
    async fn sleep_lasts_as_long_on_this_clock_as_it_says() {
        let clock = SystemClock::new(TrustRtc::No).unwrap();
        let before = clock.now_ms();
        clock.sleep(15).await;
        assert!(clock.now_ms() - before >= 15);
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
