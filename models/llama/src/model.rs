//! The handle of an engine: the `Model` the driver talks to.
//!
//! Leaves out all work: it happens on the engine's thread, behind two channels.

use std::{
    sync::{
        Arc,
        mpsc::{SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
};

use everstep_core::{ActivityId, TokenId};
use everstep_model::{
    Family, Model, ModelCard, ModelEvent, NextEvent, Reply, Request, ThoughtBegin, ToolDefinition,
    ToolsRefused,
};
use tokio::sync::mpsc::{self, UnboundedReceiver};

use crate::{
    draft::{Counters, DraftCounts},
    engine::{self, Loaded},
    mailbox::Command,
    options::{EngineOptions, LoadError, LoadFailure, OnProgress},
    vocabulary::Pieces,
};

/// A model loaded by llama.cpp, on a thread of its own.
pub struct LlamaModel {
    card: ModelCard,
    family: &'static Family,
    thought: ThoughtBegin,
    pieces: Arc<Pieces>,
    draft_counts: Arc<Counters>,
    generations_max: usize,
    commands: Option<SyncSender<Command>>,
    events: UnboundedReceiver<ModelEvent>,
    thread: Option<JoinHandle<()>>,
}

/// Commands that may wait. The engine looks between chunks, so a full channel means a short wait.
const COMMANDS_MAX: usize = 64;

impl LlamaModel {
    /// Loads a model, which takes from milliseconds to minutes; `on_progress` is told how far it is.
    ///
    /// # Errors
    ///
    /// [`LoadError`] names the file and what is wrong with it. A file that llama.cpp would stumble over
    /// is found before.
    pub fn load(options: EngineOptions, on_progress: OnProgress) -> Result<Self, LoadError> {
        let path = options.path.clone();
        Self::start(options, on_progress).map_err(|reason| LoadError { path, reason })
    }

    /// What the model at `options.path` is, without loading its weights.
    ///
    /// # Errors
    ///
    /// [`LoadError`], mostly where [`LlamaModel::load`] has it, too. Weights that llama.cpp refuses are not
    /// found.
    pub fn describe(options: &EngineOptions, on_progress: OnProgress) -> Result<ModelCard, LoadError> {
        let path = options.path.clone();
        engine::describe(options, on_progress).map_err(|reason| LoadError { path, reason })
    }

    fn start(options: EngineOptions, on_progress: OnProgress) -> Result<Self, LoadFailure> {
        let (commands, to_engine) = sync_channel(COMMANDS_MAX);
        let (from_engine, events) = mpsc::unbounded_channel();
        let (report, loaded) = sync_channel(1);
        let generations_max = usize::from(options.sequences);
        let thread = thread::Builder::new()
            .name("everstep-model".to_owned())
            .spawn(move || engine::run(&options, on_progress, &report, to_engine, from_engine))
            .map_err(|error| LoadFailure::Engine(error.to_string()))?;
        let Loaded { card, pieces, family, thought, draft_counts } =
            loaded.recv().map_err(|_| LoadFailure::Engine("its thread ended while loading".to_owned()))??;
        let (commands, thread) = (Some(commands), Some(thread));
        Ok(Self { card, family, thought, pieces, draft_counts, generations_max, commands, events, thread })
    }

    /// How often tokens were evaluated ahead of being drawn, and how often that was right.
    #[must_use]
    pub fn draft_counts(&self) -> DraftCounts {
        self.draft_counts.read()
    }

    fn tell(&self, command: Command) {
        // An engine that is gone says so through `next_event`.
        if let Some(commands) = &self.commands {
            let _ = commands.send(command);
        }
    }
}

impl Model for LlamaModel {
    fn card(&self) -> &ModelCard {
        &self.card
    }

    fn check_tools(&mut self, tools: &[ToolDefinition]) -> Result<(), ToolsRefused> {
        let (answer, checked) = sync_channel(1);
        self.tell(Command::CheckTools { tools: tools.to_vec(), answer });
        let checked = checked.recv().unwrap_or_else(|_| Err("the engine is gone".to_owned()));
        checked.map_err(|reason| ToolsRefused { reason })
    }

    fn generations_max(&self) -> usize {
        self.generations_max
    }

    fn submit(&mut self, request: Request) {
        self.tell(Command::Submit(Box::new(request)));
    }

    fn accepted(&mut self, activity: ActivityId, tokens: usize) {
        self.tell(Command::Accepted { activity, tokens });
    }

    fn cancel(&mut self, activity: ActivityId) {
        self.tell(Command::Cancel(activity));
    }

    fn next_event(&mut self) -> NextEvent<'_> {
        Box::pin(async {
            let event = self.events.recv().await;
            event.unwrap_or_else(|| ModelEvent::Gone { reason: "the engine's thread ended".to_owned() })
        })
    }

    fn text(&self, tokens: &[TokenId]) -> String {
        self.pieces.text(tokens)
    }

    fn parse(&self, text: &str, tools: &[ToolDefinition]) -> Reply {
        self.family.parse(text, self.thought, tools)
    }
}

impl Drop for LlamaModel {
    /// Waits for the engine to let go of the model, at most one chunk's time.
    fn drop(&mut self) {
        self.commands = None;
        self.events.close();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests;
