//! The context of llama.cpp and what it holds: evaluates tokens in chunks, and keeps what can be kept.
//!
//! Checks what llama.cpp would abort on before calling it. Leaves out which tokens, and why.

use std::num::NonZeroU32;

use everstep_core::TokenId;
use llama_cpp_2::{
    context::{LlamaContext, params::LlamaContextParams},
    llama_backend::LlamaBackend,
    llama_batch::LlamaBatch,
    model::LlamaModel as Weights,
};

use crate::vocabulary::llama_token;

/// A context with one sequence.
pub(crate) struct Evaluator<'w> {
    context: LlamaContext<'w>,
    batch: LlamaBatch<'static>,
    /// What is in the cache, in order.
    evaluated: Vec<TokenId>,
    /// Row of the last batch that has scores.
    scored_row: Option<i32>,
    tokens_max: usize,
    vocabulary_tokens: usize,
    /// Whether the cache's end can be cut off; recurrent states allow none of it.
    cuttable: bool,
}

/// Why tokens could not be evaluated.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum EvaluateError {
    #[error("{tokens} tokens do not fit the context of {tokens_max}")]
    Full { tokens: usize, tokens_max: usize },
    #[error("token {token} is not in the vocabulary of {tokens}")]
    Unknown { token: TokenId, tokens: usize },
    #[error("llama.cpp could not evaluate: {0}")]
    Engine(String),
    #[error("no scores: nothing was evaluated")]
    NoScores,
}

/// Tokens evaluated between two looks at the mailbox.
pub(crate) const CHUNK_TOKENS: usize = 64;
/// The only sequence there is.
const SEQUENCE: i32 = 0;

impl<'w> Evaluator<'w> {
    /// Sets up a context of `context_tokens` that computes on `threads` threads.
    pub(crate) fn new(
        backend: &LlamaBackend,
        weights: &'w Weights,
        context_tokens: NonZeroU32,
        threads: i32,
    ) -> Result<Self, String> {
        let chunk = u32::try_from(CHUNK_TOKENS).map_err(|error| error.to_string())?;
        let parameters = LlamaContextParams::default()
            .with_n_ctx(Some(context_tokens))
            .with_n_batch(chunk)
            .with_n_ubatch(chunk)
            .with_n_seq_max(1)
            .with_n_threads(threads)
            .with_n_threads_batch(threads);
        let context = weights.new_context(backend, parameters).map_err(|error| error.to_string())?;
        if (context.n_batch() as usize) < CHUNK_TOKENS {
            return Err(format!("a batch of {} where {CHUNK_TOKENS} are needed", context.n_batch()));
        }
        let vocabulary_tokens = usize::try_from(weights.n_vocab()).map_err(|error| error.to_string())?;
        Ok(Self {
            tokens_max: context.n_ctx() as usize,
            context,
            batch: LlamaBatch::new(CHUNK_TOKENS, 1),
            evaluated: Vec::new(),
            scored_row: None,
            vocabulary_tokens,
            cuttable: !weights.is_recurrent() && !weights.is_hybrid(),
        })
    }

    /// Tokens the context holds at most.
    pub(crate) const fn tokens_max(&self) -> usize {
        self.tokens_max
    }

    /// Tokens it holds.
    pub(crate) fn len(&self) -> usize {
        self.evaluated.len()
    }

    /// Keeps what of the cache begins `tokens`, forgets the rest, and says how much that is. At least
    /// one of `tokens` is left to be evaluated, because only that gives scores.
    pub(crate) fn keep_prefix(&mut self, tokens: &[TokenId]) -> usize {
        let common = self.evaluated.iter().zip(tokens).take_while(|(a, b)| a == b).count();
        let common = common.min(tokens.len().saturating_sub(1));
        if common < self.evaluated.len() {
            let start = u32::try_from(common).ok();
            let cut = self.cuttable
                && common > 0
                && start.is_some()
                && self.context.kv_cache_seq_rm(SEQUENCE, start, None).is_ok();
            if cut {
                self.evaluated.truncate(common);
            } else {
                self.forget();
            }
        }
        self.scored_row = None;
        self.evaluated.len()
    }

    /// Empties the cache.
    pub(crate) fn forget(&mut self) {
        self.context.clear_kv_cache();
        self.evaluated.clear();
        self.scored_row = None;
    }

    /// Evaluates the next tokens, at most [`CHUNK_TOKENS`]; the last of them gets scores.
    pub(crate) fn evaluate(&mut self, tokens: &[TokenId]) -> Result<(), EvaluateError> {
        let tokens = tokens.get(..CHUNK_TOKENS).unwrap_or(tokens);
        let needed = self.evaluated.len().saturating_add(tokens.len());
        if needed > self.tokens_max {
            return Err(EvaluateError::Full { tokens: needed, tokens_max: self.tokens_max });
        }
        if let Some(&token) = tokens.iter().find(|&&token| token as usize >= self.vocabulary_tokens) {
            return Err(EvaluateError::Unknown { token, tokens: self.vocabulary_tokens });
        }
        let Some(last) = tokens.len().checked_sub(1) else { return Ok(()) };
        self.scored_row = None;
        self.batch.clear();
        for (index, &token) in tokens.iter().enumerate() {
            let position = i32::try_from(self.evaluated.len().saturating_add(index)).map_err(engine)?;
            self.batch.add(llama_token(token), position, &[SEQUENCE], index == last).map_err(engine)?;
        }
        if let Err(error) = self.context.decode(&mut self.batch) {
            // What a failed batch left behind is unknown.
            self.forget();
            return Err(engine(error));
        }
        self.evaluated.extend_from_slice(tokens);
        self.scored_row = i32::try_from(last).ok();
        Ok(())
    }

    /// The scores of every token for the place behind the last one evaluated.
    pub(crate) fn scores(&self) -> Result<&[f32], EvaluateError> {
        self.scored_row.map(|row| self.context.get_logits_ith(row)).ok_or(EvaluateError::NoScores)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "reads well in map_err")]
fn engine(error: impl ToString) -> EvaluateError {
    EvaluateError::Engine(error.to_string())
}

#[cfg(test)]
mod tests {
    use llama_cpp_2::model::params::LlamaModelParams;

    use super::*;
    use crate::tiny::{self, Tiny};

    const CONTEXT: NonZeroU32 = NonZeroU32::new(256).unwrap();

    fn weights() -> Weights {
        let (_folder, path) = tiny::write(Tiny::default());
        let backend = crate::engine::backend(false).unwrap();
        Weights::load_from_file(backend, path, &LlamaModelParams::default()).unwrap()
    }

    fn evaluator(weights: &Weights) -> Evaluator<'_> {
        Evaluator::new(crate::engine::backend(false).unwrap(), weights, CONTEXT, 1).unwrap()
    }

    #[test]
    fn what_llama_cpp_would_abort_on_is_refused_before() {
        let weights = weights();
        let mut evaluator = evaluator(&weights);
        assert_eq!(evaluator.scores().err(), Some(EvaluateError::NoScores));
        let unknown =
            EvaluateError::Unknown { token: 9999, tokens: usize::try_from(weights.n_vocab()).unwrap() };
        assert_eq!(evaluator.evaluate(&[1, 9999]), Err(unknown));
        assert_eq!(evaluator.evaluate(&[]), Ok(()));
        // More than a chunk is not taken at once.
        for filled in [64, 128, 192, 256] {
            evaluator.evaluate(&[65; 1000]).unwrap();
            assert_eq!(evaluator.len(), filled);
        }
        let full = EvaluateError::Full { tokens: 257, tokens_max: 256 };
        assert_eq!(evaluator.evaluate(&[65]), Err(full));
        // What there was still counts.
        assert!(evaluator.scores().is_ok());
    }

    #[test]
    fn only_what_begins_the_next_tokens_is_kept() {
        let weights = weights();
        let mut evaluator = evaluator(&weights);
        for (cuttable, kept) in [(true, 2), (false, 0)] {
            evaluator.cuttable = cuttable;
            evaluator.forget();
            evaluator.evaluate(&[1, 2, 3]).unwrap();
            // The very same tokens: one is left, for only evaluating gives scores.
            assert_eq!(evaluator.keep_prefix(&[1, 2, 3]), kept);
            assert_eq!(evaluator.scores().err(), Some(EvaluateError::NoScores));

            evaluator.forget();
            evaluator.evaluate(&[1, 2, 3]).unwrap();
            assert_eq!(evaluator.keep_prefix(&[1, 2, 9, 9]), kept);
            assert_eq!(evaluator.len(), kept);
            // And scores are those of a fresh start.
            evaluator.evaluate(&[1, 2, 9, 9][kept..]).unwrap();
            let warm = evaluator.scores().unwrap().to_vec();
            evaluator.forget();
            evaluator.evaluate(&[1, 2, 9, 9]).unwrap();
            let cold = evaluator.scores().unwrap();
            assert!(warm.iter().zip(cold).all(|(a, b)| (a - b).abs() < 1e-3));

            // What goes on where the cache ends is kept as a whole.
            assert_eq!(evaluator.keep_prefix(&[1, 2, 9, 9, 5]), 4);
            assert_eq!(evaluator.keep_prefix(&[7, 2]), 0);
            assert_eq!(evaluator.len(), 0);
        }
    }
}
