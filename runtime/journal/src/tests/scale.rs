//! How much is tried: a little in every run of the tests, all of it by `make soak-journal`.

use std::{env, io::Write};

/// Cuts of one soak without `EVERSTEP_CUTS`.
const CUTS: u64 = 10_000;

/// Cuts of one soak.
pub(super) fn cuts() -> u64 {
    env::var("EVERSTEP_CUTS").map_or(CUTS, |cuts| cuts.parse().unwrap())
}

/// Whether `EVERSTEP_EXHAUSTIVE` asks for all cuts instead of a few in each operation.
pub(super) fn is_exhaustive() -> bool {
    env::var_os("EVERSTEP_EXHAUSTIVE").is_some()
}

/// One line for a person who waits: past the capture of the tests' output, and only in long runs.
pub(super) fn progress(name: &str, done: u64, all: u64, figures: &str) {
    if (env::var_os("EVERSTEP_CUTS").is_some() || is_exhaustive())
        && (done == all || done.is_multiple_of((all / 20).max(1)))
    {
        // Nobody may be listening.
        let _ = writeln!(std::io::stderr(), "{name}: {done} of {all}, {figures}, nothing lost");
    }
}
