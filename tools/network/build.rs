//! Writes down when the program was built, for the lower bound of the clock.

use std::env;

/// 2026-11-28: the day of the newest commit that touched this. Raised by hand with each release, so that
/// a build without `SOURCE_DATE_EPOCH` still has a bound.
const COMMITTED_S: u64 = 1_795_824_000;

fn main() {
    // Reproducible builds set it to the date of the commit they build. Some set it to the dawn of zip
    // files, which bounds nothing: the later one counts.
    let told_s = env::var("SOURCE_DATE_EPOCH").ok().and_then(|text| text.trim().parse::<u64>().ok());
    let built_s = told_s.map_or(COMMITTED_S, |told_s| told_s.max(COMMITTED_S));
    println!("cargo::rustc-env=EVERSTEP_BUILT_S={built_s}");
    println!("cargo::rerun-if-env-changed=SOURCE_DATE_EPOCH");
    println!("cargo::rerun-if-changed=build.rs");
}
