//! The bundled model in llama.cpp says what it said where it was trained: `parity.jsonl` beside the
//! model holds prompts as token ids with the greedy reply that `PyTorch` gives on the same weights.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::{
    env, fs,
    num::NonZeroU32,
    path::{Path, PathBuf},
};

use llama_cpp_2::{
    LogOptions,
    context::params::LlamaContextParams,
    llama_backend::LlamaBackend,
    llama_batch::LlamaBatch,
    model::{LlamaModel, params::LlamaModelParams},
    send_logs_to_tracing,
    token::LlamaToken,
};
use serde::Deserialize;

/// Tokens evaluated at once, as the engine does it.
const CHUNK_TOKENS: usize = 64;

/// One prompt and its reply.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    /// The prompt's tokens.
    prompt: Vec<i32>,
    /// The reply's, without the token that ends it.
    reply: Vec<i32>,
    /// The reply's text.
    text: String,
    /// What the prompt was made of. Older files lack it.
    #[serde(default)]
    pieces: Option<Vec<(Kind, String)>>,
}

/// How a piece of a prompt becomes tokens.
#[derive(Clone, Copy, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Kind {
    /// The template's text: markup counts.
    Template,
    /// A message's text: markup is text.
    Content,
    /// An earlier reply: its marks are tokens.
    Reply,
}

fn wren() -> PathBuf {
    match env::var_os("EVERSTEP_WREN") {
        Some(path) => path.into(),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../wren/wren.gguf"),
    }
}

/// The model and llama.cpp. There is one backend in a process, so all is checked in one test.
struct Loaded {
    backend: LlamaBackend,
    model: LlamaModel,
}

impl Loaded {
    fn new() -> Self {
        send_logs_to_tracing(LogOptions::default().with_logs_enabled(false));
        let backend = LlamaBackend::init().unwrap();
        let model = LlamaModel::load_from_file(&backend, wren(), &LlamaModelParams::default()).unwrap();
        Self { backend, model }
    }

    fn tokenize(&self, kind: Kind, text: &str) -> Vec<i32> {
        let tokens = self.model.vocab().tokenize(text.as_bytes(), false, kind != Kind::Content);
        tokens.into_iter().map(|token| token.0).collect()
    }

    fn text(&self, tokens: &[i32]) -> String {
        let vocab = self.model.vocab();
        let pieces = tokens.iter().flat_map(|&token| vocab.token_to_piece(LlamaToken(token), true, None));
        String::from_utf8(pieces.collect()).unwrap()
    }

    /// The most likely tokens behind `prompt`, up to the one that ends the reply or `tokens_max`.
    fn greedy(&self, prompt: &[i32], tokens_max: usize) -> Vec<i32> {
        let length = prompt.len() + tokens_max + 1;
        let chunk = u32::try_from(CHUNK_TOKENS).unwrap();
        let parameters = LlamaContextParams::default()
            .with_n_ctx(NonZeroU32::new(u32::try_from(length).unwrap()))
            .with_n_batch(chunk)
            .with_n_ubatch(chunk)
            .with_n_threads(1)
            .with_n_threads_batch(1);
        let mut context = self.model.new_context(&self.backend, parameters).unwrap();
        let mut batch = LlamaBatch::new(CHUNK_TOKENS, 1);
        let (mut position, mut reply) = (0, Vec::new());
        let mut evaluate = |tokens: &[i32]| {
            batch.clear();
            for (index, &token) in tokens.iter().enumerate() {
                batch.add(LlamaToken(token), position, &[0], index + 1 == tokens.len()).unwrap();
                position += 1;
            }
            context.decode(&mut batch).unwrap();
            best(context.get_logits_ith(i32::try_from(tokens.len() - 1).unwrap()))
        };
        let mut next = prompt.chunks(CHUNK_TOKENS).map(&mut evaluate).last().unwrap();
        while !self.model.vocab().is_eog(LlamaToken(next)) && reply.len() < tokens_max {
            reply.push(next);
            next = evaluate(&[next]);
        }
        reply
    }
}

fn best(scores: &[f32]) -> i32 {
    let (token, _) = scores.iter().enumerate().max_by(|one, other| one.1.total_cmp(other.1)).unwrap();
    i32::try_from(token).unwrap()
}

#[test]
fn llama_cpp_tokenizes_and_replies_as_in_training() {
    let loaded = Loaded::new();
    let text = fs::read_to_string(wren().with_file_name("parity.jsonl")).unwrap();
    let (mut lines, mut wrong) = (0, Vec::new());
    for (number, line) in (1..).zip(text.lines()) {
        let line: Line = serde_json::from_str(line).unwrap_or_else(|error| panic!("line {number}: {error}"));
        lines = number;
        if let Some(pieces) = &line.pieces {
            let tokens = pieces.iter().flat_map(|(kind, text)| loaded.tokenize(*kind, text));
            if tokens.collect::<Vec<_>>() != line.prompt {
                wrong.push(format!("line {number}: the prompt's tokens differ"));
            }
        }
        assert_eq!(loaded.text(&line.reply), line.text, "line {number}: the text is another");
        // One more than there should be, so that a reply that does not end shows.
        let reply = loaded.greedy(&line.prompt, line.reply.len() + 1);
        if reply != line.reply {
            wrong.push(format!("line {number}: {:?} instead of {:?}", loaded.text(&reply), line.text));
        }
    }
    assert!(lines >= 40, "only {lines} lines");
    assert!(wrong.is_empty(), "{} of {lines} lines:\n{}", wrong.len(), wrong.join("\n"));
}
