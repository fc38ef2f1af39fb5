//! The vocabulary's lists in a GGUF: llama.cpp aborts on a damaged one, so it is checked before.

use std::collections::{BTreeMap, HashSet};

/// What the head says about the vocabulary.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    texts: HashSet<Vec<u8>>,
    twice: Option<usize>,
    count: usize,
    /// Type and length of the lists that run beside the tokens.
    beside: BTreeMap<String, (u32, u64)>,
}

/// The list of the tokens' texts.
pub(super) const TEXTS_KEY: &str = "tokenizer.ggml.tokens";
/// Lists with an entry for each token, and the types llama.cpp reads them as.
const BESIDE: &[(&str, &[u32])] =
    &[("tokenizer.ggml.token_type", &[4, 5]), ("tokenizer.ggml.scores", &[5, 6])];
/// Tokenizers whose texts spell bytes as GPT-2 does.
const BYTE_SPELLING: &str = "gpt2";

impl Tokens {
    /// Takes the text of the next token.
    pub(super) fn push(&mut self, text: Vec<u8>) {
        if !text.is_empty() && !self.texts.insert(text) {
            self.twice.get_or_insert(self.count);
        }
        self.count = self.count.saturating_add(1);
    }

    /// Notes a list of `count` values of the type `kind`.
    pub(super) fn list(&mut self, key: &str, kind: u32, count: u64) {
        if Self::is_beside(key) {
            self.beside.insert(key.to_owned(), (kind, count));
        }
    }

    /// Whether a list runs beside the tokens.
    pub(super) fn is_beside(key: &str) -> bool {
        BESIDE.iter().any(|&(known, _)| known == key)
    }

    /// Tokens so far.
    pub(super) const fn count(&self) -> usize {
        self.count
    }

    /// What is wrong, if anything; `model` names the kind of tokenizer.
    pub(super) fn damage(&self, model: Option<&str>) -> Option<String> {
        let Some(model) = model else { return Some("tokenizer.ggml.model is missing".to_owned()) };
        if self.count == 0 {
            return Some(format!("{TEXTS_KEY} is missing or empty"));
        }
        if let Some(token) = self.twice {
            return Some(format!("{TEXTS_KEY} has the text of token {token} twice"));
        }
        for (key, kinds) in BESIDE {
            let Some(&(kind, count)) = self.beside.get(*key) else { continue };
            if !kinds.contains(&kind) || usize::try_from(count) != Ok(self.count) {
                return Some(format!("{key} does not fit the {} tokens", self.count));
            }
        }
        if model == BYTE_SPELLING {
            let missing = (0..=u8::MAX).find(|&byte| {
                let mut text = [0; 4];
                !self.texts.contains(spelling(byte).encode_utf8(&mut text).as_bytes())
            });
            return missing.map(|byte| format!("{TEXTS_KEY} has no token for the byte {byte}"));
        }
        None
    }
}

/// The character that stands for a byte in GPT-2's vocabularies: itself where it can be seen, else one
/// from U+0100 on.
pub(crate) fn spelling(byte: u8) -> char {
    let is_itself = |byte: u8| matches!(byte, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF);
    if is_itself(byte) {
        return char::from(byte);
    }
    let hidden_before = (0..byte).filter(|&other| !is_itself(other)).count();
    u32::try_from(hidden_before)
        .ok()
        .and_then(|count| char::from_u32(256_u32.saturating_add(count)))
        .unwrap_or('\0')
}
