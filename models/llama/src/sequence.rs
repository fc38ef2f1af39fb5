//! One sequence of the context: what it holds, and how much of that begins another prompt.
//!
//! Leaves out llama.cpp: the evaluator does to the context what is decided here.

use everstep_core::TokenId;

use crate::boundaries::Boundaries;

/// One of the evaluator's sequences, counted from 0.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct SequenceId(pub(crate) usize);

impl SequenceId {
    /// As llama.cpp takes it; there are at most [`crate::SEQUENCES_MAX`].
    pub(crate) fn number(self) -> i32 {
        i32::try_from(self.0).unwrap_or(-1)
    }
}

/// What a sequence holds.
#[derive(Debug, Default)]
pub(crate) struct Sequence {
    /// What is in the cache, in order.
    pub(crate) evaluated: Vec<TokenId>,
    /// Which of it the last batch gave scores for.
    pub(crate) scored: Option<Scored>,
    /// Where evaluating stops to keep a boundary, of what is evaluated next.
    pub(crate) stops: Vec<usize>,
    pub(crate) boundaries: Boundaries,
}

/// Rows of a batch that have scores.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scored {
    /// Tokens of the sequence up to and with the first row that has scores.
    pub(crate) first: usize,
    /// That row. Every later one of the sequence has scores, too.
    pub(crate) row: usize,
}

impl Sequence {
    /// How many of `tokens` it begins with. One is always left, because only evaluating gives scores.
    pub(crate) fn common(&self, tokens: &[TokenId]) -> usize {
        let common = self.evaluated.iter().zip(tokens).take_while(|(a, b)| a == b).count();
        common.min(tokens.len().saturating_sub(1))
    }

    /// Tokens that may be evaluated before a boundary has to be kept; `None` where there is no such place.
    pub(crate) fn room(&self) -> Option<usize> {
        let start = self.evaluated.len();
        self.stops.iter().filter_map(|stop| stop.checked_sub(start)).filter(|room| *room > 0).min()
    }

    /// The row of the last batch that has scores for the place behind the first `tokens` tokens.
    pub(crate) fn row(&self, tokens: usize) -> Option<i32> {
        let Scored { first, row } = self.scored?;
        if tokens > self.evaluated.len() {
            return None;
        }
        i32::try_from(row.saturating_add(tokens.checked_sub(first)?)).ok()
    }

    /// Forgets what lies behind the first `tokens` tokens.
    pub(crate) fn truncate(&mut self, tokens: usize) {
        self.evaluated.truncate(tokens);
        self.boundaries.truncate(tokens);
    }

    /// Takes over the first `tokens` tokens of `other`.
    pub(crate) fn take_over(&mut self, other: &Self, tokens: usize) {
        self.evaluated = other.evaluated.get(..tokens).unwrap_or_default().to_vec();
        self.boundaries.replace(other.boundaries.all().to_vec());
        self.boundaries.truncate(tokens);
        self.scored = None;
    }
}
