//! What the fuzzer once kept still holds: `make fuzz` searches for more.

#![expect(clippy::unwrap_used, reason = "a test's set-up may fail")]

use std::fs;

use journal_proof::fuzz;

fn replay(target: &str, body: fn(&[u8])) {
    let folder = format!("{}/fuzz/corpus/{target}", env!("CARGO_MANIFEST_DIR"));
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() > 20, "{target}: {} files", files.len());
    for file in files {
        // A failure is found by the last name.
        eprintln!("{}", file.display());
        body(&fs::read(&file).unwrap());
    }
}

#[test]
fn arbitrary_structures_are_recovered_or_refused() {
    replay("structures", fuzz::structures);
}

#[test]
fn decay_makes_no_record_up() {
    replay("decay", fuzz::decay);
}

/// Without the fuzzer: bytes from a seed, so that every run of the tests tries some.
#[test]
fn seeded_bytes_are_recovered_or_refused() {
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        state.to_be_bytes()[0]
    };
    for round in 0..2000 {
        let data: Vec<u8> = (0..8 + round % 120).map(|_| next()).collect();
        fuzz::structures(&data);
        fuzz::decay(&data);
    }
}
