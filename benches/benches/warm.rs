//! How soon does a new process say its first token, with a snapshot of the KV cache and without? A prompt
//! of about a thousand tokens, the bundled model, one thread; each way first in turn.
//!
//! `cargo bench --workspace --bench warm`, or `make bench`.

use std::{num::NonZeroU16, path::Path, time::Duration};

use anyhow::{Context, Result, bail};
use everstep_board_linux::clock::uptime;
use everstep_core::{ActivityId, GenerationId};
use everstep_model::{Constraint, Message, Model, ModelEvent, Request, Sampling, SnapshotFact};
use everstep_model_llama::{EngineOptions, LlamaModel, SnapshotOptions};

const PAIRS: usize = 10;
const SNAPSHOT_BYTES_MAX: u64 = 1 << 26;

/// What a start took and what it had to do.
struct Start {
    with_load: Duration,
    without_load: Duration,
    evaluated: u32,
    prompt: u32,
}

#[expect(clippy::print_stdout, reason = "the table is this program's result")]
fn main() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let folder = tempfile::tempdir()?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let first = request("log that the air is cold and read the fan, ".repeat(45));
    let (tokens, bytes, reply) = runtime.block_on(leave_snapshot(&root, folder.path(), &first))?;
    let mut next = first;
    next.messages.extend([reply, Message::Tool("done".to_owned())]);

    let (mut cold, mut warm) = (Vec::new(), Vec::new());
    for pair in 0..PAIRS {
        let order = if pair.is_multiple_of(2) { [false, true] } else { [true, false] };
        for keeps in order {
            let start = runtime.block_on(start(&root, keeps.then_some(folder.path()), next.clone()))?;
            if keeps { warm.push(start) } else { cold.push(start) }
        }
    }
    println!("snapshot of {tokens} tokens, {bytes} bytes; {PAIRS} pairs of new engines, one thread\n");
    println!(
        "{:<8} {:>9} {:>9} {:>22} {:>22}",
        "", "prompt", "evaluated", "first token, ms", "with the load, ms"
    );
    for (name, starts) in [("cold", &cold), ("warm", &warm)] {
        let last = starts.last().context("no start")?;
        let bare = median(starts.iter().map(|start| start.without_load)).context("no start")?;
        let whole = median(starts.iter().map(|start| start.with_load)).context("no start")?;
        println!("{name:<8} {:>9} {:>9} {bare:>22.1} {whole:>22.1}", last.prompt, last.evaluated);
    }
    Ok(())
}

fn request(task: String) -> Request {
    Request {
        activity: ActivityId(1),
        generation: GenerationId(1),
        redo: 0,
        seed: 1,
        messages: vec![Message::System("Be brief.".to_owned()), Message::User(task)],
        tools: Vec::new(),
        generated: Vec::new(),
        tokens_max: 24,
        run_tokens_max: 24,
        constraint: Constraint::Off,
        sampling: Sampling { temperature: 0.0, top_p: 1.0 },
    }
}

fn engine(root: &Path, folder: Option<&Path>) -> Result<LlamaModel> {
    let options = EngineOptions {
        threads: Some(NonZeroU16::MIN),
        snapshots: folder.map(|folder| SnapshotOptions {
            folder: folder.to_owned(),
            bytes_max: SNAPSHOT_BYTES_MAX,
            bytes_per_hour_max: SNAPSHOT_BYTES_MAX,
        }),
        ..EngineOptions::new(root.join("models/wren/wren.gguf"))
    };
    Ok(LlamaModel::load(options, Box::new(|_| {}))?)
}

/// Serves a request, and returns the tokens and bytes of the snapshot it leaves, and the reply.
async fn leave_snapshot(root: &Path, folder: &Path, request: &Request) -> Result<(u32, u64, Message)> {
    let mut model = engine(root, Some(folder))?;
    model.submit(request.clone());
    let (mut reply, mut written) = (Vec::new(), None);
    loop {
        match model.next_event().await {
            ModelEvent::Tokens { tokens, .. } => {
                reply.extend(tokens);
                model.accepted(request.activity, reply.len());
            }
            ModelEvent::Snapshot(SnapshotFact::Written { tokens, bytes, .. }) => {
                written = Some((tokens, bytes));
            }
            ModelEvent::Snapshot(SnapshotFact::NotWritten { reason }) => bail!("no snapshot: {reason}"),
            ModelEvent::Gone { reason } => bail!("the engine is gone: {reason}"),
            _ => {}
        }
        if let Some((tokens, bytes)) = written {
            let text = model.text(&reply);
            return Ok((tokens, bytes, Message::Assistant { tokens: reply, text }));
        }
    }
}

/// A new engine up to its first token.
async fn start(root: &Path, folder: Option<&Path>, request: Request) -> Result<Start> {
    let began = uptime();
    let mut model = engine(root, folder)?;
    let loaded = uptime();
    model.submit(Request { tokens_max: 2, run_tokens_max: 1, ..request });
    let (mut cached, mut prompt) = (0, 0);
    loop {
        match model.next_event().await {
            ModelEvent::Progress { cached: kept, total, .. } => (cached, prompt) = (kept, total),
            ModelEvent::Tokens { .. } => break,
            ModelEvent::Failed { reason, .. } | ModelEvent::Gone { reason } => bail!("no token: {reason}"),
            _ => {}
        }
    }
    let ended = uptime();
    Ok(Start {
        with_load: ended.saturating_sub(began),
        without_load: ended.saturating_sub(loaded),
        evaluated: prompt.saturating_sub(cached),
        prompt,
    })
}

/// In milliseconds.
fn median(times: impl Iterator<Item = Duration>) -> Option<f64> {
    let mut times: Vec<f64> = times.map(|time| time.as_secs_f64() * 1e3).collect();
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied()
}
