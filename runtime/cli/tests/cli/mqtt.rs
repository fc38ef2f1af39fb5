//! A broker's tools, from the board file to the broker's own log.

use std::fs;

use network_tests::mqtt::Broker;

use crate::bench::{Bench, json};

const NETWORK: &str = r#"
[network.mqtt.site]
broker = "mqtt://127.0.0.1:PORT"
private = true
client_id = "bench"

[network.mqtt.site.publish.ring]
summary = "Ring a bell."
topic = "bell/{number}"
payload = "ring"
parameters = [{ name = "number", kind = "integer", min = 1, max = 3 }]

[network.mqtt.site.publish.set_lamp]
summary = "Set the lamp."
topic = "lamp"
payload = "{state}"
parameters = [{ name = "state", kind = "choice", choices = ["on", "off"] }]
retain = true
class = "safe"

[network.mqtt.site.latest.read_lamp]
summary = "Read the lamp."
filter = "lamp"

[network.mqtt.site.wait.wait_door]
summary = "Wait for the door."
filter = "door"

[agent.clerk.tool.ring]
sensitive = false
"#;

/// Rings, looks, and ends.
const SCRIPT: &str = r#"
[[reply]]
call = "ring"
arguments = '{"number": 2}'

[[reply]]
call = "read_lamp"
arguments = '{}'

[[reply]]
say = "Done."
"#;

fn bench(port: u16) -> Bench {
    let bench = Bench::new(SCRIPT);
    let granted = ["ring", "set_lamp", "read_lamp", "wait_door"].map(|name| format!(", \"{name}\""));
    bench.change_board("\"log\"]", &format!("\"log\"{}]", granted.concat()));
    let board = fs::read_to_string(bench.path("agent.toml")).unwrap();
    bench.write("agent.toml", &format!("{board}{}", NETWORK.replace("PORT", &port.to_string())));
    bench
}

#[test]
fn the_tools_of_a_broker_are_listed_by_their_class_and_no_broker_is_asked() {
    let bench = bench(1);
    let all = json(&bench.everstep(&["tools", "--json"]).done());
    let class = |name: &str| {
        let tool = all.as_array().unwrap().iter().find(|tool| tool["name"] == name);
        tool.unwrap_or_else(|| panic!("no {name} in {all}"))["class"].as_str().unwrap().to_owned()
    };
    assert_eq!(
        ["ring", "set_lamp", "read_lamp", "wait_door"].map(class),
        ["never", "safe", "observe", "observe"]
    );
    let config = bench.everstep(&["config"]).done();
    for line in
        ["version = \"5\"", "keep_alive_s = 30", "qos = 1", "answer_ms_max = 10000", "wait_ms_max = 60000"]
    {
        assert!(config.contains(line), "{line} is not in {config}");
    }
    bench.everstep(&["check"]).done();
}

#[test]
fn what_is_wrong_with_a_broker_is_told_by_its_key() {
    let bench = bench(1);
    for (from, to, key, what) in [
        ("private = true", "private = false", "broker", "mqtt:// is for the local network: use mqtts://"),
        ("\"bench\"\n\n[network", "\"my board\"\n\n[network", "client_id", "it has 1 to 64 of"),
        ("retain = true", "retain = true\nqos = 3", "publish.set_lamp.qos", "must be from 0 to 2, not 3"),
        ("bell/{number}", "bell/#", "publish.ring.topic", "#"),
        ("filter = \"door\"", "filter = \"do+r\"", "wait.wait_door.filter", "+"),
        ("class = \"safe\"", "class = \"keyed\"", "publish.set_lamp.class", "MQTT has no key"),
    ] {
        bench.change_board(from, to);
        let key = format!("network.mqtt.site.{key}: ");
        bench.everstep(&["tools"]).refuses(2, &[&key, what]);
        bench.change_board(to, from);
    }
    bench.everstep(&["tools"]).done();
}

#[test]
fn a_broker_that_is_away_is_told_and_nothing_was_sent() {
    // Nobody listens at port 1.
    let bench = bench(1);
    let told = bench.everstep(&["tools", "try", "ring", "{\"number\": 2}"]);
    assert_eq!(told.code, 1, "{told:?}");
    assert!(told.out.starts_with("did not run: "), "{told:?}");
    assert!(told.out.contains("127.0.0.1:1") && told.out.contains("refused"), "{told:?}");
}

#[test]
fn a_technician_and_an_agent_reach_the_broker_once_for_each_call() {
    let broker = Broker::open();
    let bench = bench(broker.port());
    let told = bench.everstep(&["tools", "try", "set_lamp", "{\"state\": \"on\"}"]).done();
    assert!(told.contains("lamp"), "{told}");
    assert_eq!((broker.received("lamp"), broker.received("bell/2")), (1, 0));
    let told = bench.everstep(&["tools", "try", "read_lamp", "{}"]).done();
    assert!(told.starts_with("on"), "{told}");

    assert_eq!(bench.everstep(&["run", "ring the second bell"]).done(), "Done.\n");
    // There is nothing left to do.
    assert_eq!(bench.everstep(&["run"]).done(), "Done.\n");
    assert_eq!((broker.received("lamp"), broker.received("bell/2")), (1, 1));
    let journal = bench.everstep(&["journal"]).done();
    for ended in ["took the message to bell/2", "ended  on (lamp; the broker retains it"] {
        assert!(journal.contains(ended), "{ended} is not in {journal}");
    }
}
