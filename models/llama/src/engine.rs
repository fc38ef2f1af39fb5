//! The engine's thread: it loads the model, and owns it and the context.
//!
//! Leaves out the handle others hold, and serving it: `model` and `serve` have those.

use std::{
    sync::{
        Arc, OnceLock,
        mpsc::{Receiver, SyncSender},
    },
    thread::{self, ScopedJoinHandle},
};

use everstep_model::{Family, ModelCard, ModelEvent, ThoughtBegin};
use llama_cpp_2::{
    LogOptions, llama_backend::LlamaBackend, model::LlamaModel as Weights, send_logs_to_tracing,
};
use tokio::sync::mpsc::UnboundedSender;

use crate::{
    draft::{Counters, Drafts},
    evaluator::Evaluator,
    grammar::Grammars,
    mailbox::Command,
    options::{EngineOptions, LoadFailure, OnProgress, SEQUENCES_MAX},
    sampled_log::SampledLog,
    serve::serve,
    snapshot::{ENGINE, Identity},
    snapshots::Snapshots,
    source::{Progress, Source},
    speech::{Speech, known_family},
    store::Store,
    vocabulary::Pieces,
    workshop::Workshop,
};

/// What the thread reports once, when it has loaded.
pub(crate) struct Loaded {
    pub(crate) card: ModelCard,
    pub(crate) pieces: Arc<Pieces>,
    pub(crate) family: &'static Family,
    pub(crate) thought: ThoughtBegin,
    pub(crate) draft_counts: Arc<Counters>,
}

/// Runs the engine until the handle is gone.
pub(crate) fn run(
    options: &EngineOptions,
    on_progress: OnProgress,
    loaded: &SyncSender<Result<Loaded, LoadFailure>>,
    commands: Receiver<Command>,
    events: UnboundedSender<ModelEvent>,
) {
    if let Err(failure) = load_and_serve(options, on_progress, loaded, commands, events) {
        // The caller may be gone by now; then nobody is left to be told.
        let _ = loaded.send(Err(failure));
    }
}

fn load_and_serve(
    options: &EngineOptions,
    on_progress: OnProgress,
    loaded: &SyncSender<Result<Loaded, LoadFailure>>,
    commands: Receiver<Command>,
    events: UnboundedSender<ModelEvent>,
) -> Result<(), LoadFailure> {
    check_sequences(options)?;
    let chosen = options.family.as_deref().map(known_family).transpose()?;
    let sampled_log = SampledLog::open(options.sampled_log.as_deref()).map_err(LoadFailure::SampledLog)?;
    let source = Source::open(options)?;
    let backend = backend(options.engine_log)?;
    let weights = OnceLock::new();
    let parts = load(&source, backend, &weights, options.sequences, chosen, on_progress)?;
    let Parts { digest, speech, grammars, evaluator } = parts;

    let card = ModelCard {
        context_tokens: u32::try_from(evaluator.tokens_max()).unwrap_or(u32::MAX),
        ..source.card(digest, &speech)
    };
    let identity = Identity {
        model: card.digest,
        template: card.template_digest,
        tools: [0; 32],
        engine: ENGINE.to_owned(),
        kv_type: evaluator.kv_type(),
        context_tokens: card.context_tokens,
    };
    let snapshots = options
        .snapshots
        .as_ref()
        .map(|options| {
            let store = Store::open(&options.folder, options.bytes_max)?;
            Snapshots::new(store, identity, options.bytes_per_hour_max, events.clone())
        })
        .transpose()
        .map_err(LoadFailure::Snapshots)?;
    let Speech { family, vocabulary, template, .. } = speech;
    let (pieces, thought) = (Arc::clone(vocabulary.pieces()), template.thought());
    let draft_counts = Arc::new(Counters::default());
    let drafts = Drafts::new(options.drafting, Arc::clone(&draft_counts));
    if loaded.send(Ok(Loaded { card, pieces, family, thought, draft_counts })).is_ok() {
        serve(
            Workshop { template, vocabulary, grammars, evaluator, drafts, sampled_log, snapshots, events },
            commands,
        );
    }
    Ok(())
}

/// What is made ready side by side.
struct Parts<'w> {
    digest: [u8; 32],
    speech: Speech,
    grammars: Grammars,
    evaluator: Evaluator<'w>,
}

/// Reads the weights while a second thread digests the file, then sets up the context while another makes
/// ready how the model is spoken to.
fn load<'w>(
    source: &Source,
    backend: &'static LlamaBackend,
    weights: &'w OnceLock<Arc<Weights>>,
    sequences: u16,
    chosen: Option<&'static Family>,
    on_progress: OnProgress,
) -> Result<Parts<'w>, LoadFailure> {
    let progress = Arc::new(Progress::new(on_progress));
    thread::scope(|scope| {
        let digest = scope.spawn(|| source.digest(&progress));
        let loaded = Arc::new(source.weights(backend, Arc::clone(&progress))?);
        let weights = weights.get_or_init(|| loaded);
        let speech = scope.spawn(|| {
            let speech = Speech::new(source, Arc::clone(weights), chosen)?;
            let grammars = speech.grammars()?;
            Ok((speech, grammars))
        });
        let threads = source.threads.into();
        let evaluator = Evaluator::new(backend, weights, source.context_tokens, sequences, threads)
            .map_err(LoadFailure::Context)?;
        let (speech, grammars) = joined(speech)??;
        Ok(Parts { digest: joined(digest)??, speech, grammars, evaluator })
    })
}

/// What a thread came to; one that panicked ends the load, not the process.
fn joined<T>(thread: ScopedJoinHandle<'_, T>) -> Result<T, LoadFailure> {
    thread.join().map_err(|_| LoadFailure::Engine("a thread that was loading ended".to_owned()))
}

/// What the model is, without its weights: only the head and the vocabulary are read, and the whole file
/// for its digest.
pub(crate) fn describe(options: &EngineOptions, on_progress: OnProgress) -> Result<ModelCard, LoadFailure> {
    let chosen = options.family.as_deref().map(known_family).transpose()?;
    let source = Source::open(options)?;
    let model = Arc::new(source.vocabulary(backend(options.engine_log)?)?);
    let speech = Speech::new(&source, model, chosen)?;
    let digest = source.digest(&Progress::of_digest(on_progress))?;
    Ok(source.card(digest, &speech))
}

/// The one backend of the process. It is never torn down: another engine may come.
pub(crate) fn backend(engine_log: bool) -> Result<&'static LlamaBackend, LoadFailure> {
    static BACKEND: OnceLock<Result<LlamaBackend, String>> = OnceLock::new();
    let backend = BACKEND.get_or_init(|| {
        send_logs_to_tracing(LogOptions::default().with_logs_enabled(engine_log));
        LlamaBackend::init().map_err(|error| error.to_string())
    });
    backend.as_ref().map_err(|reason| LoadFailure::Engine(reason.clone()))
}

/// Several generations need sequences, and snapshots are of one.
const fn check_sequences(options: &EngineOptions) -> Result<(), LoadFailure> {
    let asked = options.sequences;
    if asked == 0 || asked > SEQUENCES_MAX {
        return Err(LoadFailure::Sequences { asked });
    }
    if asked > 1 && options.snapshots.is_some() { Err(LoadFailure::SnapshotsOfSeveral) } else { Ok(()) }
}
