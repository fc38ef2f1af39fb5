//! Decay of flash that was whole once.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| journal_proof::fuzz::decay(data));
