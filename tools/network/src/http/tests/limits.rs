//! Servers that stall, flood, lie and refuse: each costs a limited time and a limited memory, and its
//! outcome is what is known.

use super::*;

const QUICK: &str = r#"
[http.read]
summary = "Read."
url = "http://api.test:PORT/x"
private = true
keep = "/ok"
answer_ms_max = 400
answer_bytes_max = 2000

[http.text]
summary = "Read."
url = "http://api.test:PORT/x"
private = true
keep = { text_bytes = 40 }
answer_ms_max = 400
answer_bytes_max = 2000

[http.act]
summary = "Act."
method = "POST"
url = "http://api.test:PORT/x"
private = true
class = "never"
keep = "/ok"
answer_ms_max = 400
answer_bytes_max = 2000
"#;

const OK: &str = r#"{"ok": 1}"#;

async fn both(act: Act) -> [Outcome; 2] {
    let server = Server::start(None, move |_| act.clone()).await;
    let bench = Bench::new(QUICK, &server);
    [bench.call("read", json!({})).await, bench.call("act", json!({})).await]
}

#[tokio::test]
async fn a_server_that_does_not_answer_leaves_the_outcome_unknown() {
    for (act, words) in [
        (Act::Hang, "no answer from api.test"),
        (Act::Stall("HTTP/1.1 200 OK\r\nContent-Le".into()), "no answer from api.test"),
        (
            Act::Stall(format!("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}", &OK[..4])),
            "no end of the answer",
        ),
        (Act::Stall("HTTP/1.1 100 Continue\r\n\r\n".into()), "no answer"),
        (Act::Close, "was lost"),
        (Act::Send("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"ok\": 1}".into()), "broke off"),
        (
            Act::Send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{\"ok\": 1}\r\n".into()),
            "broke off",
        ),
        (Act::Send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n".into()), "broke off"),
        (Act::Send("SSH-2.0-OpenSSH_9.2\r\n".into()), "was lost"),
        (
            Act::Send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\nContent-Length: 5\r\n\r\n{\"ok\": 1}".into()),
            "was lost",
        ),
        (Act::Flood("HTTP/1.1 200 OK\r\n".into(), "X-Fill: 0123456789\r\n".into()), "was lost"),
        (Act::Flood("HTTP/1.1 100 Continue\r\n\r\n".into(), "HTTP/1.1 100 Continue\r\n\r\n".into()), ""),
    ] {
        for outcome in both(act.clone()).await {
            let Outcome::MayHaveRun(why) = outcome else { panic!("{act:?}: {outcome:?}") };
            assert!(why.contains(words), "{act:?}: {why}");
        }
    }
}

#[tokio::test]
async fn a_body_beyond_its_limit_is_not_read_on() {
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let chunk = format!("100\r\n{}\r\n", "x".repeat(256));
    let flood = Act::Flood(head.into(), chunk);
    let [read, act] = both(flood.clone()).await;
    assert!(
        matches!(&read, Outcome::NotStarted(why) if why.contains("more than 2000 bytes (`answer_bytes_max`)")),
        "{read:?}"
    );
    assert!(
        matches!(&act, Outcome::Done(text) if text.starts_with("done (200), but the answer has more")),
        "{act:?}"
    );
    let server = Server::start(None, move |_| flood.clone()).await;
    let text = Bench::new(QUICK, &server).call("text", json!({})).await;
    assert_eq!(text, Outcome::Done("x".repeat(40)));
    // Nor does a long secret, the beginning of which might stand at the end, take anything away from it.
    let key = (0..300).map(|index| format!("key-{index}")).collect::<Vec<_>>().concat();
    let bench = Bench::knowing(&[("key", &key)], QUICK, &server, loopback(), std::path::Path::new(""));
    let text = bench.call("text", json!({})).await;
    assert_eq!(text, Outcome::Done("x".repeat(40)));
    let [long, _] = both(Act::Send(answer(200, "", &format!("{{\"ok\": \"{}\"}}", "x".repeat(2_100))))).await;
    assert!(matches!(&long, Outcome::NotStarted(why) if why.contains("more than 2000 bytes")), "{long:?}");
}

#[tokio::test]
async fn a_packed_answer_is_not_unpacked() {
    let [read, act] = both(Act::Send(answer(200, "Content-Encoding: gzip\r\n", OK))).await;
    assert!(matches!(&read, Outcome::NotStarted(why) if why.contains("packed")), "{read:?}");
    assert!(
        matches!(&act, Outcome::Done(text) if text.contains("done (200), but the answer is packed")),
        "{act:?}"
    );
    let [read, _] = both(Act::Send(answer(200, "Content-Encoding: identity\r\n", OK))).await;
    assert_eq!(read, Outcome::Done("1".into()));
}

#[tokio::test]
async fn statuses_decide_what_is_known() {
    for (status, read_ran, act_ran) in [
        (404, false, false),
        (422, false, false),
        (409, false, true),
        (408, true, true),
        (500, true, true),
        (503, true, true),
        (302, false, true),
        (307, false, false),
    ] {
        let outcomes = both(Act::Send(answer(status, "", "no\r\nsuch thing"))).await;
        for (outcome, unknown) in outcomes.into_iter().zip([read_ran, act_ran]) {
            let why = match &outcome {
                Outcome::MayHaveRun(why) if unknown => why,
                Outcome::NotStarted(why) if !unknown => why,
                _ => panic!("{status}: {outcome:?}"),
            };
            assert!(why.contains(&format!("answered {status}")) && why.ends_with(": no such thing"), "{why}");
        }
    }
}

#[tokio::test]
async fn a_host_that_asks_to_wait_is_not_asked_again() {
    let server = Server::start(None, |seen| match seen.index {
        0 => Act::Send(answer(429, "Retry-After: 30\r\n", "")),
        _ => Act::Send(answer(200, "", OK)),
    })
    .await;
    let bench = Bench::new(QUICK, &server);
    let first = bench.call("read", json!({})).await;
    assert!(
        matches!(&first, Outcome::NotStarted(why) if why.ends_with("it asks to be left alone for 30 s")),
        "{first:?}"
    );
    for name in ["read", "act"] {
        let outcome = bench.call(name, json!({})).await;
        assert!(
            matches!(&outcome, Outcome::NotStarted(why) if why.contains("asked to be left alone: try again in 30 s")),
            "{outcome:?}"
        );
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_repetition_waits_for_a_short_request_to_wait() {
    let server = Server::start(None, |seen| match seen.index {
        0 => Act::Send(answer(503, "Retry-After: 1\r\n", "")),
        _ => Act::Do(answer(200, "", "")),
    })
    .await;
    let bench = Bench::new(super::ALL, &server);
    let what = json!({"what": "bolts"});
    assert!(matches!(bench.try_call("order", what.clone(), "k", 1).await, Outcome::MayHaveRun(_)));
    // Turned away, it would leave the first try unknown for good.
    assert_eq!(bench.try_call("order", what, "k", 2).await, Outcome::Done("done (200)".into()));
    assert_eq!(server.done(), ["k"]);
}
