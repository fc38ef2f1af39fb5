//! What a board remembers of its hosts over restarts: how often they were called, and what time it was.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use everstep_board_linux::flash::{FlashPlace, LinuxFlash, Medium};
use everstep_driver::{BoardLog, BoardRecord, SharedFlash};
use everstep_journal::Region;

use crate::{
    bench::{Bench, json},
    http_server::{HttpServer, answer},
};

/// Seconds of a year, and more.
const YEAR_S: u64 = 400 * 86_400;
/// Bytes in front of the agent's region.
const BOARD_BYTES: u32 = 32_768;

const ROOMS: &str = r#"
[network.http.read_room]
summary = "Read the room."
url = "http://127.0.0.1:PORT/room"
private = true

[network.http.read_hall]
summary = "Read the hall."
url = "http://127.0.0.1:PORT/hall"
private = true

[network.host."127.0.0.1"]
calls_per_day_max = 3
"#;

fn bench(network: &str, server: &HttpServer, grants: &str) -> Bench {
    let bench = Bench::new("");
    bench.change_board("\"log\"]", &format!("\"log\", {grants}]"));
    let board = std::fs::read_to_string(bench.path("agent.toml")).unwrap();
    let network = network.replace("PORT", &server.port.to_string());
    bench.write("agent.toml", &format!("{board}{network}"));
    bench
}

/// A script that makes these calls.
fn calls(names: &[&str]) -> String {
    let call = |name: &&str| format!("[[reply]]\ncall = \"{name}\"\narguments = '{{}}'\n");
    let calls = names.iter().map(call).collect::<Vec<_>>().concat();
    format!("{calls}[[reply]]\nsay = \"Done.\"\n")
}

#[test]
fn the_budget_of_a_host_counts_on_after_a_restart_and_a_kill() {
    let hangs = Arc::new(AtomicBool::new(false));
    let script = Arc::clone(&hangs);
    let server =
        HttpServer::start(move |_| (!script.load(Ordering::SeqCst)).then(|| answer(200, "", "21 C")));
    let bench = bench(ROOMS, &server, "\"read_room\", \"read_hall\"");
    bench.write("script.toml", &calls(&["read_room", "read_hall"]));
    assert_eq!(bench.everstep(&["run", "look"]).done(), "Done.\n");
    assert_eq!(server.seen().len(), 2);

    bench.write("script.toml", &calls(&["read_hall", "read_room"]));
    hangs.store(true, Ordering::SeqCst);
    bench.run_until("called", &["look again"]).kill();
    hangs.store(false, Ordering::SeqCst);
    let before = server.seen().len();
    assert_eq!(bench.everstep(&["run"]).done(), "Done.\n");
    // The lost call ran again, which is no new one; the one behind it was one too many.
    assert_eq!(server.seen().len(), before + 1);
    let journal = bench.everstep(&["journal"]).done();
    let told = format!("127.0.0.1:{} may be asked 3 times a day, and was", server.port);
    assert_eq!(journal.matches(&told).count(), 1, "{journal}");
}

const SEALED_ROOM: &str = r#"
[clock]
trust_rtc = true

[network.http.read_room]
summary = "Read the room."
url = "https://127.0.0.1:PORT/room"
private = true
answer_ms_max = 2000
"#;

/// Does something with the board's own log, as the process that owns the flash would.
fn with_log<T>(bench: &Bench, work: impl FnOnce(&mut BoardLog<LinuxFlash>) -> T) -> T {
    let place = FlashPlace {
        medium: Medium::File,
        path: bench.flash(),
        bytes: 524_288,
        state_dir: bench.path("state"),
    };
    let flash = LinuxFlash::open_or_create(&place).unwrap();
    let geometry = flash.geometry();
    let manners = Region::from(0..0).blocks(geometry.unit_bytes).sectors(geometry.sector_bytes);
    let flash = SharedFlash::with_manners(flash, manners);
    work(&mut BoardLog::open(&flash, 0..BOARD_BYTES).unwrap())
}

#[test]
fn a_clock_before_the_last_time_that_was_trusted_ends_connections_until_the_board_file_says_otherwise() {
    // Nobody there speaks TLS: only whether it is tried tells.
    let server = HttpServer::start(|_| None);
    let bench = bench(SEALED_ROOM, &server, "\"read_room\"");
    bench.write("script.toml", &calls(&["read_room"]));
    let told = |task: &str| {
        bench.everstep(&["run", task, "--task-id", task]).done();
        let journal = bench.everstep(&["journal"]).done();
        let mut lines = journal.lines().filter(|line| line.contains("ended")).map(str::to_owned);
        lines.next_back().unwrap_or_default()
    };
    assert!(told("first").contains("TLS handshake"), "{}", told("first"));

    let later_s = with_log(&bench, |log| {
        let newest = log.newest().unwrap();
        // The start itself was kept as a time that was trusted.
        let later_s = newest.trusted_s.unwrap() + YEAR_S;
        let boot = newest.boot + 1;
        log.append(&BoardRecord { boot, trusted_s: Some(later_s), ..newest }).unwrap();
        later_s
    });
    for task in ["second", "third"] {
        let told = told(task);
        assert!(told.contains("the board's clock is not set right, it shows 20"), "{told}");
    }
    // No start since forgot it, and each believed what its own clock showed.
    let newest = with_log(&bench, |log| log.newest().unwrap());
    assert!(newest.trusted_s == Some(later_s) && newest.clock < Some(later_s), "{newest:?}");
    let try_it = bench.everstep(&["tools", "try", "read_room", "{}", "--json"]);
    assert!(json(&try_it.out)["text"].as_str().unwrap().contains("clock is not set right"), "{try_it:?}");

    bench.change_board("trust_rtc = true", "trust_rtc = true\nforget_trusted = true");
    assert!(told("fourth").contains("TLS handshake"), "{}", told("fourth"));
}
