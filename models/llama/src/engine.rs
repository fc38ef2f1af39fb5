//! The engine's thread: it loads the model, and owns it and the context.
//!
//! Leaves out the handle others hold, and serving it: `model` and `serve` have those.

use std::{
    fs::File,
    io::{self, BufReader, Read, Seek, SeekFrom},
    num::NonZeroU32,
    path::Path,
    sync::{
        Arc, OnceLock,
        mpsc::{Receiver, SyncSender},
    },
    thread,
};

use everstep_model::{Family, FamilyFrom, GENERIC, ModelCard, ModelEvent, ThoughtBegin, Traits};
use llama_cpp_2::{
    LogOptions,
    llama_backend::LlamaBackend,
    model::{LlamaModel as Weights, params::LlamaModelParams},
    send_logs_to_tracing,
};
use tokio::sync::mpsc::UnboundedSender;

use crate::{
    draft::{Counters, Drafts},
    evaluator::Evaluator,
    gguf::Gguf,
    grammar::Grammars,
    mailbox::Command,
    options::{
        CONTEXT_TOKENS_DEFAULT_MAX, EngineOptions, LoadFailure, LoadProgress, OnProgress, SEQUENCES_MAX,
    },
    sampled_log::SampledLog,
    serve::serve,
    snapshot::{ENGINE, Identity},
    snapshots::Snapshots,
    store::Store,
    template::Template,
    vocabulary::{Pieces, Vocabulary},
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

/// Files below this are small models: one thread is enough for them, and never spins.
const SMALL_FILE_BYTES: u64 = 100 * 1024 * 1024;
/// Bytes read at once for the digest.
const DIGEST_CHUNK_BYTES: usize = 1 << 20;
/// Part of the weights between two reports of progress.
const PROGRESS_STEP: f32 = 0.01;

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
    mut on_progress: OnProgress,
    loaded: &SyncSender<Result<Loaded, LoadFailure>>,
    commands: Receiver<Command>,
    events: UnboundedSender<ModelEvent>,
) -> Result<(), LoadFailure> {
    check_sequences(options)?;
    let chosen = options.family.as_deref().map(known_family).transpose()?;
    let sampled_log = SampledLog::open(options.sampled_log.as_deref()).map_err(LoadFailure::SampledLog)?;
    let source = Source::open(&options.path, &mut on_progress)?;
    let backend = backend(options.engine_log)?;
    let weights = Arc::new(source.weights(backend, &options.path, on_progress)?);
    let template_source = source.gguf.text(TEMPLATE_KEY).ok_or(LoadFailure::NoTemplate)?;
    let (family, family_from) = family_of(&source.gguf, &weights, template_source, chosen);

    let context_tokens = context_tokens(options.context_tokens, weights.n_ctx_train())?;
    let threads = options.threads.map_or_else(|| default_threads(source.bytes), u16::from);
    let evaluator = Evaluator::new(backend, &weights, context_tokens, options.sequences, i32::from(threads))
        .map_err(LoadFailure::Context)?;
    let vocabulary = Vocabulary::new(Arc::clone(&weights), family).map_err(LoadFailure::Vocabulary)?;
    let (bos, eos) = (token_text(&weights, true), token_text(&weights, false));
    let template = Template::new(template_source, family, bos, eos)
        .map_err(|error| LoadFailure::Template { family: family.name, error })?;
    let thought = template.thought();
    let grammars = Grammars::new(&vocabulary, family, thought)
        .map_err(|error| LoadFailure::Constraint(error.to_string()))?;

    let card = ModelCard {
        name: source.name(&options.path),
        family: family.name.to_owned(),
        family_from,
        workarounds: template.workarounds(),
        digest: source.digest,
        template_digest: template_digest(template_source, family, family_from),
        context_tokens: u32::try_from(evaluator.tokens_max()).unwrap_or(u32::MAX),
        parameters: Some(weights.n_params()),
        file_bytes: Some(source.bytes),
        quantization: source.quantization(),
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
    let pieces = Arc::clone(vocabulary.pieces());
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

/// The file, checked and digested.
struct Source {
    gguf: Gguf,
    bytes: u64,
    digest: [u8; 32],
}

/// Where a GGUF keeps its chat template.
const TEMPLATE_KEY: &str = "tokenizer.chat_template";

impl Source {
    fn open(path: &Path, on_progress: &mut OnProgress) -> Result<Self, LoadFailure> {
        let mut file = File::open(path).map_err(LoadFailure::File)?;
        let facts = file.metadata().map_err(LoadFailure::File)?;
        if !facts.is_file() {
            let error = io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file");
            return Err(LoadFailure::File(error));
        }
        let bytes = facts.len();
        let gguf = Gguf::read(BufReader::new(&file), bytes).map_err(LoadFailure::Gguf)?;
        if gguf.text(TEMPLATE_KEY).is_none() {
            return Err(LoadFailure::NoTemplate);
        }
        file.seek(SeekFrom::Start(0)).map_err(LoadFailure::File)?;
        let digest = digest(&mut file, bytes, on_progress).map_err(LoadFailure::File)?;
        Ok(Self { gguf, bytes, digest })
    }

    fn weights(
        &self,
        backend: &LlamaBackend,
        path: &Path,
        mut on_progress: OnProgress,
    ) -> Result<Weights, LoadFailure> {
        let mut told = -1.0_f32;
        let parameters = LlamaModelParams::default().with_progress_callback(move |part| {
            if part - told >= PROGRESS_STEP || part >= 1.0 {
                told = part;
                on_progress(LoadProgress::Weights(part));
            }
            true
        });
        Weights::load_from_file(backend, path, &parameters)
            .map_err(|_| LoadFailure::Refused { architecture: self.gguf.architecture().to_owned() })
    }

    fn name(&self, path: &Path) -> String {
        let named = self.gguf.text("general.name").filter(|name| !name.trim().is_empty());
        let stem = || path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        named.map(str::to_owned).or_else(stem).unwrap_or_default()
    }

    /// The name of `general.file_type`, for people.
    fn quantization(&self) -> String {
        let Some(kind) = self.gguf.number("general.file_type") else { return "unknown".to_owned() };
        let name = match kind {
            0 => "F32",
            1 => "F16",
            2 => "Q4_0",
            3 => "Q4_1",
            7 => "Q8_0",
            8 => "Q5_0",
            9 => "Q5_1",
            10 => "Q2_K",
            11..=13 => "Q3_K",
            14 | 15 => "Q4_K",
            16 | 17 => "Q5_K",
            18 => "Q6_K",
            32 => "BF16",
            _ => return format!("file type {kind}"),
        };
        name.to_owned()
    }
}

fn digest(file: &mut File, bytes: u64, on_progress: &mut OnProgress) -> io::Result<[u8; 32]> {
    let mut hasher = blake3::Hasher::new();
    let mut chunk = vec![0; DIGEST_CHUNK_BYTES];
    let mut done = 0_u64;
    loop {
        let read = file.read(&mut chunk)?;
        if read == 0 {
            return Ok(*hasher.finalize().as_bytes());
        }
        hasher.update(chunk.get(..read).unwrap_or_default());
        done = done.saturating_add(read as u64);
        on_progress(LoadProgress::Digest(done, bytes));
    }
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

fn known_family(name: &str) -> Result<&'static Family, LoadFailure> {
    Family::by_name(name).ok_or_else(|| LoadFailure::UnknownFamily { name: name.to_owned() })
}

/// The model's family, and how it was found.
fn family_of(
    gguf: &Gguf,
    weights: &Weights,
    template: &str,
    chosen: Option<&'static Family>,
) -> (&'static Family, FamilyFrom) {
    let has_token = |text: &str| weights.vocab().tokenize(text.as_bytes(), false, true).len() == 1;
    let traits = Traits { template, architecture: gguf.architecture(), has_token: &has_token };
    match (chosen, Family::detect(&traits)) {
        (Some(chosen), _) => (chosen, FamilyFrom::Chosen),
        (None, found) if found.name == GENERIC.name => (found, FamilyFrom::Assumed),
        (None, found) => (found, FamilyFrom::Detected),
    }
}

/// A run that began in one family is not gone on with in another, so a chosen one goes in.
fn template_digest(template: &str, family: &Family, from: FamilyFrom) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(template.as_bytes());
    if from == FamilyFrom::Chosen {
        hasher.update(b"\0family ").update(family.name.as_bytes());
    }
    *hasher.finalize().as_bytes()
}

fn context_tokens(asked: Option<NonZeroU32>, trained: u32) -> Result<NonZeroU32, LoadFailure> {
    let least = NonZeroU32::MIN;
    match asked {
        Some(asked) if asked.get() > trained => {
            Err(LoadFailure::ContextTokens { asked: asked.get(), trained })
        }
        Some(asked) => Ok(asked),
        None => Ok(NonZeroU32::new(trained.min(CONTEXT_TOKENS_DEFAULT_MAX)).unwrap_or(least)),
    }
}

/// libgomp's barriers spin, which collapses when threads outnumber free cores: one core is left free.
fn default_threads(file_bytes: u64) -> u16 {
    if file_bytes < SMALL_FILE_BYTES {
        return 1;
    }
    let cores = thread::available_parallelism().map_or(1, usize::from);
    u16::try_from(cores.saturating_sub(1).max(1)).unwrap_or(u16::MAX)
}

/// The text of the token that begins (or ends) a text, for templates that write it.
fn token_text(weights: &Weights, begins: bool) -> String {
    let vocab = weights.vocab();
    let token = if begins { vocab.bos() } else { vocab.eos() };
    if token.0 < 0 {
        return String::new();
    }
    String::from_utf8_lossy(&vocab.token_to_piece(token, true, None)).into_owned()
}
