//! The head of a GGUF file: read and checked before llama.cpp sees the file.
//!
//! llama.cpp answers a damaged file with a bare null; this says what is wrong and where, and keeps what
//! tells how much memory the model will take. Leaves out the tensors' contents.

mod tensors;
mod tokens;

use std::{
    collections::BTreeMap,
    io::{self, BufRead, Read},
};

#[cfg(test)]
pub(crate) use self::tokens::spelling;
use self::{
    tensors::Tensors,
    tokens::{TEXTS_KEY, Tokens},
};

/// What the head of a GGUF says, as far as the engine needs it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gguf {
    strings: BTreeMap<String, String>,
    numbers: BTreeMap<String, u64>,
    lists: BTreeMap<String, Vec<u64>>,
    tensors: Tensors,
    tokens: usize,
}

/// Why a file is no usable GGUF.
#[derive(Debug, thiserror::Error)]
pub enum GgufError {
    /// The file is something else.
    #[error("it does not begin with `GGUF`; is it a model file?")]
    NotGguf,
    /// The version is not one llama.cpp reads.
    #[error("it has GGUF version {version}; versions 2 and 3 are read")]
    Version {
        /// The version found.
        version: u32,
    },
    /// The file ends too early; fetch it again.
    #[error("it is cut short: {what} ends at byte {needed}, the file at byte {bytes}")]
    Truncated {
        /// What lies behind the end.
        what: String,
        /// Where that would end.
        needed: u64,
        /// Where the file ends.
        bytes: u64,
    },
    /// A value can't be right; the file is damaged.
    #[error("it is damaged: {what}")]
    Damaged {
        /// What and where.
        what: String,
    },
    /// There is a head but nothing to compute with.
    #[error("it has a vocabulary but no weights")]
    NoWeights,
    /// Reading failed.
    #[error("it can't be read")]
    Io(#[from] io::Error),
}

/// Most key-value pairs and tensors a head may have.
const ENTRIES_MAX: u64 = 1 << 20;
/// Longest name of a key or tensor.
const NAME_BYTES_MAX: u64 = 1 << 16;
/// Longest text value, a chat template for one.
const TEXT_BYTES_MAX: u64 = 1 << 24;
/// Most items of a list that is kept: one for each layer.
const LIST_ITEMS_MAX: u64 = 4096;
/// Deepest nesting of arrays.
const DEPTH_MAX: u32 = 2;
impl Gguf {
    /// Reads the head of a file of `bytes` bytes and checks that all it announces is there.
    pub(crate) fn read(source: impl BufRead, bytes: u64) -> Result<Self, GgufError> {
        Reader { source, at: 0, bytes, tokens: Tokens::default() }.head()
    }

    /// A text value.
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        self.strings.get(key).map(String::as_str)
    }

    /// A number that is not negative.
    pub(crate) fn number(&self, key: &str) -> Option<u64> {
        self.numbers.get(key).copied()
    }

    /// A list of whole numbers that are not negative, one for each layer as a rule.
    pub(crate) fn list(&self, key: &str) -> Option<&[u64]> {
        self.lists.get(key).map(Vec::as_slice)
    }

    /// What the tensor table adds up to.
    pub(crate) const fn tensors(&self) -> &Tensors {
        &self.tensors
    }

    /// Tokens of the vocabulary.
    pub(crate) const fn tokens(&self) -> usize {
        self.tokens
    }

    /// The architecture; `read` made sure that there is one.
    pub(crate) fn architecture(&self) -> &str {
        self.text("general.architecture").unwrap_or_default()
    }
}

#[cfg(test)]
impl Gguf {
    /// A head that says just this, for what is computed from one.
    pub(crate) fn saying(
        architecture: &str,
        tokens: usize,
        numbers: &[(&str, u64)],
        lists: &[(&str, &[u64])],
    ) -> Self {
        let key = |key: &str| format!("{architecture}.{key}");
        Self {
            strings: [("general.architecture".to_owned(), architecture.to_owned())].into(),
            numbers: numbers.iter().map(|(name, number)| (key(name), *number)).collect(),
            lists: lists.iter().map(|(name, list)| (key(name), list.to_vec())).collect(),
            tensors: Tensors::default(),
            tokens,
        }
    }
}

struct Reader<R> {
    source: R,
    at: u64,
    bytes: u64,
    tokens: Tokens,
}

/// A value of the head, as far as it is kept.
enum Value {
    Text(String),
    Number(u64),
    List(Vec<u64>),
    Other,
}

impl<R: BufRead> Reader<R> {
    fn head(mut self) -> Result<Gguf, GgufError> {
        if self.bytes < 4 || self.array::<4>("the magic")? != *b"GGUF" {
            return Err(GgufError::NotGguf);
        }
        let version = self.u32("the version")?;
        if !(2..=3).contains(&version) {
            return Err(GgufError::Version { version });
        }
        let tensors = self.u64("the number of tensors")?;
        let pairs = self.u64("the number of keys")?;
        for (what, count) in [("tensors", tensors), ("keys", pairs)] {
            if count > ENTRIES_MAX {
                return Err(damaged(format!("{count} {what}")));
            }
        }
        let mut gguf = Gguf::default();
        for _ in 0..pairs {
            let key = self.string("a key", NAME_BYTES_MAX)?;
            let kind = self.u32(&key)?;
            match self.value(&key, kind, 0)? {
                Value::Text(text) => drop(gguf.strings.insert(key, text)),
                Value::Number(number) => drop(gguf.numbers.insert(key, number)),
                Value::List(list) => drop(gguf.lists.insert(key, list)),
                Value::Other => {}
            }
        }
        if gguf.architecture().is_empty() {
            return Err(damaged("general.architecture is missing".to_owned()));
        }
        if tensors == 0 {
            return Err(GgufError::NoWeights);
        }
        if let Some(what) = self.tokens.damage(gguf.text("tokenizer.ggml.model")) {
            return Err(damaged(what));
        }
        gguf.tokens = self.tokens.count();
        gguf.tensors = self.tensors(tensors, gguf.number("general.alignment").unwrap_or(32))?;
        Ok(gguf)
    }

    fn value(&mut self, key: &str, kind: u32, depth: u32) -> Result<Value, GgufError> {
        Ok(match kind {
            0 => Value::Number(u64::from(u8::from_le_bytes(self.array(key)?))),
            2 => Value::Number(u64::from(u16::from_le_bytes(self.array(key)?))),
            4 => Value::Number(u64::from(self.u32(key)?)),
            5 => match u64::try_from(i32::from_le_bytes(self.array(key)?)) {
                Ok(number) => Value::Number(number),
                Err(_) => Value::Other,
            },
            7 => match self.array::<1>(key)? {
                [flag @ 0..=1] => Value::Number(u64::from(flag)),
                [other] => return Err(damaged(format!("{key} is the truth value {other}"))),
            },
            8 => Value::Text(self.string(key, TEXT_BYTES_MAX)?),
            9 => return self.list(key, depth),
            10 => Value::Number(self.u64(key)?),
            _ => {
                let width = width(kind).ok_or_else(|| damaged(format!("{key} has the type {kind}")))?;
                self.skip(width, key)?;
                Value::Other
            }
        })
    }

    fn list(&mut self, key: &str, depth: u32) -> Result<Value, GgufError> {
        let kind = self.u32(key)?;
        let count = self.u64(key)?;
        self.tokens.list(key, kind, count);
        if depth == 0 && is_whole(kind) && count <= LIST_ITEMS_MAX && !Tokens::is_beside(key) {
            return self.numbers(key, kind, count);
        }
        if let Some(width) = width(kind) {
            let size = count.checked_mul(width).ok_or_else(|| damaged(format!("{key} has {count} items")))?;
            self.skip(size, key)?;
        } else {
            if depth == DEPTH_MAX {
                return Err(damaged(format!("{key} is nested too deep")));
            }
            // Each item takes at least its own length, so the file's size bounds this loop.
            for _ in 0..count {
                match kind {
                    8 if key == TEXTS_KEY => {
                        let text = self.string(key, NAME_BYTES_MAX)?;
                        self.tokens.push(text.into_bytes());
                    }
                    8 => {
                        let length = self.u64(key)?;
                        self.skip(length, key)?;
                    }
                    9 => drop(self.list(key, depth + 1)?),
                    _ => return Err(damaged(format!("{key} is a list of the type {kind}"))),
                }
            }
        }
        Ok(Value::Other)
    }

    /// A list that is kept, unless one of its numbers is negative.
    fn numbers(&mut self, key: &str, kind: u32, count: u64) -> Result<Value, GgufError> {
        let mut list = Some(Vec::new());
        for _ in 0..count {
            match (self.value(key, kind, 1)?, &mut list) {
                (Value::Number(number), Some(list)) => list.push(number),
                _ => list = None,
            }
        }
        Ok(list.map_or(Value::Other, Value::List))
    }

    fn string(&mut self, what: &str, bytes_max: u64) -> Result<String, GgufError> {
        let length = self.u64(what)?;
        self.holds(length, what)?;
        if length > bytes_max {
            return Err(damaged(format!("{what} has {length} bytes")));
        }
        let length = usize::try_from(length).map_err(|_| damaged(format!("{what} is too long")))?;
        let mut bytes = vec![0; length];
        self.fill(&mut bytes)?;
        String::from_utf8(bytes).map_err(|_| damaged(format!("{what} is not UTF-8")))
    }

    fn u32(&mut self, what: &str) -> Result<u32, GgufError> {
        self.array(what).map(u32::from_le_bytes)
    }

    fn u64(&mut self, what: &str) -> Result<u64, GgufError> {
        self.array(what).map(u64::from_le_bytes)
    }

    fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N], GgufError> {
        self.holds(N as u64, what)?;
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), GgufError> {
        self.source.read_exact(bytes)?;
        self.at = self.at.saturating_add(bytes.len() as u64);
        Ok(())
    }

    fn skip(&mut self, size: u64, what: &str) -> Result<(), GgufError> {
        self.holds(size, what)?;
        let skipped = io::copy(&mut self.source.by_ref().take(size), &mut io::sink())?;
        self.at = self.at.saturating_add(skipped);
        if skipped < size {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        Ok(())
    }

    /// Whether `size` more bytes are in the file.
    fn holds(&self, size: u64, what: &str) -> Result<(), GgufError> {
        let needed = self.at.saturating_add(size);
        if needed > self.bytes {
            return Err(GgufError::Truncated { what: what.to_owned(), needed, bytes: self.bytes });
        }
        Ok(())
    }
}

/// Whether values of a type are read as whole numbers.
const fn is_whole(kind: u32) -> bool {
    matches!(kind, 0 | 2 | 4 | 5 | 7 | 10)
}

/// Bytes of one value of a type of fixed width.
const fn width(kind: u32) -> Option<u64> {
    match kind {
        0 | 1 | 7 => Some(1),
        2 | 3 => Some(2),
        4..=6 => Some(4),
        10..=12 => Some(8),
        _ => None,
    }
}

const fn damaged(what: String) -> GgufError {
    GgufError::Damaged { what }
}

#[cfg(test)]
mod tests;
