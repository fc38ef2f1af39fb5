//! What an engine is set up with, and why that may fail.

use std::{
    fmt, io,
    num::{NonZeroU16, NonZeroU32},
    path::PathBuf,
};

use everstep_model::{Family, Memory};

use crate::{draft::Drafting, gguf::GgufError, template::TemplateError, vocabulary::VocabularyError};

/// How a model is loaded.
#[derive(Clone, Debug)]
pub struct EngineOptions {
    /// The GGUF file.
    pub path: PathBuf,
    /// Tokens of context; by default what the model was trained for, at most
    /// [`CONTEXT_TOKENS_DEFAULT_MAX`].
    pub context_tokens: Option<NonZeroU32>,
    /// Threads that compute; by default one for a small file, else as many as cores are free.
    /// With one thread libgomp never spins; see [`crate::exec_with_passive_openmp`] for more.
    pub threads: Option<NonZeroU16>,
    /// Cores that nobody else uses, as far as the caller can tell; by default one less than the process
    /// may use.
    pub cores_free: Option<NonZeroU16>,
    /// MiB the model may take as a whole, by an estimate before anything is loaded; without a limit by
    /// default.
    pub memory_mb_max: Option<NonZeroU32>,
    /// A file that gets a line `generation position token kind` for every token, before anybody learns
    /// of it; kind is `sampled`, `forced` or `end`. Survives a kill of the process.
    pub sampled_log: Option<PathBuf>,
    /// Where and how much of what was evaluated is kept for the next process; nowhere by default.
    pub snapshots: Option<SnapshotOptions>,
    /// The family the model is spoken to in, by name; by default what its file tells.
    pub family: Option<String>,
    /// Generations that go on at once, from 1 to [`SEQUENCES_MAX`]; 1 by default. Each has
    /// `context_tokens` of its own, so memory for the context grows with them.
    pub sequences: u16,
    /// Whether tokens that repeat are evaluated ahead of being drawn; by default they are.
    pub drafting: Drafting,
    /// Sends llama.cpp's own log lines to `tracing`; the first engine of a process decides.
    pub engine_log: bool,
}

impl EngineOptions {
    /// The defaults for the file at `path`.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            context_tokens: None,
            threads: None,
            cores_free: None,
            memory_mb_max: None,
            sampled_log: None,
            snapshots: None,
            family: None,
            sequences: 1,
            drafting: Drafting::default(),
            engine_log: false,
        }
    }
}

/// Snapshots of the KV cache: after a kill or a cut, only what they do not hold is evaluated.
///
/// They hold what the prompt says, unsealed. Two are kept, beside one that is being written.
#[derive(Clone, Debug)]
pub struct SnapshotOptions {
    /// A folder for them alone; made where it is missing. Each agent needs its own.
    pub folder: PathBuf,
    /// Largest file that is written or read.
    pub bytes_max: u64,
    /// Bytes written in an hour at most, because flash wears.
    pub bytes_per_hour_max: u64,
}

/// Tokens of context that are set up when nobody asks for a number.
pub const CONTEXT_TOKENS_DEFAULT_MAX: u32 = 4096;

/// Most generations of an engine at once.
pub const SEQUENCES_MAX: u16 = 8;

/// How far loading is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LoadProgress {
    /// The file's digest is computed; bytes read and in all.
    Digest(u64, u64),
    /// The weights are read; from 0 to 1.
    Weights(f32),
}

/// Told how far loading is, on the engine's thread.
pub type OnProgress = Box<dyn FnMut(LoadProgress) + Send>;

/// Why a model is not loaded. Every message names the file.
#[derive(Debug, thiserror::Error)]
#[error("model {}: {reason}", path.display())]
pub struct LoadError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub reason: LoadFailure,
}

/// What keeps a model from being loaded.
#[derive(Debug)]
#[non_exhaustive]
pub enum LoadFailure {
    /// The file can't be opened or read.
    File(io::Error),
    /// The file is no whole GGUF.
    Gguf(GgufError),
    /// llama.cpp refuses the model.
    Refused {
        /// The architecture the file names.
        architecture: String,
    },
    /// The file brings no chat template, so nobody knows how to talk to it.
    NoTemplate,
    /// There is no family of that name.
    UnknownFamily {
        /// The name asked for.
        name: String,
    },
    /// The chat template can't be used.
    Template {
        /// The family it was tried as.
        family: &'static str,
        /// What it does.
        error: TemplateError,
    },
    /// The vocabulary can't be used.
    Vocabulary(VocabularyError),
    /// More context than the model was trained for.
    ContextTokens {
        /// Asked for.
        asked: u32,
        /// Trained for.
        trained: u32,
    },
    /// It would take more memory than it may.
    Memory {
        /// What it would take.
        memory: Box<Memory>,
        /// Tokens of context it would be set up with.
        context_tokens: u32,
        /// MiB it may take.
        mb_max: u32,
    },
    /// There is a limit, and nobody knows whether the model would keep it.
    MemoryUnknown {
        /// The architecture the file names.
        architecture: String,
        /// MiB it may take.
        mb_max: u32,
    },
    /// More generations at once than an engine has, or none.
    Sequences {
        /// Asked for.
        asked: u16,
    },
    /// Snapshots are of one agent, and several would use the engine.
    SnapshotsOfSeveral,
    /// llama.cpp can't set up the context.
    Context(String),
    /// The constraint's compiler can't be set up.
    Constraint(String),
    /// The file of sampled positions can't be opened.
    SampledLog(io::Error),
    /// The folder of snapshots can't be used.
    Snapshots(io::Error),
    /// The engine's thread or llama.cpp itself can't start.
    Engine(String),
}

impl fmt::Display for LoadFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(error) => write!(f, "can't be read: {error}"),
            Self::Gguf(error) => error.fmt(f),
            Self::Refused { architecture } => {
                write!(f, "llama.cpp refuses it; is its architecture `{architecture}` one it knows?")
            }
            Self::NoTemplate => {
                f.write_str("it has no chat template (tokenizer.chat_template); use an instruct model")
            }
            Self::UnknownFamily { name } => {
                write!(f, "there is no model family `{name}`; known are {}", Family::names())
            }
            Self::Template { family, error } => write!(f, "as a model of the family `{family}`: {error}"),
            Self::Vocabulary(error) => error.fmt(f),
            Self::ContextTokens { asked, trained } => {
                write!(f, "a context of {asked} tokens is asked for, and it was trained for {trained}")
            }
            Self::Memory { memory, context_tokens, mb_max } => {
                write_too_much(f, memory, *context_tokens, *mb_max)
            }
            Self::MemoryUnknown { architecture, mb_max } => write!(
                f,
                "`model.memory_mb_max` allows {mb_max} MiB, and what context takes in the architecture `{architecture}` is not known; without that key it is not checked"
            ),
            Self::Sequences { asked } => {
                write!(f, "{asked} generations at once are asked for; 1 to {SEQUENCES_MAX} can be")
            }
            Self::SnapshotsOfSeveral => f.write_str(
                "snapshots are of one agent; they can't be kept where several generations go on at once",
            ),
            Self::Context(reason) => write!(f, "no context can be set up: {reason}"),
            Self::Constraint(reason) => write!(f, "calls can't be constrained: {reason}"),
            Self::SampledLog(error) => write!(f, "its log of sampled tokens can't be opened: {error}"),
            Self::Snapshots(error) => write!(f, "its folder of snapshots can't be used: {error}"),
            Self::Engine(reason) => write!(f, "the engine does not start: {reason}"),
        }
    }
}

/// Says what takes how much, and what would take less.
fn write_too_much(
    f: &mut fmt::Formatter<'_>,
    memory: &Memory,
    context_tokens: u32,
    mb_max: u32,
) -> fmt::Result {
    write!(f, "it would take about {} MiB", mebibytes(memory.total().unwrap_or(u64::MAX)))?;
    let parts = memory.parts().into_iter().filter_map(|(name, bytes)| Some((name, bytes?)));
    for (number, (name, bytes)) in parts.filter(|(_, bytes)| *bytes > 0).enumerate() {
        write!(f, "{}{name} {}", if number == 0 { " (" } else { ", " }, mebibytes(bytes))?;
    }
    write!(f, "), and `model.memory_mb_max` allows {mb_max}; ")?;
    if memory.kv_token.is_some_and(|bytes| bytes > 0) {
        let thousand = mebibytes(memory.kv_token.unwrap_or_default().saturating_mul(1000));
        write!(
            f,
            "a smaller `model.context_tokens_max` takes less, {thousand} MiB for every 1000 of {context_tokens} tokens, and so does "
        )?;
    } else {
        f.write_str("less is taken by ")?;
    }
    f.write_str("a smaller quantization")
}

/// Rounded up, so that no part is nothing.
const fn mebibytes(bytes: u64) -> u64 {
    bytes.div_ceil(1 << 20)
}
