//! What nobody else may read: the key that seals the flash, and the secrets that tools send. From a file
//! only its owner can read, from systemd's credentials, or from the environment.
//!
//! Leaves out who may use a secret, and keeping it out of texts: that is the tools' vault.

mod key;

use std::{
    collections::BTreeMap,
    env, fmt,
    fs::File,
    io::{self, Read as _},
    os::unix::{ffi::OsStringExt as _, fs::MetadataExt as _},
    path::{Path, PathBuf},
    str::FromStr,
};

use rustix::process::{DumpableBehavior, Resource, Rlimit, geteuid, set_dumpable_behavior, setrlimit};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

pub use key::{KEY_BYTES, KeyError, KeySource};

/// Bytes of one secret.
pub const SECRET_BYTES_MAX: u64 = 16 * 1024;
/// Nobody but the owner may read the file.
const OTHERS: u32 = 0o077;

/// Secrets by name, wiped when they go.
pub type Secrets = Vec<(String, Zeroizing<Vec<u8>>)>;

/// Where a secret is: `file:PATH`, `env:VARIABLE` or `systemd-creds:NAME`.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum SecretSource {
    /// A file; relative to the board file.
    File(PathBuf),
    /// A variable of the environment, which every process of the same user can read: for rehearsals.
    Env(String),
    /// A credential that systemd hands to the service (`LoadCredentialEncrypted=`).
    SystemdCreds(String),
}

/// Not a place for a secret.
#[derive(Debug, thiserror::Error)]
#[error(
    "a secret is in `file:PATH`, `env:VARIABLE` or `systemd-creds:NAME`: write one of these, not the secret itself"
)]
pub struct UnknownSource;

impl FromStr for SecretSource {
    type Err = UnknownSource;

    fn from_str(text: &str) -> Result<Self, UnknownSource> {
        match text.split_once(':') {
            Some(("file", path)) if !path.is_empty() => Ok(Self::File(path.into())),
            Some(("env", name)) if is_variable(name) => Ok(Self::Env(name.into())),
            Some(("systemd-creds", name)) if !name.is_empty() && !name.contains('/') => {
                Ok(Self::SystemdCreds(name.into()))
            }
            // The text may be the secret: it is not repeated.
            _ => Err(UnknownSource),
        }
    }
}

fn is_variable(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

impl TryFrom<String> for SecretSource {
    type Error = UnknownSource;

    fn try_from(text: String) -> Result<Self, UnknownSource> {
        text.parse()
    }
}

impl From<SecretSource> for String {
    fn from(source: SecretSource) -> Self {
        source.to_string()
    }
}

impl fmt::Display for SecretSource {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(out, "file:{}", path.display()),
            Self::Env(name) => write!(out, "env:{name}"),
            Self::SystemdCreds(name) => write!(out, "systemd-creds:{name}"),
        }
    }
}

/// Why there is no secret. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file isn't there.
    #[error("there is no file {}: write the secret into it, readable by its owner alone (`umask 077`)", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// Others than its owner may read or write it.
    #[error("file {} may be read by others (mode {mode:03o}): `chmod 600` it", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// It is somebody else's.
    #[error("file {} belongs to user {uid}, who may read and change it: `chown` it to the user of this process", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// Its owner.
        uid: u32,
    },
    /// It holds more than any secret.
    #[error("{place} has more than {bytes_max} bytes: it is no secret")]
    TooLong {
        /// The file, credential or variable.
        place: String,
        /// Most bytes.
        bytes_max: u64,
    },
    /// The service manager gave no credentials.
    #[error(
        "systemd gave no credential `{name}`: add `LoadCredentialEncrypted={name}` to the service, or use `file:PATH`"
    )]
    NoCredential {
        /// Its name.
        name: String,
    },
    /// The environment has no such variable.
    #[error("the environment has no variable `{name}`: set it before the start, or use `file:PATH`")]
    NoVariable {
        /// Its name.
        name: String,
    },
    /// Reading failed.
    #[error("file {} can't be read: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The system keeps a memory image of crashed processes, and can't be told to leave this one out.
    #[error("core dumps of this process can't be switched off, and they would hold the secrets: {0}")]
    CoreDumps(#[source] io::Error),
}

/// Reads all secrets of a board. Before the first one, core dumps of this process are switched off.
/// `folder` is what relative paths begin at.
///
/// # Errors
///
/// The name of the secret, and why it can't be had.
pub fn load(
    secrets: &BTreeMap<String, SecretSource>,
    folder: &Path,
) -> Result<Secrets, (String, SecretError)> {
    let Some(first) = secrets.keys().next() else { return Ok(Vec::new()) };
    forbid_core_dumps().map_err(|error| (first.clone(), SecretError::CoreDumps(error)))?;
    let read = |(name, source): (&String, &SecretSource)| match source.read(folder, SECRET_BYTES_MAX) {
        Ok(bytes) => Ok((name.clone(), bytes)),
        Err(error) => Err((name.clone(), error)),
    };
    secrets.iter().map(read).collect()
}

/// Neither a crash nor a debugger of the same user gets at this process's memory any more.
fn forbid_core_dumps() -> io::Result<()> {
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    Ok(())
}

impl SecretSource {
    /// Reads it, `bytes_max` bytes at most. `folder` is what a relative path begins at.
    ///
    /// # Errors
    ///
    /// See [`SecretError`].
    pub(crate) fn read(&self, folder: &Path, bytes_max: u64) -> Result<Zeroizing<Vec<u8>>, SecretError> {
        match self {
            Self::File(path) => read(&folder.join(path), true, bytes_max),
            Self::Env(name) => {
                let value =
                    env::var_os(name).ok_or_else(|| SecretError::NoVariable { name: name.clone() })?;
                let value = Zeroizing::new(value.into_vec());
                if value.len() as u64 > bytes_max {
                    return Err(SecretError::TooLong { place: self.to_string(), bytes_max });
                }
                Ok(value)
            }
            Self::SystemdCreds(name) => {
                let none = || SecretError::NoCredential { name: name.clone() };
                let credentials = env::var_os("CREDENTIALS_DIRECTORY").ok_or_else(none)?;
                // systemd itself keeps others away from that folder.
                match read(&Path::new(&credentials).join(name), false, bytes_max) {
                    Err(SecretError::Missing { .. }) => Err(none()),
                    other => other,
                }
            }
        }
    }
}

fn read(path: &Path, must_be_private: bool, bytes_max: u64) -> Result<Zeroizing<Vec<u8>>, SecretError> {
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => SecretError::Missing { path: path.to_owned() },
        _ => SecretError::Io { path: path.to_owned(), source },
    };
    let file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if must_be_private {
        check_private(path, metadata.mode(), metadata.uid(), geteuid().as_raw())?;
    }
    let mut bytes = Zeroizing::new(Vec::new());
    file.take(bytes_max + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > bytes_max {
        return Err(SecretError::TooLong { place: path.display().to_string(), bytes_max });
    }
    Ok(bytes)
}

/// Only `user`, or root, may own the file, and only its owner may read it.
fn check_private(path: &Path, mode: u32, uid: u32, user: u32) -> Result<(), SecretError> {
    if mode & OTHERS != 0 {
        return Err(SecretError::Open { path: path.to_owned(), mode: mode & 0o777 });
    }
    if uid != user && uid != 0 {
        return Err(SecretError::Foreign { path: path.to_owned(), uid });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
