//! Counts the tokens of thought, and ends it when there are enough.
//!
//! The grammar says what thought may be; this only says when its end is forced.

use everstep_core::TokenId;
use everstep_model::{Family, THOUGHT_CLOSE, THOUGHT_OPEN, ThoughtBegin};
use toktrie::{TokEnv, TokTrie};

use super::source::{Marks, Part};

/// Follows a reply through its thought.
#[derive(Clone)]
pub(super) struct Watch {
    environment: TokEnv,
    phase: Phase,
    tokens: usize,
    tokens_max: usize,
    /// The text of the reply so far; of the thought's own, enough to find its end.
    text: Vec<u8>,
    /// What ends a thought, and the token that its mark is, if it is one.
    end: String,
    end_token: Option<TokenId>,
    /// How many bytes of `end` stand at the end of the text, put there since the limit was reached.
    ending: usize,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Phase {
    /// The reply may turn out to begin with thought.
    Open,
    Inside,
    Over,
}

impl Watch {
    /// A watch for a reply that begins; none where there is no thought.
    pub(super) fn new(
        begin: ThoughtBegin,
        family: &Family,
        tokens_max: usize,
        environment: &TokEnv,
        marks: &Marks,
    ) -> Option<Self> {
        let phase = match begin {
            ThoughtBegin::Never => return None,
            ThoughtBegin::InReply => Phase::Open,
            ThoughtBegin::InPrompt => Phase::Inside,
        };
        let gap = family.thought.map_or("\n\n", |thought| thought.gap);
        Some(Self {
            environment: environment.clone(),
            phase,
            tokens: 0,
            tokens_max,
            text: Vec::new(),
            end: format!("\n{THOUGHT_CLOSE}{gap}"),
            end_token: marks.token(THOUGHT_CLOSE),
            ending: 0,
        })
    }

    /// Moves past a token of the reply.
    pub(super) fn take(&mut self, token: TokenId) {
        if self.phase == Phase::Over {
            return;
        }
        let enough = self.has_enough();
        let bytes = self.environment.tok_trie().token(token);
        let bytes = bytes.strip_prefix(&[TokTrie::SPECIAL_TOKEN_MARKER]).unwrap_or(bytes).to_vec();
        self.text.extend_from_slice(&bytes);
        if self.phase == Phase::Open {
            self.phase = match self.text.len().cmp(&THOUGHT_OPEN.len()) {
                _ if self.text.starts_with(THOUGHT_OPEN.as_bytes()) => Phase::Inside,
                _ if THOUGHT_OPEN.as_bytes().starts_with(&self.text) => Phase::Open,
                _ => Phase::Over,
            };
            return;
        }
        self.tokens = self.tokens.saturating_add(1);
        if enough {
            let ending = self.end.as_bytes().get(self.ending..).unwrap_or_default();
            self.ending =
                if ending.starts_with(&bytes) { self.ending.saturating_add(bytes.len()) } else { 0 };
        }
        let close = THOUGHT_CLOSE.as_bytes();
        if self.text.windows(close.len()).any(|window| window == close) {
            self.phase = Phase::Over;
        }
        // Only what may be the begin of the mark is still needed.
        let kept = self.text.len().saturating_sub(close.len());
        self.text.drain(..kept);
    }

    /// The tokens that end the thought, once there was enough of it.
    pub(super) fn end(&self) -> Option<Vec<TokenId>> {
        if self.phase != Phase::Inside || !self.has_enough() {
            return None;
        }
        let rest = self.end.get(self.ending..)?;
        let tokenize = |text: &str| self.environment.tokenize_bytes(text.as_bytes());
        let Some(token) = self.end_token else { return Some(tokenize(rest)) };
        let parts = match rest.split_once(THOUGHT_CLOSE) {
            Some((before, behind)) => vec![Part::Text(before), Part::Token(token), Part::Text(behind)],
            None => vec![Part::Text(rest)],
        };
        let tokens = parts.into_iter().flat_map(|part| match part {
            Part::Text(text) => tokenize(text),
            Part::Token(token) => vec![token],
        });
        Some(tokens.collect())
    }

    fn has_enough(&self) -> bool {
        self.tokens >= self.tokens_max
    }
}
