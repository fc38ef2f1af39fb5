//! A step with its durability on: the agent asks the model, makes the call, keeps both, and goes on.
//!
//! Everstep with its journal on a file, and `LangGraph` with its SQLite checkpointer, both calling the same
//! tool with the same words. The first step evaluates the prompt's head and is left out.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    files::{Files, ModelFile},
    pairs::{self, Side, Spread},
    report::Row,
    tools::{self, Offer},
};

/// Steps of one run.
const STEPS: u32 = 8;
/// What `everstep run` ends with at a limit, here that of the steps.
const LIMIT_REACHED: i32 = 4;

/// What a run of an agent in `LangGraph` took.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct GraphRun {
    /// From the start of its process to the end of its first step.
    pub(crate) first_s: f64,
    steps_s: Vec<f64>,
    resident_bytes: u64,
    written_bytes: u64,
}

pub(crate) fn durable(files: &Files, threads: u16, count: usize) -> Result<Row> {
    let model = files.large();
    let (mut our_bytes, mut theirs) = (0.0, GraphRun::default());
    let paired = pairs::measure(count.div_ceil(3), |side| match side {
        Side::Ours => {
            let (steps_s, bytes_a_step) = everstep(files, &model, threads)?;
            our_bytes = bytes_a_step;
            Ok(Spread::of(&steps_s)?.median * 1e3)
        }
        Side::Theirs => {
            theirs = graph(files, &model, threads, STEPS)?;
            Ok(Spread::of(theirs.steps_s.get(1..).unwrap_or_default())?.median * 1e3)
        }
    })?;
    Ok(Row {
        what: "durable step",
        model: model.name,
        peer: "langgraph, llama-cpp-python",
        unit: "ms",
        goal: "",
        paired,
        notes: json!({
            "steps_a_run": STEPS,
            "bytes_a_step": [our_bytes, per_step(theirs.written_bytes)],
            "their_resident_bytes": theirs.resident_bytes,
        }),
    })
}

/// Seconds of each step after the first, and the journal's bytes a step.
fn everstep(files: &Files, model: &ModelFile, threads: u16) -> Result<(Vec<f64>, f64)> {
    let folder = tempfile::tempdir()?;
    let board = folder.path().join("agent.toml");
    fs::write(&board, board_file(model, threads))?;
    let status = command(files, &board).args(["run", tools::TASK]).status().context("everstep run")?;
    ensure!(status.code() == Some(LIMIT_REACHED), "everstep run ended with {status}");
    let output = command(files, &board).args(["journal", "--json"]).stdout(Stdio::piped()).output()?;
    let records = String::from_utf8(output.stdout)?;
    let mut called_ms = Vec::new();
    for line in records.lines() {
        let record: Value = serde_json::from_str(line)?;
        if record.get("kind").and_then(Value::as_str) == Some("called") {
            called_ms.push(record.get("mono_ms").and_then(Value::as_f64).context("a record without a time")?);
        }
    }
    let steps_s = called_ms.windows(2).filter_map(|pair| Some((pair.last()? - pair.first()?) / 1e3));
    let output = command(files, &board).args(["flash", "--json"]).stdout(Stdio::piped()).output()?;
    let flash: Value = serde_json::from_slice(&output.stdout)?;
    let bytes = flash.get("bytes_a_step").and_then(Value::as_f64);
    Ok((steps_s.collect(), bytes.context("`everstep flash --json` told no bytes a step")?))
}

fn command(files: &Files, board: &Path) -> Command {
    let mut command = Command::new(files.everstep());
    command.arg("--board").arg(board).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// A board without devices, whose agent has the built-in tools.
fn board_file(model: &ModelFile, threads: u16) -> String {
    format!(
        r#"[board]
name = "bench"
kind = "linux"
state_dir = "state"

[flash]
snapshot_records = 65_536

[model]
path = "{}"
threads = {threads}

[agent.bench]
system = "{}"
grants = ["log", "alert", "compare", "wait"]

[agent.bench.limits]
steps_max = {STEPS}
reply_tokens_max = 128
"#,
        model.path.display(),
        tools::SYSTEM
    )
}

/// Runs the agent in `LangGraph`.
pub(crate) fn graph(files: &Files, model: &ModelFile, threads: u16, steps: u32) -> Result<GraphRun> {
    let folder = tempfile::tempdir()?;
    let mut command = Command::new(files.python());
    command.arg(files.graph()).arg("--model").arg(&model.path).arg("--folder").arg(folder.path());
    command.args(["--threads", &threads.to_string(), "--steps", &steps.to_string()]);
    command.args(["--system", tools::SYSTEM, "--task", tools::TASK]);
    command.args(["--tools", &Offer::BuiltIn.functions().to_string(), "--call", Offer::BuiltIn.call().0]);
    command.env("LLAMA_CPP_LIB_PATH", files.libraries());
    let output = command.output().context("graph.py")?;
    if !output.status.success() {
        bail!("graph.py: {}", String::from_utf8_lossy(&output.stderr));
    }
    let run: GraphRun = serde_json::from_slice(&output.stdout)?;
    ensure!(run.steps_s.len() == steps as usize, "graph.py made {} of {steps} steps", run.steps_s.len());
    Ok(run)
}

#[expect(clippy::cast_precision_loss, reason = "bytes of one run are few")]
fn per_step(bytes: u64) -> f64 {
    bytes as f64 / f64::from(STEPS)
}
