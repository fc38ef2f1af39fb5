//! TLS on the wire: who is believed, and that without a clock nobody is asked.

use super::*;
use crate::rehearsal::{Authority, Leaf};

const SECURE: &str = r#"
[http.read]
summary = "Read."
url = "https://api.test:PORT/a"
private = true
redirects_max = 1
redirect_hosts = ["api.test:80"]
secret_header = { name = "Authorization", value = "Bearer {secret.api}" }
answer_ms_max = 3000

[http.act]
summary = "Act."
method = "POST"
url = "https://api.test:PORT/a"
private = true
class = "never"
answer_ms_max = 3000

[host."api.test"]
ca = "ca.pem"
"#;

/// A server with `leaf`, and tools that trust `authority`.
async fn bench(authority: &Authority, leaf: &Leaf, act: Act) -> (Bench, Server, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("ca.pem"), authority.pem()).unwrap();
    let server = Server::start(Some(leaf.server()), move |_| act.clone()).await;
    let bench = Bench::with(SECURE, &server, loopback(), folder.path());
    (bench, server, folder)
}

fn not_started(outcome: Outcome) -> String {
    match outcome {
        Outcome::NotStarted(why) => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_server_of_the_board_s_own_authority_is_believed() {
    let authority = Authority::new();
    let leaf = authority.issue(&["api.test"], |_| {});
    let (bench, server, _folder) = bench(&authority, &leaf, Act::Send(answer(200, "", "fine"))).await;
    assert_eq!(bench.call("read", json!({})).await, Outcome::Done("fine".into()));
    assert_eq!(bench.call("act", json!({})).await, Outcome::Done("fine".into()));
    assert_eq!(server.seen()[0].headers["authorization"], format!("Bearer {SECRET}"));
    // Cut off within TLS: a body without its end is no answer.
    let torn = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nfine".to_owned();
    let (bench, _server, _folder) = super::trust::bench(&authority, &leaf, Act::Send(torn)).await;
    assert!(matches!(bench.call("act", json!({})).await, Outcome::MayHaveRun(_)));
}

#[tokio::test]
async fn a_server_that_is_not_believed_reads_no_request() {
    let (authority, other) = (Authority::new(), Authority::new());
    for (leaf, words) in [
        (other.issue(&["api.test"], |_| {}), "leads to no trusted root: name the right one with `ca`"),
        (authority.expired(&["api.test"]), "its certificate has expired: it must be renewed there"),
        (authority.issue(&["evil.test"], |_| {}), "its certificate is for other names"),
        (authority.issue(&["*.test"], |_| {}), "that is no DNS name"),
        (
            authority.issue(&["api.test"], |params| params.extended_key_usages.clear()),
            "no extended key usage",
        ),
    ] {
        let (bench, mut server, _folder) = bench(&authority, &leaf, Act::Do(answer(200, "", "fine"))).await;
        for name in ["read", "act"] {
            let why = not_started(bench.call(name, json!({})).await);
            assert!(why.starts_with(&format!("api.test:{}: ", server.port)) && why.contains(words), "{why}");
        }
        server.idle().await;
        assert_eq!((server.seen(), server.done()), (Vec::new(), Vec::new()));
    }
}

#[tokio::test]
async fn no_redirect_leads_out_of_tls() {
    let authority = Authority::new();
    let leaf = authority.issue(&["api.test"], |_| {});
    // The host is listed, and still it is not asked without TLS.
    let away = Act::Send(answer(302, "Location: http://api.test/plain\r\n", ""));
    let (bench, server, _folder) = bench(&authority, &leaf, away).await;
    let why = not_started(bench.call("read", json!({})).await);
    assert!(why.ends_with("http://api.test/plain is not encrypted"), "{why}");
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn without_a_clock_nothing_is_connected_to() {
    let authority = Authority::new();
    let leaf = authority.issue(&["api.test"], |_| {});
    let (bench, server, _folder) = bench(&authority, &leaf, Act::Send(answer(200, "", "fine"))).await;
    bench.clock.set(None);
    assert_eq!(
        not_started(bench.call("read", json!({})).await),
        "the board's clock is not set: certificates can't be checked; set it or wait for NTP"
    );
    bench.clock.set(Some(built_s() - 1));
    let why = not_started(bench.call("act", json!({})).await);
    assert!(why.starts_with("the board's clock is not set right, it shows"), "{why}");
    assert_eq!(server.connections(), 0);
    // Once it is set, all is well, without a start anew.
    bench.clock.set(Some(built_s()));
    assert_eq!(bench.call("read", json!({})).await, Outcome::Done("fine".into()));
}
