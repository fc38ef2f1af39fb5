//! Arbitrary marks, openings and frames.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| journal_proof::fuzz::structures(data));
