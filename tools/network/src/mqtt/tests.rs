//! Tools against a broker of our own, which says what no honest one does. The honest one is in
//! `tests/network`.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use everstep_core::{CallId, Outcome};
use everstep_tool::{Cancel, Context, Tool, ToolCall};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use crate::{
    assemble::{BoardSide, assemble_with},
    rehearsal::{TestClock, vault},
    section::NetworkSection,
    tls::built_s,
    wire::Lookup,
};

const CONNECT: u8 = 1;
const PUBLISH: u8 = 3;
const SUBSCRIBE: u8 = 8;
const PING: u8 = 12;

/// Of MQTT 5: taken in, subscribed, still there.
const WELCOME: &[u8] = &[0x20, 3, 0, 0, 0];
const KEPT: &[u8] = &[0x20, 3, 1, 0, 0];
const SUBSCRIBED: &[u8] = &[0x90, 4, 0, 1, 0, 1];
const PONG: &[u8] = &[0xD0, 0];

/// What it sends when the nth packet of a kind comes in on a connection, both counted from 0.
type Answers = Arc<dyn Fn(u8, usize) -> Vec<u8> + Send + Sync>;

/// A broker of our own.
struct Fake {
    port: u16,
    /// How many packets came, by kind.
    seen: Arc<Mutex<[usize; 16]>>,
}

impl Fake {
    async fn new(answers: impl Fn(u8, usize) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (answers, seen): (Answers, _) = (Arc::new(answers), Arc::<Mutex<[usize; 16]>>::default());
        let own = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&answers), Arc::clone(&own)));
            }
        });
        Self { port, seen }
    }

    fn count(&self, kind: u8) -> usize {
        self.seen.lock().unwrap()[usize::from(kind)]
    }
}

async fn serve(
    mut stream: TcpStream,
    answers: Answers,
    seen: Arc<Mutex<[usize; 16]>>,
) -> std::io::Result<()> {
    let mut counts = [0; 16];
    loop {
        let kind = stream.read_u8().await? >> 4;
        // No packet here is longer than this byte says.
        let mut rest = vec![0; usize::from(stream.read_u8().await?)];
        stream.read_exact(&mut rest).await?;
        seen.lock().unwrap()[usize::from(kind)] += 1;
        let count = counts[usize::from(kind)];
        counts[usize::from(kind)] += 1;
        stream.write_all(&answers(kind, count)).await?;
    }
}

const SITE: &str = r#"
[mqtt.site]
broker = "mqtt://broker.lan:PORT"
private = true
client_id = "board"
[mqtt.site.publish.send]
summary = "s"
topic = "out"
answer_ms_max = 600
[mqtt.site.publish.drop]
summary = "s"
topic = "out"
qos = 0
answer_ms_max = 600
[mqtt.site.latest.read]
summary = "s"
filter = "in"
answer_ms_max = 600
[mqtt.site.wait.ring]
summary = "s"
filter = "in"
wait_ms_max = 5000
"#;

fn tools(text: &str, port: u16, lookup: Lookup) -> Vec<Arc<dyn Tool>> {
    let section: NetworkSection = toml::from_str(&text.replace("PORT", &port.to_string())).unwrap();
    let clock = TestClock::at(Some(built_s() + 1_000));
    let board =
        BoardSide { vault: vault(&[]), clock, trusted_s: None, folder: "".into(), bind_child: |_| {} };
    assemble_with(&section, &board, lookup).unwrap()
}

/// Every name leads to `address`.
fn leading_to(address: [u8; 4]) -> Lookup {
    Arc::new(move |_, port| Box::pin(async move { Ok(vec![SocketAddr::from((address, port))]) }))
}

fn site(fake: &Fake) -> Vec<Arc<dyn Tool>> {
    tools(SITE, fake.port, leading_to([127, 0, 0, 1]))
}

async fn call(tools: &[Arc<dyn Tool>], name: &str) -> Outcome {
    let tool = tools.iter().find(|tool| tool.spec().name == name).unwrap();
    let call = ToolCall { id: CallId(1), arguments: json!({}), baseline: None, idempotency_key: None };
    let deadline = Duration::from_millis(tool.spec().run_ms_max.into());
    tool.run(&call, &Context { attempt: 1, deadline, cancel: Cancel::default() }).await
}

fn not_started(outcome: Outcome) -> String {
    match outcome {
        Outcome::NotStarted(why) => why,
        other => panic!("{other:?}"),
    }
}

fn may_have_run(outcome: Outcome) -> String {
    match outcome {
        Outcome::MayHaveRun(why) => why,
        other => panic!("{other:?}"),
    }
}

fn done(outcome: Outcome) -> String {
    match outcome {
        Outcome::Done(told) => told,
        other => panic!("{other:?}"),
    }
}

/// A message of QoS 0 at `in`.
fn message(payload: &str) -> Vec<u8> {
    let length = u8::try_from(5 + payload.len()).unwrap();
    [&[0x30, length, 0, 2][..], b"in\0", payload.as_bytes()].concat()
}

#[tokio::test]
async fn a_sign_on_that_is_not_answered_as_it_should_is_no_connection() {
    for (answer, told) in [
        (vec![0x20, 3, 0, 0x88, 0], "refuses the sign-on as `board`: server unavailable"),
        (vec![0x20, 3, 0, 0x87, 0], "not authorized: it may want `username` and `password`"),
        (vec![0xE0, 2, 0x89, 0], "did not take the sign-on: server busy"),
        (vec![0xD0, 0], "did not take the sign-on: it sent something else than an answer"),
        (vec![0x20, 1, 0], "did not take the sign-on: it sent a malformed packet: "),
        (vec![0x20, 0xFF, 0xFF, 0xFF, 0xFF, 1], "whose length is malformed"),
        (b"HTTP/1.1 400 Bad Request\r\n".repeat(5), "did not take the sign-on: it sent a"),
        (Vec::new(), "no answer to the sign-on from broker.lan:"),
    ] {
        let fake = Fake::new(move |_, _| answer.clone()).await;
        let tools = site(&fake);
        let why = not_started(call(&tools, "send").await);
        assert!(why.contains(told), "{why}");
        assert_eq!(fake.count(PUBLISH), 0, "{why}");
        not_started(call(&tools, "read").await);
    }
}

#[tokio::test]
async fn only_the_message_s_own_acknowledgement_counts() {
    let with = |answer: &[u8]| {
        let answer = answer.to_vec();
        Fake::new(move |kind, _| match kind {
            CONNECT => WELCOME.to_vec(),
            PUBLISH => answer.clone(),
            _ => Vec::new(),
        })
    };
    for (answer, told) in [
        // Of another message, of another level, of nothing.
        (&[0x40, 2, 0, 9][..], "did not acknowledge the message within 600 ms"),
        (&[0x50, 2, 0, 1], "did not acknowledge the message within 600 ms"),
        (PONG, "did not acknowledge the message within 600 ms"),
        (&[0xE0, 2, 0x8E, 0], "the broker ended the connection: session taken over"),
        (&[0xFF, 0xFF], "did not acknowledge the message"),
    ] {
        let fake = with(answer).await;
        let why = may_have_run(call(&site(&fake), "send").await);
        assert!(why.contains(told), "{why}");
        assert_eq!(fake.count(PUBLISH), 1);
    }
    let fake = with(&[0x40, 2, 0, 1]).await;
    assert!(done(call(&site(&fake), "send").await).ends_with("took the message to out"));
    // A message of QoS 0 is done once what stands behind it was read.
    may_have_run(call(&site(&fake), "drop").await);
    let fake = Fake::new(|kind, _| match kind {
        CONNECT => WELCOME.to_vec(),
        PING => PONG.to_vec(),
        _ => Vec::new(),
    });
    assert!(done(call(&site(&fake.await), "drop").await).contains("QoS 0"));
}

#[tokio::test]
async fn names_that_lead_elsewhere_are_not_followed() {
    let fake = Fake::new(|_, _| WELCOME.to_vec()).await;
    let why = not_started(call(&tools(SITE, fake.port, leading_to([8, 8, 8, 8])), "send").await);
    assert!(why.contains("leads to 8.8.8.8, which is public"), "{why}");
    let public = SITE.replace("mqtt://", "mqtts://").replace("private = true\n", "");
    let tools = tools(&public, fake.port, leading_to([169, 254, 169, 254]));
    for name in ["send", "read"] {
        let why = not_started(call(&tools, name).await);
        assert!(why.contains("leads to 169.254.169.254, which is link-local: say `private = true`"), "{why}");
    }
    assert_eq!(fake.count(CONNECT), 0);
}

#[tokio::test]
async fn a_subscription_that_is_refused_is_told() {
    let fake = Fake::new(|kind, _| match kind {
        CONNECT => WELCOME.to_vec(),
        // The first may be listened to, the second not.
        SUBSCRIBE => vec![0x90, 5, 0, 1, 0, 1, 0x87],
        PING => PONG.to_vec(),
        _ => Vec::new(),
    })
    .await;
    let tools = site(&fake);
    assert!(done(call(&tools, "read").await).starts_with("nothing came at in"));
    let why = not_started(call(&tools, "ring").await);
    assert_eq!(why, "the broker refuses the subscription of in: not authorized");
}

/// A broker brings what it kept in portions: each is over when a ping behind it brings nothing.
#[tokio::test]
async fn everything_before_the_connection_is_quiet_was_kept() {
    let fake = Fake::new(|kind, count| match (kind, count) {
        (CONNECT, _) => KEPT.to_vec(),
        (SUBSCRIBE, _) => SUBSCRIBED.to_vec(),
        (PING, 0) => [message("one"), message("two"), PONG.to_vec()].concat(),
        (PING, 1) => [message("three"), PONG.to_vec()].concat(),
        (PING, 2) => [PONG.to_vec(), message("new")].concat(),
        _ => PONG.to_vec(),
    })
    .await;
    let text = SITE.replace(
        "[mqtt.site.wait.ring]",
        "[mqtt.site.wait.other]\nsummary = \"s\"\nfilter = \"x\"\n[mqtt.site.wait.ring]",
    );
    let tools = tools(&text, fake.port, leading_to([127, 0, 0, 1]));
    let newest = async {
        loop {
            let told = done(call(&tools, "read").await);
            if told.starts_with("new\n") {
                return told;
            }
            tokio::task::yield_now().await;
        }
    };
    let told = tokio::time::timeout(Duration::from_secs(20), newest).await.unwrap();
    assert!(told.starts_with("new\n(in; it came "), "{told}");
    let told = done(call(&tools, "ring").await);
    assert!(told.ends_with("It is the newest; 3 came while this board was away."), "{told}");
    assert_eq!(fake.count(PING), 3);
}

#[tokio::test]
async fn a_silent_broker_is_given_up_and_tried_again() {
    let connections = AtomicUsize::new(0);
    let fake = Fake::new(move |kind, count| match (kind, count) {
        // It wants a sign of life every two seconds, and gives none; later it does not even answer.
        (CONNECT, _) if connections.fetch_add(1, Ordering::SeqCst) == 0 => vec![0x20, 6, 0, 0, 3, 19, 0, 2],
        (SUBSCRIBE, _) => SUBSCRIBED.to_vec(),
        (PING, 0) => PONG.to_vec(),
        _ => Vec::new(),
    })
    .await;
    let tools = site(&fake);
    assert!(done(call(&tools, "read").await).starts_with("nothing came"));
    let again = async {
        loop {
            if let (Outcome::NotStarted(why), 2..) = (call(&tools, "read").await, fake.count(CONNECT)) {
                return why;
            }
        }
    };
    let told = tokio::time::timeout(Duration::from_secs(20), again).await.unwrap();
    assert!(told.ends_with("the broker is silent for 1 s"), "{told}");
}

#[tokio::test]
async fn tools_that_go_take_their_connection_with_them() {
    let fake = Fake::new(|kind, _| match kind {
        CONNECT => WELCOME.to_vec(),
        SUBSCRIBE => SUBSCRIBED.to_vec(),
        PING => PONG.to_vec(),
        _ => Vec::new(),
    })
    .await;
    let tools = site(&fake);
    // Nothing is connected to before it is needed.
    assert_eq!(fake.count(CONNECT), 0);
    done(call(&tools, "read").await);
    let before = tokio::runtime::Handle::current().metrics().num_alive_tasks();
    drop(tools);
    let gone = async {
        while tokio::runtime::Handle::current().metrics().num_alive_tasks() >= before {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), gone).await.unwrap();
}
