//! Servers at an address that misbehave: each costs one failed call, and the next one finds the server.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use everstep_core::{CallId, Outcome};
use everstep_tool::{Cancel, Context, Tool, ToolCall};
use serde_json::{Value, json};

use crate::{
    BoardSide, NetworkSection, assemble,
    mcp::{Definition, Hints, Pins, tests::board},
    rehearsal::{Act, Authority, Leaf, Seen, Server, TestClock, answer},
    tls::built_s,
};

const SECRET: &str = "abcdefgh1234";
const JSON: &str = "Content-Type: application/json\r\n";
const EVENTS: &str = "Content-Type: text/event-stream\r\n";

fn definition() -> Definition {
    let schema = json!({"type": "object", "properties": {}});
    Definition { name: "count".into(), description: "Counts.".into(), schema, hints: Hints::default() }
}

fn method(seen: &Seen) -> String {
    let message: Value = serde_json::from_str(&seen.body).unwrap_or_default();
    message["method"].as_str().unwrap_or_default().to_owned()
}

fn message(seen: &Seen, result: &Value) -> String {
    let asked: Value = serde_json::from_str(&seen.body).unwrap();
    json!({"jsonrpc": "2.0", "id": asked["id"], "result": result}).to_string()
}

fn counted(seen: &Seen) -> String {
    message(seen, &json!({"content": [{"type": "text", "text": "counted"}]}))
}

/// A server that does everything right but for its first call.
async fn server(first: impl Fn(&Seen) -> Act + Send + Sync + 'static) -> Server {
    server_over(None, first).await
}

/// The same, over TLS with the certificate of `leaf`.
async fn server_over(leaf: Option<&Leaf>, first: impl Fn(&Seen) -> Act + Send + Sync + 'static) -> Server {
    let calls = AtomicUsize::new(0);
    Server::start(leaf.map(Leaf::server), move |seen| {
        let say = |result: Value| Act::Send(answer(200, JSON, &message(seen, &result)));
        match method(seen).as_str() {
            "initialize" => say(json!({
                "protocolVersion": "2025-06-18", "capabilities": {"tools": {}},
                "serverInfo": {"name": "peer", "version": "1"},
            })),
            "tools/list" => say(json!({"tools": [
                {"name": "count", "description": "Counts.", "inputSchema": {"type": "object", "properties": {}}},
            ]})),
            "tools/call" if calls.fetch_add(1, Ordering::SeqCst) == 0 => first(seen),
            "tools/call" => Act::Do(answer(200, JSON, &counted(seen))),
            "" => Act::Send(answer(405, "", "")),
            _ => Act::Send(answer(202, "", "")),
        }
    })
    .await
}

fn tool(server: &Server, more: &str) -> Arc<dyn Tool> {
    let folder = tempfile::tempdir().unwrap();
    let mut pins = Pins::default();
    pins.set(definition());
    pins.save(&folder.path().join("pins.json")).unwrap();
    let section = format!(
        "[mcp.peer]\nurl = \"http://127.0.0.1:{}/mcp\"\nprivate = true\npins = \"pins.json\"\n\
         answer_bytes_max = 4096\n{more}",
        server.port
    );
    let section: NetworkSection = toml::from_str(&section).unwrap();
    assemble(&section, &board(folder.path())).unwrap().remove(0)
}

async fn call(tool: &Arc<dyn Tool>) -> Outcome {
    let call = ToolCall { id: CallId(1), arguments: json!({}), baseline: None, idempotency_key: None };
    let cx = Context { attempt: 1, deadline: Duration::from_mins(1), cancel: Cancel::default() };
    tool.run(&call, &cx).await
}

fn text(outcome: &Outcome) -> (&'static str, &str) {
    match outcome {
        Outcome::Done(text) => ("done", text),
        Outcome::NotStarted(why) => ("not started", why),
        Outcome::MayHaveRun(why) => ("may have run", why),
    }
}

/// What a server does about its first call.
type First = fn(&Seen) -> Act;

/// How that call ends, and what it says.
const MODES: &[(&str, First, &str, &str)] = &[
    ("json", |seen| Act::Do(answer(200, JSON, &counted(seen))), "done", "counted"),
    (
        "events",
        |seen| {
            Act::Do(answer(200, EVENTS, &format!(": hello\n\nevent: message\ndata: {}\n\n", counted(seen))))
        },
        "done",
        "counted",
    ),
    ("close", |_| Act::Close, "may have run", "was lost before it answered"),
    ("do and close", |_| Act::DoAndClose, "may have run", "was lost before it answered"),
    ("hang", |_| Act::DoAndHang, "may have run", "gave no answer within 1000 ms (`answer_ms_max`)"),
    (
        "torn",
        |seen| Act::Do(answer(200, JSON, &counted(seen)).replace("counted", "c")),
        "may have run",
        "was lost before it answered",
    ),
    (
        "long",
        |_| Act::Do(answer(200, JSON, &"x".repeat(5_000))),
        "may have run",
        "more than 4096 bytes (`answer_bytes_max`)",
    ),
    (
        "endless",
        |_| Act::Flood(format!("HTTP/1.1 200 X\r\n{JSON}\r\n"), "[".repeat(1_000)),
        "may have run",
        "more than 4096 bytes",
    ),
    (
        "endless event",
        |_| Act::Flood(format!("HTTP/1.1 200 X\r\n{EVENTS}\r\ndata: "), "x".repeat(1_000)),
        "may have run",
        "more than 4096 bytes",
    ),
    (
        "many events",
        |_| {
            let note = r#"{"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "x"}}"#;
            Act::Flood(format!("HTTP/1.1 200 X\r\n{EVENTS}\r\n"), format!("data: {note}\n\n"))
        },
        "may have run",
        "more than 4096 messages that nobody asked for",
    ),
    ("deep", |_| Act::Do(answer(200, JSON, &"[".repeat(1_000))), "may have run", "nested more than 64 deep"),
    (
        "deep event",
        |_| Act::Do(answer(200, EVENTS, &format!("data: {}\n\n", "[".repeat(1_000)))),
        "may have run",
        "nested more than 64 deep",
    ),
    ("no message", |_| Act::Do(answer(200, JSON, "yes")), "may have run", "what is no message: yes"),
    (
        "page",
        |_| Act::Do(answer(200, "Content-Type: text/html\r\n", "<p>")),
        "may have run",
        "neither JSON nor events",
    ),
    (
        "packed",
        |_| Act::Do(answer(200, &format!("{JSON}Content-Encoding: gzip\r\n"), "x")),
        "may have run",
        "the answer is packed",
    ),
    ("bad request", |_| Act::Send(answer(400, "", "no")), "not started", "answered 400 Bad Request: no"),
    ("unauthorized", |_| Act::Send(answer(401, "", "")), "not started", "it does not take the secret"),
    ("not found", |_| Act::Send(answer(404, "", "")), "not started", "answered 404"),
    ("too many", |_| Act::Send(answer(429, "", "")), "may have run", "answered 429"),
    ("broken", |_| Act::Do(answer(500, "", "")), "may have run", "answered 500"),
    (
        "task",
        |seen| {
            Act::Do(answer(
                200,
                JSON,
                &message(
                    seen,
                    &json!({
                        "resultType": "task", "taskId": "t1", "status": "working", "ttlMs": null,
                        "createdAt": "2026-01-01T00:00:00Z", "lastUpdatedAt": "2026-01-01T00:00:00Z",
                    }),
                ),
            ))
        },
        "may have run",
        "goes on with it by itself",
    ),
    (
        "redirect",
        |_| Act::Send(answer(307, "Location: http://127.0.0.1:1/elsewhere\r\n", "")),
        "may have run",
        "answered 307",
    ),
    (
        "parrot",
        |seen| Act::Do(answer(500, "", &format!("{:?}", seen.headers.get("x-key")))),
        "may have run",
        "Key [secret key]",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_server_at_an_address_that_misbehaves_costs_one_failed_call() {
    for (mode, first, kind, what) in MODES {
        let server = server(first).await;
        // The short limit only ends what would never end by itself.
        let limit = if *mode == "hang" { 1_000 } else { 60_000 };
        let header = "secret_header = { name = \"X-Key\", value = \"Key {secret.key}\" }";
        let tool = tool(&server, &format!("answer_ms_max = {limit}\n{header}"));
        let outcome = call(&tool).await;
        assert_eq!(text(&outcome).0, *kind, "{mode}: {outcome:?}");
        assert!(text(&outcome).1.contains(what) && !text(&outcome).1.contains(SECRET), "{mode}: {outcome:?}");
        assert_eq!(text(&call(&tool).await), ("done", "counted"), "{mode}");
        let calls = server.seen().into_iter().filter(|seen| method(seen) == "tools/call").count();
        assert_eq!(calls, 2, "{mode}: a call was sent again");
        let starts = server.seen().into_iter().filter(|seen| method(seen) == "initialize").count();
        // What it does by itself is given up: the next call is made on another connection.
        assert!(*mode != "task" || starts == 2, "{mode}: {starts}");
        assert!(server.seen().iter().all(|seen| seen.headers.contains_key("x-key")), "{mode}");
        println!("hostile mode {mode} over HTTP: survived");
    }
    println!("{} hostile modes over HTTP survived", MODES.len());
}

/// A server without sessions, whose list of tools is `list` when it is asked for the so-manieth time.
async fn lister(list: impl Fn(usize, &Seen) -> Value + Send + Sync + 'static) -> Server {
    let lists = AtomicUsize::new(0);
    Server::start(None, move |seen| {
        let say = |result: Value| Act::Send(answer(200, JSON, &message(seen, &result)));
        match method(seen).as_str() {
            "initialize" => say(json!({
                "protocolVersion": "2025-06-18", "capabilities": {"tools": {}},
                "serverInfo": {"name": "peer", "version": "1"},
            })),
            "tools/list" => say(list(lists.fetch_add(1, Ordering::SeqCst), seen)),
            "tools/call" => Act::Do(answer(200, JSON, &counted(seen))),
            "" => Act::Send(answer(405, "", "")),
            _ => Act::Send(answer(202, "", "")),
        }
    })
    .await
}

fn told(description: &str) -> Value {
    let schema = json!({"type": "object", "properties": {}});
    json!({"tools": [{"name": "count", "description": description, "inputSchema": schema}]})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_was_replaced_between_two_calls_is_noticed_without_its_word() {
    let server = lister(|index, _| told(if index < 2 { "Counts." } else { "Counts twice." })).await;
    let tool = tool(&server, "");
    for _ in 0..2 {
        assert_eq!(text(&call(&tool).await), ("done", "counted"));
    }
    let outcome = call(&tool).await;
    assert_eq!(text(&outcome).0, "not started", "{outcome:?}");
    assert!(text(&outcome).1.contains("tool count of server peer has changed since it was pinned"));
    assert_eq!(server.done().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_tools_count_together() {
    let server = lister(|index, _| {
        let schema = json!({"type": "object", "properties": {}, "enum": vec![0; 1_000]});
        let tools = json!([{"name": format!("t{index}"), "description": "", "inputSchema": schema}]);
        json!({"tools": tools, "nextCursor": index.to_string()})
    })
    .await;
    let outcome = call(&tool(&server, "")).await;
    assert_eq!(text(&outcome).0, "not started", "{outcome:?}");
    let why = "its list of tools has more than 4096 bytes (`answer_bytes_max`)";
    assert!(text(&outcome).1.contains(why), "{outcome:?}");
    let pages = server.seen().into_iter().filter(|seen| method(seen) == "tools/list").count();
    assert_eq!(pages, 2, "two of 2 KB are too much");
}

/// What a call of a server at an `https` address comes to, on a board that trusts `authority`.
async fn call_over_tls(server: &Server, authority: &Authority, now_s: Option<u64>) -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let mut pins = Pins::default();
    pins.set(definition());
    pins.save(&folder.path().join("pins.json")).unwrap();
    std::fs::write(folder.path().join("ca.pem"), authority.pem()).unwrap();
    let port = server.port;
    let section = format!(
        "[host.\"localhost:{port}\"]\nca = \"ca.pem\"\n\
         [mcp.peer]\nurl = \"https://localhost:{port}/mcp\"\nprivate = true\npins = \"pins.json\"\n\
         secret_header = {{ name = \"X-Key\", value = \"{{secret.key}}\" }}\n"
    );
    let section: NetworkSection = toml::from_str(&section).unwrap();
    let board = BoardSide { clock: TestClock::at(now_s), ..board(folder.path()) };
    call(&assemble(&section, &board).unwrap().remove(0)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_over_tls_is_believed_by_its_certificate_and_told_no_secret_before() {
    let (authority, other) = (Authority::new(), Authority::new());
    let now = Some(built_s() + 60);
    let counts = |seen: &Seen| Act::Do(answer(200, JSON, &counted(seen)));
    let good = server_over(Some(&authority.issue(&["localhost"], |_| {})), counts).await;
    assert_eq!(text(&call_over_tls(&good, &authority, now).await), ("done", "counted"));
    let requests = good.seen().len();
    for (trusted, now, what) in [
        (&other, now, "leads to no trusted root"),
        (&authority, None, "the board's clock is not set"),
        (&authority, Some(built_s() - 86_400), "the board's clock is not set right"),
    ] {
        let outcome = call_over_tls(&good, trusted, now).await;
        assert_eq!(text(&outcome).0, "not started", "{what}: {outcome:?}");
        assert!(text(&outcome).1.contains(what), "{what}: {outcome:?}");
    }
    assert_eq!(good.seen().len(), requests, "something was told to whom nobody trusts");
    for (leaf, what) in [
        (authority.expired(&["localhost"]), "has expired"),
        (authority.issue(&["other.test"], |_| {}), "is for other names"),
    ] {
        let server = server_over(Some(&leaf), counts).await;
        let outcome = call_over_tls(&server, &authority, now).await;
        assert_eq!(text(&outcome).0, "not started", "{what}: {outcome:?}");
        assert!(text(&outcome).1.contains(what), "{what}: {outcome:?}");
        assert_eq!(server.seen().len(), 0, "{what}");
    }
}
