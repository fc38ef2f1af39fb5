//! Flash on other media than a plain file: an image in the stead of a block partition, and paths that
//! don't fit their medium.

use std::fs;

use crate::bench::{BOARD, Bench, LONG_WAIT, SCRIPT, contents, hash};

const SIZES: &str = "bytes = 524_288\nboard_bytes = 32_768\nregion_bytes = 262_144\n";
/// Enough for sectors of eight blocks of 4096 bytes, the default.
const LARGE: &str =
    "medium = \"block\"\nbytes = 3_145_728\nboard_bytes = 262_144\nregion_bytes = 2_097_152\n";
/// And for sectors of sixteen blocks of 512.
const SMALL: &str = "medium = \"block\"\nblock_bytes = 512\nbytes = 1_048_576\nboard_bytes = 65_536\nregion_bytes = 524_288\n";

fn bench(script: &str, flash: &str) -> Bench {
    let bench = Bench::on_disk(script);
    assert!(BOARD.contains(SIZES), "{BOARD}");
    bench.change_board(SIZES, flash);
    bench
}

#[test]
fn a_whole_run_on_blocks_reads_back() {
    for (flash, sector_bytes) in [(LARGE, 32_768), (SMALL, 8192)] {
        let bench = bench(SCRIPT, flash);
        let told: serde_json::Value =
            serde_json::from_str(&bench.everstep(&["flash", "--json"]).done()).unwrap();
        assert_eq!((&told["exists"], &told["sector_bytes"]), (&false.into(), &sector_bytes.into()));
        assert!(bench.everstep(&["check"]).done().contains("none yet, the first run makes it"));
        assert_eq!(bench.everstep(&["run", "compare"]).done(), "3 is more than 2.\n");
        let before = hash(&bench.flash());
        assert!(bench.everstep(&["journal"]).done().contains("3 is more than 2."));
        assert!(bench.everstep(&["check"]).done().contains("1 runs so far, readable to the end"));
        assert!(bench.everstep(&["replay"]).done().contains("3 is more than 2."));
        assert_eq!(hash(&bench.flash()), before, "a look changed the flash");
        let told: serde_json::Value =
            serde_json::from_str(&bench.everstep(&["flash", "--json"]).done()).unwrap();
        assert_eq!((&told["exists"], &told["sector_bytes"]), (&true.into(), &sector_bytes.into()));
        assert!(told["journal_bytes"].as_u64().unwrap() > 4096 && told["programs"].as_u64().unwrap() > 5);
        assert_eq!(bench.everstep(&["run", "compare"]).done(), "3 is more than 2.\n");
        assert_eq!(bench.everstep(&["check", "--json"]).done().matches("2 runs so far").count(), 1);
    }
}

/// The copy says what the medium writes and erases at once, so it reads where the flash is a plain file.
#[test]
fn a_copy_of_a_flash_on_blocks_reads_without_the_medium() {
    let bench = bench(SCRIPT, SMALL);
    bench.everstep(&["run", "compare"]).done();
    let copy = bench.path("copy.bin");
    bench.everstep(&["flash", "image", copy.to_str().unwrap()]).done();
    bench.change_board("medium = \"block\"\nblock_bytes = 512\n", "");
    let told = bench.everstep(&["journal", "--image", copy.to_str().unwrap()]).done();
    assert!(told.contains("3 is more than 2."), "{told}");
}

#[test]
fn a_killed_run_on_blocks_goes_on_and_is_read_meanwhile() {
    let bench = bench(LONG_WAIT, SMALL);
    let running = bench.run_until("called", &["wait an hour"]);
    assert!(bench.everstep(&["journal"]).done().contains("wait"), "read while its owner has it");
    bench.everstep(&["run", "again"]).refuses(2, &["another everstep"]);
    running.kill();
    assert!(bench.everstep(&["replay"]).done().contains("wait"));
    bench.everstep(&["stop"]).done();
    assert!(bench.everstep(&["check"]).done().contains("1 runs so far"));
}

#[test]
fn zeros_become_a_flash_and_a_file_system_does_not() {
    let bench = bench(SCRIPT, LARGE);
    fs::create_dir_all(bench.path("state")).unwrap();
    let mut image = vec![0; 3_145_728];
    image[1080..1082].copy_from_slice(&[0x53, 0xEF]);
    fs::write(bench.flash(), &image).unwrap();
    for command in [&["run", "compare"][..], &["check"], &["journal"]] {
        bench.everstep(command).refuses(3, &["flash.bin", "not a journal", "start anew"]);
    }
    assert!(fs::read(bench.flash()).unwrap() == image);

    fs::write(bench.flash(), vec![0; 3_145_728]).unwrap();
    assert!(bench.everstep(&["check"]).done().contains("0 runs so far"));
    assert!(fs::read(bench.flash()).unwrap().iter().all(|byte| *byte == 0), "a look changed the flash");
    assert_eq!(bench.everstep(&["run", "compare"]).done(), "3 is more than 2.\n");
}

#[test]
fn a_path_that_is_not_its_medium_is_refused_with_what_to_do() {
    let bench = bench(SCRIPT, LARGE);
    bench.everstep(&["run", "compare"]).done();
    let before = contents(&bench.path("state"));
    bench.change_board("\"block\"", "\"mtd\"");
    for command in [&["run", "compare"][..], &["check"], &["journal"], &["flash"]] {
        bench.everstep(command).refuses(
            2,
            &["agent.toml:", "flash.medium", "flash.bin is a plain file", "point `flash.path` at /dev/mtdN"],
        );
    }
    bench.change_board("\"mtd\"", "\"mtd\"\npath = \"/dev/everstep-none\"");
    bench.everstep(&["check"]).refuses(2, &["flash.path", "no flash device /dev/everstep-none"]);
    for medium in ["file", "block", "mtd"] {
        bench.change_board("path = \"/dev/everstep-none\"", "path = \"/dev/null\"");
        bench.change_board("medium = \"mtd\"", &format!("medium = \"{medium}\""));
        bench.everstep(&["run", "compare"]).refuses(2, &["flash.medium", "/dev/null is a device or a pipe"]);
        bench.change_board(&format!("medium = \"{medium}\""), "medium = \"mtd\"");
        bench.change_board("path = \"/dev/null\"", "path = \"/dev/everstep-none\"");
    }
    assert_eq!(contents(&bench.path("state")), before);
}

#[test]
fn media_and_blocks_that_do_not_exist_are_refused_by_line() {
    let bench = bench(SCRIPT, SMALL);
    bench.change_board("\"block\"", "\"nand\"");
    bench.everstep(&["config"]).refuses(2, &["flash.medium", "unknown variant `nand`", "`block`, `mtd`"]);
    bench.change_board("\"nand\"", "\"block\"");
    bench.change_board("= 512\n", "= 1024\n");
    bench.everstep(&["config"]).refuses(2, &["flash.block_bytes", "must be 512 or 4096, not 1024"]);
    bench.change_board("= 1024\n", "= 512\n");
    bench.change_board("\"block\"", "\"file\"");
    bench.everstep(&["config"]).refuses(2, &["flash.block_bytes", "remove this key"]);
    bench.change_board("\"file\"", "\"block\"");
    bench.change_board("board_bytes = 65_536", "board_bytes = 36_864");
    bench.everstep(&["config"]).refuses(2, &["flash.board_bytes", "a multiple of 8192, not 36864"]);
}

#[test]
fn config_prints_the_medium_and_its_blocks() {
    let bench = bench(SCRIPT, LARGE);
    let told = bench.everstep(&["config"]).done();
    assert!(told.contains("medium = \"block\"") && told.contains("block_bytes = 4096"), "{told}");
    bench.write("agent.toml", &told);
    assert_eq!(bench.everstep(&["config"]).done(), told);
    let told = Bench::new(SCRIPT).everstep(&["config"]).done();
    assert!(told.contains("medium = \"file\"") && !told.contains("block_bytes"), "{told}");
}

#[test]
fn blocks_that_another_flash_was_made_for_are_refused_and_kept() {
    let bench = bench(SCRIPT, LARGE);
    bench.everstep(&["run", "compare"]).done();
    let before = hash(&bench.flash());
    bench.change_board("medium = \"block\"", "medium = \"block\"\nblock_bytes = 512");
    bench.everstep(&["run", "compare"]).refuses(3, &["flash.bin", "4096", "512"]);
    bench.change_board("medium = \"block\"\nblock_bytes = 512", "medium = \"file\"");
    bench.everstep(&["run", "compare"]).refuses(3, &["flash.bin", "4096", "4"]);
    assert_eq!(hash(&bench.flash()), before);
}
