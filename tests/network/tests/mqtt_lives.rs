//! Whole agents that publish, under one seed each: connections that break, brokers that are killed, power
//! that goes. The broker's own log must hold a message that must not run twice at most once for each
//! intent on flash.
//!
//! `EVERSTEP_SEEDS=N` lives N lives; `EVERSTEP_SEED=S` lives the one with seed S.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use network_tests::mqtt::{Story, life::Stage, live};

const SEEDS: u64 = 40;
/// How many live at a time: they mostly wait.
const AT_A_TIME: usize = 4;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|value| value.parse().ok())
}

#[test]
fn messages_reach_the_broker_at_most_once_in_every_life() {
    let seeds: Vec<u64> = match number("EVERSTEP_SEED") {
        Some(seed) => vec![seed],
        None => (0..number("EVERSTEP_SEEDS").unwrap_or(SEEDS)).collect(),
    };
    let next = AtomicUsize::new(0);
    let all = Mutex::new(Story::default());
    thread::scope(|scope| {
        for _ in 0..AT_A_TIME.min(seeds.len()) {
            scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                let stage = runtime.block_on(Stage::new());
                while let Some(seed) = seeds.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let story =
                        live(*seed, &stage).unwrap_or_else(|violation| panic!("seed {seed}: {violation}"));
                    all.lock().unwrap().add(&story);
                }
            });
        }
    });
    let all = all.into_inner().unwrap();
    println!("{} lives, {all:?}", seeds.len());
    if seeds.len() >= 10 {
        // A sweep in which nothing goes wrong proves nothing.
        assert!(all.flash_cuts > 0 && all.message_cuts > 0 && all.broker_kills > 0, "{all:?}");
        assert!(all.lost > seeds.len() / 2 && all.reruns > 0 && all.approvals > 0, "{all:?}");
        assert!(all.received > seeds.len() && all.delivered > 0, "{all:?}");
    }
}
