//! Starts: after a kill, from nothing, and what is resident then.

use std::{
    fs::{self, File},
    path::Path,
};

use anyhow::{Context, Result};
use everstep_board_linux::clock::uptime;
use serde_json::json;

use crate::{
    files::{Files, ModelFile},
    ours::Ours,
    pairs::{self, Paired, Side},
    report::Row,
    server::Server,
    steps,
    tools::{self, Offer},
    worker::{Answer, Ask},
};

/// Sentences of a task that is a prompt of a thousand tokens with its tools.
const SENTENCES: usize = 36;
/// Bytes of a mebibyte, for people.
const MIB: f64 = 1_048_576.0;

/// The first new token of a process that goes on after a kill, behind a prompt of a thousand tokens: with a
/// snapshot of the cache, and evaluating it all. Goal: a tenth.
pub(crate) fn after_kill(files: &Files, threads: u16, count: usize) -> Result<Vec<Row>> {
    let model = files.large();
    let kept = tempfile::tempdir()?;
    let task = tools::task_of(SENTENCES);
    let mut first = Ours::start(&model, threads, Some(kept.path()), None)?;
    first.ask(&ask(task.clone(), 16, true))?;
    drop(first);
    let bytes =
        kept.path().read_dir()?.filter_map(|entry| entry.ok()?.metadata().ok()).map(|file| file.len());
    let bytes: u64 = bytes.sum();

    let next = format!("{task} Then log that it was logged.");
    let mut evaluated = (0, 0);
    let [bare, whole] = pairs::measure_several(count, |side| {
        let copy = tempfile::tempdir()?;
        let folder = match side {
            Side::Ours => {
                copy_files(kept.path(), copy.path())?;
                Some(copy.path())
            }
            Side::Theirs => None,
        };
        let (with_load_s, answer) = start(&model, threads, folder, &next)?;
        if side == Side::Ours {
            evaluated = (answer.prompt_tokens - answer.cached_tokens, answer.prompt_tokens);
        }
        Ok([answer.first_s * 1e3, with_load_s * 1e3])
    })?;
    let notes = json!({"prompt_tokens": evaluated.1, "evaluated": evaluated.0, "snapshot_bytes": bytes});
    let mut rows = vec![
        row("after a kill", &model, "the same without snapshots", "ratio <= 0.1", bare, notes.clone()),
        row("  with the load", &model, "the same without snapshots", "", whole, notes),
    ];
    // What a user of a server waits for, who has nothing kept.
    let paired = pairs::measure(count.div_ceil(2), |side| match side {
        Side::Ours => {
            let copy = tempfile::tempdir()?;
            copy_files(kept.path(), copy.path())?;
            Ok(start(&model, threads, Some(copy.path()), &next)?.0 * 1e3)
        }
        Side::Theirs => {
            let began = uptime();
            let server = Server::start(files, &model, threads, None)?;
            server.first_token(&next)?;
            Ok(uptime().saturating_sub(began).as_secs_f64() * 1e3)
        }
    })?;
    rows.push(row("  with the load", &model, "llama-server", "", paired, json!({})));
    Ok(rows)
}

/// From the start of a process to its first token behind a short prompt.
pub(crate) fn cold(files: &Files, threads: u16, count: usize) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for model in files.models() {
        let paired = pairs::measure(count.div_ceil(2), |side| {
            let began = uptime();
            match side {
                Side::Ours => return Ok(start(&model, threads, None, tools::TASK)?.0 * 1e3),
                Side::Theirs => Server::start(files, &model, threads, None)?.first_token(tools::TASK)?,
            }
            Ok(uptime().saturating_sub(began).as_secs_f64() * 1e3)
        })?;
        rows.push(row("cold start", &model, "llama-server", "", paired, json!({})));
    }
    let model = files.large();
    let paired = pairs::measure(count.div_ceil(3), |side| match side {
        Side::Ours => Ok(start(&model, threads, None, tools::TASK)?.0 * 1e3),
        Side::Theirs => Ok(steps::graph(files, &model, threads, 1)?.first_s * 1e3),
    })?;
    rows.push(row("cold start", &model, "langgraph, first step", "", paired, json!({})));
    Ok(rows)
}

/// What is resident behind one reply, beyond what llama.cpp reports for weights, cache and computing.
pub(crate) fn memory(files: &Files, model: &ModelFile, threads: u16) -> Result<Row> {
    let folder = tempfile::tempdir()?;
    let (our_log, their_log) = (folder.path().join("ours"), folder.path().join("theirs"));
    let mut ours = Ours::start(model, threads, None, Some(File::create(&our_log)?))?;
    ours.ask(&Ask { constrained: true, ..ask(tools::TASK.to_owned(), 64, false) })?;
    let our = ours.program.resident()?;
    let server = Server::start(files, model, threads, Some(File::create(&their_log)?))?;
    server.first_token(tools::TASK)?;
    let their = server.program.resident()?;
    let (our_buffers, their_buffers) = (buffers_mib(&our_log)?, buffers_mib(&their_log)?);
    #[expect(clippy::cast_precision_loss, reason = "memory is far below 2^52 bytes")]
    let mib = |bytes: u64| bytes as f64 / MIB;
    let goal = if model.name == "wren" { "everstep <= 15" } else { "" };
    let paired = Paired::of(&[(mib(our.all) - our_buffers, mib(their.all) - their_buffers)])?;
    Ok(Row {
        unit: "MiB",
        goal,
        notes: json!({
            "resident_mib": [mib(our.all), mib(their.all)], "anonymous_mib": [mib(our.anonymous), mib(their.anonymous)],
            "buffers_mib": [our_buffers, their_buffers],
        }),
        ..row("beyond the buffers", model, "llama-server", goal, paired, json!({}))
    })
}

/// Starts an engine and asks for one token. Seconds from before the start, and the answer.
fn start(model: &ModelFile, threads: u16, snapshots: Option<&Path>, task: &str) -> Result<(f64, Answer)> {
    let began = uptime();
    let mut ours = Ours::start(model, threads, snapshots, None)?;
    let loaded = uptime().saturating_sub(began).as_secs_f64();
    let answer = ours.ask(&ask(task.to_owned(), 1, false))?;
    Ok((loaded + answer.first_s, answer))
}

fn ask(task: String, tokens_max: u32, wait_for_snapshot: bool) -> Ask {
    Ask { task, tools: Offer::BuiltIn, constrained: false, tokens_max, run_tokens_max: 1, wait_for_snapshot }
}

fn copy_files(from: &Path, to: &Path) -> Result<()> {
    for entry in from.read_dir()? {
        let entry = entry?;
        fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(())
}

/// The buffers that llama.cpp's log tells of, in all.
fn buffers_mib(log: &Path) -> Result<f64> {
    let text = fs::read_to_string(log)?;
    let sizes = text.lines().filter_map(|line| {
        let (_, size) = line.split_once("buffer size =")?;
        size.split_whitespace().next()?.parse::<f64>().ok()
    });
    sizes.reduce(|all, size| all + size).context("llama.cpp's log tells of no buffers")
}

fn row(
    what: &'static str,
    model: &ModelFile,
    peer: &'static str,
    goal: &'static str,
    paired: Paired,
    notes: serde_json::Value,
) -> Row {
    Row { what, model: model.name, peer, unit: "ms", goal, paired, notes }
}
