//! Where the socket lies, however long the folder's name is.

use std::{
    fs::{File, OpenOptions},
    io,
    os::{fd::AsRawFd, unix::fs::OpenOptionsExt},
    path::{Path, PathBuf},
};

/// Name of the socket in the board's state folder.
pub const SOCKET_NAME: &str = "control.sock";

/// A short path to the socket in a folder. A socket's address holds about 100 bytes, a folder's name
/// may be longer; the way through the open folder is always short.
#[derive(Debug)]
pub(super) struct Place {
    _folder: File,
    pub(super) path: PathBuf,
}

impl Place {
    pub(super) fn of(folder: &Path) -> io::Result<Self> {
        let flags = rustix::fs::OFlags::PATH | rustix::fs::OFlags::DIRECTORY;
        let flags = i32::try_from(flags.bits()).map_err(io::Error::other)?;
        let folder = OpenOptions::new().read(true).custom_flags(flags).open(folder)?;
        let path = PathBuf::from(format!("/proc/self/fd/{}/{SOCKET_NAME}", folder.as_raw_fd()));
        Ok(Self { _folder: folder, path })
    }
}
