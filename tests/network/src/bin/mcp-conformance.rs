//! The client that the conformance suite of the Model Context Protocol starts: it pins what the server at
//! the given address has, and calls each tool once.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test's program may fail, and prints")]

use everstep_core::Outcome;
use everstep_tools_network::Vault;
use network_tests::mcp::{at, board, call, pin_all, tools};
use serde_json::json;

#[tokio::main]
async fn main() {
    let url = std::env::args().next_back().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let board = board(folder.path(), Vault::default());
    let section = at(&url, "private = true\nanswer_ms_max = 20000");
    println!("not pinned: {:?}", pin_all(&section, &board).await);
    for tool in tools(&section, &board).unwrap() {
        let arguments = match tool.spec().name.as_str() {
            "peer_add_numbers" => json!({"a": 5, "b": 3}),
            _ => json!({}),
        };
        let outcome = call(std::slice::from_ref(&tool), &tool.spec().name, arguments).await;
        println!("{}: {outcome:?}", tool.spec().name);
        assert!(matches!(outcome, Outcome::Done(_)));
    }
}
