//! What comes in, with a real broker: the newest message, one that is waited for, what the broker kept,
//! and how much memory a flood takes.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test's set-up may fail")]

use std::{fs, sync::Arc, time::Duration};

use everstep_core::Outcome;
use everstep_tool::Cancel;
use network_tests::mqtt::{
    Board, Broker, Peer, Proxy,
    tools::{Tools, call, call_with},
};
use serde_json::json;

/// Tools `read_air` and `read_all` that tell the newest, `wait_button` that waits.
fn watching(at: &str, more: &str) -> Tools {
    let network = r#"
        [mqtt.site]
        broker = "mqtt://AT"
        private = true
        client_id = "board"
        MORE
        [mqtt.site.latest.read_air]
        summary = "s"
        filter = "lab/air"
        [mqtt.site.latest.read_all]
        summary = "s"
        filter = "lab/#"
        keep = { text_bytes = 50000 }
        [mqtt.site.wait.wait_button]
        summary = "s"
        filter = "+/button"
        wait_ms_max = 30000
        [mqtt.site.wait.wait_short]
        summary = "s"
        filter = "never/button"
        wait_ms_max = 200
    "#;
    Board::default().tools(&network.replace("AT", at).replace("MORE", more))
}

fn done(outcome: Outcome) -> String {
    match outcome {
        Outcome::Done(text) => text,
        other => panic!("{other:?}"),
    }
}

fn refused(outcome: Outcome) -> String {
    match outcome {
        Outcome::NotStarted(text) => text,
        other => panic!("{other:?}"),
    }
}

async fn read(tools: &Tools, tool: &str) -> String {
    done(call(tools, tool, json!({})).await)
}

/// Reads until what is told holds `what`: a message that the broker has is on its way.
async fn read_until(tools: &Tools, tool: &str, what: &str) -> String {
    let reading = async {
        loop {
            let told = read(tools, tool).await;
            if told.contains(what) {
                return told;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), reading)
        .await
        .unwrap_or_else(|_| panic!("{what} never came"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_newest_message_is_told_with_its_age_and_origin() {
    for more in ["version = \"3.1.1\"", "version = \"5\""] {
        let broker = Broker::open();
        let peer = Peer::new(&broker, "peer", "none").await;
        let tools = watching(&broker.at(), more);
        let told = read(&tools, "read_air").await;
        assert!(told.starts_with("nothing came at lab/air in the 0 s since this board listens"), "{told}");
        peer.publish("lab/air", "21.5", false).await;
        let told = read_until(&tools, "read_air", "21.5").await;
        assert!(told.starts_with("21.5\n(lab/air; it came ") && told.ends_with(" s ago)"), "{told}");
        peer.publish("lab/door", "open", false).await;
        peer.publish("elsewhere", "x", false).await;
        let told = read_until(&tools, "read_all", "open").await;
        assert!(told.starts_with("open\n(lab/door; "), "{told}");
        assert!(read(&tools, "read_air").await.starts_with("21.5\n"));
        // A board that starts anew knows what the broker retains.
        peer.publish("lab/air", "22", true).await;
        drop(tools);
        broker.until("board", 1);
        let told =
            read_until(&watching(&broker.at(), &format!("{more}\nsession_s = 0")), "read_air", "22").await;
        assert!(told.contains("the broker retains it: it came 0 s ago and may be much older"), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_came_while_the_board_was_away_is_what_the_broker_kept() {
    for version in ["3.1.1", "5"] {
        let more = format!("version = \"{version}\"");
        let broker = Broker::open();
        let peer = Peer::new(&broker, "peer", "none").await;
        let tools = watching(&broker.at(), &more);
        read(&tools, "read_air").await;
        drop(tools);
        // The broker has noticed that the board is gone.
        broker.until("Client board ", 1);
        for press in ["one", "two", "three"] {
            peer.publish("hall/button", press, false).await;
        }
        peer.publish("lab/air", "19", false).await;
        let tools = watching(&broker.at(), &more);
        let told = read(&tools, "read_air").await;
        assert!(
            told.starts_with("19\n(lab/air; it was kept by the broker while this board was away"),
            "{told}"
        );
        // A wait that begins now is told of it, once.
        let told = read(&tools, "wait_button").await;
        assert!(told.starts_with("three\n") && told.contains("kept by the broker"), "{told}");
        assert!(told.ends_with("It is the newest; 3 came while this board was away."), "{told}");
        let waiting = call(&tools, "wait_button", json!({}));
        let pressing = peer.publish("hall/button", "four", false);
        let (told, ()) = tokio::join!(waiting, pressing);
        assert!(done(told).starts_with("four\n(hall/button; it came "));
        // Without a session nothing is kept.
        drop(tools);
        let tools = watching(&broker.at(), &format!("{more}\nsession_s = 0"));
        peer.publish("lab/air", "18", false).await;
        drop(tools);
        let told = read(&watching(&broker.at(), &format!("{more}\nsession_s = 0")), "read_air").await;
        assert!(told.starts_with("nothing came"), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wait_ends_with_a_message_its_time_or_a_cancel() {
    let broker = Broker::open();
    let peer = Peer::new(&broker, "peer", "none").await;
    // What is retained is no event.
    peer.publish("hall/button", "old", true).await;
    let tools = watching(&broker.at(), "");
    let waiting = call(&tools, "wait_button", json!({}));
    let pressing = async {
        // By now the retained one has come.
        let told = read(&tools, "read_air").await;
        assert!(told.starts_with("nothing came"), "{told}");
        peer.publish("hall/button", "now", false).await;
    };
    let (told, ()) = tokio::join!(waiting, pressing);
    let told = done(told);
    assert!(told.starts_with("now\n(hall/button; it came "), "{told}");
    assert_eq!(read(&tools, "wait_short").await, "no message came at never/button within 0.2 s");
    let cancel = Cancel::default();
    let waiting = call_with(&tools, "wait_button", json!({}), &cancel);
    let cancelling = async { cancel.ask() };
    let (told, ()) = tokio::join!(waiting, cancelling);
    assert!(refused(told).starts_with("the call was cancelled"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_comes_again_is_listened_to_again() {
    let broker = Broker::open();
    let peer = Peer::new(&broker, "peer", "none").await;
    let tools = watching(&broker.at(), "");
    peer.publish("lab/air", "1", true).await;
    read_until(&tools, "read_air", "1\n").await;
    broker.kill();
    let known = async {
        loop {
            let told = read(&tools, "read_air").await;
            if told.contains("Nothing newer is known: ") {
                return told;
            }
        }
    };
    let told = tokio::time::timeout(Duration::from_mins(1), known).await.unwrap();
    assert!(told.starts_with("1\n(lab/air; "), "{told}");
    let waiting = call(&tools, "wait_button", json!({}));
    let coming = async {
        tokio::task::block_in_place(|| broker.start());
        peer.connected(2).await;
        tokio::task::block_in_place(|| broker.until("Sending SUBACK to board", 2));
        peer.publish("hall/button", "again", false).await;
    };
    let (told, ()) = tokio::join!(waiting, coming);
    assert!(done(told).starts_with("again\n"));
    // Without any broker nothing is known at all.
    broker.kill();
    let told = refused(call(&watching(&broker.at(), ""), "wait_short", json!({})).await);
    assert!(told.contains("can't be reached") || told.contains("did not get ready"), "{told}");
}

fn resident_bytes() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1024
}

/// Ten thousand messages of 4 KiB: 40 MB go through, and one of each subscription is held.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_takes_no_memory() {
    const MESSAGES: usize = 10_000;
    let broker = Broker::with(|_| "allow_anonymous true\nmax_queued_messages 0\n".into());
    let peer = Peer::new(&broker, "peer", "none").await;
    let tools = watching(&broker.at(), "");
    read(&tools, "read_air").await;
    let before = resident_bytes();
    let flood = (0..MESSAGES).map(|number| format!("{number:05} {}", "x".repeat(4_090)).into_bytes());
    peer.publish_all("lab/flood", flood, false).await;
    let told = read_until(&tools, "read_all", "09999 ").await;
    assert!(told.contains("(lab/flood; it came "), "{}", told.len());
    let grown = resident_bytes().saturating_sub(before);
    println!("{MESSAGES} messages of 4 KiB: {} KiB more resident", grown / 1024);
    assert!(grown < 16 * 1024 * 1024, "{grown} bytes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_message_is_cut_and_the_connection_stays() {
    let broker = Arc::new(Broker::open());
    let proxy = Proxy::new(&broker);
    let peer = Peer::new(&broker, "peer", "none").await;
    let tools = watching(&proxy.at(), "");
    read(&tools, "read_air").await;
    peer.publish("lab/long", format!("begin {}", "x".repeat(1_000_000)), false).await;
    let told = read_until(&tools, "read_all", "begin ").await;
    assert!(told.ends_with("; its end was left out)") && told.len() < 51_000, "{}", told.len());
    peer.publish("lab/long", "short\x1b[2J", false).await;
    let told = read_until(&tools, "read_all", "short").await;
    assert!(told.starts_with("short [2J\n"), "{told}");
    assert_eq!(broker.count("as board ("), 1, "the connection was made once");
}
