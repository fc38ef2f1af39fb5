//! The model's file: checked, weighed and digested before and while llama.cpp reads it.
//!
//! Leaves out what the model says and how it is computed.

use std::{
    fs::File,
    io::{self, BufReader, Read},
    num::{NonZeroU16, NonZeroU32},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use everstep_model::{FamilyFrom, Memory, ModelCard};
use llama_cpp_2::{
    llama_backend::LlamaBackend,
    model::{LlamaModel as Weights, params::LlamaModelParams},
};

use crate::{
    gguf::Gguf,
    memory::{self, Setup},
    options::{CONTEXT_TOKENS_DEFAULT_MAX, EngineOptions, LoadFailure, LoadProgress, OnProgress},
    speech::Speech,
};

/// The file, whose head was read and checked.
pub(crate) struct Source {
    pub(crate) gguf: Gguf,
    /// Bytes of the file.
    bytes: u64,
    /// Tokens of context to ask llama.cpp for.
    pub(crate) context_tokens: NonZeroU32,
    /// Threads that compute.
    pub(crate) threads: u16,
    context_trained: u32,
    memory: Memory,
    path: PathBuf,
}

/// Where a GGUF keeps its chat template.
pub(crate) const TEMPLATE_KEY: &str = "tokenizer.chat_template";
/// Files below this are small models: one thread is enough for them, and never spins.
const SMALL_FILE_BYTES: u64 = 100 * 1024 * 1024;
/// Bytes read at once for the digest.
const DIGEST_CHUNK_BYTES: usize = 1 << 20;
/// Part of the weights between two reports of progress.
const PROGRESS_STEP: f32 = 0.01;

impl Source {
    /// Reads the head, and refuses what would take more memory than it may.
    pub(crate) fn open(options: &EngineOptions) -> Result<Self, LoadFailure> {
        let path = options.path.clone();
        let file = File::open(&path).map_err(LoadFailure::File)?;
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
        let trained = gguf.number(&format!("{}.context_length", gguf.architecture()));
        let context_trained =
            trained.and_then(|tokens| u32::try_from(tokens).ok()).ok_or_else(|| refused(&gguf))?;
        let context_tokens = context_tokens(options.context_tokens, context_trained)?;
        let setup = Setup {
            context_tokens: context_tokens.get(),
            sequences: options.sequences.into(),
            snapshot_bytes_max: options.snapshots.as_ref().map_or(0, |snapshots| snapshots.bytes_max),
        };
        let memory = memory::estimate(&gguf, setup);
        let threads = options.threads.map_or_else(|| default_threads(bytes, options.cores_free), u16::from);
        let source = Self { gguf, bytes, context_tokens, threads, context_trained, memory, path };
        if let Some(mb_max) = options.memory_mb_max {
            source.fits(mb_max.get())?;
        }
        Ok(source)
    }

    /// Whether the model takes at most `mb_max` MiB. What is not known does not fit.
    fn fits(&self, mb_max: u32) -> Result<(), LoadFailure> {
        let architecture = || self.gguf.architecture().to_owned();
        match self.memory.total() {
            None => Err(LoadFailure::MemoryUnknown { architecture: architecture(), mb_max }),
            Some(bytes) if bytes > u64::from(mb_max) << 20 => {
                let context_tokens = self.context_tokens.get();
                Err(LoadFailure::Memory { memory: Box::new(self.memory), context_tokens, mb_max })
            }
            Some(_) => Ok(()),
        }
    }

    /// Has llama.cpp read the whole model.
    pub(crate) fn weights(
        &self,
        backend: &LlamaBackend,
        progress: Arc<Progress>,
    ) -> Result<Weights, LoadFailure> {
        let mut told = -1.0_f32;
        let parameters = LlamaModelParams::default().with_progress_callback(move |part| {
            if part - told >= PROGRESS_STEP || part >= 1.0 {
                told = part;
                progress.weights(part);
            }
            true
        });
        Weights::load_from_file(backend, &self.path, &parameters).map_err(|_| refused(&self.gguf))
    }

    /// Has llama.cpp read the vocabulary and nothing else.
    pub(crate) fn vocabulary(&self, backend: &LlamaBackend) -> Result<Weights, LoadFailure> {
        let parameters = LlamaModelParams::default().with_vocab_only(true);
        Weights::load_from_file(backend, &self.path, &parameters).map_err(|_| refused(&self.gguf))
    }

    /// BLAKE3 of the whole file.
    ///
    /// It is computed at every start and not kept: size and times of a file also stay the same where its
    /// medium decays, and an unfinished run must not go on with other weights than it began with. Beside
    /// the load of the weights, which reads the same bytes, it costs little.
    pub(crate) fn digest(&self, progress: &Progress) -> Result<[u8; 32], LoadFailure> {
        let mut file = File::open(&self.path).map_err(LoadFailure::File)?;
        let mut hasher = blake3::Hasher::new();
        let mut chunk = vec![0; DIGEST_CHUNK_BYTES];
        let mut done = 0_u64;
        loop {
            let read = file.read(&mut chunk).map_err(LoadFailure::File)?;
            if read == 0 {
                return Ok(*hasher.finalize().as_bytes());
            }
            hasher.update(chunk.get(..read).unwrap_or_default());
            done = done.saturating_add(read as u64);
            progress.digest(done, self.bytes);
        }
    }

    /// What the model is.
    pub(crate) fn card(&self, digest: [u8; 32], speech: &Speech) -> ModelCard {
        let context_tokens = memory::padded(self.context_tokens.get().into());
        ModelCard {
            name: self.name(),
            family: speech.family.name.to_owned(),
            family_from: speech.family_from,
            workarounds: speech.template.workarounds(),
            digest,
            template_digest: self.template_digest(speech),
            context_tokens: u32::try_from(context_tokens).unwrap_or(u32::MAX),
            context_trained: Some(self.context_trained),
            parameters: Some(self.gguf.tensors().elements),
            file_bytes: Some(self.bytes),
            quantization: self.quantization(),
            threads: Some(self.threads),
            memory: Some(self.memory),
        }
    }

    /// A run that began in one family is not gone on with in another, so a chosen one goes in.
    fn template_digest(&self, speech: &Speech) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        hasher.update(self.gguf.text(TEMPLATE_KEY).unwrap_or_default().as_bytes());
        if speech.family_from == FamilyFrom::Chosen {
            hasher.update(b"\0family ").update(speech.family.name.as_bytes());
        }
        *hasher.finalize().as_bytes()
    }

    fn name(&self) -> String {
        let named = self.gguf.text("general.name").filter(|name| !name.trim().is_empty());
        let stem = || self.path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
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

/// Tells how far loading is, from the threads that work on it side by side.
pub(crate) struct Progress(Mutex<Told>);

struct Told {
    on_progress: OnProgress,
    /// The digest is only told of once nothing else is: two numbers in turn would tell nothing.
    weights_are_read: bool,
}

impl Progress {
    pub(crate) fn new(on_progress: OnProgress) -> Self {
        Self(Mutex::new(Told { on_progress, weights_are_read: false }))
    }

    /// Where nothing but the digest is computed.
    pub(crate) fn of_digest(on_progress: OnProgress) -> Self {
        Self(Mutex::new(Told { on_progress, weights_are_read: true }))
    }

    fn weights(&self, part: f32) {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.weights_are_read |= part >= 1.0;
        (told.on_progress)(LoadProgress::Weights(part));
    }

    fn digest(&self, done: u64, all: u64) {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if told.weights_are_read || done == all {
            (told.on_progress)(LoadProgress::Digest(done, all));
        }
    }
}

fn refused(gguf: &Gguf) -> LoadFailure {
    LoadFailure::Refused { architecture: gguf.architecture().to_owned() }
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

/// libgomp's barriers spin, which collapses when threads outnumber free cores: those in use are left to
/// whoever uses them, or one where nobody says how many are.
fn default_threads(file_bytes: u64, cores_free: Option<NonZeroU16>) -> u16 {
    if file_bytes < SMALL_FILE_BYTES {
        return 1;
    }
    cores_free.map_or_else(
        || {
            let cores = thread::available_parallelism().map_or(1, usize::from);
            u16::try_from(cores.saturating_sub(1).max(1)).unwrap_or(u16::MAX)
        },
        u16::from,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_models_compute_on_one_thread_and_large_ones_on_the_free_cores() {
        let seven = NonZeroU16::new(7);
        assert_eq!(default_threads(SMALL_FILE_BYTES - 1, seven), 1);
        assert_eq!(default_threads(SMALL_FILE_BYTES, seven), 7);
        assert_eq!(default_threads(SMALL_FILE_BYTES, NonZeroU16::new(1)), 1);
        assert!(default_threads(SMALL_FILE_BYTES, None) >= 1);
    }
}
