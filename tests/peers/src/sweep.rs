//! Many lives, several at a time.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a violated promise ends the test with its seed")]

use std::{
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use crate::oracle::Violation;

/// How many live at a time: they mostly wait.
const AT_A_TIME: usize = 4;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|value| value.parse().ok())
}

/// Lives `seeds` lives, or as many as `EVERSTEP_SEEDS` says, or the one of `EVERSTEP_SEED`. Each thread has
/// something of its own to live with, which `start` makes. `add` adds what a life was like to the others.
/// Returns how many there were, and what they were like.
///
/// # Panics
///
/// With the seed of a life in which a promise did not hold.
pub fn sweep<P, S: Default + Send>(
    seeds: u64,
    start: impl Fn() -> P + Sync,
    live: impl Fn(u64, &P) -> Result<S, Violation> + Sync,
    add: impl Fn(&mut S, &S) + Sync,
) -> (usize, S) {
    let seeds: Vec<u64> = match number("EVERSTEP_SEED") {
        Some(seed) => vec![seed],
        None => (0..number("EVERSTEP_SEEDS").unwrap_or(seeds)).collect(),
    };
    let next = AtomicUsize::new(0);
    let all = Mutex::new(S::default());
    thread::scope(|scope| {
        for _ in 0..AT_A_TIME.min(seeds.len()) {
            scope.spawn(|| {
                let with = start();
                while let Some(seed) = seeds.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let story = live(*seed, &with);
                    let story = story.unwrap_or_else(|violation| panic!("seed {seed}: {violation}"));
                    add(&mut all.lock().unwrap(), &story);
                }
            });
        }
    });
    (seeds.len(), all.into_inner().unwrap())
}
