//! What holds a board's flash, where it is, and what it writes and erases at once.

use std::{
    os::unix::fs::FileTypeExt,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{OpenError, SECTOR_BYTES, WORD_BYTES};

/// What holds a flash.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Medium {
    /// A plain file.
    File,
    /// A block partition, or an image file, written past the system's memory.
    Block(BlockBytes),
    /// A raw flash part behind `/dev/mtdN`.
    Mtd,
}

/// What a block device writes at once.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub enum BlockBytes {
    /// 512 bytes.
    B512,
    /// 4096 bytes.
    #[default]
    B4096,
}

impl BlockBytes {
    /// The number.
    #[must_use]
    pub const fn get(self) -> u32 {
        match self {
            Self::B512 => 512,
            Self::B4096 => 4096,
        }
    }

    /// What the journal erases at once: its header takes two blocks, so several more make it worth it.
    #[must_use]
    pub const fn sector_bytes(self) -> u32 {
        match self {
            Self::B512 => 16 * 512,
            Self::B4096 => 8 * 4096,
        }
    }
}

impl From<BlockBytes> for u32 {
    fn from(bytes: BlockBytes) -> Self {
        bytes.get()
    }
}

impl TryFrom<u32> for BlockBytes {
    type Error = String;

    fn try_from(bytes: u32) -> Result<Self, String> {
        match bytes {
            512 => Ok(Self::B512),
            4096 => Ok(Self::B4096),
            _ => Err(format!("must be 512 or 4096, not {bytes}")),
        }
    }
}

/// What a medium writes and erases at once, and when a write is done.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Geometry {
    /// Bytes erased at once.
    pub sector_bytes: u32,
    /// Bytes written at once; what is written together may be lost together.
    pub unit_bytes: u32,
    /// When a write is done.
    pub writes: Writes,
}

/// When a write is done.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Writes {
    /// When it returns, in the order they were given.
    AtOnce,
    /// Once an empty write returned; until then in any order.
    KeptBack,
}

impl Geometry {
    /// Of a plain file.
    pub const FILE: Self =
        Self { sector_bytes: SECTOR_BYTES, unit_bytes: WORD_BYTES, writes: Writes::KeptBack };

    /// Of a block partition.
    #[must_use]
    pub const fn block(block_bytes: BlockBytes) -> Self {
        let (sector_bytes, unit_bytes) = (block_bytes.sector_bytes(), block_bytes.get());
        Self { sector_bytes, unit_bytes, writes: Writes::KeptBack }
    }
}

/// Where a board's flash is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FlashPlace {
    /// What holds it.
    pub medium: Medium,
    /// The file or the device.
    pub path: PathBuf,
    /// Bytes of the whole flash; a device may have more.
    pub bytes: u32,
    /// Folder of everything else the board remembers.
    pub state_dir: PathBuf,
}

impl FlashPlace {
    /// Beside what the wear is counted: a file, or a device's name in the state folder.
    #[must_use]
    pub fn counts_path(&self) -> PathBuf {
        let is_device = self.path.metadata().is_ok_and(|found| {
            let kind = found.file_type();
            kind.is_block_device() || kind.is_char_device()
        });
        match self.path.file_name() {
            Some(name) if is_device => self.state_dir.join(name),
            _ => self.path.clone(),
        }
    }

    /// Whether the path names a device, which nothing here can make. `/dev/shm` holds files.
    pub(super) fn names_a_device(&self) -> bool {
        let in_dev =
            self.path.starts_with(Path::new("/dev")) && !self.path.starts_with(Path::new("/dev/shm"));
        self.medium == Medium::Mtd || in_dev
    }

    /// The error for a path that leads nowhere, where it is a device that is missing.
    pub(super) fn without_a_maker(&self, error: OpenError) -> OpenError {
        match error {
            OpenError::Missing { path } if self.names_a_device() => OpenError::NoDevice { path },
            error => error,
        }
    }
}
