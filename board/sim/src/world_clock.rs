//! The clock of a board whose world has a time of its own.

use std::{
    io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use everstep_tool::{BoxFuture, Clock};

use crate::{
    client,
    protocol::{Request, Time},
    section::Waits,
};

/// How often a sleeper looks at the time of a world that is stepped.
const LOOK_MS: u64 = 5;
/// How often a limit looks at it, where waits are skipped: nothing else passes time then.
const LIMIT_LOOK_MS: u64 = 100;

/// A world's time. It goes on while the agent is away, so that its monotonic time does too.
///
/// A running world is asked once; afterwards its time is real time at another speed.
#[derive(Clone, Debug)]
pub struct WorldClock {
    socket: PathBuf,
    io_max: Duration,
    read_at: Instant,
    read: Time,
    timeline: [u8; 16],
    waits: Waits,
}

#[expect(clippy::disallowed_methods, reason = "the world's time is real, and a board knows real time")]
fn real_now() -> Instant {
    Instant::now()
}

impl WorldClock {
    /// Asks the world that listens on `socket`.
    ///
    /// # Errors
    ///
    /// Why it can't be asked.
    pub fn connect(socket: &Path, io_max: Duration) -> io::Result<Self> {
        let read: Time = client::ask(socket, io_max, &Request::Time)?;
        // Looked at after the answer: behind the world's time by the answer's way, never ahead of it,
        // so that the next process does not start before this one ended.
        let read_at = real_now();
        let timeline = parse_timeline(&read.timeline)
            .ok_or_else(|| io::Error::other("the world's time line is not 16 bytes"))?;
        Ok(Self { socket: socket.to_owned(), io_max, read_at, read, timeline, waits: Waits::Pass })
    }

    /// The same clock, with these waits. In a running world they pass whatever is asked for here.
    #[must_use]
    pub fn with_waits(self, waits: Waits) -> Self {
        Self { waits, ..self }
    }

    /// Names the world's time line: two boots with the same one share monotonic time.
    #[must_use]
    pub const fn timeline_id(&self) -> [u8; 16] {
        self.timeline
    }

    /// The world's milliseconds in a real one; 0 in a world that is stepped.
    #[must_use]
    pub const fn time_scale(&self) -> u32 {
        self.read.time_scale
    }

    /// Ends when the world's time is `until_ms`.
    fn look(&self, until_ms: u64, every_ms: u64) -> BoxFuture<'static, ()> {
        let clock = self.clone();
        Box::pin(async move {
            while clock.now_ms() < until_ms {
                tokio::time::sleep(Duration::from_millis(every_ms)).await;
            }
        })
    }

    /// Lets the world's time pass until `until_ms`.
    fn step_to(&self, until_ms: u64) {
        let left_ms = until_ms.saturating_sub(self.now_ms());
        if left_ms > 0 {
            // Whether it did is seen by looking.
            let _: io::Result<u64> = client::ask(&self.socket, self.io_max, &Request::Step { ms: left_ms });
        }
    }

    fn asked(&self) -> Option<Time> {
        client::ask(&self.socket, self.io_max, &Request::Time).ok()
    }
}

impl Clock for WorldClock {
    fn now_ms(&self) -> u64 {
        if self.read.time_scale == 0 {
            // A world that is gone has stopped.
            return self.asked().map_or(self.read.world_ms, |time| time.world_ms);
        }
        let real_us = self.read_at.elapsed().as_micros();
        let board_ms = real_us.saturating_mul(self.read.time_scale.into()) / 1_000;
        self.read.world_ms.saturating_add(u64::try_from(board_ms).unwrap_or(u64::MAX))
    }

    fn unix_s(&self) -> Option<u64> {
        let passed_ms = self.now_ms().saturating_sub(self.read.world_ms);
        self.read.unix_s.map(|unix_s| unix_s.saturating_add(passed_ms / 1_000))
    }

    fn sleep(&self, board_ms: u64) -> BoxFuture<'static, ()> {
        if self.read.time_scale > 0 {
            let real_us = board_ms.saturating_mul(1_000).div_ceil(self.read.time_scale.into());
            return Box::pin(tokio::time::sleep(Duration::from_micros(real_us)));
        }
        let until_ms = self.now_ms().saturating_add(board_ms);
        match self.waits {
            Waits::Pass => self.look(until_ms, LOOK_MS),
            Waits::Skip => {
                let clock = self.clone();
                Box::pin(async move {
                    clock.step_to(until_ms);
                    // A world that could not be stepped may still be stepped by somebody else.
                    clock.look(until_ms, LOOK_MS).await;
                })
            }
        }
    }

    fn limit(&self, board_ms: u64) -> BoxFuture<'static, ()> {
        if self.read.time_scale > 0 || self.waits == Waits::Pass {
            return self.sleep(board_ms);
        }
        self.look(self.now_ms().saturating_add(board_ms), LIMIT_LOOK_MS)
    }
}

fn parse_timeline(text: &str) -> Option<[u8; 16]> {
    u128::from_str_radix(text, 16).ok().filter(|_| text.len() == 32).map(u128::to_be_bytes)
}
