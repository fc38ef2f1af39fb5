//! A clock that stands still until it is moved.

use everstep_tool::{BoxFuture, Clock};
use tokio::sync::watch;

/// Time for tests: it passes only when somebody says so.
#[derive(Clone, Debug)]
pub struct ManualClock {
    now_ms: watch::Sender<u64>,
    unix_at_zero_s: Option<u64>,
}

impl ManualClock {
    /// A clock at `now_ms`; its date is known where `unix_at_zero_s`, the date at 0, is.
    #[must_use]
    pub fn new(now_ms: u64, unix_at_zero_s: Option<u64>) -> Self {
        Self { now_ms: watch::Sender::new(now_ms), unix_at_zero_s }
    }

    /// Lets `ms` pass, and wakes everybody whose time has come.
    pub fn advance(&self, ms: u64) {
        self.now_ms.send_modify(|now_ms| *now_ms = now_ms.saturating_add(ms));
    }
}

impl Clock for ManualClock {
    fn now_ms(&self) -> u64 {
        *self.now_ms.borrow()
    }

    fn unix_s(&self) -> Option<u64> {
        self.unix_at_zero_s.map(|zero_s| zero_s.saturating_add(self.now_ms() / 1_000))
    }

    fn sleep(&self, board_ms: u64) -> BoxFuture<'static, ()> {
        let mut now = self.now_ms.subscribe();
        let until_ms = self.now_ms().saturating_add(board_ms);
        Box::pin(async move {
            if now.wait_for(|now_ms| *now_ms >= until_ms).await.is_err() {
                // The clock is gone, so this time never comes.
                std::future::pending::<()>().await;
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn sleepers_wake_when_their_time_has_come_and_not_before() {
        let clock = ManualClock::new(5, Some(1_000));
        let sleeper = tokio::spawn(clock.sleep(100));
        clock.advance(99);
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        clock.advance(1);
        sleeper.await.unwrap();
        assert_eq!((clock.now_ms(), clock.unix_s()), (105, Some(1_000)));
    }
}
