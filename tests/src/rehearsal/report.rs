//! The table at the end of a rehearsal, for people and as JSON.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::run::Summary;

/// One run on one line.
pub(crate) fn line(number: usize, run: &Summary) {
    eprintln!(
        "run {:>3}  seed {:<4} {}  steps {:>3}  kills {}  room {:>6.1} C  doubled {}  unmatched {}  regenerated {}  lost unseen {}",
        number + 1,
        run.seed,
        if run.is_good() { "good" } else { "BAD " },
        run.steps,
        run.kills,
        run.room_c,
        run.effects_doubled,
        run.effects_unmatched,
        run.tokens_regenerated,
        run.tokens_lost_unseen,
    );
}

/// The table of all runs.
#[expect(clippy::print_stdout, reason = "the table is this program's result")]
pub(crate) fn table(runs: &[Summary]) {
    for (name, value) in rows(runs) {
        println!("{name:<28} {value}");
    }
}

/// Writes the table, and every run, to `path`.
pub(crate) fn write(path: &Path, runs: &[Summary]) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut report: serde_json::Map<String, Value> =
        rows(runs).into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    report.insert("runs".into(), serde_json::to_value(runs)?);
    let text = serde_json::to_string_pretty(&report)?;
    fs::write(path, text + "\n").with_context(|| format!("write {}", path.display()))
}

fn rows(runs: &[Summary]) -> Vec<(&'static str, Value)> {
    let sum = |of: fn(&Summary) -> u64| json!(runs.iter().map(of).sum::<u64>());
    let calls = merge(runs, |run| run.calls.iter().map(|(class, count)| (class.clone(), *count)).collect());
    let phases = merge(runs, |run| {
        run.kills_by_phase.iter().map(|(phase, count)| ((*phase).to_owned(), *count as u64)).collect()
    });
    let finished = runs.iter().filter(|run| run.finished).count();
    let room: Vec<String> = runs.iter().map(|run| format!("{:.1}", run.room_c)).collect();
    let room_c = match room.as_slice() {
        [one] => json!(one.parse::<f64>().unwrap_or_default()),
        many => {
            let values = many.iter().filter_map(|value| value.parse::<f64>().ok());
            let (low, high) = values.fold((f64::MAX, f64::MIN), |(low, high), c| (low.min(c), high.max(c)));
            json!({"min": low, "max": high})
        }
    };
    vec![
        (
            "finished",
            if runs.len() == 1 {
                json!(finished == 1)
            } else {
                json!(format!("{finished} of {}", runs.len()))
            },
        ),
        ("steps", sum(|run| run.steps)),
        ("kills", sum(|run| run.kills as u64)),
        ("kills_by_phase", phases),
        ("calls", calls),
        ("approvals", sum(|run| run.approvals as u64)),
        ("effects_doubled", sum(|run| run.effects_doubled as u64)),
        ("effects_unmatched", sum(|run| run.effects_unmatched as u64)),
        ("room_c", room_c),
        ("tokens_regenerated", sum(|run| run.tokens_regenerated)),
        ("tokens_lost_unseen", sum(|run| run.tokens_lost_unseen)),
        ("prompt_tokens_reevaluated", sum(|run| run.prompt_tokens_reevaluated)),
        ("journal_bytes", sum(|run| run.journal_bytes)),
        ("erases", sum(|run| run.erases)),
    ]
}

fn merge(runs: &[Summary], of: impl Fn(&Summary) -> Vec<(String, u64)>) -> Value {
    let mut merged = BTreeMap::<String, u64>::new();
    for (name, count) in runs.iter().flat_map(of) {
        *merged.entry(name).or_default() += count;
    }
    json!(merged)
}
