//! The head of a GGUF file: read and checked before llama.cpp sees the file.
//!
//! llama.cpp answers a damaged file with a bare null; this says what is wrong and where. Leaves out the
//! tensors' contents.

mod tokens;

use std::{
    collections::BTreeMap,
    io::{self, BufRead, Read},
};

#[cfg(test)]
pub(crate) use self::tokens::spelling;
use self::tokens::{TEXTS_KEY, Tokens};

/// What the head of a GGUF says, as far as the engine needs it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gguf {
    strings: BTreeMap<String, String>,
    numbers: BTreeMap<String, u64>,
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
/// Deepest nesting of arrays.
const DEPTH_MAX: u32 = 2;
/// Most dimensions of a tensor.
const DIMENSIONS_MAX: u32 = 4;

/// Elements and bytes of one block of each tensor type.
const BLOCKS: &[(u32, u64, u64)] = &[
    (0, 1, 4),
    (1, 1, 2),
    (2, 32, 18),
    (3, 32, 20),
    (6, 32, 22),
    (7, 32, 24),
    (8, 32, 34),
    (9, 32, 36),
    (10, 256, 84),
    (11, 256, 110),
    (12, 256, 144),
    (13, 256, 176),
    (14, 256, 210),
    (15, 256, 292),
    (16, 256, 66),
    (17, 256, 74),
    (18, 256, 98),
    (19, 256, 50),
    (20, 32, 18),
    (21, 256, 110),
    (22, 256, 82),
    (23, 256, 136),
    (24, 1, 1),
    (25, 1, 2),
    (26, 1, 4),
    (27, 1, 8),
    (28, 1, 8),
    (29, 256, 56),
    (30, 1, 2),
    (34, 256, 54),
    (35, 256, 66),
    (39, 32, 17),
];

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

    /// The architecture; `read` made sure that there is one.
    pub(crate) fn architecture(&self) -> &str {
        self.text("general.architecture").unwrap_or_default()
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
        self.tensors(tensors, gguf.number("general.alignment").unwrap_or(32))?;
        Ok(gguf)
    }

    /// Walks the tensor table; every tensor must lie inside the file.
    fn tensors(&mut self, count: u64, alignment: u64) -> Result<(), GgufError> {
        if !alignment.is_power_of_two() || alignment > 1 << 20 {
            return Err(damaged(format!("an alignment of {alignment}")));
        }
        let mut end_max = 0_u64;
        let mut last = String::new();
        for _ in 0..count {
            let name = self.string("a tensor's name", NAME_BYTES_MAX)?;
            let dimensions = self.u32(&name)?;
            if dimensions == 0 || dimensions > DIMENSIONS_MAX {
                return Err(damaged(format!("tensor {name} has {dimensions} dimensions")));
            }
            let mut row = 0_u64;
            let mut elements = 1_u64;
            for dimension in 0..dimensions {
                let size = self.u64(&name)?;
                if dimension == 0 {
                    row = size;
                }
                elements = elements
                    .checked_mul(size)
                    .filter(|&elements| elements > 0)
                    .ok_or_else(|| damaged(format!("tensor {name} has an impossible size")))?;
            }
            let kind = self.u32(&name)?;
            let offset = self.u64(&name)?;
            let (_, block, block_bytes) = BLOCKS
                .iter()
                .find(|&&(known, _, _)| known == kind)
                .ok_or_else(|| damaged(format!("tensor {name} has the unknown type {kind}")))?;
            if !row.is_multiple_of(*block) || !offset.is_multiple_of(alignment) {
                return Err(damaged(format!("tensor {name} is not aligned")));
            }
            let end = (elements / block).checked_mul(*block_bytes).and_then(|size| offset.checked_add(size));
            let end = end.ok_or_else(|| damaged(format!("tensor {name} has an impossible size")))?;
            if end > end_max {
                end_max = end;
                last = name;
            }
        }
        let start = self.at.next_multiple_of(alignment);
        let needed = start.checked_add(end_max).ok_or_else(|| damaged("impossible offsets".to_owned()))?;
        if needed > self.bytes {
            return Err(GgufError::Truncated { what: format!("tensor {last}"), needed, bytes: self.bytes });
        }
        Ok(())
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
