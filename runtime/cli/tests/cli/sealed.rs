//! A flash that is sealed: with its key it reads as any other, and with nothing else.

use std::{fs, os::unix::fs::PermissionsExt as _};

use crate::bench::{BOARD, Bench};

const TASK: &str = "compare the sluice readings";
const SCRIPT: &str = "[[reply]]\nsay = \"The sluice readings agree.\"\n";
const SEAL: &str = "[flash]\nseal = \"file:flash.key\"\ndevice = \"gateway 7\"\n";

fn sealed_bench() -> Bench {
    let bench = Bench::new(SCRIPT);
    assert!(BOARD.contains("[flash]\n"), "{BOARD}");
    bench.write("agent.toml", &BOARD.replace("[flash]\n", SEAL));
    write_key(&bench, &"5a".repeat(32));
    bench
}

fn write_key(bench: &Bench, digits: &str) {
    bench.write("flash.key", digits);
    fs::set_permissions(bench.path("flash.key"), fs::Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn a_sealed_flash_reads_with_its_key_only() {
    let bench = sealed_bench();
    assert_eq!(bench.everstep(&["run", TASK]).done(), "The sluice readings agree.\n");
    assert!(bench.everstep(&["journal"]).done().contains("The sluice readings agree."));
    let flash = fs::read(bench.path("state/flash.bin")).unwrap();
    assert!(!flash.windows(6).any(|bytes| bytes == b"sluice"), "what was said is on flash as it is");

    write_key(&bench, &"5b".repeat(32));
    bench.everstep(&["run"]).refuses(3, &["sealed with another key", "`flash.seal`"]);
    write_key(&bench, &"5a".repeat(32));
    bench.change_board("gateway 7", "gateway 8");
    bench.everstep(&["journal"]).refuses(3, &["sealed for another device", "`flash.device`"]);
    bench.change_board("seal = \"file:flash.key\"\n", "");
    bench.everstep(&["run"]).refuses(3, &["journal is sealed, and no key was given"]);
    assert_eq!(fs::read(bench.path("state/flash.bin")).unwrap(), flash, "a refusal changed the flash");
}

#[test]
fn a_flash_that_is_not_sealed_is_not_believed_with_a_key() {
    let bench = Bench::new(SCRIPT);
    bench.everstep(&["run", TASK]).done();
    bench.write("agent.toml", &BOARD.replace("[flash]\n", SEAL));
    write_key(&bench, &"5a".repeat(32));
    bench.everstep(&["run"]).refuses(3, &["not sealed", "anyone may have written it"]);
}

#[test]
fn a_key_that_is_missing_open_or_no_key_is_named() {
    let bench = sealed_bench();
    write_key(&bench, "short");
    bench.everstep(&["run", TASK]).refuses(2, &["flash.seal", "must be 32 bytes"]);
    fs::set_permissions(bench.path("flash.key"), fs::Permissions::from_mode(0o644)).unwrap();
    bench.everstep(&["run", TASK]).refuses(2, &["flash.seal", "chmod 600"]);
    fs::remove_file(bench.path("flash.key")).unwrap();
    bench.everstep(&["run", TASK]).refuses(2, &["there is no key file", "head -c 32 /dev/urandom"]);
    bench.change_board("file:flash.key", "flash.key");
    bench.everstep(&["run", TASK]).refuses(2, &["file:PATH", "systemd-creds:NAME"]);
}
