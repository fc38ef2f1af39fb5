//! What generations want evaluated, and what of it goes into one batch.
//!
//! Leaves out evaluating it.

use everstep_core::TokenId;

use crate::sequence::SequenceId;

/// What one sequence wants evaluated next: the tokens that go on where it ends.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Want {
    pub(crate) sequence: SequenceId,
    /// Tokens the sequence holds before.
    pub(crate) start: usize,
    pub(crate) tokens: Vec<TokenId>,
    /// All behind the first so many tokens of the sequence are guesses: each of them gets scores, and so
    /// does the last known one. The last token of a want always does.
    pub(crate) known: usize,
    pub(crate) purpose: Purpose,
}

/// What evaluated tokens are for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Purpose {
    /// A prompt can wait for a chunk; it only has to get on.
    Prompt,
    /// A reply is waited for token by token.
    Reply,
}

/// One part in so many of a batch is left to prompts while replies go on.
const PROMPT_PART: usize = 4;

/// Cuts wants so that together they have at most `tokens_max` tokens, which must be more than there are
/// wants. Replies come first and each gets its share; prompts get the rest, the first ones first.
pub(crate) fn fit(wants: &mut Vec<Want>, tokens_max: usize) {
    let count = |purpose| wants.iter().filter(|want| want.purpose == purpose).count();
    let (mut replies, prompts) = (count(Purpose::Reply), count(Purpose::Prompt));
    let reserved = if prompts > 0 { tokens_max / PROMPT_PART } else { 0 };
    let mut left = tokens_max.saturating_sub(reserved);
    for want in wants.iter_mut().filter(|want| want.purpose == Purpose::Reply) {
        // What one does not need is there for those behind it.
        want.tokens.truncate(left.checked_div(replies).unwrap_or_default());
        left = left.saturating_sub(want.tokens.len());
        replies = replies.saturating_sub(1);
    }
    left = left.saturating_add(reserved);
    for want in wants.iter_mut().filter(|want| want.purpose == Purpose::Prompt) {
        want.tokens.truncate(left);
        left = left.saturating_sub(want.tokens.len());
    }
    wants.retain(|want| !want.tokens.is_empty());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fitted(wanted: &[(Purpose, usize)], tokens_max: usize) -> Vec<(usize, usize)> {
        let want = |(id, &(purpose, tokens))| {
            let tokens = vec![0; tokens];
            Want { sequence: SequenceId(id), start: 0, tokens, known: 0, purpose }
        };
        let mut wants: Vec<Want> = wanted.iter().enumerate().map(want).collect();
        fit(&mut wants, tokens_max);
        wants.into_iter().map(|want| (want.sequence.0, want.tokens.len())).collect()
    }

    #[test]
    fn replies_come_first_and_prompts_get_the_rest() {
        use Purpose::{Prompt, Reply};
        assert_eq!(fitted(&[(Prompt, 500)], 64), [(0, 64)]);
        assert_eq!(fitted(&[(Reply, 500)], 64), [(0, 64)]);
        assert_eq!(
            fitted(&[(Prompt, 500), (Reply, 1), (Prompt, 9), (Reply, 5)], 64),
            [(0, 58), (1, 1), (3, 5)]
        );
        assert_eq!(fitted(&[(Prompt, 40), (Reply, 1), (Prompt, 90)], 64), [(0, 40), (1, 1), (2, 23)]);
        // Long forced texts of some leave something to the others, and to a prompt.
        assert_eq!(
            fitted(&[(Reply, 90), (Prompt, 90), (Reply, 90), (Reply, 3)], 64),
            [(0, 16), (1, 29), (2, 16), (3, 3)]
        );
        assert_eq!(fitted(&[(Reply, 3), (Reply, 90)], 64), [(0, 3), (1, 61)]);
        // Everyone gets on, even where all draft.
        assert_eq!(fitted(&[(Reply, 9); 8], 64), (0..8).map(|id| (id, 8)).collect::<Vec<_>>());
    }
}
