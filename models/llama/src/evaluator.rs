//! The context of llama.cpp and what it holds: evaluates tokens of several sequences together, and keeps
//! what can be kept.
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
    batch::Want,
    boundaries::{BOUNDARY_BYTES_MAX, Boundary},
    options::SEQUENCES_MAX,
    sequence::{Scored, Sequence, SequenceId},
    snapshot::Snapshot,
    state::{Part, State},
    vocabulary::llama_token,
};

/// A context and its sequences.
pub(crate) struct Evaluator<'w> {
    backend: &'w LlamaBackend,
    weights: &'w Weights,
    parameters: LlamaContextParams,
    context: LlamaContext<'w>,
    batch: LlamaBatch<'static>,
    sequences: Vec<Sequence>,
    /// Of each sequence.
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
    #[error("{tokens} tokens do not fit a batch of {CHUNK_TOKENS}")]
    Batch { tokens: usize },
    #[error("tokens that follow {start} others were asked for where {held} are held")]
    Start { start: usize, held: usize },
    #[error("token {token} is not in the vocabulary of {tokens}")]
    Unknown { token: TokenId, tokens: usize },
    #[error("llama.cpp could not evaluate: {0}")]
    Engine(String),
    #[error("no scores: nothing was evaluated")]
    NoScores,
}

/// Tokens evaluated between two looks at the mailbox, of all sequences together.
pub(crate) const CHUNK_TOKENS: usize = 64;
/// llama.cpp rounds the cells of a context up to a multiple of this.
const CONTEXT_STEP_TOKENS: u32 = 256;

impl<'w> Evaluator<'w> {
    /// Sets up a context of `sequences` times `context_tokens` that computes on `threads` threads.
    pub(crate) fn new(
        backend: &'w LlamaBackend,
        weights: &'w Weights,
        context_tokens: NonZeroU32,
        sequences: u16,
        threads: i32,
    ) -> Result<Self, String> {
        let chunk = u32::try_from(CHUNK_TOKENS).map_err(|error| error.to_string())?;
        let count = u32::from(sequences.clamp(1, SEQUENCES_MAX));
        // llama.cpp rounds up to whole steps; each sequence gets what a single one would.
        let all = context_tokens.get().next_multiple_of(CONTEXT_STEP_TOKENS).checked_mul(count);
        let all = if count == 1 { Some(context_tokens.get()) } else { all };
        let all = all.and_then(NonZeroU32::new).ok_or_else(|| {
            format!("{count} sequences of {context_tokens} tokens are more than a context can have")
        })?;
        let parameters = LlamaContextParams::default()
            .with_n_ctx(Some(all))
            .with_n_batch(chunk)
            .with_n_ubatch(chunk)
            .with_n_seq_max(count)
            // Each sequence has cells of its own, in order: in a common pool attention adds them up in
            // another order than alone, which shows where it adds in half precision.
            .with_kv_unified(false)
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
            tokens_max: (context.n_ctx() / count) as usize,
            context,
            batch: LlamaBatch::new(CHUNK_TOKENS, 1),
            sequences: (0..count).map(|_| Sequence::default()).collect(),
            vocabulary_tokens,
            cuttable: !weights.is_recurrent() && !weights.is_hybrid(),
        })
    }

    /// Tokens each sequence holds at most.
    pub(crate) const fn tokens_max(&self) -> usize {
        self.tokens_max
    }

    /// Every sequence there is.
    pub(crate) fn sequences(&self) -> impl Iterator<Item = SequenceId> + use<> {
        (0..self.sequences.len()).map(SequenceId)
    }

    /// Tokens it holds.
    pub(crate) fn len(&self, id: SequenceId) -> usize {
        self.tokens(id).len()
    }

    /// What it holds.
    pub(crate) fn tokens(&self, id: SequenceId) -> &[TokenId] {
        &self.sequence(id).evaluated
    }

    #[expect(clippy::indexing_slicing, reason = "an id is that of a sequence there is")]
    fn sequence(&self, id: SequenceId) -> &Sequence {
        &self.sequences[id.0]
    }

    #[expect(clippy::indexing_slicing, reason = "an id is that of a sequence there is")]
    fn sequence_mut(&mut self, id: SequenceId) -> &mut Sequence {
        &mut self.sequences[id.0]
    }

    /// Says where what is evaluated next may have to go back to: behind its head, and before the last
    /// token of the prompt, which a redo evaluates again for its scores.
    pub(crate) fn mark(&mut self, id: SequenceId, head: usize, prompt: usize) {
        let stops = if self.cuttable { Vec::new() } else { vec![head, prompt.saturating_sub(1)] };
        let sequence = self.sequence_mut(id);
        sequence.boundaries.set_head(head);
        sequence.stops = stops;
    }

    /// How much of `tokens` the sequence holds and could go on behind.
    pub(crate) fn usable(&self, id: SequenceId, tokens: &[TokenId]) -> usize {
        let sequence = self.sequence(id);
        let common = sequence.common(tokens);
        if common == sequence.evaluated.len() { common } else { self.place(id, common) }
    }

    /// The last place within the first `common` tokens that can be gone back to.
    fn place(&self, id: SequenceId, common: usize) -> usize {
        if self.cuttable {
            // Cells that a sliding window has left behind are gone, and cutting behind them succeeds
            // all the same: what is left would be read with a hole in it.
            return if self.is_whole(id) { common } else { 0 };
        }
        self.sequence(id).boundaries.within(common).map_or(0, |boundary| boundary.tokens)
    }

    /// Keeps what of the sequence begins `tokens`, or takes over from another sequence where that has more
    /// of it, and says how much that is. The rest is forgotten. At least one of `tokens` is left to be
    /// evaluated, because only that gives scores.
    pub(crate) fn begin(&mut self, id: SequenceId, tokens: &[TokenId]) -> Result<usize, EvaluateError> {
        self.sequence_mut(id).scored = None;
        let own = self.usable(id, tokens);
        let others = self.sequences().filter(|other| *other != id);
        let shared = others.map(|other| (self.place(other, self.sequence(other).common(tokens)), other));
        match shared.max_by_key(|&(tokens, _)| tokens) {
            Some((tokens, other)) if tokens > own => self.share(other, id, tokens)?,
            _ => self.cut(id, own)?,
        }
        Ok(self.len(id))
    }

    /// Lets the sequence `to` have the first `tokens` tokens of `from`. Cells of attention are copied, which
    /// is much sooner done than evaluating; a recurrent state is put there as it was kept.
    fn share(&mut self, from: SequenceId, to: SequenceId, tokens: usize) -> Result<(), EvaluateError> {
        self.forget(to)?;
        // llama.cpp aborts on copying a part; what is too much is cut off behind.
        self.context.copy_kv_cache_seq(from.number(), to.number(), None, None).map_err(engine)?;
        let boundary = self.sequence(from).boundaries.within(tokens).filter(|_| !self.cuttable);
        let state = boundary.map(|boundary| boundary.state.clone());
        let put = state.is_none_or(|state| state.put(&mut self.context, to, Part::Recurrent));
        let start = u32::try_from(tokens).map_err(engine)?;
        let cut = self.context.kv_cache_seq_rm(to.number(), Some(start), None).is_ok();
        if !put || !cut || !self.holds(to, tokens) {
            return self.replace();
        }
        let source = std::mem::take(self.sequence_mut(from));
        self.sequence_mut(to).take_over(&source, tokens);
        *self.sequence_mut(from) = source;
        Ok(())
    }

    /// Forgets what lies behind the first `tokens` tokens, or more than that where the model can't go
    /// back there.
    pub(crate) fn cut(&mut self, id: SequenceId, tokens: usize) -> Result<(), EvaluateError> {
        if tokens >= self.len(id) {
            return Ok(());
        }
        let kept = self.place(id, tokens);
        if kept == 0 {
            return self.forget(id);
        }
        if let Some(boundary) = self.sequence(id).boundaries.within(kept).filter(|_| !self.cuttable) {
            let state = boundary.state.clone();
            if !state.put(&mut self.context, id, Part::Recurrent) {
                return self.replace();
            }
        }
        let start = u32::try_from(kept).map_err(engine)?;
        let cut = self.context.kv_cache_seq_rm(id.number(), Some(start), None).is_ok();
        if !cut || !self.holds(id, kept) {
            return self.replace();
        }
        self.sequence_mut(id).truncate(kept);
        Ok(())
    }

    /// Whether tokens may be evaluated that the sequence may turn out not to have: [`Evaluator::cut`] takes
    /// them out again at no cost.
    pub(crate) fn may_guess(&self, id: SequenceId) -> bool {
        self.cuttable && self.is_whole(id)
    }

    /// Whether attention still has every cell from the first one on.
    fn is_whole(&self, id: SequenceId) -> bool {
        self.context.kv_cache_seq_pos_min(id.number()) == 0
    }

    /// Whether llama.cpp, too, believes that it holds `tokens` tokens.
    fn holds(&self, id: SequenceId, tokens: usize) -> bool {
        let last = self.context.kv_cache_seq_pos_max(id.number());
        usize::try_from(last.saturating_add(1)) == Ok(tokens)
    }

    /// Fills an empty sequence with what a snapshot holds, and says whether it could; otherwise the context
    /// is a new one.
    pub(crate) fn restore(&mut self, id: SequenceId, snapshot: Snapshot) -> Result<bool, EvaluateError> {
        let Snapshot { tokens, boundaries, state } = snapshot;
        let known = tokens.iter().all(|&token| (token as usize) < self.vocabulary_tokens);
        if !known || tokens.len() > self.tokens_max {
            return Ok(false);
        }
        let put = state.put(&mut self.context, id, Part::Whole);
        if !put || !self.holds(id, tokens.len()) || (self.cuttable && !self.is_whole(id)) {
            self.replace()?;
            return Ok(false);
        }
        let sequence = self.sequence_mut(id);
        sequence.evaluated = tokens;
        sequence.boundaries.replace(boundaries);
        sequence.scored = None;
        Ok(true)
    }

    /// All that the sequence holds, where it fits `bytes_max` and a restored one could be gone on with.
    pub(crate) fn snapshot(&self, id: SequenceId, bytes_max: usize) -> Option<Snapshot> {
        if self.cuttable && !self.is_whole(id) {
            return None;
        }
        let state = State::take(&self.context, id, Part::Whole, bytes_max)?;
        let boundaries = self.sequence(id).boundaries.all().to_vec();
        Some(Snapshot { tokens: self.tokens(id).to_vec(), boundaries, state })
    }

    /// The types of the cells, for a snapshot's identity.
    pub(crate) fn kv_type(&self) -> String {
        format!("{:?}/{:?}", self.parameters.type_k(), self.parameters.type_v())
    }

    /// Empties one sequence.
    fn forget(&mut self, id: SequenceId) -> Result<(), EvaluateError> {
        let sequence = self.sequence_mut(id);
        sequence.truncate(0);
        sequence.scored = None;
        // All of a sequence can be taken out of any cache.
        match self.context.kv_cache_seq_rm(id.number(), None, None) {
            Ok(()) => Ok(()),
            Err(_) => self.replace(),
        }
    }

    /// Empties every sequence.
    pub(crate) fn forget_all(&mut self) {
        self.context.clear_kv_cache();
        for sequence in &mut self.sequences {
            sequence.truncate(0);
            sequence.scored = None;
        }
    }

    /// Throws the context away and sets up another: a state that was put back in part may spoil what
    /// comes later. Every sequence is empty then; what they held is evaluated again when it is wanted.
    fn replace(&mut self) -> Result<(), EvaluateError> {
        self.forget_all();
        self.context = self.weights.new_context(self.backend, self.parameters.clone()).map_err(engine)?;
        Ok(())
    }

    /// Most of the next tokens that can be evaluated at once: up to a chunk, or to the next place where a
    /// boundary is kept.
    pub(crate) fn room(&self, id: SequenceId) -> usize {
        CHUNK_TOKENS.min(self.sequence(id).room().unwrap_or(CHUNK_TOKENS))
    }

    /// Evaluates what sequences want, at most one want each and [`CHUNK_TOKENS`] in all. Scores of earlier
    /// batches are gone then. After an error of llama.cpp every sequence is empty.
    pub(crate) fn evaluate(&mut self, wants: &[Want]) -> Result<(), EvaluateError> {
        self.check(wants)?;
        for sequence in &mut self.sequences {
            sequence.scored = None;
        }
        self.batch.clear();
        // llama.cpp computes neighbours together, and others one after another.
        let mut wants: Vec<&Want> = wants.iter().collect();
        wants.sort_by_key(|want| want.sequence.0);
        for Want { sequence: id, start, tokens, known, .. } in &wants {
            let end = start.saturating_add(tokens.len());
            let Some(after_first) = start.checked_add(1).filter(|after_first| *after_first <= end) else {
                continue;
            };
            let first = (*known).clamp(after_first, end);
            let row = self.rows().saturating_add(first.saturating_sub(after_first));
            for (place, &token) in (*start..).zip(tokens) {
                let position = i32::try_from(place).map_err(engine)?;
                let has_scores = place.saturating_add(1) >= first;
                self.batch.add(llama_token(token), position, &[id.number()], has_scores).map_err(engine)?;
            }
            self.sequence_mut(*id).scored = Some(Scored { first, row });
        }
        if self.rows() == 0 {
            return Ok(());
        }
        if let Err(error) = self.context.decode(&mut self.batch) {
            // What a failed batch left behind is unknown.
            self.forget_all();
            return Err(engine(error));
        }
        for Want { sequence, tokens, .. } in wants {
            self.sequence_mut(*sequence).evaluated.extend_from_slice(tokens);
            self.keep_boundary(*sequence);
        }
        Ok(())
    }

    /// Rows in the batch.
    fn rows(&self) -> usize {
        usize::try_from(self.batch.n_tokens()).unwrap_or_default()
    }

    /// Refuses what llama.cpp would abort on, or would put in a wrong place.
    fn check(&self, wants: &[Want]) -> Result<(), EvaluateError> {
        let mut all = 0_usize;
        for Want { sequence, start, tokens, .. } in wants {
            all = all.saturating_add(tokens.len());
            let held = self.len(*sequence);
            if *start != held {
                return Err(EvaluateError::Start { start: *start, held });
            }
            let needed = held.saturating_add(tokens.len());
            if needed > self.tokens_max {
                return Err(EvaluateError::Full { tokens: needed, tokens_max: self.tokens_max });
            }
            if let Some(&token) = tokens.iter().find(|&&token| token as usize >= self.vocabulary_tokens) {
                return Err(EvaluateError::Unknown { token, tokens: self.vocabulary_tokens });
            }
        }
        if all > CHUNK_TOKENS { Err(EvaluateError::Batch { tokens: all }) } else { Ok(()) }
    }

    /// Keeps the state where one is wanted. Without it, going back costs an evaluation.
    fn keep_boundary(&mut self, id: SequenceId) {
        let tokens = self.len(id);
        if self.sequence(id).stops.contains(&tokens)
            && let Some(state) = State::take(&self.context, id, Part::Recurrent, BOUNDARY_BYTES_MAX)
        {
            self.sequence_mut(id).boundaries.push(Boundary { tokens, state });
        }
    }

    /// The scores of every token for the place behind the first `tokens` tokens, where the last batch
    /// gave them. llama.cpp aborts where a row has none.
    pub(crate) fn scores(&self, id: SequenceId, tokens: usize) -> Result<&[f32], EvaluateError> {
        let row = self.sequence(id).row(tokens).ok_or(EvaluateError::NoScores)?;
        Ok(self.context.get_logits_ith(row))
    }

    /// Whether there are such scores.
    pub(crate) fn has_scores(&self, id: SequenceId, tokens: usize) -> bool {
        self.sequence(id).row(tokens).is_some()
    }
}

#[expect(clippy::needless_pass_by_value, reason = "reads well in map_err")]
fn engine(error: impl ToString) -> EvaluateError {
    EvaluateError::Engine(error.to_string())
}

#[cfg(test)]
mod tests;
