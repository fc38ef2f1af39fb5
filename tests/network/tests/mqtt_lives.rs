//! Whole agents that publish, half of them over TLS, under one seed each: connections that break, brokers
//! that are killed, power that goes. The broker's own log must hold a message that must not run twice at
//! most once for each intent on flash.
//!
//! `EVERSTEP_SEEDS=N` lives N lives; `EVERSTEP_SEED=S` lives the one with seed S.

use network_tests::mqtt::{Story, life::Stage, live};
use peer_tests::sweep;

const LIVES: u64 = 40;

#[test]
fn messages_reach_the_broker_at_most_once_in_every_life() {
    let stage = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let stage = runtime.block_on(Stage::new());
        (runtime, stage)
    };
    let (lives, all) = sweep(LIVES, stage, |seed, (_, stage)| live(seed, stage), Story::add);
    println!("{lives} lives, {all:?}");
    if lives >= 10 {
        // A sweep in which nothing goes wrong proves nothing.
        let counts = &all.of_records;
        assert!(counts.flash_cuts > 0 && counts.request_cuts > 0 && all.broker_kills > 0, "{all:?}");
        assert!(counts.lost > lives / 2 && counts.reruns > 0 && counts.approvals > 0, "{all:?}");
        assert!(counts.settled > 0 && all.read_back > 0 && all.sent_again > 0, "{all:?}");
        assert!(
            all.over_tls > lives / 4 && all.over_tls < lives && all.received_over_tls > all.over_tls,
            "{all:?}"
        );
        assert!(all.received > lives && all.delivered > 0, "{all:?}");
    }
}
