//! The key that seals the flash.

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{SecretError, SecretSource};

/// Bytes of a key.
pub const KEY_BYTES: usize = 32;
/// A key file holds the bytes, or two hexadecimal digits for each and a line's end.
const FILE_BYTES_MAX: u64 = 2 * KEY_BYTES as u64 + 2;

/// Where the key is: `file:PATH` or `systemd-creds:NAME`.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeySource(SecretSource);

/// Not a place for a key.
#[derive(Debug, thiserror::Error)]
#[error("a key is in `file:PATH` or `systemd-creds:NAME`, not in `{0}`")]
pub struct UnknownSource(String);

impl FromStr for KeySource {
    type Err = UnknownSource;

    fn from_str(text: &str) -> Result<Self, UnknownSource> {
        match text.parse() {
            // An environment is no place for what must outlive it.
            Ok(SecretSource::Env(_)) | Err(_) => Err(UnknownSource(text.into())),
            Ok(source) => Ok(Self(source)),
        }
    }
}

impl TryFrom<String> for KeySource {
    type Error = UnknownSource;

    fn try_from(text: String) -> Result<Self, UnknownSource> {
        text.parse()
    }
}

impl From<KeySource> for String {
    fn from(source: KeySource) -> Self {
        source.to_string()
    }
}

impl fmt::Display for KeySource {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

/// Why there is no key. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file isn't there.
    #[error("there is no key file {0}: make one with `(umask 077; head -c {KEY_BYTES} /dev/urandom > {0})`, and keep a copy elsewhere: without it the flash can't be read", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// It holds something else.
    #[error("key {place} must be {KEY_BYTES} bytes, or {} hexadecimal digits", 2 * KEY_BYTES)]
    NotAKey {
        /// The file or credential.
        place: String,
    },
    /// It can't be had.
    #[error("key: {0}")]
    Secret(#[source] SecretError),
}

impl KeySource {
    /// Reads the key. `folder` is what a relative path begins at.
    ///
    /// # Errors
    ///
    /// See [`KeyError`].
    pub fn read(&self, folder: &Path) -> Result<Zeroizing<[u8; KEY_BYTES]>, KeyError> {
        let bytes = self.0.read(folder, FILE_BYTES_MAX).map_err(|error| match error {
            SecretError::Missing { path } => KeyError::Missing { path },
            SecretError::TooLong { place, .. } => KeyError::NotAKey { place },
            other => KeyError::Secret(other),
        })?;
        key(&bytes).ok_or_else(|| KeyError::NotAKey { place: self.0.to_string() })
    }
}

/// The bytes themselves, or their hexadecimal digits.
fn key(bytes: &[u8]) -> Option<Zeroizing<[u8; KEY_BYTES]>> {
    if let Ok(key) = <[u8; KEY_BYTES]>::try_from(bytes) {
        return Some(Zeroizing::new(key));
    }
    let digits = bytes.trim_ascii_end();
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    if digits.len() != 2 * KEY_BYTES {
        return None;
    }
    for (to, pair) in key.iter_mut().zip(digits.chunks_exact(2)) {
        *to = pair.iter().try_fold(0, |byte: u8, digit| {
            let digit = char::from(*digit).to_digit(16)?;
            Some(byte << 4 | u8::try_from(digit).ok()?)
        })?;
    }
    Some(key)
}

#[cfg(test)]
mod tests;
