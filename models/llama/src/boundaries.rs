//! Places a recurrent model can go back to: its state can't be cut, so it is kept where a cut may come.
//!
//! Leaves out when a place is reached: the evaluator stops there.

use crate::state::State;

/// The state behind the first `tokens` tokens.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Boundary {
    pub(crate) tokens: usize,
    pub(crate) state: State,
}

/// Boundaries of what is in the cache, from the shortest to the longest.
#[derive(Debug, Default)]
pub(crate) struct Boundaries {
    kept: Vec<Boundary>,
    /// Where the head ends: that one is never given up for a later one.
    head: usize,
}

/// Boundaries that are kept: the head's and those of the newest steps.
pub(crate) const BOUNDARIES_MAX: usize = 4;
/// Bytes of all boundaries together. LFM2 with 1.2B parameters needs 160 KiB for each.
pub(crate) const BOUNDARY_BYTES_MAX: usize = 64 << 20;

impl Boundaries {
    /// The longest that is within the first `tokens` tokens.
    pub(crate) fn within(&self, tokens: usize) -> Option<&Boundary> {
        self.kept.iter().rev().find(|boundary| boundary.tokens <= tokens)
    }

    /// Forgets what lies behind the first `tokens` tokens.
    pub(crate) fn truncate(&mut self, tokens: usize) {
        self.kept.retain(|boundary| boundary.tokens <= tokens);
    }

    /// Takes over those of a snapshot.
    pub(crate) fn replace(&mut self, kept: Vec<Boundary>) {
        self.kept = kept;
    }

    pub(crate) const fn set_head(&mut self, tokens: usize) {
        self.head = tokens;
    }

    /// Keeps one more, behind all others, and gives up the oldest but the head's where they are too many.
    pub(crate) fn push(&mut self, boundary: Boundary) {
        self.truncate(boundary.tokens.saturating_sub(1));
        self.kept.push(boundary);
        while self.kept.len() > BOUNDARIES_MAX || self.bytes() > BOUNDARY_BYTES_MAX {
            let oldest = self.kept.iter().position(|kept| kept.tokens != self.head).unwrap_or(0);
            self.kept.remove(oldest);
        }
    }

    pub(crate) fn all(&self) -> &[Boundary] {
        &self.kept
    }

    fn bytes(&self) -> usize {
        self.kept.iter().map(|boundary| boundary.state.bytes().len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boundary(tokens: usize, bytes: usize) -> Boundary {
        Boundary { tokens, state: State::verified(vec![0; bytes]) }
    }

    fn places(boundaries: &Boundaries) -> Vec<usize> {
        boundaries.all().iter().map(|boundary| boundary.tokens).collect()
    }

    #[test]
    fn head_stays_and_the_oldest_of_the_rest_goes() {
        let mut boundaries = Boundaries::default();
        boundaries.set_head(10);
        for tokens in [10, 20, 30, 40, 50, 60] {
            boundaries.push(boundary(tokens, 1));
        }
        assert_eq!(places(&boundaries), [10, 40, 50, 60]);
        assert_eq!(boundaries.within(49).map(|found| found.tokens), Some(40));
        assert_eq!(boundaries.within(50).map(|found| found.tokens), Some(50));
        assert_eq!(boundaries.within(9), None);
        boundaries.truncate(40);
        assert_eq!(places(&boundaries), [10, 40]);
        // The same place again replaces it.
        boundaries.push(boundary(40, 2));
        assert_eq!(places(&boundaries), [10, 40]);
        // Large states are given up before small memory is.
        boundaries.push(boundary(50, BOUNDARY_BYTES_MAX - 1));
        assert_eq!(places(&boundaries), [10, 50]);
    }
}
