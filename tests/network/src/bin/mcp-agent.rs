//! The least of an agent: it writes what it is about to do, calls the tool, and writes what came of it. A
//! call without an outcome is never made again.
//!
//! `mcp-agent PEER MODE FOLDER CALLS`; with no calls, it calls once, prints the answer, and waits for good.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test's program may fail, and prints")]

use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    path::{Path, PathBuf},
};

use everstep_core::Outcome;
use everstep_tools_network::Vault;
use network_tests::mcp::{board, call, section, tools};
use serde_json::json;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [peer, mode, folder, calls] = words.try_into().unwrap();
    let calls: usize = calls.parse().unwrap();
    let folder = PathBuf::from(folder);
    let limits = "answer_ms_max = 300\nrestarts_max = 1000";
    let section = section(&[&peer, &mode, folder.to_str().unwrap()], limits);
    let tools = tools(&section, &board(&folder, Vault::default())).unwrap();
    if calls == 0 {
        println!("{:?}", call(&tools, "peer_count", json!({})).await);
        return std::future::pending().await;
    }
    let log = folder.join("log");
    let begun = |line: &str| line.split(' ').next().and_then(|number| number.parse::<usize>().ok());
    let known = fs::read_to_string(&log).unwrap_or_default();
    let next = known.lines().filter_map(begun).max().map_or(0, |last| last + 1);
    for number in next..calls {
        write(&log, &format!("{number} begun"));
        let outcome = call(&tools, "peer_count", json!({"note": number.to_string()})).await;
        let word = match outcome {
            Outcome::Done(_) => "done",
            Outcome::NotStarted(_) => "not-started",
            Outcome::MayHaveRun(_) => "unknown",
        };
        write(&log, &format!("{number} {word}"));
    }
}

fn write(log: &Path, line: &str) {
    let mut file = OpenOptions::new().create(true).append(true).open(log).unwrap();
    writeln!(file, "{line}").unwrap();
    file.sync_all().unwrap();
}
