//! `everstep bench` and `everstep model` with the bundled model: what they print, and what they refuse.

use std::{path::Path, process::Command};

use serde_json::{Value, json};

use crate::bench::{Bench, SCRIPT, Told, json};

pub(crate) fn wren() -> String {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/wren/wren.gguf");
    std::env::var("EVERSTEP_WREN").unwrap_or_else(|_| place.display().to_string())
}

const FIGURES: &[&str] = &[
    "load_ms",
    "prompt_tokens_per_s",
    "free_tokens_per_s",
    "constrained_tokens_per_s",
    "forced_percent",
    "first_token_cold_ms",
    "first_token_warm_ms",
    "first_token_restored_ms",
    "resident_mib",
    "weights_read_gb_per_s",
];

/// Nothing of how fast this machine is, only that everything was measured and fits together.
#[test]
fn bench_measures_every_figure_and_tells_the_spread() {
    let bench = Bench::new(SCRIPT);
    let object = json(&bench.everstep(&["bench", "--json", "--runs", "2", "--model", &wren()]).done());
    assert_eq!((&object["event"], &object["runs"]), (&json!("bench"), &json!(2)));
    assert_eq!(object["figures"].as_object().unwrap().len(), FIGURES.len());
    for name in FIGURES {
        let number = |part: &str| object["figures"][name][part].as_f64().unwrap_or(-1.0);
        let (median, min, max) = (number("median"), number("min"), number("max"));
        assert!(min > 0.0 && min <= median && median <= max, "{name}: {object}");
    }
    assert!(object["figures"]["forced_percent"]["max"].as_f64() < Some(100.0), "{object}");
    assert!(object["prompt_tokens"].as_u64() > Some(300), "{object}");
    assert!(object["memory_read_gb_per_s"].as_f64() > Some(0.0), "{object}");
    assert_eq!(object["model"]["threads"], 1);
    assert_eq!(object["model"]["name"], "wren");
    // What was estimated before is enough for what it took, and not for much more.
    let resident = object["figures"]["resident_mib"]["max"].as_f64().unwrap();
    let estimated = object["estimated_mib"].as_f64().unwrap();
    assert!(resident < estimated * 1.25, "{resident} of {estimated} MiB");
}

#[test]
fn bench_prints_a_table_without_a_board_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_everstep"));
    command.args(["bench", "--runs", "1", "--reply-tokens", "8", "--model", &wren()]);
    command.current_dir(folder.path()).env("TMPDIR", folder.path()).env_remove("EVERSTEP_BOARD");
    let out = Told::from(command.output().unwrap()).done();
    for row in ["load", "prompt", "constrained", "first, cold", "resident", "memory read"] {
        assert!(out.lines().any(|line| line.starts_with(row)), "{row}: {out}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn bench_refuses_a_script_and_numbers_out_of_range() {
    let bench = Bench::new(SCRIPT);
    bench.everstep(&["bench"]).refuses(2, &["only a GGUF", "--model"]);
    for arguments in [["bench", "--runs", "0"], ["bench", "--runs", "1001"], ["bench", "--reply-tokens", "7"]]
    {
        assert_eq!(bench.everstep(&arguments).code, 2, "{arguments:?}");
    }
}

#[test]
fn model_card_tells_the_memory_and_a_limit_below_it_stops_every_command() {
    let bench = Bench::new(SCRIPT);
    bench.change_board("scripted:script.toml", &wren());
    let card = json(&bench.everstep(&["model", "--json"]).done());
    assert_eq!((&card["kv_bytes_per_token"], &card["recurrent_bytes"]), (&json!(2048), &json!(8192)));
    assert_eq!((&card["context_tokens"], &card["context_trained"]), (&json!(4096), &json!(4096)));
    let part = |name: &str| card["memory_bytes"][name].as_u64().unwrap();
    assert_eq!(part("kv"), 4096 * 2048);
    // A run keeps snapshots, which are counted.
    assert_eq!(part("snapshots"), 2 * (4096 * 2048 + 8192));
    let total = card["memory_bytes_total"].as_u64().unwrap();
    let text = bench.everstep(&["model"]).done();
    for words in ["a token keeps   2048 bytes", "trained for 4096", "  KV cache", "MiB, estimated"] {
        assert!(text.contains(words), "{words}: {text}");
    }

    let least = total.div_ceil(1 << 20);
    bench.change_board("[model]", &format!("[model]\nmemory_mb_max = {}", least - 1));
    let limit = format!("`model.memory_mb_max` allows {}", least - 1);
    for command in [&["model"][..], &["check"], &["run", "compare"]] {
        let told = bench.everstep(command);
        assert_eq!(told.code, 2, "{told:?}");
        for words in [limit.as_str(), "KV cache 8,", "`model.context_tokens_max`"] {
            assert!(told.err.contains(words), "{words}: {told:?}");
        }
    }
    // A smaller context fits.
    bench.change_board("[model]", "[model]\ncontext_tokens_max = 2048");
    let card = json(&bench.everstep(&["model", "--json"]).done());
    assert!(card["memory_bytes_total"].as_u64().unwrap() < total);
    let config = bench.everstep(&["config"]).done();
    assert!(config.contains(&format!("memory_mb_max = {}", least - 1)), "{config}");
}

#[test]
fn card_of_a_script_has_no_memory() {
    let bench = Bench::new(SCRIPT);
    let card = json(&bench.everstep(&["model", "--json"]).done());
    assert_eq!((&card["memory_bytes"], &card["kv_bytes_per_token"]), (&Value::Null, &Value::Null));
}
