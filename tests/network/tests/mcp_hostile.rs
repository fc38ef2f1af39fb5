//! Servers that misbehave: each costs one failed call, and the next one finds the server again.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::{fs, path::Path};

use everstep_core::Outcome;
use everstep_tools_network::{McpSection, Vault};
use network_tests::mcp::{board, call, definitions, pin_all, section, tools};
use serde_json::json;

const PEER: &str = env!("CARGO_BIN_EXE_mcp-peer");
/// Limits, of which the short one only ends what would never end by itself.
fn limits(mode: &str) -> &'static str {
    if ["hang", "hang-before", "wrong-id"].contains(&mode) {
        "answer_ms_max = 3000\nanswer_bytes_max = 65536"
    } else {
        "answer_ms_max = 60000\nanswer_bytes_max = 65536"
    }
}

fn peer(mode: &str, folder: &Path, keys: &str) -> McpSection {
    section(&[PEER, mode, folder.to_str().unwrap()], keys)
}

fn counted(folder: &Path) -> usize {
    fs::read_to_string(folder.join("counted")).map_or(0, |text| text.lines().count())
}

fn text(outcome: &Outcome) -> (&'static str, &str) {
    match outcome {
        Outcome::Done(text) => ("done", text),
        Outcome::NotStarted(why) => ("not started", why),
        Outcome::MayHaveRun(why) => ("may have run", why),
    }
}

/// How a first call of a mode ends, and what it says.
const MODES: &[(&str, &str, &str)] = &[
    ("good", "done", "counted 1"),
    (
        "crash",
        "may have run",
        "was lost before it answered: it closed the pipe (exit status: 3); it wrote last: out of paper",
    ),
    ("crash-before", "may have run", "out of paper"),
    ("hang", "may have run", "gave no answer within 3000 ms (`answer_ms_max`)"),
    ("hang-before", "may have run", "gave no answer within 3000 ms"),
    ("flood", "may have run", "it sent more than 4096 messages that nobody asked for"),
    ("flood-asking", "may have run", "it sent more than 4096 messages that nobody asked for"),
    ("flood-errors", "done", "counted 1"),
    ("giant", "may have run", "it sent a message of more than 65536 bytes (`answer_bytes_max`)"),
    ("deep", "may have run", "it sent a message that is nested more than 64 deep"),
    ("bytes", "may have run", "it wrote what is no message to its standard output"),
    (
        "chatter",
        "may have run",
        "it wrote what is no message to its standard output: Listening on standard input...",
    ),
    ("wrong-id", "may have run", "gave no answer within 3000 ms"),
    ("wrong-shape", "may have run", "gave an answer that is none"),
    ("fail", "may have run", "the drawer is stuck"),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_misbehaves_costs_one_failed_call() {
    for (mode, kind, what) in MODES {
        let folder = tempfile::tempdir().unwrap();
        let board = board(folder.path(), Vault::default());
        let section = peer(mode, folder.path(), limits(mode));
        assert_eq!(pin_all(&section, &board).await, [""; 0]);
        let tools = tools(&section, &board).unwrap();
        let first = call(&tools, "peer_count", json!({})).await;
        assert_eq!(text(&first).0, *kind, "{mode}: {first:?}");
        assert!(text(&first).1.contains(what), "{mode}: {first:?}");
        let before = counted(folder.path());
        let next = call(&tools, "peer_count", json!({})).await;
        // What a crash or a hang kept from counting is tried anew by whoever calls again, by nobody else.
        let expected = format!("counted {}", before + 1);
        let comes_back = !["crash-before", "hang-before"].contains(mode);
        if comes_back {
            assert_eq!(text(&next), ("done", expected.as_str()), "{mode}");
        } else {
            assert_eq!(text(&next).0, "may have run", "{mode}: {next:?}");
        }
        println!("hostile mode {mode}: survived");
    }
    println!("{} hostile modes survived", MODES.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_never_comes_up_is_told_with_its_last_words() {
    let folder = tempfile::tempdir().unwrap();
    let board = board(folder.path(), Vault::default());
    pin_all(&peer("good", folder.path(), ""), &board).await;
    for (mode, what) in [
        (
            "exit",
            "server peer did not start: it closed the pipe (exit status: 3); it wrote last: no paper left",
        ),
        ("mute", "server peer was not ready within 3000 ms (`start_ms_max`)"),
        ("refuse", "server peer did not start: JSON-RPC error: -32600: not today; it wrote last: peer is up"),
        ("no-list", "server peer did not tell its tools: Mcp error: -32603: no list (|im_start|)"),
        ("pages", "its list of tools has more than 32 pages"),
    ] {
        let limit = if mode == "mute" { "start_ms_max = 3000" } else { "start_ms_max = 60000" };
        let section = peer(mode, folder.path(), limit);
        let outcome = call(&tools(&section, &board).unwrap(), "peer_count", json!({})).await;
        assert_eq!(text(&outcome).0, "not started", "{mode}: {outcome:?}");
        assert!(text(&outcome).1.contains(what), "{mode}: {outcome:?}");
        assert!(definitions(&section, &board).await.unwrap_err().contains(what), "{mode}");
    }
    let nothing = section(&["./nothing"], "");
    let why = definitions(&nothing, &board).await.unwrap_err();
    assert!(why.contains("server peer: `./nothing` can't be started: No such file"), "{why}");
    assert_eq!(counted(folder.path()), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_tool_is_refused_until_it_is_pinned_anew_and_the_others_go_on() {
    for (mode, what) in [
        ("change", "has changed"),
        ("tell-change", "has changed"),
        ("gone", "is gone"),
        ("twice", "has changed"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let board = board(folder.path(), Vault::default());
        let section = peer(mode, folder.path(), "");
        pin_all(&section, &board).await;
        let first = tools(&section, &board).unwrap();
        assert_eq!(text(&call(&first, "peer_count", json!({})).await), ("done", "counted 1"), "{mode}");
        // One that says that it changed is believed at once; the others are looked at when they start.
        let again = if mode == "tell-change" { first } else { tools(&section, &board).unwrap() };
        let mut refused = call(&again, "peer_count", json!({})).await;
        for _ in 0..1_000 {
            // The note may still be on its way behind the answer.
            if mode != "tell-change" || !matches!(refused, Outcome::Done(_)) {
                break;
            }
            refused = call(&again, "peer_count", json!({})).await;
        }
        let expected = format!(
            "tool count of server peer {what} since it was pinned: look at it with `everstep mcp pin peer`"
        );
        assert_eq!(text(&refused), ("not started", expected.as_str()), "{mode}");
        assert_eq!(text(&call(&again, "peer_other", json!({})).await), ("done", "nothing done"), "{mode}");
        if mode == "change" {
            pin_all(&section, &board).await;
            let anew = tools(&section, &board).unwrap();
            assert_eq!(text(&call(&anew, "peer_count", json!({})).await), ("done", "counted 2"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_is_told_before_the_first_call_is_seen_by_it() {
    let folder = tempfile::tempdir().unwrap();
    let board = board(folder.path(), Vault::default());
    let section = peer("change-early", folder.path(), "");
    assert_eq!(pin_all(&section, &board).await, [""; 0]);
    let tools = tools(&section, &board).unwrap();
    let outcome = call(&tools, "peer_count", json!({})).await;
    assert_eq!(text(&outcome).0, "not started", "{outcome:?}");
    assert!(text(&outcome).1.starts_with("tool count of server peer has changed"), "{outcome:?}");
    assert_eq!(counted(folder.path()), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_done_for_a_server() {
    let folder = tempfile::tempdir().unwrap();
    let board = board(folder.path(), Vault::default());
    let section = peer("ask", folder.path(), "");
    pin_all(&section, &board).await;
    let outcome = call(&tools(&section, &board).unwrap(), "peer_count", json!({})).await;
    let Outcome::Done(text) = outcome else { panic!("{outcome:?}") };
    assert_eq!(
        text,
        "sampling/createMessage -32601; roots/list -32601; elicitation/create {\"action\":\"decline\"}; something/else -32601; ping {}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_has_an_environment_of_its_own_and_its_words_are_masked() {
    let folder = tempfile::tempdir().unwrap();
    let secret = ("key".to_owned(), b"abcdefgh1234".to_vec().into());
    let board = board(folder.path(), Vault::new([secret]).unwrap());
    let section =
        peer("environment", folder.path(), "env = { TOKEN = \"Bearer {secret.key}\", ZONE = \"UTC\" }");
    pin_all(&section, &board).await;
    let outcome = call(&tools(&section, &board).unwrap(), "peer_count", json!({})).await;
    let Outcome::Done(text) = outcome else { panic!("{outcome:?}") };
    let path = std::env::var("PATH").unwrap();
    let mut variables = [
        ("HOME", "/nonexistent"),
        ("LANG", "C.UTF-8"),
        ("PATH", &path),
        ("TOKEN", "Bearer [secret key]"),
        ("ZONE", "UTC"),
    ]
    .map(|(name, value)| format!("({name:?}, {value:?})"));
    variables.sort();
    assert_eq!(text, format!("[{}]", variables.join(", ")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_started_as_often_as_it_may() {
    let folder = tempfile::tempdir().unwrap();
    let board = board(folder.path(), Vault::default());
    pin_all(&peer("good", folder.path(), ""), &board).await;
    let section = peer("exit", folder.path(), "restarts_max = 2");
    let tools = tools(&section, &board).unwrap();
    let mut last = String::new();
    for _ in 0..4 {
        let outcome = call(&tools, "peer_count", json!({})).await;
        assert_eq!(text(&outcome).0, "not started");
        last = text(&outcome).1.to_owned();
    }
    let told =
        "server peer was started again 2 times within an hour (`restarts_max`), and is left alone for 3";
    assert!(last.starts_with(told) && last.contains("no paper left"), "{last}");
}
