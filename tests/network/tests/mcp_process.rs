//! A server's process lives as long as it should, and no longer; and no call reaches it twice.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader},
    os::fd::OwnedFd,
    path::Path,
    process::{Command, Stdio},
};

use everstep_core::Outcome;
use everstep_tools_network::Vault;
use network_tests::mcp::{board, call, pin_all, section, tools};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, PidfdFlags, pidfd_open},
};
use serde_json::json;

const PEER: &str = env!("CARGO_BIN_EXE_mcp-peer");
const AGENT: &str = env!("CARGO_BIN_EXE_mcp-agent");
/// Calls of one agent, over all of its lives.
const CALLS: usize = 20;

/// Waits for the end of a process that isn't ours.
struct Watched(OwnedFd);

impl Watched {
    fn new(pid: &str) -> Self {
        let pid = pid.trim().parse().ok().and_then(Pid::from_raw).unwrap();
        Self(pidfd_open(pid, PidfdFlags::empty()).unwrap())
    }

    /// Whether it ends within half a minute, which only a process that would stay for good exceeds.
    fn ends(&self) -> bool {
        let limit = Timespec { tv_sec: 30, tv_nsec: 0 };
        poll(&mut [PollFd::new(&self.0, PollFlags::IN)], Some(&limit)).unwrap() == 1
    }
}

fn number(outcome: &Outcome) -> String {
    format!("{outcome:?}").chars().filter(char::is_ascii_digit).collect()
}

async fn pinned(mode: &str, folder: &Path) -> everstep_tools_network::McpSection {
    let section = section(&[PEER, mode, folder.to_str().unwrap()], "");
    pin_all(&section, &board(folder, Vault::default())).await;
    section
}

#[tokio::test]
async fn a_killed_agent_takes_its_servers_with_it() {
    let folder = tempfile::tempdir().unwrap();
    pinned("stay", folder.path()).await;
    let mut agent = Command::new(AGENT)
        .args([PEER, "stay", folder.path().to_str().unwrap(), "0"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(agent.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let pid: String = line.chars().filter(char::is_ascii_digit).collect();
    let server = Watched::new(&pid);
    agent.kill().unwrap();
    agent.wait().unwrap();
    assert!(server.ends(), "server {pid} outlives its agent");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_outlives_the_thread_that_asked_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let section = pinned("pid", folder.path()).await;
    let tools = tools(&section, &board(folder.path(), Vault::default())).unwrap();
    let (handle, asked) = (tokio::runtime::Handle::current(), tools.clone());
    let first = std::thread::spawn(move || handle.block_on(call(&asked, "peer_count", json!({}))));
    let first = first.join().unwrap();
    let second = call(&tools, "peer_count", json!({})).await;
    assert!(matches!(first, Outcome::Done(_)));
    assert_eq!(number(&first), number(&second));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_no_longer_needed_ends_with_what_it_started() {
    let folder = tempfile::tempdir().unwrap();
    let section = pinned("child", folder.path()).await;
    let tools = tools(&section, &board(folder.path(), Vault::default())).unwrap();
    let child = Watched::new(&number(&call(&tools, "peer_count", json!({})).await));
    drop(tools);
    assert!(child.ends());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_takes_no_hint_is_made_to_end() {
    let folder = tempfile::tempdir().unwrap();
    let script =
        format!("trap '' TERM; {PEER} stay {} <&0; while :; do sleep 100; done", folder.path().display());
    let section = section(&["sh", "-c", &script], "");
    let board = board(folder.path(), Vault::default());
    pin_all(&section, &board).await;
    let tools = tools(&section, &board).unwrap();
    let server = Watched::new(&number(&call(&tools, "peer_count", json!({})).await));
    drop(tools);
    assert!(server.ends());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_does_not_answer_is_gone_before_anything_is_asked_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut section = pinned("hang", folder.path()).await;
    section.answer_ms_max = 1_000;
    let tools = tools(&section, &board(folder.path(), Vault::default())).unwrap();
    let lost = call(&tools, "peer_count", json!({})).await;
    assert!(matches!(lost, Outcome::MayHaveRun(_)), "{lost:?}");
    let hung = fs::read_to_string(folder.path().join("hung")).unwrap();
    let pid = hung.parse().ok().and_then(Pid::from_raw).unwrap();
    // Not even a dead process is left: it was waited for.
    assert!(pidfd_open(pid, PidfdFlags::empty()).is_err(), "server {hung} may still act");
}

/// What the agent knows of each call.
fn known(log: &str) -> BTreeMap<usize, &str> {
    let lines = log.lines().filter_map(|line| line.split_once(' '));
    lines.map(|(number, word)| (number.parse().unwrap(), word)).collect()
}

#[tokio::test]
async fn no_call_reaches_the_server_twice_whoever_is_killed() {
    let seeds = std::env::var("EVERSTEP_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(10);
    let (mut lives, mut words) = (0, BTreeMap::<String, usize>::new());
    for seed in 0..seeds {
        let folder = tempfile::tempdir().unwrap();
        let mode = format!("seeded-{seed}");
        pinned(&mode, folder.path()).await;
        for life in 0.. {
            lives += 1;
            assert!(life <= CALLS, "seed {seed}: a life makes no progress");
            let calls = CALLS.to_string();
            let status = Command::new(AGENT)
                .args([PEER, &mode, folder.path().to_str().unwrap(), &calls])
                .status()
                .unwrap();
            if status.success() {
                break;
            }
        }
        let counted = fs::read_to_string(folder.path().join("counted")).unwrap_or_default();
        let log = fs::read_to_string(folder.path().join("log")).unwrap();
        let known = known(&log);
        assert_eq!(known.len(), CALLS, "seed {seed}");
        for (number, word) in known {
            let times = counted.lines().filter(|line| **line == *number.to_string()).count();
            *words.entry(word.to_owned()).or_default() += 1;
            match word {
                "done" => assert_eq!(times, 1, "seed {seed}: call {number}"),
                "not-started" => assert_eq!(times, 0, "seed {seed}: call {number}"),
                _ => assert!(times <= 1, "seed {seed}: call {number} ran {times} times"),
            }
        }
    }
    println!("{seeds} seeds, {lives} lives of the agent, outcomes {words:?}");
    assert!(lives > seeds && words.contains_key("begun") && words.contains_key("unknown"));
}
