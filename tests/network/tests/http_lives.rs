//! Whole agents that call HTTP endpoints of every class, under one seed each: cuts, outages, lost answers,
//! late acts. The server's own log must hold every act as often as its class allows for each intent on flash.
//!
//! `EVERSTEP_SEEDS=N` lives N lives; `EVERSTEP_SEED=S` lives the one with seed S.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use network_tests::http::{Server, Story, live};

/// Lives where nothing else is asked for.
const LIVES: u64 = 40;
/// How many live at a time: they mostly wait.
const AT_A_TIME: usize = 4;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|value| value.parse().ok())
}

#[test]
fn endpoints_act_as_often_as_their_class_allows_in_every_life() {
    let seeds: Vec<u64> = match number("EVERSTEP_SEED") {
        Some(seed) => vec![seed],
        None => (0..number("EVERSTEP_SEEDS").unwrap_or(LIVES)).collect(),
    };
    let next = AtomicUsize::new(0);
    let all = Mutex::new(Story::default());
    thread::scope(|scope| {
        for _ in 0..AT_A_TIME.min(seeds.len()) {
            scope.spawn(|| {
                let server = Arc::new(Server::start());
                while let Some(seed) = seeds.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let story = live(*seed, &server);
                    let story = story.unwrap_or_else(|violation| panic!("seed {seed}: {violation}"));
                    all.lock().unwrap().add(&story);
                }
            });
        }
    });
    let all = all.into_inner().unwrap();
    println!("{} lives, {all:?}", seeds.len());
    if seeds.len() >= 10 {
        // A sweep in which nothing goes wrong proves nothing.
        let counts = &all.of_records;
        assert!(counts.flash_cuts > 0 && counts.request_cuts > 0, "{all:?}");
        assert!(counts.lost > seeds.len() && counts.settled > 0 && counts.reruns > 0, "{all:?}");
        assert!(counts.pulses > 0 && counts.approvals > 0 && counts.acts > seeds.len(), "{all:?}");
        assert!(all.long_outages > 0 && all.unknown_outages > 0, "{all:?}");
    }
}
