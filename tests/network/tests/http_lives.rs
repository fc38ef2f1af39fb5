//! Whole agents that call HTTP endpoints of every class, half of them over TLS, under one seed each: cuts,
//! outages, lost answers, late acts. The server's own log must hold every act as often as its class allows
//! for each intent on flash.
//!
//! `EVERSTEP_SEEDS=N` lives N lives; `EVERSTEP_SEED=S` lives the one with seed S.

use std::sync::Arc;

use network_tests::http::{Server, Story, live};
use peer_tests::sweep;

/// Lives where nothing else is asked for.
const LIVES: u64 = 40;

#[test]
fn endpoints_act_as_often_as_their_class_allows_in_every_life() {
    let (lives, all) = sweep(LIVES, || Arc::new(Server::start()), live, Story::add);
    println!("{lives} lives, {all:?}");
    if lives >= 10 {
        // A sweep in which nothing goes wrong proves nothing.
        let counts = &all.of_records;
        assert!(counts.flash_cuts > 0 && counts.request_cuts > 0, "{all:?}");
        assert!(counts.lost > lives && counts.settled > 0 && counts.reruns > 0, "{all:?}");
        assert!(counts.pulses > 0 && counts.approvals > 0 && counts.acts > lives, "{all:?}");
        assert!(
            all.over_tls > lives / 4 && all.over_tls < lives && all.acts_over_tls > all.over_tls,
            "{all:?}"
        );
        assert!(all.long_outages > 0 && all.unknown_outages > 0, "{all:?}");
    }
}
