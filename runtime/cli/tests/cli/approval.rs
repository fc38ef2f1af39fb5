//! A call that waits for an operator, on a simulated board whose heater loses its first answer.

use everstep_board_sim::{
    server::{Options, Server, WorldFile},
    world::RoomFile,
};

use crate::bench::{BOARD, Bench};

/// Two defrosts: the first one's outcome is lost, so that the second needs approval.
const TWO_DEFROSTS: &str = r#"
[[reply]]
call = "run_defrost"
arguments = '{"seconds": 600}'

[[reply]]
call = "run_defrost"
arguments = '{"seconds": 600}'

[[reply]]
say = "Done."

# A restart that the model has yet to be told of keeps its first answer from ending the run.
[[reply]]
say = "Done."
"#;

fn bench_with_world() -> Bench {
    let bench = Bench::new(TWO_DEFROSTS);
    let board = BOARD
        .replace("kind = \"linux\"", "kind = \"sim\"\n[world]\n[device.heater]\nkind = \"defrost_heater\"")
        .replace("\"compare\"", "\"run_defrost\"");
    bench.write("agent.toml", &board);
    std::fs::create_dir(bench.path("state")).unwrap();
    let server = Server::bind(&Options {
        socket: bench.path("state/world.sock"),
        log: Some(bench.path("state/world.jsonl")),
        world: WorldFile::Room(RoomFile::default()),
        time_scale: 600,
        timeline: [1; 16],
        unix_at_start_s: None,
        faults: Vec::new(),
        line_faults: vec![
            serde_json::from_str(r#"{"device": "heater", "when": "after", "count": 1}"#).unwrap(),
        ],
        idle_s_max: 60,
    });
    let server = server.unwrap();
    std::thread::spawn(move || server.run());
    bench
}

fn defrosts(bench: &Bench) -> usize {
    std::fs::read_to_string(bench.path("state/world.jsonl")).unwrap().matches("\"start\"").count()
}

#[test]
fn approved_call_runs_once_and_by_the_process_that_records_the_approval() {
    let bench = bench_with_world();
    let told = bench.everstep(&["run", "defrost twice"]);
    assert_eq!((told.code, defrosts(&bench)), (5, 1), "{told:?}");
    assert!(told.err.contains("everstep approve 2"), "{told:?}");
    assert_eq!(bench.everstep(&["run"]).code, 5, "a start alone decides nothing");
    bench.write("state/approved-clerk", "1\n");
    assert_eq!(bench.everstep(&["run"]).code, 5, "nor does the word about another call");
    assert!(!bench.path("state/approved-clerk").exists(), "which nothing will ever use");
    bench.everstep(&["approve", "1"]).refuses(2, &["call 1 does not wait for approval"]);
    assert!(bench.everstep(&["approve", "2"]).done().contains("call 2 is approved"));
    assert!(bench.everstep(&["status"]).done().contains("Call 2 is approved"));
    assert_eq!(bench.everstep(&["run"]).done(), "Done.\n");
    assert_eq!(defrosts(&bench), 2);
    // On another flash a call may have the same number: the word is used up.
    assert!(!bench.path("state/approved-clerk").exists());
}

#[test]
fn refused_call_does_not_run() {
    let bench = bench_with_world();
    assert_eq!(bench.everstep(&["run", "defrost twice"]).code, 5);
    assert!(bench.everstep(&["refuse", "2", "--reason", "too warm"]).done().contains("call 2 is refused"));
    assert_eq!(bench.everstep(&["run"]).done(), "Done.\n");
    assert_eq!(defrosts(&bench), 1);
    assert!(bench.everstep(&["journal"]).done().contains("approval_refused  too warm"));
}

#[test]
fn missing_world_is_named_with_what_starts_it() {
    let bench = Bench::new(TWO_DEFROSTS);
    let sim = "kind = \"sim\"\n[world]\n[device.heater]\nkind = \"defrost_heater\"";
    bench.change_board("kind = \"linux\"", sim);
    bench.change_board("\"compare\"", "\"run_defrost\"");
    bench.everstep(&["run", "defrost"]).refuses(1, &["no world listens at", "everstep-world serve --socket"]);
    assert!(!bench.flash().exists());
}
