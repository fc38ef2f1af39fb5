//! The model's tokens: text to ids and back, and which of them are markup.
//!
//! Leaves out which token comes next.

use std::sync::Arc;

use everstep_core::TokenId;
use everstep_model::{Family, ToolDefinition};
use llama_cpp_2::{
    model::LlamaModel as Weights, token::LlamaToken, token_type::LlamaTokenAttr, vocab::VocabType,
};
use serde_json::Value;
use toktrie::{SimpleVob, TokEnv, TokRxInfo, TokTrie, TokenId as TrieToken, TokenizerEnv};

use crate::template::Piece;

/// The vocabulary of a loaded model.
pub(crate) struct Vocabulary {
    weights: Arc<Weights>,
    pieces: Arc<Pieces>,
    kinds: Vec<Kind>,
    /// Texts that stand for one token of markup, the user-defined ones apart: those are recognised
    /// even in plain text, so plain text is cut inside them.
    control_texts: Vec<String>,
    user_texts: Vec<String>,
    ends: Vec<TokenId>,
    bos: Option<TokenId>,
}

/// What a token is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    Text,
    /// A control token, or a user-defined one that looks like markup.
    Markup,
    /// Ends a generation.
    End,
}

/// The bytes of every token, flat.
#[derive(Debug, Default)]
pub(crate) struct Pieces {
    bytes: Vec<u8>,
    /// Where each token's bytes end.
    ends: Vec<u32>,
}

/// Why a vocabulary can't be used.
#[derive(Debug, thiserror::Error)]
pub enum VocabularyError {
    /// Without a token that ends a reply, no generation would end.
    #[error("its vocabulary has no token that ends a reply")]
    NoEnd,
    /// More text than offsets can name.
    #[error("its vocabulary is too large")]
    TooLarge,
}

/// Why a text can't be put into tokens.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum EncodeError {
    #[error("a message became markup: token {token}")]
    Markup { token: TokenId },
    #[error("an earlier reply has token {token}, the vocabulary {tokens}")]
    Unknown { token: TokenId, tokens: usize },
}

impl Pieces {
    /// The bytes of `tokens` in a row; unknown ones have none.
    pub(crate) fn bytes(&self, tokens: &[TokenId]) -> Vec<u8> {
        tokens.iter().flat_map(|&token| self.piece(token)).copied().collect()
    }

    /// The text of `tokens`; bytes that are no UTF-8 become U+FFFD.
    pub(crate) fn text(&self, tokens: &[TokenId]) -> String {
        String::from_utf8_lossy(&self.bytes(tokens)).into_owned()
    }

    pub(crate) fn piece(&self, token: TokenId) -> &[u8] {
        let Ok(index) = usize::try_from(token) else { return &[] };
        let end = self.ends.get(index).copied().unwrap_or_default();
        let start = match index.checked_sub(1) {
            Some(before) => self.ends.get(before).copied().unwrap_or(end),
            None => 0,
        };
        self.bytes.get(start as usize..end as usize).unwrap_or_default()
    }

    fn push(&mut self, piece: &[u8]) -> Result<(), VocabularyError> {
        self.bytes.extend_from_slice(piece);
        self.ends.push(u32::try_from(self.bytes.len()).map_err(|_| VocabularyError::TooLarge)?);
        Ok(())
    }
}

impl Vocabulary {
    /// Walks the vocabulary of `weights` once.
    pub(crate) fn new(weights: Arc<Weights>, family: &Family) -> Result<Self, VocabularyError> {
        let vocab = weights.vocab();
        let marks: Vec<&str> = family.marks().collect();
        let mut pieces = Pieces::default();
        let mut kinds = Vec::new();
        let (mut control_texts, mut user_texts, mut ends) = (Vec::new(), Vec::new(), Vec::new());
        for token in vocab.tokens() {
            let attributes = vocab.attr(token);
            let shown = vocab.token_to_piece(token, true, None);
            let text = String::from_utf8_lossy(&shown).into_owned();
            let is_call = marks.contains(&text.as_str());
            let kind = if vocab.is_eog(token) {
                ends.extend(u32::try_from(token.0));
                Kind::End
            } else if attributes.contains(LlamaTokenAttr::Control) {
                Kind::Markup
            } else if attributes.contains(LlamaTokenAttr::UserDefined) && looks_like_markup(&text) {
                user_texts.push(text.clone());
                Kind::Markup
            } else {
                Kind::Text
            };
            // Markup has no text, except for the marks of a call and of thought: the reply's parser reads
            // them.
            let piece =
                if kind == Kind::Text || is_call { shown } else { vocab.token_to_piece(token, false, None) };
            pieces.push(&piece)?;
            if kind != Kind::Text && !text.is_empty() {
                control_texts.push(text);
            }
            kinds.push(kind);
        }
        // The end of a turn is the usual end; llguidance takes the first of the list for it.
        for first in [vocab.eos().0, vocab.eot().0] {
            if let Some(at) = ends.iter().position(|&end| i64::from(end) == i64::from(first)) {
                ends.swap(0, at);
            }
        }
        if ends.is_empty() {
            return Err(VocabularyError::NoEnd);
        }
        let bos = vocab.should_add_bos().then(|| vocab.bos().0).and_then(|token| u32::try_from(token).ok());
        let pieces = Arc::new(pieces);
        Ok(Self { weights, pieces, kinds, control_texts, user_texts, ends, bos })
    }

    /// The bytes of every token, to be shared with other threads.
    pub(crate) fn pieces(&self) -> &Arc<Pieces> {
        &self.pieces
    }

    /// Tokens there are.
    pub(crate) fn len(&self) -> usize {
        self.kinds.len()
    }

    /// Whether `token` ends a reply.
    pub(crate) fn ends_reply(&self, token: TokenId) -> bool {
        self.ends.contains(&token)
    }

    /// What may be sampled where no grammar says it: text, the marks of a call, the end.
    pub(crate) fn free_tokens(&self) -> SimpleVob {
        let mut free = SimpleVob::alloc(self.len());
        for (token, kind) in (0_u32..).zip(&self.kinds) {
            if *kind != Kind::Markup || !self.pieces.piece(token).is_empty() {
                free.allow_token(token);
            }
        }
        free
    }

    /// The token `text` is, where it is a control token, which text never becomes by itself.
    pub(crate) fn control_token(&self, text: &str) -> Option<TokenId> {
        let vocab = self.weights.vocab();
        (0_u32..).zip(&self.kinds).find_map(|(token, kind)| {
            let is_it = *kind == Kind::Markup
                && self.pieces.piece(token) == text.as_bytes()
                && vocab.attr(llama_token(token)).contains(LlamaTokenAttr::Control);
            is_it.then_some(token)
        })
    }

    /// Puts a rendered prompt into tokens.
    pub(crate) fn encode(&self, pieces: &[Piece<'_>]) -> Result<Vec<TokenId>, EncodeError> {
        let mut tokens = Vec::new();
        for piece in pieces {
            match piece {
                Piece::Markup(text) => tokens.extend(tokenize(&self.weights, text, true)),
                Piece::Content(text) => self.encode_content(text, &mut tokens)?,
                Piece::Reply(reply) => {
                    if let Some(&token) = reply.iter().find(|&&token| token as usize >= self.len()) {
                        return Err(EncodeError::Unknown { token, tokens: self.len() });
                    }
                    tokens.extend_from_slice(reply);
                }
            }
        }
        if let Some(bos) = self.bos.filter(|bos| tokens.first() != Some(bos)) {
            tokens.insert(0, bos);
        }
        Ok(tokens)
    }

    fn encode_content(&self, text: &str, tokens: &mut Vec<TokenId>) -> Result<(), EncodeError> {
        let start = tokens.len();
        for part in cut_inside(text, &self.user_texts) {
            tokens.extend(tokenize(&self.weights, part, false));
        }
        let is_markup =
            |token: &&TokenId| self.kinds.get(**token as usize).is_none_or(|kind| *kind != Kind::Text);
        match tokens.iter().skip(start).find(is_markup) {
            Some(&token) => Err(EncodeError::Markup { token }),
            None => Ok(()),
        }
    }

    /// The first text of `tool` that would become markup in a prompt, and the markup.
    pub(crate) fn markup_in<'a>(&'a self, tool: &'a ToolDefinition) -> Option<(&'a str, &'a str)> {
        let mut texts = vec![tool.name.as_str(), tool.summary.as_str()];
        collect_texts(&tool.arguments, &mut texts);
        texts.into_iter().find_map(|text| {
            let markup = self.control_texts.iter().find(|markup| text.contains(markup.as_str()))?;
            Some((text, markup.as_str()))
        })
    }

    /// The environment llguidance compiles grammars in. Costs a walk over the vocabulary.
    pub(crate) fn token_environment(&self) -> TokEnv {
        let vocab = self.weights.vocab();
        let words: Vec<Vec<u8>> = vocab
            .tokens()
            .map(|token| {
                let text = vocab.token_to_piece(token, false, None);
                if !text.is_empty() {
                    return text;
                }
                let special = vocab.token_to_piece(token, true, None);
                if special.is_empty() {
                    return special;
                }
                [&[TokTrie::SPECIAL_TOKEN_MARKER], special.as_slice()].concat()
            })
            .collect();
        let vocab_size = u32::try_from(words.len()).unwrap_or(u32::MAX);
        let info = TokRxInfo::new(vocab_size, self.ends.first().copied().unwrap_or_default());
        let trie = TokTrie::from(&info, &words).with_eos_tokens(&self.ends);
        // Other tokenizers add a space in front of every piece, so what they make of a forced text
        // is not what follows in the middle of a reply.
        let canonical = matches!(vocab.vocab_type(), VocabType::BPE);
        Arc::new(Environment { trie, weights: Arc::clone(&self.weights), canonical })
    }
}

/// llama.cpp's tokenizer, as llguidance wants it.
struct Environment {
    trie: TokTrie,
    weights: Arc<Weights>,
    canonical: bool,
}

impl TokenizerEnv for Environment {
    fn tok_trie(&self) -> &TokTrie {
        &self.trie
    }

    fn tokenize_bytes(&self, bytes: &[u8]) -> Vec<TrieToken> {
        self.trie.tokenize_with_greedy_fallback(bytes, |text| tokenize(&self.weights, text, false))
    }

    fn tokenize_is_canonical(&self) -> bool {
        self.canonical
    }
}

fn tokenize(weights: &Weights, text: &str, markup: bool) -> Vec<TokenId> {
    let tokens = weights.vocab().tokenize(text.as_bytes(), false, markup);
    tokens.into_iter().filter_map(|token| u32::try_from(token.0).ok()).collect()
}

/// A token as llama.cpp takes it. Ids beyond its range become one it refuses.
pub(crate) fn llama_token(token: TokenId) -> LlamaToken {
    LlamaToken(i32::try_from(token).unwrap_or(-1))
}

/// User-defined tokens are also used for runs of spaces and the like, which are plain text.
fn looks_like_markup(text: &str) -> bool {
    (text.starts_with('<') && text.ends_with('>')) || (text.starts_with('[') && text.ends_with(']'))
}

/// Cuts `text` behind the first character of every one of `marks` in it, so that none is whole.
fn cut_inside<'a>(text: &'a str, marks: &[String]) -> Vec<&'a str> {
    let mut parts = Vec::new();
    let mut start = 0;
    for (at, first) in text.char_indices() {
        let rest = text.get(at..).unwrap_or_default();
        if marks.iter().any(|mark| rest.starts_with(mark.as_str())) {
            let end = at.saturating_add(first.len_utf8());
            parts.extend(text.get(start..end));
            start = end;
        }
    }
    parts.extend(text.get(start..).filter(|rest| !rest.is_empty()));
    parts
}

fn collect_texts<'a>(value: &'a Value, texts: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => texts.push(text),
        Value::Array(items) => items.iter().for_each(|item| collect_texts(item, texts)),
        Value::Object(entries) => {
            for (key, entry) in entries {
                texts.push(key);
                collect_texts(entry, texts);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests;
