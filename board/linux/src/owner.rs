//! One owner per board: a lock that the kernel takes back when its process ends, however it ends.
//!
//! Leaves out what an owner may do; whoever holds the lock may write the board's flash.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read, Seek, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

/// Name of the lock file in the board's state folder.
pub const LOCK_NAME: &str = "owner.lock";

/// Bytes of a lock file that are read: a process number and a line end.
const LOCK_BYTES_MAX: u64 = 32;

/// Held by the one process that owns the board. Dropping it gives the board back.
#[derive(Debug)]
pub struct OwnerLock {
    _file: File,
}

/// Why the board can't be owned.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process owns it.
    #[error("another everstep{} runs this board: use `everstep status` or `everstep stop`", in_brackets(*.pid))]
    Held {
        /// Its process number, where it wrote one.
        pid: Option<u32>,
    },
    /// The system refuses access.
    #[error("no permission for {path}: change its owner or mode, or `--state-dir`")]
    Denied {
        /// The lock file.
        path: PathBuf,
    },
    /// Anything else the system says.
    #[error("lock {path} can't be taken")]
    Io {
        /// The lock file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

fn in_brackets(pid: Option<u32>) -> String {
    pid.map(|pid| format!(" (pid {pid})")).unwrap_or_default()
}

impl LockError {
    fn io(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Self::Denied { path },
            _ => Self::Io { path, source },
        }
    }
}

impl OwnerLock {
    /// Takes the lock of the board whose state lies in `folder`, or says who has it. Never waits.
    ///
    /// The file stays when the lock is given back: removing it would let two processes lock two
    /// files of the same name.
    ///
    /// # Errors
    ///
    /// See [`LockError`].
    pub fn take(folder: &Path) -> Result<Self, LockError> {
        let path = folder.join(LOCK_NAME);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(|source| LockError::io(&path, source))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(LockError::Held { pid: read_pid(&mut file) }),
            Err(TryLockError::Error(source)) => return Err(LockError::io(&path, source)),
        }
        // The number is for people; the lock counts, so a full disk here is no reason to stop.
        let _ = write_pid(&mut file);
        Ok(Self { _file: file })
    }
}

fn write_pid(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

fn read_pid(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(LOCK_BYTES_MAX).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn second_owner_is_told_who_runs_the_board() {
        let folder = tempfile::tempdir().unwrap();
        let lock = OwnerLock::take(folder.path()).unwrap();
        let refused = OwnerLock::take(folder.path()).unwrap_err();
        let pid = std::process::id();
        assert_eq!(
            refused.to_string(),
            format!("another everstep (pid {pid}) runs this board: use `everstep status` or `everstep stop`")
        );
        drop(lock);
        OwnerLock::take(folder.path()).unwrap();
    }

    #[test]
    fn lock_file_of_a_killed_owner_does_not_hold() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(LOCK_NAME), "4000000\n").unwrap();
        let _lock = OwnerLock::take(folder.path()).unwrap();
        let refused = OwnerLock::take(folder.path()).unwrap_err();
        assert!(matches!(refused, LockError::Held { pid } if pid == Some(std::process::id())));
    }

    #[test]
    fn damaged_lock_file_names_no_process() {
        let folder = tempfile::tempdir().unwrap();
        let lock = OwnerLock::take(folder.path()).unwrap();
        std::fs::write(folder.path().join(LOCK_NAME), [0xFF; 100]).unwrap();
        let refused = OwnerLock::take(folder.path()).unwrap_err();
        assert!(matches!(refused, LockError::Held { pid: None }), "{refused}");
        drop(lock);
    }
}
