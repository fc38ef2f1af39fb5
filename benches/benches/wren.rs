//! How fast is the bundled model, through the engine as a run uses it? Load time, and tokens a second
//! of prompts and of replies, held to their schemas and free, on one thread.
//!
//! `cargo bench --workspace --bench wren`, or `make bench`. `EVERSTEP_WREN` names another GGUF.

use std::{
    env,
    num::NonZeroU16,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use everstep_board_linux::clock::uptime;
use everstep_eval::{Case, End, Runner, Settings, Timing};
use everstep_model::Constraint;
use everstep_model_llama::{EngineOptions, LlamaModel};
use serde_json::{Value, json};

/// Loads, and pairs of rounds: each plays every case once constrained and once free.
const ROUNDS: usize = 12;
const REPLY_TOKENS_MAX: u32 = 128;

/// One figure: a value for each round.
struct Figure {
    name: &'static str,
    unit: &'static str,
    values: Vec<f64>,
}

#[expect(clippy::print_stdout, reason = "the table is this program's result")]
fn main() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let model = match env::var_os("EVERSTEP_WREN") {
        Some(path) => PathBuf::from(path),
        None => root.join("models/wren/wren.gguf"),
    };
    let cases = everstep_eval::read(&root.join("board/coldroom/cases.jsonl"))?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let (loads, runners) = load(&model)?;
    let (prompts, [constrained, free]) = runtime.block_on(measure(&cases, runners))?;
    let figures = [
        Figure { name: "load", unit: "ms", values: loads },
        Figure { name: "prompt", unit: "tokens/s", values: prompts },
        Figure { name: "reply, held to schemas", unit: "tokens/s", values: constrained },
        Figure { name: "reply, free", unit: "tokens/s", values: free },
    ];
    println!("{} cases of the cold room, {ROUNDS} rounds, one thread\n", cases.len());
    println!("{:<24} {:>10} {:>10} {:>10}", "", "median", "least", "most");
    for figure in &figures {
        let [median, least, most] = spread(&figure.values).context("no round")?;
        println!("{:<24} {median:>10.1} {least:>10.1} {most:>10.1} {}", figure.name, figure.unit);
    }
    write(&root, &figures)
}

/// Loads the model again and again; keeps the last two, one for each way.
fn load(path: &Path) -> Result<(Vec<f64>, [Runner; 2])> {
    let mut loads = Vec::new();
    let mut runner = |constraint| -> Result<Runner> {
        let options = EngineOptions { threads: Some(NonZeroU16::MIN), ..EngineOptions::new(path) };
        let began = uptime();
        let model = LlamaModel::load(options, Box::new(|_| {}))?;
        loads.push(uptime().saturating_sub(began).as_secs_f64() * 1e3);
        let settings = Settings { constraint, reply_tokens_max: REPLY_TOKENS_MAX };
        Ok(Runner::new(Box::new(model), settings, Box::new(uptime)))
    };
    for _ in 0..ROUNDS {
        drop(runner(Constraint::Calls)?);
    }
    let kept = [runner(Constraint::Calls)?, runner(Constraint::Off)?];
    Ok((loads, kept))
}

/// Plays the cases in rounds, each way first in turn; returns tokens a second of prompts, and of
/// replies each way.
async fn measure(cases: &[Case], mut runners: [Runner; 2]) -> Result<(Vec<f64>, [Vec<f64>; 2])> {
    let (mut prompts, mut replies) = (Vec::new(), [Vec::new(), Vec::new()]);
    // The first round warms up: grammars are compiled, caches filled.
    for round in 0..=ROUNDS {
        let order = if round.is_multiple_of(2) { [0, 1] } else { [1, 0] };
        for way in order {
            let runner = runners.get_mut(way).context("a runner")?;
            let timing = play(cases, runner).await?;
            if round > 0 {
                prompts.extend(timing.prompt_tokens_per_s());
                replies.get_mut(way).context("a list")?.extend(timing.reply_tokens_per_s());
            }
        }
    }
    Ok((prompts, replies))
}

async fn play(cases: &[Case], runner: &mut Runner) -> Result<Timing> {
    let mut sum = Timing::default();
    for case in cases {
        let played = runner.play(case).await?;
        let is_played = !matches!(played.end, End::Refused(_) | End::TooLong { .. });
        ensure!(is_played, "{}: {:?}", case.id, played.end);
        sum.prompt_tokens += played.timing.prompt_tokens;
        sum.prompt += played.timing.prompt;
        sum.reply_tokens += played.timing.reply_tokens;
        sum.reply += played.timing.reply;
    }
    ensure!(sum.reply > Duration::ZERO, "no reply took any time");
    Ok(sum)
}

/// Median, least and most.
fn spread(values: &[f64]) -> Option<[f64; 3]> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let upper = *sorted.get(middle)?;
    let lower = if sorted.len().is_multiple_of(2) { *sorted.get(middle.checked_sub(1)?)? } else { upper };
    Some([f64::midpoint(lower, upper), *sorted.first()?, *sorted.last()?])
}

fn write(root: &Path, figures: &[Figure]) -> Result<()> {
    let rows: Vec<Value> = figures
        .iter()
        .map(|figure| {
            json!({
                "name": figure.name,
                "unit": figure.unit,
                "median": spread(&figure.values).map(|[median, ..]| median),
                "values": figure.values,
            })
        })
        .collect();
    let folder = root.join("target/bench");
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("wren.json"), format!("{:#}\n", json!({"threads": 1, "rows": rows})))?;
    Ok(())
}
