//! Everstep's engine in a process of its own, so that its memory and its starts are its own: a line of JSON
//! in, a line of JSON out. llama.cpp's log goes to stderr.

use std::{
    fs,
    io::{self, BufRead, Write},
    num::NonZeroU16,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use everstep_board_linux::clock::uptime;
use everstep_core::{ActivityId, GenerationId};
use everstep_model::{Constraint, Message, Model, ModelEvent, Request, Sampling, SnapshotFact};
use everstep_model_llama::{EngineOptions, LlamaModel, SnapshotOptions};
use serde::{Deserialize, Serialize};

use crate::tools::{self, Offer};

/// Its first argument.
pub(crate) const NAME: &str = "worker";

/// What is asked of the engine.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Ask {
    pub(crate) task: String,
    pub(crate) tools: Offer,
    /// Whether the reply is held to the tools' schemas.
    pub(crate) constrained: bool,
    pub(crate) tokens_max: u32,
    /// Tokens that are handed over at once.
    pub(crate) run_tokens_max: u32,
    /// Whether a snapshot of the cache is waited for behind the reply.
    pub(crate) wait_for_snapshot: bool,
}

/// What came of it. Times are seconds since the question.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Answer {
    pub(crate) text: String,
    pub(crate) tokens: u32,
    /// Those of them that the grammar forced.
    pub(crate) forced: usize,
    pub(crate) prompt_tokens: u32,
    pub(crate) cached_tokens: u32,
    pub(crate) first_tokens: u32,
    pub(crate) first_s: f64,
    pub(crate) last_s: f64,
}

const SNAPSHOT_BYTES_MAX: u64 = 1 << 30;

/// Serves questions until there are no more. Arguments: model, threads, and a folder for snapshots if they
/// are kept.
pub(crate) fn serve(mut arguments: impl Iterator<Item = String>) -> Result<()> {
    tracing_subscriber::fmt().with_writer(io::stderr).with_ansi(false).init();
    let path = PathBuf::from(arguments.next().context("no model")?);
    let threads = arguments.next().context("no threads")?.parse::<NonZeroU16>()?;
    let snapshots = arguments.next().map(|folder| SnapshotOptions {
        folder: folder.into(),
        bytes_max: SNAPSHOT_BYTES_MAX,
        bytes_per_hour_max: u64::MAX,
    });
    let folder = tempfile::tempdir()?;
    let log = folder.path().join("sampled");
    let options = EngineOptions {
        threads: Some(threads),
        snapshots,
        sampled_log: Some(log.clone()),
        engine_log: true,
        ..EngineOptions::new(path)
    };
    let mut model = LlamaModel::load(options, Box::new(|_| {}))?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let mut out = io::stdout();
    writeln!(out, "{{}}")?;
    for (number, line) in (1_u64..).zip(io::stdin().lock().lines()) {
        let ask: Ask = serde_json::from_str(&line?)?;
        let before = forced(&log)?;
        let mut answer = runtime.block_on(answer(&mut model, ActivityId(number), &ask))?;
        answer.forced = forced(&log)? - before;
        writeln!(out, "{}", serde_json::to_string(&answer)?)?;
    }
    Ok(())
}

/// Tokens that were forced so far.
fn forced(log: &Path) -> Result<usize> {
    Ok(fs::read_to_string(log)?.lines().filter(|line| line.ends_with(" forced")).count())
}

async fn answer(model: &mut LlamaModel, activity: ActivityId, ask: &Ask) -> Result<Answer> {
    let began = uptime();
    model.submit(request(activity, ask));
    let mut answer = Answer::default();
    let mut reply = Vec::new();
    loop {
        let event = model.next_event().await;
        let now = seconds(uptime().saturating_sub(began));
        let ended = match event {
            ModelEvent::Progress { cached, total, .. } => {
                (answer.cached_tokens, answer.prompt_tokens) = (cached, total);
                continue;
            }
            ModelEvent::Tokens { tokens, end, .. } => {
                reply.extend(tokens);
                model.accepted(activity, reply.len());
                answer.tokens = u32::try_from(reply.len())?;
                answer.last_s = now;
                if answer.first_tokens == 0 {
                    (answer.first_tokens, answer.first_s) = (answer.tokens, now);
                }
                end.is_some()
            }
            // Free text of random weights has no end but its limit.
            ModelEvent::Failed { .. } if answer.tokens == ask.tokens_max => true,
            ModelEvent::Failed { reason, .. } | ModelEvent::Gone { reason } => bail!("no reply: {reason}"),
            ModelEvent::Snapshot(SnapshotFact::NotWritten { reason }) => bail!("no snapshot: {reason}"),
            _ => false,
        };
        if ended {
            break;
        }
    }
    if ask.wait_for_snapshot {
        written(model).await?;
    }
    answer.text = model.text(&reply);
    Ok(answer)
}

/// Waits until a snapshot is on disk.
async fn written(model: &mut LlamaModel) -> Result<()> {
    loop {
        match model.next_event().await {
            ModelEvent::Snapshot(SnapshotFact::Written { .. }) => return Ok(()),
            ModelEvent::Snapshot(SnapshotFact::NotWritten { reason }) => bail!("no snapshot: {reason}"),
            ModelEvent::Gone { reason } => bail!("the engine is gone: {reason}"),
            _ => {}
        }
    }
}

fn request(activity: ActivityId, ask: &Ask) -> Request {
    Request {
        activity,
        generation: GenerationId(1),
        redo: 0,
        seed: 1,
        messages: vec![Message::System(tools::SYSTEM.to_owned()), Message::User(ask.task.clone())],
        tools: ask.tools.definitions(),
        generated: Vec::new(),
        tokens_max: ask.tokens_max,
        run_tokens_max: ask.run_tokens_max,
        constraint: if ask.constrained { Constraint::Calls } else { Constraint::Off },
        sampling: Sampling { temperature: 0.0, top_p: 1.0 },
    }
}

fn seconds(time: Duration) -> f64 {
    time.as_secs_f64()
}
