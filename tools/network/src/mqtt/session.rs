//! Keeps the connection that messages come in on, and makes it anew.
//!
//! The broker keeps a session: what comes in while nobody listens is what it kept. Nothing is published
//! here, so nothing is left to be sent again.

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::Arc,
    time::Duration,
};

use tokio::time::{Instant, interval_at, sleep_until, timeout};

use super::{
    broker::Broker,
    link::{Link, Purpose},
    packet::{Incoming, Outgoing, Qos},
    watch::{Line, Watched},
};
use crate::wire::Progress;

/// Longest that a connection takes to be made.
const CONNECT_LIMIT: Duration = Duration::from_secs(20);
/// Wait behind the first connection that fails; each further one doubles it.
const WAIT_MS_MIN: u64 = 500;
/// Longest wait.
const WAIT_MS_MAX: u64 = 60_000;
/// A call that waits makes the next try come sooner, but not at once.
const WANTED_WAIT: Duration = Duration::from_millis(500);
/// The only subscription of a connection.
const ID: u16 = 1;
/// Rounds in which a broker may bring what it kept. A stream that never rests is not told apart from it.
const ROUNDS_MAX: u32 = 64;

/// Keeps the connection until the task is ended.
pub(super) async fn keep(broker: Arc<Broker>, watched: Arc<Watched>) {
    let mut failures = 0;
    loop {
        let (why, was_up) = listen(&broker, &watched).await;
        watched.set(Line::Down(why));
        failures = if was_up { 0 } else { failures + 1 };
        let now = Instant::now();
        tokio::select! {
            () = sleep_until(now + wait(&broker.section.client_id, failures)) => {}
            () = watched.wanted.notified() => sleep_until(now + WANTED_WAIT).await,
        }
    }
}

/// How long it is waited after so many failures in a row: longer each time, and for each board a bit
/// different, so that a broker that comes back isn't met by all of them at once.
fn wait(client_id: &str, failures: u32) -> Duration {
    let whole_ms = (WAIT_MS_MIN << failures.min(16)).min(WAIT_MS_MAX);
    let mut hasher = DefaultHasher::new();
    (client_id, failures).hash(&mut hasher);
    // From three quarters to all of it.
    Duration::from_millis(whole_ms - hasher.finish() % (whole_ms / 4 + 1))
}

/// Listens on one connection until it is lost. Tells why, and whether it was good for anything.
async fn listen(broker: &Broker, watched: &Watched) -> (String, bool) {
    let host = broker.url.device();
    let progress = Progress::default();
    let (link, welcome) = match timeout(CONNECT_LIMIT, Link::new(broker, Purpose::Watch, &progress)).await {
        Ok(Ok(made)) => made,
        Ok(Err(why)) => return (why, false),
        Err(_) => {
            let missing = progress.step().missing();
            return (format!("no {missing} from {host} within {} s", CONNECT_LIMIT.as_secs()), false);
        }
    };
    watched.set(Line::CatchingUp);
    let keep_alive_s = welcome.keep_alive_s.unwrap_or(broker.section.keep_alive_s);
    let mut listener = Listener { link, watched, is_kept: welcome.session, phase: Phase::Subscribing };
    let why = match listener.work(keep_alive_s).await {
        Ok(never) => match never {},
        Err(why) => why,
    };
    let was_up = matches!(listener.phase, Phase::Up);
    (format!("{host}: {why}"), was_up)
}

/// What is done before messages are new.
#[derive(Debug)]
enum Phase {
    Subscribing,
    /// A ping is under way: whatever came before its answer was there before. Where something came, more
    /// may be on its way.
    CatchingUp {
        messages: u32,
        rounds: u32,
    },
    Up,
}

struct Listener<'a> {
    link: Link,
    watched: &'a Watched,
    /// Whether the broker goes on with a session that it kept.
    is_kept: bool,
    phase: Phase,
}

impl Listener<'_> {
    async fn work(&mut self, keep_alive_s: u16) -> Result<std::convert::Infallible, String> {
        let filters = &self.watched.filters;
        self.link.send(&Outgoing::Subscribe { id: ID, filters }).await?;
        // Two in the time that is agreed on: a broker ends what is silent for longer.
        let period = Duration::from_secs(keep_alive_s.max(2).into()) / 2;
        let mut ticks = interval_at(Instant::now() + period, period);
        let mut is_silent = false;
        loop {
            tokio::select! {
                packet = self.link.next() => {
                    is_silent = false;
                    let packet = packet?;
                    self.take(packet.packet, packet.is_whole).await?;
                }
                _ = ticks.tick() => {
                    if is_silent {
                        return Err(format!("the broker is silent for {} s", period.as_secs()));
                    }
                    is_silent = true;
                    self.link.send(&Outgoing::Ping).await?;
                }
            }
        }
    }

    async fn take(&mut self, packet: Incoming, is_whole: bool) -> Result<(), String> {
        match packet {
            Incoming::Publish(received) => {
                let is_catching_up = self.is_kept && !matches!(self.phase, Phase::Up);
                self.watched.take(&received, is_whole, is_catching_up);
                if let Phase::CatchingUp { messages, .. } = &mut self.phase {
                    *messages += 1;
                }
                match received.qos {
                    Qos::AtMostOnce => Ok(()),
                    Qos::AtLeastOnce => self.link.send(&Outgoing::Acknowledge(received.id)).await,
                    Qos::ExactlyOnce => self.link.send(&Outgoing::Receive(received.id)).await,
                }
            }
            Incoming::Release(id) => self.link.send(&Outgoing::Complete(id)).await,
            Incoming::Subscribed { id: ID, refused } => {
                self.watched.refuse(refused);
                self.phase = Phase::CatchingUp { messages: 0, rounds: 0 };
                self.link.send(&Outgoing::Ping).await
            }
            Incoming::Pong => self.answered().await,
            Incoming::Disconnect(why) => Err(format!("the broker ended the connection: {why}")),
            _ => Ok(()),
        }
    }

    /// A ping was answered.
    async fn answered(&mut self) -> Result<(), String> {
        let Phase::CatchingUp { messages, rounds } = self.phase else { return Ok(()) };
        if self.is_kept && messages > 0 && rounds < ROUNDS_MAX {
            self.phase = Phase::CatchingUp { messages: 0, rounds: rounds + 1 };
            return self.link.send(&Outgoing::Ping).await;
        }
        self.phase = Phase::Up;
        self.watched.set(Line::Up);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_bound_and_differ_between_boards() {
        let waits =
            |board: &str| (0..40).map(|failures| wait(board, failures).as_millis()).collect::<Vec<_>>();
        let (one, other) = (waits("board1"), waits("board2"));
        assert_ne!(one, other);
        for (failures, wait_ms) in one.iter().enumerate() {
            let whole_ms = (500_u128 << failures.min(16)).min(60_000);
            assert!((whole_ms * 3 / 4..=whole_ms).contains(wait_ms), "{failures}: {wait_ms}");
        }
    }
}
