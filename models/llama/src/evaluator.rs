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

use crate::{
    boundaries::{BOUNDARY_BYTES_MAX, Boundaries, Boundary},
    snapshot::Snapshot,
    state::{Part, State},
    vocabulary::llama_token,
};

/// A context with one sequence.
pub(crate) struct Evaluator<'w> {
    backend: &'w LlamaBackend,
    weights: &'w Weights,
    parameters: LlamaContextParams,
    context: LlamaContext<'w>,
    batch: LlamaBatch<'static>,
    /// What is in the cache, in order.
    evaluated: Vec<TokenId>,
    /// What of the last batch has scores.
    scored: Option<Scored>,
    tokens_max: usize,
    vocabulary_tokens: usize,
    /// Whether the cache's end can be cut off; recurrent states allow none of it.
    cuttable: bool,
    /// Where evaluating stops to keep a boundary, of what is evaluated next.
    stops: Vec<usize>,
    boundaries: Boundaries,
}

/// Rows of a batch that have scores.
#[derive(Clone, Copy, Debug)]
struct Scored {
    /// Tokens before the batch.
    start: usize,
    /// Tokens up to and with the first row that has scores; every later row has some.
    first: usize,
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
pub(crate) const SEQUENCE: i32 = 0;

impl<'w> Evaluator<'w> {
    /// Sets up a context of `context_tokens` that computes on `threads` threads.
    pub(crate) fn new(
        backend: &'w LlamaBackend,
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
        let context = weights.new_context(backend, parameters.clone()).map_err(|error| error.to_string())?;
        if (context.n_batch() as usize) < CHUNK_TOKENS {
            return Err(format!("a batch of {} where {CHUNK_TOKENS} are needed", context.n_batch()));
        }
        let vocabulary_tokens = usize::try_from(weights.n_vocab()).map_err(|error| error.to_string())?;
        Ok(Self {
            backend,
            weights,
            parameters,
            tokens_max: context.n_ctx() as usize,
            context,
            batch: LlamaBatch::new(CHUNK_TOKENS, 1),
            evaluated: Vec::new(),
            scored: None,
            vocabulary_tokens,
            cuttable: !weights.is_recurrent() && !weights.is_hybrid(),
            stops: Vec::new(),
            boundaries: Boundaries::default(),
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

    /// Says where what is evaluated next may have to go back to: behind its head, and before the last
    /// token of the prompt, which a redo evaluates again for its scores.
    pub(crate) fn mark(&mut self, head: usize, prompt: usize) {
        self.boundaries.set_head(head);
        self.stops = if self.cuttable { Vec::new() } else { vec![head, prompt.saturating_sub(1)] };
    }

    /// Keeps what of the cache begins `tokens`, as far as the model can go back there, forgets the rest,
    /// and says how much that is. At least one of `tokens` is left to be evaluated, because only that
    /// gives scores.
    pub(crate) fn keep_prefix(&mut self, tokens: &[TokenId]) -> Result<usize, EvaluateError> {
        let common = self.evaluated.iter().zip(tokens).take_while(|(a, b)| a == b).count();
        let common = common.min(tokens.len().saturating_sub(1));
        if common < self.evaluated.len() {
            self.go_back(common)?;
        }
        self.scored = None;
        Ok(self.evaluated.len())
    }

    /// Goes back to the first `common` tokens, or to the place before that is known.
    fn go_back(&mut self, common: usize) -> Result<(), EvaluateError> {
        let mut kept = common;
        if self.cuttable {
            // Cells that a sliding window has left behind are gone, and cutting behind them succeeds
            // all the same: what is left would be read with a hole in it.
            if !self.is_whole() {
                self.forget();
                return Ok(());
            }
        } else {
            let Some(boundary) = self.boundaries.within(common) else {
                self.forget();
                return Ok(());
            };
            kept = boundary.tokens;
            if !boundary.state.put(&mut self.context, Part::Recurrent) {
                return self.replace();
            }
        }
        let cut = match u32::try_from(kept) {
            Ok(start) if kept > 0 => self.context.kv_cache_seq_rm(SEQUENCE, Some(start), None).is_ok(),
            _ => false,
        };
        if !cut || !self.holds(kept) {
            return self.replace();
        }
        self.evaluated.truncate(kept);
        self.boundaries.truncate(kept);
        Ok(())
    }

    /// Whether tokens may be evaluated that the sequence may turn out not to have: [`Evaluator::cut`] takes
    /// them out again at no cost.
    pub(crate) fn may_guess(&self) -> bool {
        self.cuttable && self.is_whole()
    }

    /// Forgets what lies behind the first `tokens` tokens, or more than that where the model can't go
    /// back there.
    pub(crate) fn cut(&mut self, tokens: usize) -> Result<(), EvaluateError> {
        if tokens < self.evaluated.len() { self.go_back(tokens) } else { Ok(()) }
    }

    /// Whether attention still has every cell from the first one on.
    fn is_whole(&self) -> bool {
        self.context.kv_cache_seq_pos_min(SEQUENCE) == 0
    }

    /// Whether llama.cpp, too, believes that it holds `tokens` tokens.
    fn holds(&self, tokens: usize) -> bool {
        let last = self.context.kv_cache_seq_pos_max(SEQUENCE);
        usize::try_from(last.saturating_add(1)) == Ok(tokens)
    }

    /// Fills an empty cache with what a snapshot holds, and says whether it could; otherwise the context
    /// is a new one.
    pub(crate) fn restore(&mut self, snapshot: Snapshot) -> Result<bool, EvaluateError> {
        let Snapshot { tokens, boundaries, state } = snapshot;
        let known = tokens.iter().all(|&token| (token as usize) < self.vocabulary_tokens);
        if !known || tokens.len() > self.tokens_max {
            return Ok(false);
        }
        let put = state.put(&mut self.context, Part::Whole);
        if !put || !self.holds(tokens.len()) || (self.cuttable && !self.is_whole()) {
            self.replace()?;
            return Ok(false);
        }
        self.evaluated = tokens;
        self.boundaries.replace(boundaries);
        self.scored = None;
        Ok(true)
    }

    /// All that is in the cache, where it fits `bytes_max` and a restored one could be gone on with.
    pub(crate) fn snapshot(&self, bytes_max: usize) -> Option<Snapshot> {
        if self.cuttable && !self.is_whole() {
            return None;
        }
        let state = State::take(&self.context, Part::Whole, bytes_max)?;
        let boundaries = self.boundaries.all().to_vec();
        Some(Snapshot { tokens: self.evaluated.clone(), boundaries, state })
    }

    /// What is in the cache.
    pub(crate) fn tokens(&self) -> &[TokenId] {
        &self.evaluated
    }

    /// The types of the cells, for a snapshot's identity.
    pub(crate) fn kv_type(&self) -> String {
        format!("{:?}/{:?}", self.parameters.type_k(), self.parameters.type_v())
    }

    /// Empties the cache.
    pub(crate) fn forget(&mut self) {
        self.context.clear_kv_cache();
        self.evaluated.clear();
        self.boundaries.truncate(0);
        self.scored = None;
    }

    /// Throws the context away and sets up another: a state that was put back in part may spoil what
    /// comes later.
    fn replace(&mut self) -> Result<(), EvaluateError> {
        self.forget();
        self.context = self.weights.new_context(self.backend, self.parameters.clone()).map_err(engine)?;
        Ok(())
    }

    /// Evaluates the next tokens, at most [`CHUNK_TOKENS`] and at most up to the next place where a
    /// boundary is kept; the last of them gets scores.
    pub(crate) fn evaluate(&mut self, tokens: &[TokenId]) -> Result<(), EvaluateError> {
        self.evaluate_guesses(tokens, usize::MAX)
    }

    /// The same where all behind the first `known` tokens of the sequence are guesses: each of them gets
    /// scores, and so does the last known one.
    pub(crate) fn evaluate_guesses(&mut self, tokens: &[TokenId], known: usize) -> Result<(), EvaluateError> {
        let start = self.evaluated.len();
        let stop =
            self.stops.iter().filter_map(|stop| stop.checked_sub(start)).filter(|room| *room > 0).min();
        let tokens = tokens.get(..CHUNK_TOKENS.min(stop.unwrap_or(CHUNK_TOKENS))).unwrap_or(tokens);
        let needed = self.evaluated.len().saturating_add(tokens.len());
        if needed > self.tokens_max {
            return Err(EvaluateError::Full { tokens: needed, tokens_max: self.tokens_max });
        }
        if let Some(&token) = tokens.iter().find(|&&token| token as usize >= self.vocabulary_tokens) {
            return Err(EvaluateError::Unknown { token, tokens: self.vocabulary_tokens });
        }
        if tokens.is_empty() {
            return Ok(());
        }
        self.scored = None;
        self.batch.clear();
        let first = known.clamp(start.saturating_add(1), needed);
        for (index, &token) in tokens.iter().enumerate() {
            let place = start.saturating_add(index);
            let position = i32::try_from(place).map_err(engine)?;
            self.batch
                .add(llama_token(token), position, &[SEQUENCE], place.saturating_add(1) >= first)
                .map_err(engine)?;
        }
        if let Err(error) = self.context.decode(&mut self.batch) {
            // What a failed batch left behind is unknown.
            self.forget();
            return Err(engine(error));
        }
        self.evaluated.extend_from_slice(tokens);
        self.scored = Some(Scored { start, first });
        self.keep_boundary();
        Ok(())
    }

    /// Keeps the state where one is wanted. Without it, going back costs an evaluation.
    fn keep_boundary(&mut self) {
        let tokens = self.evaluated.len();
        if self.stops.contains(&tokens)
            && let Some(state) = State::take(&self.context, Part::Recurrent, BOUNDARY_BYTES_MAX)
        {
            self.boundaries.push(Boundary { tokens, state });
        }
    }

    /// The scores of every token for the place behind the first `tokens` tokens, where the last batch
    /// gave them.
    pub(crate) fn scores(&self, tokens: usize) -> Result<&[f32], EvaluateError> {
        let row = self.row(tokens).ok_or(EvaluateError::NoScores)?;
        Ok(self.context.get_logits_ith(row))
    }

    /// Whether there are such scores.
    pub(crate) fn has_scores(&self, tokens: usize) -> bool {
        self.row(tokens).is_some()
    }

    /// The row of the last batch that has them. llama.cpp aborts where a row has none.
    fn row(&self, tokens: usize) -> Option<i32> {
        let Scored { start, first } = self.scored?;
        let is_there = (first..=self.evaluated.len()).contains(&tokens);
        is_there
            .then(|| tokens.checked_sub(start)?.checked_sub(1))
            .flatten()
            .and_then(|row| i32::try_from(row).ok())
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
        assert_eq!(evaluator.scores(evaluator.len()).err(), Some(EvaluateError::NoScores));
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
        assert!(evaluator.has_scores(evaluator.len()));
    }

    #[test]
    fn only_what_begins_the_next_tokens_is_kept() {
        let weights = weights();
        let mut evaluator = evaluator(&weights);
        evaluator.evaluate(&[1, 2, 3]).unwrap();
        // The very same tokens: one is left, for only evaluating gives scores.
        assert_eq!(evaluator.keep_prefix(&[1, 2, 3]), Ok(2));
        assert_eq!(evaluator.scores(evaluator.len()).err(), Some(EvaluateError::NoScores));

        evaluator.forget();
        evaluator.evaluate(&[1, 2, 3]).unwrap();
        assert_eq!(evaluator.keep_prefix(&[1, 2, 9, 9]), Ok(2));
        assert_eq!(evaluator.len(), 2);
        // And scores are those of a fresh start.
        evaluator.evaluate(&[9, 9]).unwrap();
        assert_scores_of_fresh_start(&mut evaluator, &[1, 2, 9, 9]);

        // What goes on where the cache ends is kept as a whole.
        assert_eq!(evaluator.keep_prefix(&[1, 2, 9, 9, 5]), Ok(4));
        assert_eq!(evaluator.keep_prefix(&[7, 2]), Ok(0));
        assert_eq!(evaluator.len(), 0);
    }

    /// Compares the scores now with those of `tokens` evaluated anew, chunk for chunk.
    fn assert_scores_of_fresh_start(evaluator: &mut Evaluator<'_>, tokens: &[TokenId]) {
        let warm = evaluator.scores(evaluator.len()).unwrap().to_vec();
        evaluator.forget();
        while evaluator.len() < tokens.len() {
            evaluator.evaluate(&tokens[evaluator.len()..]).unwrap();
        }
        let cold = evaluator.scores(evaluator.len()).unwrap();
        let apart = warm.iter().zip(cold).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        let spread =
            cold.iter().fold(f32::MIN, |a, b| a.max(*b)) - cold.iter().fold(f32::MAX, |a, b| a.min(*b));
        assert!(apart < spread * 1e-2, "{apart} apart of {spread}");
    }

    fn wren() -> Weights {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../wren/wren.gguf");
        let backend = crate::engine::backend(false).unwrap();
        Weights::load_from_file(backend, path, &LlamaModelParams::default()).unwrap()
    }

    fn evaluate_all(evaluator: &mut Evaluator<'_>, tokens: &[TokenId]) {
        while evaluator.len() < tokens.len() {
            evaluator.evaluate(&tokens[evaluator.len()..]).unwrap();
        }
    }

    #[test]
    fn recurrent_model_goes_back_to_the_nearest_boundary() {
        let weights = wren();
        let mut evaluator = evaluator(&weights);
        assert!(!evaluator.cuttable);
        let said: Vec<TokenId> = (300..420).collect();
        evaluator.mark(40, 100);
        evaluate_all(&mut evaluator, &said);

        // The reply is drawn again: only the prompt's last token is evaluated.
        let mut redo = said[..100].to_vec();
        assert_eq!(evaluator.keep_prefix(&redo), Ok(99));
        evaluate_all(&mut evaluator, &redo);
        assert_scores_of_fresh_start(&mut evaluator, &redo);

        // Another task behind the same head, twice: the head's boundary stays.
        evaluate_all(&mut evaluator, &said);
        for other in [500, 600] {
            redo.splice(70.., other..other + 30);
            assert_eq!(evaluator.keep_prefix(&redo), Ok(40));
            evaluate_all(&mut evaluator, &redo);
            assert_scores_of_fresh_start(&mut evaluator, &redo);
        }

        // Before the head there is no place to go back to.
        redo[39] = 7;
        assert_eq!(evaluator.keep_prefix(&redo), Ok(0));
        evaluate_all(&mut evaluator, &redo);
        assert_scores_of_fresh_start(&mut evaluator, &redo);
    }

    #[test]
    fn boundary_of_tokens_that_were_given_up_is_no_place_to_go_back_to() {
        let weights = wren();
        let mut evaluator = evaluator(&weights);
        let said: Vec<TokenId> = (300..420).collect();
        evaluator.mark(40, 100);
        evaluate_all(&mut evaluator, &said);
        // Longer, and other behind the head: what was kept before token 100 is of the old ones.
        let mut other: Vec<TokenId> = (300..450).collect();
        other.splice(60..110, 700..750);
        evaluator.mark(40, 140);
        assert_eq!(evaluator.keep_prefix(&other), Ok(40));
        evaluate_all(&mut evaluator, &other);
        assert_eq!(evaluator.keep_prefix(&other[..120]), Ok(40));
        evaluate_all(&mut evaluator, &other[..120]);
        assert_scores_of_fresh_start(&mut evaluator, &other[..120]);
    }

    #[test]
    fn state_that_is_not_put_back_costs_the_context_and_no_more() {
        let weights = wren();
        let mut evaluator = evaluator(&weights);
        let said: Vec<TokenId> = (300..420).collect();
        evaluator.mark(40, 100);
        evaluate_all(&mut evaluator, &said);
        let state = State::take(&evaluator.context, Part::Recurrent, BOUNDARY_BYTES_MAX).unwrap();
        let short = state.bytes()[..state.bytes().len() / 2].to_vec();
        evaluator.boundaries.push(Boundary { tokens: 110, state: State::verified(short) });
        assert_eq!(evaluator.keep_prefix(&said[..115]), Ok(0));
        evaluate_all(&mut evaluator, &said[..115]);
        assert_scores_of_fresh_start(&mut evaluator, &said[..115]);
        // A state of another place is noticed, too.
        evaluate_all(&mut evaluator, &said);
        evaluator.boundaries.push(Boundary { tokens: 110, state });
        assert_eq!(evaluator.keep_prefix(&said[..115]), Ok(0));
    }
}
