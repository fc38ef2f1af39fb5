//! Whole episodes, with a scripted model: the measure counts what the world says, not the model.

#![expect(clippy::unwrap_used, reason = "a test's set-up may fail")]

use std::{fs, path::Path};

use clap::Parser;
use serde_json::Value;
use system_tests::episodes::{self, Options};

const CLOSES: &str = r#"
    [[reply]]
    call = "set_inlet_valve"
    arguments = '{"state": "closed"}'
    [[reply]]
    call = "set_outlet_valve"
    arguments = '{"state": "closed"}'
    [[reply]]
    say = "Both valves are closed."
"#;
const SAYS_SO: &str = r#"
    [[reply]]
    say = "Both valves are closed."
"#;
const WAITS: &str = r#"
    [[reply]]
    call = "wait"
    arguments = '{"seconds": 600}'
    [[reply]]
    call = "read_station"
    [[reply]]
    say = "All is well."
"#;

/// Plays one task of the pump station with `script`; returns how many of `seeds` were done.
fn done(name: &str, task: &str, script: &str, seeds: u64, more: &[&str]) -> u64 {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&folder).unwrap();
    let (model, report) = (folder.join("model.toml"), folder.join("report.json"));
    fs::write(&model, script).unwrap();
    let board = Path::new(env!("CARGO_MANIFEST_DIR")).join("../board/pump");
    let text = |path: &Path| path.display().to_string();
    let options = [
        "everstep-episodes".to_owned(),
        format!("--board={}", text(&board)),
        format!("--model=scripted:{}", text(&model)),
        format!("--task={task}"),
        format!("--seeds={seeds}"),
        format!("--report={}", text(&report)),
        format!("--folder={}", text(&folder)),
    ];
    let options = options.into_iter().chain(more.iter().map(|more| (*more).to_owned()));
    episodes::measure(&Options::try_parse_from(options).unwrap()).unwrap();
    let figures: Value = serde_json::from_str(&fs::read_to_string(report).unwrap()).unwrap();
    let count = |path| figures.pointer(path).and_then(Value::as_u64);
    assert_eq!(count("/all/of"), Some(seeds));
    count("/all/done").unwrap()
}

#[test]
fn what_the_world_shows_counts_and_what_is_said_does_not() {
    assert_eq!(done("closes", "close_valves", CLOSES, 6, &["--jobs=2"]), 6);
    // Some starts have both valves closed already; then nothing is left to do.
    let said = done("says", "close_valves", SAYS_SO, 6, &["--wording=shipped"]);
    assert!((1..6).contains(&said), "{said} of 6");
}

#[test]
fn waits_step_the_world_and_alerts_are_counted() {
    // Nobody alerts: only the starts that need no alert are done.
    let done = done("waits", "watch_tank", WAITS, 12, &["--no-constraint"]);
    assert!((1..12).contains(&done), "{done} of 12");
}
