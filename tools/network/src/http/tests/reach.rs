//! Where a connection goes: to declared hosts, at addresses that were looked at, and nowhere else.

use std::{
    io,
    sync::atomic::{AtomicUsize, Ordering},
};

use super::*;

const READ: &str = r#"
[http.read]
summary = "Read."
url = "http://api.test:PORT/a/b"
private = true
redirects_max = 2
redirect_hosts = ["listed.test:PORT", "public.test:PORT"]
secret_header = { name = "Authorization", value = "Bearer {secret.api}" }
answer_ms_max = 3000

[http.act]
summary = "Act."
method = "POST"
url = "http://api.test:PORT/act"
private = true
class = "never"
answer_ms_max = 3000

[http.secure]
summary = "Read."
url = "https://api.test:PORT/a"
answer_ms_max = 3000
"#;

fn leading_to(addresses: &'static [&'static str]) -> Lookup {
    Arc::new(move |_, port| {
        let addresses = addresses.iter().map(|text| SocketAddr::new(text.parse().unwrap(), port)).collect();
        Box::pin(async move { Ok(addresses) })
    })
}

fn not_started(outcome: Outcome) -> String {
    match outcome {
        Outcome::NotStarted(why) => why,
        other => panic!("{other:?}"),
    }
}

async fn ok_server() -> Server {
    Server::start(None, |_| Act::Send(answer(200, "", "fine"))).await
}

#[tokio::test]
async fn a_public_endpoint_never_reaches_the_local_network() {
    let server = ok_server().await;
    for (addresses, words) in [
        (
            &["127.0.0.1"][..],
            "api.test leads to 127.0.0.1, which is the board itself: say `private = true` if that is meant",
        ),
        (&["10.0.0.1", "::1"], "which is the board itself"),
        (&["::ffff:127.0.0.1"], "which is the board itself"),
        (&["169.254.169.254"], "which is link-local"),
        (&["64:ff9b::7f00:1"], "which is the board itself"),
        (&["0.0.0.0"], "which is unspecified"),
        (&["fd00::1"], "which is unique local"),
        (&[], "leads nowhere"),
    ] {
        let bench = Bench::with(READ, &server, leading_to(addresses), std::path::Path::new(""));
        let why = not_started(bench.call("secure", json!({})).await);
        assert!(why.contains(words), "{addresses:?}: {why}");
    }
    // What may be on the local network still reaches nobody's address, nor, without TLS, the internet.
    for (address, words) in
        [(&["224.0.0.1"][..], "multicast"), (&["8.8.8.8"], "which is public: no endpoint")]
    {
        let bench = Bench::with(READ, &server, leading_to(address), std::path::Path::new(""));
        let why = not_started(bench.call("read", json!({})).await);
        assert!(why.contains(words), "{why}");
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_name_is_looked_up_once_and_the_connection_goes_there() {
    let server = ok_server().await;
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    // It leads here the first time, and to another place ever after: where a second look-up would go.
    let lookup: Lookup = Arc::new(move |_, port| {
        let first = counted.fetch_add(1, Ordering::SeqCst) == 0;
        let address = if first { [127, 0, 0, 1] } else { [127, 0, 0, 2] };
        Box::pin(async move { Ok(vec![SocketAddr::from((address, port))]) })
    });
    let bench = Bench::with(READ, &server, lookup, std::path::Path::new(""));
    assert_eq!(bench.call("read", json!({})).await, Outcome::Done("fine".into()));
    assert_eq!(count.load(Ordering::SeqCst), 1);
    // Of several addresses, one that refuses is left for the next.
    let bench = Bench::with(READ, &server, leading_to(&["127.0.0.3", "127.0.0.1"]), std::path::Path::new(""));
    assert_eq!(bench.call("read", json!({})).await, Outcome::Done("fine".into()));
    // An address that may not be reached is left out, one that may is taken.
    let bench = Bench::with(READ, &server, leading_to(&["224.0.0.1", "127.0.0.1"]), std::path::Path::new(""));
    assert_eq!(bench.call("read", json!({})).await, Outcome::Done("fine".into()));
}

#[tokio::test]
async fn names_that_fail_and_hosts_that_refuse_never_began() {
    let server = ok_server().await;
    let failing: Lookup = Arc::new(|_, _| Box::pin(async { Err(io::Error::other("no such name")) }));
    let bench = Bench::with(READ, &server, failing, std::path::Path::new(""));
    assert_eq!(
        not_started(bench.call("act", json!({})).await),
        "the name api.test can't be looked up: no such name"
    );
    let slow: Lookup = Arc::new(|_, _| Box::pin(std::future::pending()));
    let bench = Bench::with(&READ.replace("3000", "100"), &server, slow, std::path::Path::new(""));
    let why = not_started(bench.call("act", json!({})).await);
    assert!(why.starts_with("no answer of the name service from api.test"), "{why}");
    // A port that nobody listens at.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let text = READ.replace("PORT", &closed.to_string());
    let why = not_started(Bench::new(&text, &server).call("act", json!({})).await);
    assert!(why.contains("can't be reached: Connection refused"), "{why}");
    // A server without TLS where TLS is wanted: the request was never sent.
    let text = READ.replace("https://api.test:PORT/a\"", "https://api.test:PORT/a\"\nprivate = true");
    let why = not_started(Bench::new(&text, &server).call("secure", json!({})).await);
    assert!(why.contains("TLS handshake"), "{why}");
}

/// The text of a redirect's outcome, and how many requests the server read.
async fn redirected(location: &str) -> (Outcome, Server) {
    let location = format!("Location: {location}\r\n");
    let server = Server::start(None, move |seen| {
        let text = location.replace("PORT", seen.headers["host"].split(':').next_back().unwrap());
        match seen.index {
            0 => Act::Send(answer(302, &text, "")),
            _ => Act::Send(answer(200, "", "fine")),
        }
    })
    .await;
    // One of the listed names leads to the internet.
    let lookup: Lookup = Arc::new(|host, port| {
        let address = if host == "public.test" { [8, 8, 8, 8] } else { [127, 0, 0, 1] };
        Box::pin(async move { Ok(vec![SocketAddr::from((address, port))]) })
    });
    let bench = Bench::with(READ, &server, lookup, std::path::Path::new(""));
    (bench.call("read", json!({})).await, server)
}

#[tokio::test]
async fn redirects_lead_to_declared_hosts_alone_and_take_no_secret_there() {
    for home in ["/c", "c", "?x=1", "http://api.test:PORT/c"] {
        let (outcome, server) = redirected(home).await;
        assert_eq!(outcome, Outcome::Done("fine".into()), "{home}");
        assert!(server.seen()[1].headers.contains_key("authorization"), "{home}");
    }
    let (outcome, server) = redirected("http://listed.test:PORT/c").await;
    assert_eq!(outcome, Outcome::Done("fine".into()));
    assert!(!server.seen()[1].headers.contains_key("authorization"));
    assert_eq!(server.seen()[1].headers["host"], format!("listed.test:{}", server.port));
    for (away, words) in [
        ("http://evil.test:PORT/c", "evil.test:"),
        ("//evil.test:PORT/c", "is not among `redirect_hosts`"),
        ("http://listed.test/c", "listed.test:80 is not among"),
        ("http://169.254.169.254/latest", "is not among"),
        ("http://api.test@evil.test/", "no user name"),
        ("file:///etc/passwd", "begins with https://"),
        ("/../../etc/passwd", "no `.` or `..`"),
        ("", ""),
    ] {
        let (outcome, server) = redirected(away).await;
        if away.is_empty() {
            // Nothing is the same place again, and then the answer comes.
            assert_eq!(outcome, Outcome::Done("fine".into()));
            continue;
        }
        let why = not_started(outcome);
        assert!(why.contains("sends the request elsewhere") && why.contains(words), "{away}: {why}");
        assert_eq!(server.seen().len(), 1, "{away}");
    }
    // The address is looked at behind a redirect, too.
    let (outcome, server) = redirected("http://public.test:PORT/c").await;
    assert!(
        matches!(&outcome, Outcome::MayHaveRun(why) if why.contains("8.8.8.8, which is public")),
        "{outcome:?}"
    );
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn redirects_end() {
    let server = Server::start(None, |_| Act::Send(answer(302, "Location: /again\r\n", ""))).await;
    let why = not_started(Bench::new(READ, &server).call("read", json!({})).await);
    assert!(why.contains("answered 302 Found"), "{why}");
    assert_eq!(server.seen().len(), 3);
    // What acts follows none.
    let outcome = Bench::new(READ, &server).call("act", json!({})).await;
    assert!(matches!(outcome, Outcome::MayHaveRun(_)), "{outcome:?}");
    assert_eq!(server.seen().len(), 4);
}
