//! Guesses what comes next where the last tokens stood before: names, numbers and texts of a conversation
//! repeat. A guess only decides what is evaluated together; what is drawn decides the reply.
//!
//! Leaves out evaluating and drawing.

use std::sync::atomic::{AtomicU64, Ordering};

use everstep_core::TokenId;

/// Whether tokens that stood behind the same ones before are evaluated ahead of being drawn.
///
/// The reply is the same either way, up to what other batch sizes change in the last bits of a score. A
/// model whose state can't be cut back, as a recurrent one's, never drafts: a wrong guess would cost an
/// evaluation from the last place it can go back to.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Drafting {
    /// From the prompt and the reply so far.
    #[default]
    Lookup,
    /// Never.
    Off,
}

/// How often tokens evaluated ahead turned out to be the reply's.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct DraftCounts {
    /// Tokens evaluated ahead.
    pub drafted: u64,
    /// Those of them that the reply then had.
    pub accepted: u64,
}

/// Where a guess comes from.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Source {
    /// What followed the same tokens before.
    #[default]
    Lookup,
    /// The grammar leaves no other text, though perhaps other tokens: nearly always right.
    Grammar,
}

/// The counts, where the handle can read them.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    drafted: AtomicU64,
    accepted: AtomicU64,
}

/// Most tokens guessed at once.
pub(crate) const DRAFT_TOKENS_MAX: usize = 8;
/// How many last tokens must have stood before, the longest first.
const KEYS: [usize; 2] = [3, 2];
/// Tokens tried before a share of right ones means anything.
const TRIED_MIN: u32 = 16;
/// Percent of them that must be right: a row evaluated ahead costs about a third of a single one.
const RIGHT_PERCENT_MIN: u32 = 30;
/// Draws without a guess once too few were right; twice as many each time that this happens in a row.
const PAUSE_DRAWS: u32 = 64;
/// Most of them: guesses that are never right then cost less than a percent.
const PAUSE_DRAWS_MAX: u32 = 1024;

/// Makes guesses, and stops for a while when too few of them are right.
#[derive(Debug)]
pub(crate) struct Drafts {
    drafting: Drafting,
    /// Of the newest guesses: older ones count half with each look.
    tried: u32,
    right: u32,
    pause: u32,
    pause_next: u32,
    counters: std::sync::Arc<Counters>,
}

impl Counters {
    pub(crate) fn read(&self) -> DraftCounts {
        DraftCounts {
            drafted: self.drafted.load(Ordering::Relaxed),
            accepted: self.accepted.load(Ordering::Relaxed),
        }
    }
}

impl Drafts {
    pub(crate) const fn new(drafting: Drafting, counters: std::sync::Arc<Counters>) -> Self {
        Self { drafting, tried: 0, right: 0, pause: 0, pause_next: PAUSE_DRAWS, counters }
    }

    /// At most `room` tokens that may follow `sequence`. Asked once before each draw that needs an
    /// evaluation.
    pub(crate) fn guess<'a>(&mut self, sequence: &'a [TokenId], room: usize) -> &'a [TokenId] {
        if self.drafting == Drafting::Off || room == 0 {
            return &[];
        }
        if let Some(left) = self.pause.checked_sub(1) {
            self.pause = left;
            return &[];
        }
        if self.tried >= TRIED_MIN {
            let enough = self.right.saturating_mul(100) >= self.tried.saturating_mul(RIGHT_PERCENT_MIN);
            if enough {
                (self.tried, self.right) = (self.tried / 2, self.right / 2);
                self.pause_next = PAUSE_DRAWS;
            } else {
                // Half of what must be tried, so that the next verdict comes sooner.
                (self.tried, self.right, self.pause) = (TRIED_MIN / 2, 0, self.pause_next);
                self.pause_next = self.pause_next.saturating_mul(2).min(PAUSE_DRAWS_MAX);
                return &[];
            }
        }
        let followed = KEYS.iter().find_map(|&key| followers(sequence, key)).unwrap_or_default();
        followed.get(..DRAFT_TOKENS_MAX.min(room)).unwrap_or(followed)
    }

    /// Whether anything may be evaluated ahead.
    pub(crate) fn are_on(&self) -> bool {
        self.drafting != Drafting::Off
    }

    /// Tells how many tokens of a guess were evaluated. Only what was looked up decides whether more is.
    pub(crate) fn tried(&mut self, source: Source, tokens: usize) {
        if source == Source::Lookup {
            self.tried = self.tried.saturating_add(u32::try_from(tokens).unwrap_or(u32::MAX));
        }
        self.counters.drafted.fetch_add(tokens as u64, Ordering::Relaxed);
    }

    /// Tells that the reply has a token that was evaluated ahead.
    pub(crate) fn was_right(&mut self, source: Source) {
        if source == Source::Lookup {
            self.right = self.right.saturating_add(1);
        }
        self.counters.accepted.fetch_add(1, Ordering::Relaxed);
    }
}

/// What stood behind the last `key` tokens of `sequence` where they stood last before.
fn followers(sequence: &[TokenId], key: usize) -> Option<&[TokenId]> {
    let last = sequence.get(sequence.len().checked_sub(key)?..)?;
    // Without the last token, so that the place found has at least one behind it.
    let before = sequence.get(..sequence.len().checked_sub(1)?)?;
    let at = before.windows(key).rposition(|window| window == last)?;
    sequence.get(at.saturating_add(key)..)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn drafts(drafting: Drafting) -> Drafts {
        Drafts::new(drafting, Arc::new(Counters::default()))
    }

    #[test]
    fn what_followed_the_longest_and_newest_match_is_guessed() {
        let mut drafts = drafts(Drafting::Lookup);
        // Three tokens match at the begin, two later on: the longer match counts.
        let sequence = [1, 2, 3, 4, 9, 2, 3, 5, 6, 1, 2, 3];
        assert_eq!(drafts.guess(&sequence, 99), [4, 9, 2, 3, 5, 6, 1, 2]);
        assert_eq!(drafts.guess(&sequence, 3), [4, 9, 2]);
        assert!(drafts.guess(&sequence, 0).is_empty());
        // Of two equal matches the newer one.
        assert_eq!(drafts.guess(&[7, 2, 3, 4, 8, 2, 3, 5, 1, 2, 3], 1), [5]);
        // One token alone says nothing.
        assert!(drafts.guess(&[1, 4, 2, 1], 9).is_empty());
        // A run goes on as it did, as far as it is known.
        assert_eq!(drafts.guess(&[5, 5, 5, 5], 9), [5]);
        for short in [&[][..], &[1], &[1, 1]] {
            assert!(drafts.guess(short, 9).is_empty());
        }
        assert!(super::tests::drafts(Drafting::Off).guess(&sequence, 99).is_empty());
    }

    #[test]
    fn wrong_guesses_bring_a_pause_and_right_ones_none() {
        let sequence = [1, 2, 3, 4, 1, 2, 3];
        let mut wrong = drafts(Drafting::Lookup);
        let guesses = |drafts: &mut Drafts, right: u32| {
            let guess = drafts.guess(&sequence, 4).len();
            drafts.tried(Source::Lookup, guess);
            (0..right.min(u32::try_from(guess).unwrap())).for_each(|_| drafts.was_right(Source::Lookup));
            guess > 0
        };
        let made: Vec<usize> = (0..10_000).filter(|_| guesses(&mut wrong, 0)).collect();
        // Sixteen tokens to begin with, eight after each pause; the pauses grow up to their limit.
        assert_eq!(made[..10], [0, 1, 2, 3, 69, 70, 200, 201, 459, 460]);
        assert!(made.len() < 40, "{}", made.len());
        let mut right = drafts(Drafting::Lookup);
        assert!((0..1000).all(|_| guesses(&mut right, 2)));
        assert_eq!(right.counters.read(), DraftCounts { drafted: 4000, accepted: 2000 });
        // Where things turn out well again, the pause was the last one.
        assert!((0..10_000).filter(|_| guesses(&mut wrong, 4)).count() > 8_900);
    }
}
