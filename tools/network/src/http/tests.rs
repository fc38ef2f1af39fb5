//! Endpoints against a server of our own, which misbehaves on purpose.

mod canary;
mod limits;
mod reach;
mod seeds;
mod trust;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use everstep_core::{CallId, Outcome, Settlement};
use everstep_tool::{Cancel, Context, Tool, ToolCall};
use serde_json::{Value, json};

use crate::{
    assemble::{BoardSide, assemble_with},
    rehearsal::{Act, Server, TestClock, answer, vault},
    section::NetworkSection,
    tls::built_s,
    wire::Lookup,
};

/// The secret of every bench.
const SECRET: &str = "tok-9f8e7d6c5b4a";

/// Tools made from a board file, whose names lead to loopback.
pub(super) struct Bench {
    tools: Vec<Arc<dyn Tool>>,
    pub(super) clock: Arc<TestClock>,
}

/// Every name leads to this machine.
fn loopback() -> Lookup {
    Arc::new(|_, port| Box::pin(async move { Ok(vec![SocketAddr::from(([127, 0, 0, 1], port))]) }))
}

impl Bench {
    /// `PORT` in the text is the server's.
    pub(super) fn new(text: &str, server: &Server) -> Self {
        Self::with(text, server, loopback(), std::path::Path::new(""))
    }

    pub(super) fn with(text: &str, server: &Server, lookup: Lookup, folder: &std::path::Path) -> Self {
        Self::knowing(&[("api", SECRET)], text, server, lookup, folder)
    }

    /// One with these secrets, by name.
    pub(super) fn knowing(
        secrets: &[(&str, &str)],
        text: &str,
        server: &Server,
        lookup: Lookup,
        folder: &std::path::Path,
    ) -> Self {
        let section: NetworkSection =
            toml::from_str(&text.replace("PORT", &server.port.to_string())).unwrap();
        let clock = TestClock::at(Some(built_s() + 1_000));
        let board = BoardSide {
            vault: vault(secrets),
            clock: Arc::<TestClock>::clone(&clock),
            trusted_s: None,
            folder: folder.to_owned(),
            bind_child: |_| {},
        };
        Self { tools: assemble_with(&section, &board, lookup).unwrap(), clock }
    }

    pub(super) fn tool(&self, name: &str) -> &Arc<dyn Tool> {
        self.tools.iter().find(|tool| tool.spec().name == name).unwrap()
    }

    pub(super) async fn try_call(&self, name: &str, arguments: Value, key: &str, attempt: u32) -> Outcome {
        let tool = self.tool(name);
        let idempotency_key = Some(key.to_owned());
        let call = ToolCall { id: CallId(1), arguments, baseline: None, idempotency_key };
        let deadline = Duration::from_millis(tool.spec().run_ms_max.into());
        tool.run(&call, &Context { attempt, deadline, cancel: Cancel::default() }).await
    }

    pub(super) async fn call(&self, name: &str, arguments: Value) -> Outcome {
        self.try_call(name, arguments, "key-1", 1).await
    }
}

/// One endpoint that reads, and one of each other class.
const ALL: &str = r#"
[http.read_room]
summary = "Read a room."
url = "http://api.test:PORT/v1/rooms/{room}"
private = true
parameters = [{ name = "room", kind = "text", in = "path" }, { name = "unit", kind = "choice", choices = ["c", "f"], in = "query", optional = true }]
secret_header = { name = "Authorization", value = "Bearer {secret.api}" }
keep = ["/air", "/note"]
answer_ms_max = 2000

[http.order]
summary = "Order something."
method = "POST"
url = "http://api.test:PORT/orders"
private = true
class = "keyed"
key_valid_s = 600
parameters = [{ name = "what", kind = "text", in = "body" }]
answer_ms_max = 2000

[http.pulse]
summary = "Send a pulse."
method = "POST"
url = "http://api.test:PORT/pulse"
private = true
class = "never"
parameters = [{ name = "what", kind = "text", in = "body" }]
answer_ms_max = 2000

[http.set_valve]
summary = "Set the valve."
method = "PUT"
url = "http://api.test:PORT/valve"
private = true
class = "read_back"
settle_ms = 0
probe = { endpoint = "read_valve", expect = "{state}" }
parameters = [{ name = "state", kind = "choice", choices = ["open", "closed"], in = "body" }]
answer_ms_max = 2000

[http.read_valve]
summary = "Read the valve."
url = "http://api.test:PORT/valve"
private = true
keep = "/state"
answer_ms_max = 2000
"#;

#[tokio::test]
async fn an_answer_is_read_and_the_request_is_what_was_declared() {
    let body = format!(r#"{{"air": 21.5, "note": "sent with {SECRET}", "more": 1}}"#);
    let server = Server::start(None, move |_| Act::Send(answer(200, "", &body))).await;
    let bench = Bench::new(ALL, &server);
    let outcome = bench.call("read_room", json!({"room": "cold 1", "unit": "c"})).await;
    assert_eq!(outcome, Outcome::Done("air 21.5, note sent with [secret api]".into()));
    let seen = server.seen();
    assert_eq!((seen[0].method.as_str(), seen[0].target.as_str()), ("GET", "/v1/rooms/cold%201?unit=c"));
    assert_eq!(seen[0].headers["authorization"], format!("Bearer {SECRET}"));
    assert_eq!(seen[0].headers["host"], format!("api.test:{}", server.port));
    let spec = bench.tool("read_room").spec();
    assert_eq!(spec.device, Some(format!("api.test:{}", server.port)));
    assert_eq!((spec.trust, spec.run_ms_max), (everstep_tool::Trust::Outside, 3_000));
}

#[tokio::test]
async fn a_key_is_the_same_over_all_tries() {
    let server = Server::start(None, |seen| match seen.index {
        0 => Act::DoAndClose,
        _ => Act::Do(answer(201, "", "")),
    })
    .await;
    let bench = Bench::new(ALL, &server);
    // Of the 600 seconds that the key is known, a repetition may wait for 6 and 30.
    assert_eq!(bench.tool("order").spec().class, everstep_core::Class::Keyed { key_valid_s: 564 });
    let what = json!({"what": "bolts"});
    let first = bench.try_call("order", what.clone(), "k-7", 1).await;
    assert!(matches!(&first, Outcome::MayHaveRun(why) if why.contains("was lost")), "{first:?}");
    assert_eq!(bench.try_call("order", what, "k-7", 2).await, Outcome::Done("done (201)".into()));
    let keys: Vec<_> = server.seen().iter().map(|seen| seen.headers["idempotency-key"].clone()).collect();
    assert_eq!(keys, ["k-7", "k-7"]);
    assert_eq!(server.done(), ["k-7"]);
    // Another class sends none, and says nothing of one.
    bench.call("pulse", json!({"what": "x"})).await;
    assert!(!server.seen()[2].headers.contains_key("idempotency-key"));
}

#[tokio::test]
async fn a_lost_call_is_read_back() {
    // The valve is what the server's log of deeds says.
    let state = Arc::new(std::sync::Mutex::new("closed"));
    let script = Arc::clone(&state);
    let server = Server::start(None, move |seen| {
        let mut state = script.lock().unwrap();
        if seen.method == "GET" {
            return Act::Send(answer(200, "", &format!(r#"{{"state": "{state}"}}"#)));
        }
        *state = if seen.body.contains("open") { "open" } else { *state };
        Act::DoAndClose
    })
    .await;
    let bench = Bench::new(ALL, &server);
    let tool = bench.tool("set_valve");
    let arguments = json!({"state": "open"});
    let baseline = tool.baseline(&arguments).await.unwrap();
    assert_eq!(baseline.as_deref(), Some("closed"));
    let call = ToolCall { id: CallId(1), arguments, baseline, idempotency_key: None };
    assert_eq!(tool.probe(&call).await, Settlement::NotDone);
    assert!(matches!(bench.call("set_valve", json!({"state": "open"})).await, Outcome::MayHaveRun(_)));
    assert_eq!(tool.probe(&call).await, Settlement::Done("it shows open now".into()));
    *state.lock().unwrap() = "half";
    let half = tool.probe(&call).await;
    assert!(matches!(&half, Settlement::CantTell(why) if why.contains("neither")), "{half:?}");
    // What was so before tells nothing.
    let same = ToolCall { baseline: Some("open".into()), ..call };
    *state.lock().unwrap() = "open";
    assert!(matches!(tool.probe(&same).await, Settlement::CantTell(_)));
}

#[tokio::test]
async fn a_cancelled_or_keyless_call_sends_nothing() {
    let server = Server::start(None, |_| Act::Do(answer(200, "", ""))).await;
    let bench = Bench::new(ALL, &server);
    let tool = bench.tool("order");
    let call =
        ToolCall { id: CallId(1), arguments: json!({"what": "x"}), baseline: None, idempotency_key: None };
    let cx = Context { attempt: 1, deadline: Duration::from_secs(5), cancel: Cancel::default() };
    assert!(matches!(tool.run(&call, &cx).await, Outcome::NotStarted(why) if why.contains("no key")));
    cx.cancel.ask();
    let keyed = ToolCall { idempotency_key: Some("k".into()), ..call };
    assert!(matches!(tool.run(&keyed, &cx).await, Outcome::NotStarted(why) if why.contains("cancelled")));
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn what_a_board_file_lacks_is_named_at_the_start() {
    let wrong = |text: &str| {
        let section: NetworkSection = toml::from_str(text).unwrap();
        let board = BoardSide {
            vault: vault(&[]),
            clock: TestClock::at(None),
            trusted_s: None,
            folder: "/nonexistent".into(),
            bind_child: |_| {},
        };
        assemble_with(&section, &board, loopback()).err().unwrap()
    };
    let all = ALL.replace("PORT", "1");
    let (key, message) = wrong(&all);
    assert_eq!(
        (key.as_str(), message.as_str()),
        ("http.read_room.secret_header", "there is no secret `api`: name it in [secret]")
    );
    let public =
        all.replace("secret_header = { name = \"Authorization\", value = \"Bearer {secret.api}\" }\n", "");
    let (key, message) = wrong(&public.replace("endpoint = \"read_valve\"", "endpoint = \"order\""));
    assert_eq!(
        (key.as_str(), message.as_str()),
        ("http.set_valve.probe", "there is no endpoint `order` that only reads")
    );
    let (key, message) = wrong(&public.replace("endpoint = \"read_valve\"", "endpoint = \"read_room\""));
    assert!(key == "http.set_valve.probe" && message.contains("`read_room` needs `room`"), "{message}");
    let (key, message) = wrong("[host.\"api.test\"]\nca = \"ca.pem\"");
    assert!(
        key == "host.api.test.ca" && message.contains("/nonexistent/ca.pem can't be read"),
        "{key}: {message}"
    );
    let (key, message) = wrong("[host.\"API.test\"]\nconcurrent_max = 1");
    assert!(key == "host.API.test." && message.contains("in lower case"), "{key}: {message}");
    let (key, _) = wrong("[host.\"api.test\"]\nconcurrent_max = 0");
    assert_eq!(key, "host.api.test.concurrent_max");
}
