//! The key that seals the flash, from a file only its owner can read or from systemd's credentials.

use std::{
    env, fmt,
    fs::File,
    io::{self, Read as _},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    str::FromStr,
};

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// Bytes of a key.
pub const KEY_BYTES: usize = 32;
/// A key file holds the bytes, or two hexadecimal digits for each and a line's end.
const FILE_BYTES_MAX: u64 = 2 * KEY_BYTES as u64 + 2;
/// Nobody but the owner may read the file.
const OTHERS: u32 = 0o077;

/// Where the key is: `file:PATH` or `systemd-creds:NAME`.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum KeySource {
    /// A file; relative to the board file.
    File(PathBuf),
    /// A credential that systemd hands to the service (`LoadCredentialEncrypted=`).
    SystemdCreds(String),
}

/// Not a place for a key.
#[derive(Debug, thiserror::Error)]
#[error("a key is in `file:PATH` or `systemd-creds:NAME`, not in `{0}`")]
pub struct UnknownSource(String);

impl FromStr for KeySource {
    type Err = UnknownSource;

    fn from_str(text: &str) -> Result<Self, UnknownSource> {
        match text.split_once(':') {
            Some(("file", path)) if !path.is_empty() => Ok(Self::File(path.into())),
            Some(("systemd-creds", name)) if !name.is_empty() && !name.contains('/') => {
                Ok(Self::SystemdCreds(name.into()))
            }
            _ => Err(UnknownSource(text.into())),
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
        match self {
            Self::File(path) => write!(out, "file:{}", path.display()),
            Self::SystemdCreds(name) => write!(out, "systemd-creds:{name}"),
        }
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
    /// Others than its owner may read or write it.
    #[error("key file {} may be read by others (mode {mode:03o}): `chmod 600` it", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// It holds something else.
    #[error("key {place} must be {KEY_BYTES} bytes, or {} hexadecimal digits", 2 * KEY_BYTES)]
    NotAKey {
        /// The file or credential.
        place: String,
    },
    /// The service manager gave no credentials.
    #[error(
        "systemd gave no credential `{name}`: add `LoadCredentialEncrypted={name}` to the service, or use `flash.seal = \"file:PATH\"`"
    )]
    NoCredential {
        /// Its name.
        name: String,
    },
    /// Reading failed.
    #[error("key file {} can't be read", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

impl KeySource {
    /// Reads the key. `folder` is what a relative path begins at.
    ///
    /// # Errors
    ///
    /// See [`KeyError`].
    pub fn read(&self, folder: &Path) -> Result<Zeroizing<[u8; KEY_BYTES]>, KeyError> {
        match self {
            Self::File(path) => read(&folder.join(path), true),
            Self::SystemdCreds(name) => {
                let none = || KeyError::NoCredential { name: name.clone() };
                let credentials = env::var_os("CREDENTIALS_DIRECTORY").ok_or_else(none)?;
                // systemd itself keeps others away from that folder.
                match read(&Path::new(&credentials).join(name), false) {
                    Err(KeyError::Missing { .. }) => Err(none()),
                    other => other,
                }
            }
        }
    }
}

fn read(path: &Path, must_be_private: bool) -> Result<Zeroizing<[u8; KEY_BYTES]>, KeyError> {
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => KeyError::Missing { path: path.to_owned() },
        _ => KeyError::Io { path: path.to_owned(), source },
    };
    let file = File::open(path).map_err(failed)?;
    let mode = file.metadata().map_err(failed)?.mode() & 0o777;
    if must_be_private && mode & OTHERS != 0 {
        return Err(KeyError::Open { path: path.to_owned(), mode });
    }
    let mut bytes = Zeroizing::new(Vec::new());
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(failed)?;
    key(&bytes).ok_or_else(|| KeyError::NotAKey { place: path.display().to_string() })
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
