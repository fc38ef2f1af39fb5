//! Messages that are published, with a real broker: what a call is told is what the broker's log says.

use std::sync::Arc;

use everstep_core::{Outcome, Settlement};
use network_tests::mqtt::{
    Board, Broker, Fate, Peer, Proxy,
    tools::{Tools, call, call_and_probe},
};
use serde_json::json;

const VERSIONS: [&str; 2] = ["3.1.1", "5"];

/// Tools called `send0`, `send1`, `send2`, by their level, and `keep`, whose messages are retained.
fn sending(at: &str, version: &str, more: &str) -> Tools {
    let head = format!(
        "[mqtt.site]\nbroker = \"mqtt://{at}\"\nprivate = true\nclient_id = \"board\"\nversion = \"{version}\"\n{more}\n"
    );
    let tool = |name: &str, more: &str| {
        format!(
            "[mqtt.site.publish.{name}]\nsummary = \"s\"\ntopic = \"out/{{n}}\"\nanswer_ms_max = 4000\n{more}\n\
             parameters = [{{ name = \"n\", kind = \"text\" }}, {{ name = \"level\", kind = \"number\" }}]\n"
        )
    };
    let tools = [0, 1, 2].map(|qos| tool(&format!("send{qos}"), &format!("qos = {qos}")));
    let keep = tool("keep", "retain = true\nclass = \"safe\"");
    Board::default().tools(&[head, tools.concat(), keep].concat())
}

fn text(outcome: Outcome) -> String {
    match outcome {
        Outcome::Done(text) => format!("done: {text}"),
        Outcome::NotStarted(text) => format!("not started: {text}"),
        Outcome::MayHaveRun(text) => format!("may have run: {text}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_is_done_once_the_broker_has_it() {
    let broker = Broker::open();
    let peer = Peer::new(&broker, "peer", "out/#").await;
    for version in VERSIONS {
        let tools = sending(&broker.at(), version, "");
        for qos in 0..3 {
            let topic = format!("out/{qos}-{version}");
            let arguments = json!({"n": format!("{qos}-{version}"), "level": 1.5});
            let told = text(call(&tools, &format!("send{qos}"), arguments).await);
            assert!(told.starts_with("done: ") && told.contains(&topic), "{told}");
            assert_eq!(told.contains("with QoS 0 it confirms nothing"), qos == 0, "{told}");
            let seen = peer.until(&topic).await;
            assert_eq!((seen.payload.as_str(), seen.retained), (r#"{"level":1.5}"#, false));
            assert_eq!(broker.received(&topic), 1);
        }
        let told = text(call(&tools, "keep", json!({"n": version, "level": 2})).await);
        assert!(told.starts_with("done: "), "{told}");
        // Each of the four connections began anew, with no session that is kept.
        let protocol = if version == "5" { 5 } else { 2 };
        broker.until(&format!("-publish (p{protocol}, c"), 4);
        assert_eq!(broker.count(&format!("-publish (p{protocol}, c1,")), 4, "{version}");
        let late = Peer::new(&broker, "late", &format!("out/{version}")).await;
        assert!(late.until(&format!("out/{version}")).await.retained);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_who_hears_a_message_is_told() {
    let broker = Broker::open();
    let tools = sending(&broker.at(), "5", "");
    let told = text(call(&tools, "send1", json!({"n": "a", "level": 1})).await);
    assert!(told.starts_with("done: ") && told.ends_with("nobody subscribes to it now"), "{told}");
}

/// Whatever becomes of a message, nothing of it is sent again: not behind the call, and not with the next.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_message_is_never_sent_again() {
    let broker = Arc::new(Broker::open());
    let proxy = Proxy::new(&broker);
    for version in VERSIONS {
        let tools = sending(&proxy.at(), version, "");
        for (fate, count) in [
            (Fate::DropBefore, 0),
            (Fate::DropInside, 0),
            (Fate::DropAfter, 1),
            (Fate::Stall, 1),
            (Fate::KillBefore, 0),
            (Fate::KillAfter, 1),
        ] {
            for qos in [1, 2] {
                let tool = format!("send{qos}");
                let name = format!("{fate:?}-{qos}-{version}");
                proxy.fates(&[fate]);
                let told = text(call(&tools, &tool, json!({"n": name, "level": 1})).await);
                assert!(
                    told.starts_with("may have run: ") && told.contains("did not acknowledge"),
                    "{name}: {told}"
                );
                let told = text(call(&tools, &tool, json!({"n": format!("then-{name}"), "level": 1})).await);
                assert!(told.starts_with("done: "), "{name}: {told}");
                assert_eq!(broker.received(&format!("out/{name}")), count, "{name}");
            }
        }
        // What was begun is dropped with its connection: QoS 2 is passed on by its last word.
        // A broker that was killed has forgotten who subscribed before.
        let peer = Peer::new(&broker, &format!("peer-{version}"), "out/#").await;
        proxy.fates(&[Fate::DropRelease]);
        let told = text(call(&tools, "send2", json!({"n": format!("release-{version}"), "level": 1})).await);
        assert!(told.starts_with("may have run: "), "{told}");
        let told = text(call(&tools, "send2", json!({"n": format!("last-{version}"), "level": 1})).await);
        assert!(told.starts_with("done: "), "{told}");
        peer.until(&format!("out/last-{version}")).await;
        assert_eq!(peer.seen(&format!("out/release-{version}")), []);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_broker_nothing_runs_and_nothing_waits() {
    let broker = Broker::open();
    let tools = sending(&broker.at(), "5", "");
    broker.kill();
    for qos in 0..3 {
        let told = text(call(&tools, &format!("send{qos}"), json!({"n": "early", "level": 1})).await);
        assert!(told.starts_with("not started: ") && told.contains("can't be reached"), "{told}");
    }
    broker.start();
    let told = text(call(&tools, "send1", json!({"n": "late", "level": 1})).await);
    assert!(told.starts_with("done: "), "{told}");
    assert_eq!((broker.received("out/early"), broker.received("out/late")), (0, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_at_the_same_time_take_turns() {
    let broker = Broker::open();
    let tools = sending(&broker.at(), "5", "");
    let calls = |name: &'static str| call(&tools, "send2", json!({"n": name, "level": 1}));
    let (a, b, c) = tokio::join!(calls("a"), calls("b"), calls("c"));
    for told in [a, b, c].map(text) {
        assert!(told.starts_with("done: "), "{told}");
    }
    assert_eq!(["out/a", "out/b", "out/c"].map(|topic| broker.received(topic)), [1, 1, 1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_broker_refuses_did_not_run() {
    let broker = Broker::with(|folder| {
        let list = folder.join("acl");
        std::fs::write(&list, "topic read #\ntopic write out/yes\n").unwrap();
        format!("allow_anonymous true\nacl_file {}\n", list.display())
    });
    let tools = sending(&broker.at(), "5", "");
    for tool in ["send1", "send2"] {
        let told = text(call(&tools, tool, json!({"n": "no", "level": 1})).await);
        assert_eq!(told, "not started: the broker refuses the message: not authorized");
    }
    let told = text(call(&tools, "send1", json!({"n": "yes", "level": 1})).await);
    assert!(told.starts_with("done: "), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_broker_can_t_do_is_not_tried() {
    let broker = Broker::with(|_| {
        "allow_anonymous true\nmax_qos 1\nretain_available false\nmax_packet_size 200\n".into()
    });
    let tools = sending(&broker.at(), "5", "");
    let told = text(call(&tools, "send2", json!({"n": "a", "level": 1})).await);
    assert!(told.starts_with("not started: ") && told.ends_with("has no QoS 2: lower `qos`"), "{told}");
    let told = text(call(&tools, "keep", json!({"n": "a", "level": 1})).await);
    assert!(
        told.starts_with("not started: ") && told.ends_with("keeps no messages: leave out `retain`"),
        "{told}"
    );
    let told = text(call(&tools, "send1", json!({"n": "x".repeat(190), "level": 1})).await);
    assert!(told.starts_with("not started: ") && told.contains("takes at most 200 bytes"), "{told}");
    assert_eq!(broker.count("Received PUBLISH"), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_stay_in_their_place() {
    let broker = Broker::open();
    let tools = sending(&broker.at(), "5", "");
    for wrong in ["a/b", "+", "#", "a\0b"] {
        let told = text(call(&tools, "send1", json!({"n": wrong, "level": 1})).await);
        assert!(told.starts_with("not started: n stands in a topic, it must have no `"), "{told}");
    }
    assert_eq!(broker.count("New connection"), 0);
}

/// The valve tells its state in a topic of its own, retained.
fn valve(at: &str) -> Tools {
    let network = r#"
        [mqtt.site]
        broker = "mqtt://AT"
        private = true
        client_id = "board"
        [mqtt.site.publish.set_valve]
        summary = "s"
        topic = "valve/set"
        parameters = [{ name = "state", kind = "choice", choices = ["open", "closed"] }]
        payload = "{state}"
        class = "read_back"
        settle_ms = 0
        answer_ms_max = 4000
        probe = { latest = "read_valve", expect = "{state}" }
        [mqtt.site.latest.read_valve]
        summary = "s"
        filter = "valve"
        answer_ms_max = 4000
    "#;
    Board::default().tools(&network.replace("AT", at))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_topic_tells_whether_a_lost_message_was_acted_on() {
    let broker = Arc::new(Broker::open());
    let proxy = Proxy::new(&broker);
    let tools = valve(&proxy.at());
    // Nothing is retained: a lost message could not be settled.
    let refused = call_and_probe(&tools, "set_valve", json!({"state": "open"})).await.unwrap_err();
    assert!(refused.contains("showed nothing at valve within 4000 ms: is it retained?"), "{refused}");

    let device = Peer::new(&broker, "device", "valve/set").await;
    device.publish("valve", "closed", true).await;
    proxy.fates(&[Fate::DropBefore]);
    let (outcome, settled) = call_and_probe(&tools, "set_valve", json!({"state": "open"})).await.unwrap();
    assert!(matches!(outcome, Outcome::MayHaveRun(_)), "{outcome:?}");
    assert_eq!(settled, Settlement::NotDone);

    // The device acts on the message while its acknowledgement is lost.
    proxy.fates(&[Fate::DropAfter]);
    let acts = async {
        assert_eq!(device.until("valve/set").await.payload, "open");
        device.publish("valve", "open", true).await;
    };
    let call = async {
        let tool = &tools["set_valve"];
        let arguments = json!({"state": "open"});
        let baseline = tool.baseline(&arguments).await.unwrap();
        let id = everstep_core::CallId(1);
        let call = everstep_tool::ToolCall { id, arguments, baseline, idempotency_key: None };
        let deadline = std::time::Duration::from_secs(5);
        let cx = everstep_tool::Context { attempt: 1, deadline, cancel: everstep_tool::Cancel::default() };
        let outcome = tool.run(&call, &cx).await;
        (call, outcome)
    };
    let ((), (call, outcome)) = tokio::join!(acts, call);
    assert!(matches!(outcome, Outcome::MayHaveRun(_)), "{outcome:?}");
    let settled = tools["set_valve"].probe(&call).await;
    assert_eq!(settled, Settlement::Done("it shows open now".into()));
    // Where it showed that before, it tells nothing.
    let (_, settled) = call_and_probe(&tools, "set_valve", json!({"state": "open"})).await.unwrap();
    assert_eq!(settled, Settlement::CantTell("it showed open before the message already".into()));
}
