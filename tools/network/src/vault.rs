//! Secrets by name. They go out on the wire; whatever comes back, and whatever is said, passes `mask`.
//!
//! Leaves out where secrets are kept: boards read them.

mod mask;

use std::fmt;

use zeroize::Zeroizing;

use mask::Needle;

/// Fewest bytes of a secret: a shorter one would be found, and masked, in ordinary text.
pub const SECRET_BYTES_MIN: usize = 8;
/// Most bytes of a secret: a certificate's key in PEM fits.
pub const SECRET_BYTES_MAX: usize = 8 * 1024;
/// Most bytes that one byte of a secret can become: `\u00XX`, each letter of it percent-encoded twice.
const FORM_BYTES_MAX: usize = 54;

/// A board's secrets. Their bytes are wiped when it goes; `Debug` shows nothing of them.
#[derive(Default)]
pub struct Vault {
    secrets: Vec<Secret>,
}

struct Secret {
    name: String,
    value: Zeroizing<String>,
    needle: Needle,
}

impl fmt::Debug for Vault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Vault").finish_non_exhaustive()
    }
}

/// Why a secret isn't taken. The text says nothing of its content.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum VaultError {
    /// Too short or too long.
    #[error("a secret has {SECRET_BYTES_MIN} to {SECRET_BYTES_MAX} bytes, not {bytes}")]
    Size {
        /// The secret.
        name: String,
        /// Its bytes.
        bytes: usize,
    },
    /// Not text.
    #[error("a secret is text in UTF-8")]
    NoText {
        /// The secret.
        name: String,
    },
    /// Text that is found everywhere.
    #[error("a secret has at least 4 different bytes")]
    Plain {
        /// The secret.
        name: String,
    },
}

impl VaultError {
    /// The name of the secret.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Size { name, .. } | Self::NoText { name } | Self::Plain { name } => name,
        }
    }
}

impl Vault {
    /// Takes secrets, each with its name. One line end behind a secret is left out: editors add it.
    ///
    /// # Errors
    ///
    /// See [`VaultError`].
    pub fn new(secrets: impl IntoIterator<Item = (String, Zeroizing<Vec<u8>>)>) -> Result<Self, VaultError> {
        let mut taken = Vec::new();
        for (name, bytes) in secrets {
            taken.push(Secret::new(name, &bytes)?);
        }
        // A secret that holds another one is masked as a whole.
        taken.sort_by_key(|secret| std::cmp::Reverse(secret.value.len()));
        Ok(Self { secrets: taken })
    }

    /// The secret called `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.secrets.iter().find(|secret| secret.name == name).map(|secret| secret.value.as_str())
    }

    /// Whether there is a secret of that name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// The same text with `[secret NAME]` in place of every secret: plain, in base64 of either alphabet
    /// and any alignment, in hexadecimal digits, and each of these percent-encoded or JSON-escaped, up to
    /// three layers deep.
    #[must_use]
    pub fn mask(&self, text: &str) -> String {
        let needles = self.secrets.iter().map(|secret| (secret.name.as_str(), &secret.needle));
        mask::mask(text, needles)
    }

    /// Most bytes that a secret can take up in a text. Where a text was cut, as many at its end may be
    /// the beginning of one.
    #[must_use]
    pub fn form_bytes_max(&self) -> usize {
        self.secrets.first().map_or(0, |longest| longest.value.len().saturating_mul(FORM_BYTES_MAX))
    }
}

impl Secret {
    fn new(name: String, bytes: &[u8]) -> Result<Self, VaultError> {
        let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        if !(SECRET_BYTES_MIN..=SECRET_BYTES_MAX).contains(&bytes.len()) {
            return Err(VaultError::Size { name, bytes: bytes.len() });
        }
        let Ok(text) = std::str::from_utf8(bytes) else { return Err(VaultError::NoText { name }) };
        let mut different = [false; 256];
        for byte in bytes {
            if let Some(seen) = different.get_mut(usize::from(*byte)) {
                *seen = true;
            }
        }
        if different.iter().filter(|seen| **seen).count() < 4 {
            return Err(VaultError::Plain { name });
        }
        let needle = Needle::new(bytes);
        Ok(Self { name, value: Zeroizing::new(text.to_owned()), needle })
    }
}

#[cfg(test)]
mod tests;
