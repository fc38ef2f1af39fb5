//! Whole agents under one seed: replies, results, latencies, time-outs, late results, stops, cuts.
//!
//! `EVERSTEP_SEEDS=N` lives N lives; `EVERSTEP_SEED=S` lives the one with seed S.

#![expect(clippy::panic, reason = "a violated promise ends the test with its seed")]

use everstep_board_sim::CutModel;
use everstep_core::{End, LimitName};
use system_tests::harness::{Faults, Story, live};

/// Lives in `make test`.
const SEEDS: u64 = 1_000;

fn faults() -> Faults {
    Faults { cuts_max: 6, models: CutModel::ALL.to_vec(), devices_percent: 25, stop_percent: 5, tasks: 2 }
}

fn seeds() -> Vec<u64> {
    let number = |name: &str| std::env::var(name).ok().and_then(|value| value.parse().ok());
    match number("EVERSTEP_SEED") {
        Some(seed) => vec![seed],
        None => (0..number("EVERSTEP_SEEDS").unwrap_or(SEEDS)).collect(),
    }
}

fn live_or_tell(seed: u64, faults: &Faults) -> Story {
    live(seed, faults).unwrap_or_else(|violation| panic!("seed {seed}: {violation}"))
}

#[test]
fn promises_hold_in_every_life() {
    let seeds = seeds();
    let mut all = Story::default();
    for seed in &seeds {
        let story = live_or_tell(*seed, &faults());
        all.boots += story.boots;
        all.cuts += story.cuts;
        all.records += story.records;
        all.changes += story.changes;
        all.approvals += story.approvals;
        all.refused += story.refused;
        all.prunings += story.prunings;
        all.ends.extend(story.ends);
        for (kind, count) in story.cut_after {
            *all.cut_after.entry(kind).or_default() += count;
        }
    }
    let ended_by = |limit| all.ends.iter().filter(|end| **end == End::Limit(limit)).count();
    let (full, no_context) = (ended_by(LimitName::JournalBytes), ended_by(LimitName::Context));
    println!(
        "{} lives: {} boots, {} cuts, {} records, {} changes of the world, {} approvals, {} runs ended, {} of them for a full region, {} for a context that nothing could be left out of, {} prunings, {} tasks without room, newest record at a boot's end: {:?}",
        seeds.len(),
        all.boots,
        all.cuts,
        all.records,
        all.changes,
        all.approvals,
        all.ends.len(),
        full,
        no_context,
        all.prunings,
        all.refused,
        all.cut_after,
    );
    if seeds.len() > 100 {
        // A sweep that cuts nowhere interesting proves nothing.
        for kind in
            ["started", "booted", "attempt", "generated", "called", "ended", "settled", "pruned", "finished"]
        {
            assert!(all.cut_after.contains_key(kind), "no cut fell behind a {kind} record");
        }
        // A small context ends a run only where the newest steps alone are too much for it.
        assert!(all.prunings > seeds.len() / 10, "only {} prunings", all.prunings);
        assert!(no_context < seeds.len() / 20, "{no_context} runs ended for the context");
        assert!(all.changes > seeds.len() && all.approvals > 0);
        assert!(full > seeds.len() / 40, "only {full} runs filled their region");
    }
}

#[test]
fn same_seed_lives_the_same_life() {
    for seed in 0..5 {
        let (one, two) = (live_or_tell(seed, &faults()), live_or_tell(seed, &faults()));
        assert_eq!((one.boots, one.records, one.changes), (two.boots, two.records, two.changes));
        assert_eq!(one.ends, two.ends);
    }
}

/// Two cuts while a region was formatted left it looking like somebody else's.
#[test]
fn region_whose_formatting_was_cut_twice_is_formatted_again() {
    for seed in [3_770, 6_728, 14_497] {
        live_or_tell(seed, &faults());
    }
}
