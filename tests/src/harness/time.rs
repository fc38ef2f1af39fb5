//! True time of a life, and what the process may know of it: its clocks.

use everstep_tool::{BoxFuture, Clock};
use tokio::time::{Duration, Instant, sleep};

use super::{chance::Chance, world::SharedWorld, world::lock};

/// Where the board's clocks stand, over all boots.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clocks {
    /// Names the monotonic clock's time line.
    pub timeline: u8,
    mono_ms: u64,
    unix_ms: u64,
    trusted: bool,
}

impl Clocks {
    /// The clocks of a new board.
    pub(super) fn new() -> Self {
        Self { timeline: 0, mono_ms: 0, unix_ms: 1_700_000_000_000, trusted: false }
    }

    /// Time passes with power on: every clock runs.
    pub(super) fn run(&mut self, passed_ms: u64) {
        self.mono_ms += passed_ms;
        self.unix_ms += passed_ms;
    }

    /// Time passes without the process: sometimes a clock runs on, sometimes none does.
    pub(super) fn stand_still(&mut self, away_ms: u64, chance: &mut Chance) {
        self.unix_ms += away_ms;
        if chance.percent(50) {
            // A kill, not a power cut: the machine's clock ran on.
            self.mono_ms += away_ms;
        } else {
            self.timeline = self.timeline.wrapping_add(1);
            self.mono_ms = chance.below(10_000);
            self.trusted = chance.percent(50);
        }
    }
}

/// The world's own time. It never stops, and nothing of the system sees it.
#[derive(Debug, Default)]
pub(super) struct TrueTime {
    before_ms: u64,
    power_on: Option<Instant>,
}

impl TrueTime {
    /// Milliseconds since the world began.
    pub(super) fn now_ms(&self) -> u64 {
        self.before_ms + self.power_on.map_or(0, passed_ms)
    }

    /// Power is on: time passes as the process waits. Needs its runtime, as [`Self::power_off`] does.
    pub(super) fn power_on(&mut self) {
        self.power_on = Some(Instant::now());
    }

    /// Power is off. Returns how long it was on.
    pub(super) fn power_off(&mut self) -> u64 {
        let on_ms = self.power_on.take().map_or(0, passed_ms);
        self.before_ms += on_ms;
        on_ms
    }

    /// Time passes without power.
    pub(super) fn pass(&mut self, away_ms: u64) {
        self.before_ms += away_ms;
    }
}

/// A boot's clocks. Virtual time passes only while everything waits.
pub(super) struct BootClock {
    clocks: Clocks,
    started_ms: u64,
    world: SharedWorld,
}

impl BootClock {
    /// The clocks of a boot that begins now.
    pub(super) fn new(clocks: Clocks, world: &SharedWorld) -> Self {
        let started_ms = lock(world).time.now_ms();
        Self { clocks, started_ms, world: SharedWorld::clone(world) }
    }

    fn passed_ms(&self) -> u64 {
        lock(&self.world).time.now_ms() - self.started_ms
    }
}

impl Clock for BootClock {
    fn now_ms(&self) -> u64 {
        self.clocks.mono_ms + self.passed_ms()
    }

    fn unix_s(&self) -> Option<u64> {
        let unix_ms = self.clocks.unix_ms + self.passed_ms();
        self.clocks.trusted.then_some(unix_ms / 1_000)
    }

    fn sleep(&self, board_ms: u64) -> BoxFuture<'static, ()> {
        Box::pin(sleep(Duration::from_millis(board_ms)))
    }
}

fn passed_ms(since: Instant) -> u64 {
    u64::try_from(Instant::now().duration_since(since).as_millis()).unwrap_or(u64::MAX)
}
