//! Servers that others wrote, and the suite that those who define the protocol check clients with.
//! `scripts/test-network.sh` installs them.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test may fail, and prints what it counted"
)]

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use everstep_core::Outcome;
use everstep_tools_network::{McpSection, Vault};
use network_tests::mcp::{at, board, call, pin_all, section, tools};
use serde_json::{Value, json};

const CLIENT: &str = env!("CARGO_BIN_EXE_mcp-conformance");
const EVERYTHING: &str = "test-node/node_modules/@modelcontextprotocol/server-everything/dist/index.js";
const CONFORMANCE: &str = "test-node/node_modules/@modelcontextprotocol/conformance/dist/index.js";

/// A program or script that `scripts/test-network.sh` installs.
fn installed(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target").join(path);
    assert!(path.exists(), "{} is missing: run scripts/test-network.sh", path.display());
    std::path::absolute(path).unwrap().to_str().unwrap().to_owned()
}

fn node() -> String {
    installed("test-node/node_modules/.bin/node")
}

async fn answer(section: &McpSection, folder: &Path, tool: &str, arguments: Value) -> Outcome {
    let board = board(folder, Vault::default());
    call(&tools(section, &board).unwrap(), tool, arguments).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_time_server_tells_the_time_by_its_own_words() {
    let program = installed("test-venv/bin/mcp-server-time");
    let section = section(&[&program, "--local-timezone", "UTC"], "trusted = true");
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(pin_all(&section, &board(folder.path(), Vault::default())).await, [""; 0]);
    let asked = json!({"source_timezone": "UTC", "time": "12:00", "target_timezone": "Asia/Kolkata"});
    let outcome = answer(&section, folder.path(), "peer_convert_time", asked).await;
    let Outcome::Done(text) = outcome else { panic!("{outcome:?}") };
    let told: Value = serde_json::from_str(&text).unwrap();
    assert!(told["target"]["datetime"].as_str().unwrap().contains("T17:30:00"), "{text}");
    let wrong = json!({"timezone": "Nowhere/Else"});
    let outcome = answer(&section, folder.path(), "peer_get_current_time", wrong).await;
    assert!(format!("{outcome:?}").contains("Nowhere/Else"), "{outcome:?}");
}

/// What the everything server is asked, over whatever it is reached by.
async fn everything(section: &McpSection) -> usize {
    let folder = tempfile::tempdir().unwrap();
    let refused = pin_all(section, &board(folder.path(), Vault::default())).await;
    let tools = tools(section, &board(folder.path(), Vault::default())).unwrap();
    println!("everything: {} tools pinned, refused: {refused:?}", tools.len());
    for (tool, arguments, expected) in [
        ("peer_echo", json!({"message": "ä <|im_start|>"}), "Echo: ä <|im_start|>"),
        ("peer_get_sum", json!({"a": 2, "b": 3}), "The sum of 2 and 3 is 5."),
        ("peer_get_tiny_image", json!({}), "(image, image/png, "),
        ("peer_get_resource_links", json!({"count": 2}), "(link demo://resource/dynamic/"),
        ("peer_get_structured_content", json!({"location": "Chicago"}), "\"temperature\":"),
        (
            "peer_trigger_long_running_operation",
            json!({"duration": 1, "steps": 2}),
            "Long running operation completed",
        ),
    ] {
        let outcome = call(&tools, tool, arguments).await;
        let Outcome::Done(text) = outcome else { panic!("{tool}: {outcome:?}") };
        assert!(text.contains(expected), "{tool}: {text}");
    }
    tools.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_everything_server_is_the_same_over_both_transports() {
    let stdio = everything(&section(&[&node(), &installed(EVERYTHING), "stdio"], "")).await;
    let (server, url) = serve();
    let web = everything(&at(&url, "private = true")).await;
    drop(server);
    assert_eq!(stdio, web);
}

/// Ends a server when the test does.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The everything server over HTTP, on a port that was free a moment ago.
fn serve() -> (Server, String) {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let mut server = Command::new(node())
        .args([&installed(EVERYTHING), "streamableHttp"])
        .env("PORT", port.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(server.stderr.take().unwrap()).lines();
    let ready = lines.find(|line| line.as_ref().is_ok_and(|line| line.contains("listening on port")));
    assert!(ready.is_some(), "the server does not start");
    // What it says later has to go somewhere, or it waits.
    std::thread::spawn(move || lines.count());
    (Server(server), format!("http://127.0.0.1:{port}/mcp"))
}

/// What the suite checks of a client, and whether everstep passes it. All `auth/` scenarios are beside the
/// point: they are about OAuth, which everstep doesn't speak; its servers take a secret in a header.
const SCENARIOS: &[(&str, bool)] = &[
    ("initialize", true),
    ("tools_call", true),
    ("sse-retry", true),
    // It asks a client to fill in a form for a person. Everstep declines, on purpose.
    ("elicitation-sep1034-client-defaults", false),
];

#[test]
fn conformance_scenarios_pass_but_for_what_is_declined_on_purpose() {
    let folder = tempfile::tempdir().unwrap();
    let mut wrong = Vec::new();
    let listed = Command::new(node()).args([&installed(CONFORMANCE), "list", "--client"]).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let clients = listed.split("Client scenarios").last().unwrap().lines();
    let names = clients.filter_map(|line| line.trim().strip_prefix("- ")?.split(' ').next());
    let (about_auth, core): (Vec<_>, Vec<_>) = names.partition(|name| name.starts_with("auth/"));
    println!("conformance: {} scenarios, {} more are about OAuth", core.len(), about_auth.len());
    assert!(core.iter().all(|name| SCENARIOS.iter().any(|(known, _)| known == name)), "{core:?}");
    for (scenario, expected) in SCENARIOS {
        let output = Command::new(node())
            .arg(installed(CONFORMANCE))
            .args(["client", "--command", CLIENT, "--scenario", scenario, "--verbose"])
            .current_dir(folder.path())
            .output()
            .unwrap();
        let passed = output.status.success();
        println!("conformance {scenario}: {}", if passed { "passed" } else { "failed" });
        if passed != *expected {
            wrong.push(format!("{scenario}: {}", String::from_utf8_lossy(&output.stderr)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
