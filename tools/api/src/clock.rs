//! The board's clock, as everything above the board sees it.

use crate::BoxFuture;

/// Tells time and lets it pass. Only boards implement it; nothing else reads a clock.
///
/// A simulated board's time may run faster than real time, so sleeps that are part of an agent's work
/// go through here.
pub trait Clock: Send + Sync {
    /// The board's monotonic milliseconds. Never goes back within one time line.
    fn now_ms(&self) -> u64;

    /// Seconds since 1970 UTC, where the clock is set and trusted.
    fn unix_s(&self) -> Option<u64>;

    /// Ends after `board_ms` of the board's milliseconds. Dropping it stops the wait.
    fn sleep(&self, board_ms: u64) -> BoxFuture<'static, ()>;

    /// Ends once `board_ms` have passed by themselves: a limit, which nobody waits for. Where the
    /// clock can make time pass for a sleep, this never does. Dropping it stops the wait.
    fn limit(&self, board_ms: u64) -> BoxFuture<'static, ()> {
        self.sleep(board_ms)
    }
}
