//! `everstep flash`: how full, how worn, and a copy that reads elsewhere.

use std::fs;

use crate::bench::{Bench, SCRIPT, json};

#[test]
fn wear_and_life_are_told() {
    let bench = Bench::new(SCRIPT);
    bench.everstep(&["run", "compare"]).done();
    let flash = json(&bench.everstep(&["flash", "--json"]).done());
    assert_eq!(flash["bytes"], 524_288);
    assert!(flash["journal_bytes"].as_u64().unwrap() > 100, "{flash}");
    assert_eq!((flash["sectors"].as_u64(), flash["sectors_used"].as_u64()), (Some(64), Some(1)), "{flash}");
    let erases = &flash["region_erases"];
    assert!(erases["min"].as_u64() <= erases["max"].as_u64() && erases["max"].as_u64() > Some(0), "{flash}");
    // Two steps, each a few hundred bytes.
    assert!((100..2_000).contains(&flash["bytes_a_step"].as_u64().unwrap()), "{flash}");
    let parts: Vec<_> =
        flash["life"].as_array().unwrap().iter().map(|life| life["part"].as_str().unwrap()).collect();
    assert_eq!(parts, ["W25Q128", "S29GL512", "W25N01", "eMMC"]);
}

#[test]
fn an_unknown_part_is_refused_and_a_minute_of_records_is_waited_for() {
    let bench = Bench::new(SCRIPT);
    bench.everstep(&["run", "compare"]).done();
    bench.change_board("[flash]\n", "[flash]\nlife_years_min = 1_000\npart = \"w25n01\"\n");
    let told = bench.everstep(&["flash"]);
    assert_eq!(told.err, "", "a rate of a second says nothing");
    assert!(told.done().contains("W25N01     not known yet"));
    bench.change_board("w25n01", "w25n02");
    bench.everstep(&["flash"]).refuses(2, &["flash.part", "w25n01"]);
}

/// The board file and the copy are all that the other machine has.
#[test]
fn a_copy_reads_on_another_machine_without_the_model() {
    let bench = Bench::new(SCRIPT);
    bench.everstep(&["run", "compare"]).done();
    let copy = bench.path("copy.bin");
    let copy = copy.to_str().unwrap();
    assert!(bench.everstep(&["flash", "image", copy]).done().contains("copy.bin"));
    bench.everstep(&["flash", "image", copy]).refuses(2, &["copy.bin", "isn't there yet"]);

    let elsewhere = Bench::new("no script at all");
    for command in ["journal", "replay"] {
        let told = elsewhere.everstep(&[command, "--image", copy]).done();
        assert_eq!(told, bench.everstep(&[command]).done());
        assert!(told.contains("3 is more than 2"), "{command}: {told}");
    }
    let flash = json(&elsewhere.everstep(&["flash", "--image", copy, "--json"]).done());
    assert_eq!(flash["region_erases"], serde_json::Value::Null, "nobody counted this copy's erases");
    assert!(flash["region_erases_mean_from_records"].as_f64().unwrap() > 0.0, "{flash}");
    assert!(!elsewhere.path("state").exists());
}

#[test]
fn a_copy_that_is_missing_or_of_another_size_is_named() {
    let bench = Bench::new(SCRIPT);
    bench.everstep(&["flash", "image", "copy.bin"]).refuses(3, &["isn't there yet", "first run"]);
    bench.everstep(&["journal", "--image", "nowhere.bin"]).refuses(2, &["no image", "nowhere.bin"]);
    bench.everstep(&["run", "compare"]).done();
    fs::write(bench.path("short.bin"), [0xFF; 4_096]).unwrap();
    let short = bench.path("short.bin");
    bench.everstep(&["replay", "--image", short.to_str().unwrap()]).refuses(3, &["4096", "524288"]);
}
