//! The real binary with the bundled model on the cold room's world: kills in every phase, and the
//! check of the end state. These need `everstep` and `everstep-world` built beside the test.

#![expect(clippy::unwrap_used, reason = "a test's set-up may fail")]

use std::{fs, path::Path};

use clap::Parser;
use system_tests::rehearsal::{Options, PHASES, Summary, one};

/// Options of a rehearsal in a folder of its own.
fn options(name: &str, further: &[&str]) -> Options {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let folder = root.join("target/rehearsals").join(name);
    let board = root.join("board/coldroom/agent.toml");
    let arguments = ["everstep-rehearse", "--quiet", "--folder"].into_iter().map(Into::into);
    let paths = [folder.into_os_string(), "--board".into(), board.into_os_string()];
    Options::parse_from(arguments.chain(paths).chain(further.iter().map(Into::into)))
}

fn without_kills(name: &str, further: &[&str]) -> Summary {
    one(&options(name, &[&["--kills", "0"], further].concat()), 0).unwrap()
}

/// The same in a room whose time passes by the agent's waits alone: how busy the machine is decides nothing.
fn stepped(name: &str, further: &[&str]) -> Summary {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    // As deep below the root as the board itself, for its paths.
    let board = root.join("target").join(format!("stepped-{name}")).join("agent.toml");
    let text = fs::read_to_string(root.join("board/coldroom/agent.toml")).unwrap();
    let running = "time_scale = 600";
    assert!(text.contains(running));
    fs::create_dir_all(board.parent().unwrap()).unwrap();
    fs::write(&board, text.replace(running, "time_scale = 0\nwaits = \"skip\"")).unwrap();
    let options = options(name, &[&["--kills", "0", "--world=--time-scale=0"], further].concat());
    one(&Options { board, ..options }, 0).unwrap()
}

#[test]
fn process_killed_in_every_phase_ends_with_the_room_as_asked() {
    let kills = 2;
    let options = options("kills", &["--kills", &kills.to_string()]);
    let mut killed = std::collections::BTreeMap::new();
    for number in 0..PHASES.len() / kills {
        let summary = one(&options, number).unwrap();
        assert!(summary.is_good(), "{summary:#?}");
        for (phase, count) in summary.kills_by_phase {
            *killed.entry(phase).or_insert(0) += count;
        }
    }
    println!("kills by phase: {killed:?}");
    for phase in PHASES {
        assert!(killed.contains_key(phase.name()), "no kill in phase {}", phase.name());
    }
}

#[test]
fn model_reads_the_room_and_does_not_recite() {
    let icy = stepped("icy", &[]);
    let cold = stepped("cold", &["--world=--air-c=-19", "--world=--ice-mm=0"]);
    let open = stepped("open", &["--world=--door-open-s=220", "--world=--ice-mm=0"]);
    for summary in [&icy, &cold, &open] {
        assert!(summary.finished, "{summary:#?}");
    }
    let calls = |summary: &Summary, tool: &str| summary.tools.iter().filter(|called| *called == tool).count();
    assert_eq!(calls(&icy, "run_defrost"), 1);
    assert_eq!(calls(&cold, "run_defrost") + calls(&cold, "set_compressor"), 0, "{:?}", cold.tools);
    assert_eq!(calls(&icy, "alert"), 0, "{:?}", icy.tools);
    assert!((1..=2).contains(&calls(&open, "alert")), "{:?}", open.tools);
}

#[test]
fn model_that_ignores_readings_fails_the_check() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/rehearsals");
    fs::create_dir_all(&root).unwrap();
    let script = root.join("blind.toml");
    let reply =
        |call: &str, arguments: &str| format!("[[reply]]\ncall = \"{call}\"\narguments = '{arguments}'\n");
    let say = "[[reply]]\nsay = \"The cold room is at -18.0 C.\"\n";
    let blind = [
        reply("read_room", "{}"),
        reply("set_compressor", r#"{"on": true}"#),
        reply("wait", r#"{"seconds": 600}"#),
        reply("set_compressor", r#"{"on": false}"#),
        reply("set_fan", r#"{"percent": 30}"#),
        say.into(),
    ];
    fs::write(&script, blind.concat()).unwrap();
    let model = format!("scripted:{}", script.display());
    let summary = without_kills("blind", &["--model", &model]);
    assert!(!summary.finished, "{summary:#?}");
    assert_eq!(summary.answer, "The cold room is at -18.0 C.");
    assert_eq!(summary.effects_doubled + summary.effects_unmatched, 0);
}

#[test]
fn room_with_its_compressor_stuck_on_fails_the_check() {
    let fault = r#"--world=--fault={"compressor_stuck":{"at":true}}"#;
    let summary = without_kills("stuck", &[fault, "--world=--ice-mm=0"]);
    assert!(!summary.finished, "{summary:#?}");
}
