//! Terms of grants, and tools tried by hand.

use crate::bench::{Bench, LONG_WAIT, SCRIPT};

const TERMS: &str = r#"
[agent.clerk.tool.compare]
arguments.limit = { max = 10 }
arguments.operator = { only = ["<", ">"] }
calls_per_run_max = 5
interval_s_min = 0

[agent.clerk.tool.log]
calls_per_day_max = 2
concurrent_max = 1
"#;

fn bench() -> Bench {
    let bench = Bench::new(SCRIPT);
    let board = std::fs::read_to_string(bench.path("agent.toml")).unwrap();
    bench.write("agent.toml", &format!("{board}{TERMS}"));
    bench
}

#[test]
fn terms_are_listed_and_the_schema_is_shown_as_the_model_sees_it() {
    let bench = bench();
    let told = bench.everstep(&["tools"]).done();
    for words in
        ["limit: at most 10", "operator: only \"<\", \">\"", "at most 5 calls a run", "at most 2 calls a day"]
    {
        assert!(told.contains(words), "{words} in {told}");
    }
    let told = bench.everstep(&["tools", "--json"]).done();
    let all: serde_json::Value = serde_json::from_str(&told).unwrap();
    let compare = all.as_array().unwrap().iter().find(|tool| tool["name"] == "compare").unwrap();
    assert_eq!(compare["arguments"]["properties"]["limit"]["maximum"], 10);
    assert_eq!(compare["terms"]["calls_per_run_max"], 5);
    assert_eq!(compare["terms"]["sensitive"], false);
    assert!(bench.everstep(&["config"]).done().contains("calls_per_run_max = 5"));
}

#[test]
fn terms_that_make_no_sense_are_named_with_their_line() {
    for (from, to, key, words) in [
        (
            "limit = { max = 10 }",
            "speed = { max = 10 }",
            "agent.clerk.tool.compare.arguments.speed",
            "it has value",
        ),
        ("{ max = 10 }", "{ maximum = 10 }", "maximum", "unknown field"),
        ("[\"<\", \">\"]", "[\"!\"]", "agent.clerk.tool.compare.arguments.operator", "does not allow"),
        ("clerk.tool.log", "clerk.tool.alert", "agent.clerk.tool.alert", "is not granted"),
        ("concurrent_max = 1", "concurrent_max = 0", "concurrent_max", "must be from 1 to 64"),
    ] {
        let bench = bench();
        bench.change_board(from, to);
        bench.everstep(&["tools"]).refuses(2, &["agent.toml:", key, words]);
    }
}

#[test]
fn tool_is_tried_under_the_agents_own_checks_and_noted() {
    let bench = bench();
    let compare = |limit: &str| format!(r#"{{"value": 3, "operator": ">", "limit": {limit}}}"#);
    assert_eq!(bench.everstep(&["tools", "try", "compare", &compare("2")]).done(), "true\n");
    let told = bench.everstep(&["tools", "try", "compare", &compare("2"), "--json"]).done();
    let tried: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!((&tried["outcome"], &tried["text"]), (&"done".into(), &"true".into()));
    let log = std::fs::read_to_string(bench.path("state/log.txt")).unwrap();
    assert!(log.contains("tools try compare {\"value\":3,\"operator\":\">\",\"limit\":2}: true"), "{log}");
    for (name, arguments, words) in [
        ("compare", compare("11").as_str(), "limit must be at most 10, got 11"),
        ("compare", "{limit: 2}", "the arguments are no JSON"),
        ("alert", r#"{"text": "fire"}"#, "alert is not granted to this agent"),
        ("set_fan", "{}", "there is no tool set_fan; the tools are compare, wait, log"),
        ("wait", r#"{"seconds": 5}"#, "there is nothing to try"),
    ] {
        bench.everstep(&["tools", "try", name, arguments]).refuses(2, &[words]);
    }
}

#[test]
fn nothing_that_acts_is_tried_while_a_run_is_unfinished() {
    let bench = bench();
    bench.write("script.toml", LONG_WAIT);
    bench.run_until("called", &["wait"]).kill();
    bench
        .everstep(&["tools", "try", "log", r#"{"text": "x"}"#])
        .refuses(2, &["run 1 is unfinished", "everstep stop"]);
    let compare = r#"{"value": 3, "operator": ">", "limit": 2}"#;
    assert_eq!(bench.everstep(&["tools", "try", "compare", compare]).done(), "true\n");
}

#[test]
fn budget_of_a_day_holds_for_trying_too() {
    let bench = bench();
    let log = "[[reply]]\ncall = \"log\"\narguments = '{\"text\": \"x\"}'\n";
    bench.write("script.toml", &format!("{log}{log}{log}[[reply]]\nsay = \"Logged.\"\n"));
    assert_eq!(bench.everstep(&["run", "log thrice"]).done(), "Logged.\n");
    let written = std::fs::read_to_string(bench.path("state/log.txt")).unwrap();
    assert_eq!(written.lines().count(), 2, "{written}");
    assert!(bench.everstep(&["journal"]).done().contains("log may be called 2 times a day, and was"));
    bench.everstep(&["tools", "try", "log", r#"{"text": "x"}"#]).refuses(2, &["2 times a day"]);
}

const TWO_AGENTS: &str = r#"
[board]
name = "bench"
kind = "sim"

[world]

[device.fan]
kind = "fan"

[device.room]
kind = "room_sensor"

[flash]
bytes = 1_048_576
board_bytes = 32_768
region_bytes = 262_144

[model]
path = "scripted:script.toml"

[agent.day]
region = 0
system = "By day."
grants = ["read_room", "set_fan"]

[agent.night]
region = 1
system = "By night."
grants = ["read_room", "set_fan"]
"#;

#[test]
fn two_agents_share_an_actuator_only_where_its_section_says_so() {
    let bench = Bench::new(SCRIPT);
    bench.write("agent.toml", TWO_AGENTS);
    let tools = &["tools", "--agent", "day"];
    bench.everstep(tools).refuses(
        2,
        &[
            "agent.night.grants: `set_fan` moves the fan `fan`, which agent `day` may move too",
            "device.fan.shared",
        ],
    );
    bench.change_board("kind = \"fan\"", "kind = \"fan\"\nshared = true");
    assert!(bench.everstep(tools).done().contains("set_fan          granted"));
    // Reading is nobody's alone.
    bench.change_board("shared = true", "shared = false");
    bench.change_board("[\"read_room\", \"set_fan\"]\n\n[agent.night]", "[\"read_room\"]\n\n[agent.night]");
    assert!(bench.everstep(tools).done().contains("read_room        granted"));
}
