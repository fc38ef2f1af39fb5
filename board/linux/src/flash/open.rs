//! Why a flash can't be opened, and whether a path is what the board file says it is.

use std::{
    fs::Metadata,
    io,
    os::unix::fs::{FileTypeExt, MetadataExt},
    path::{Path, PathBuf},
};

use super::{FLASH_BYTES_MAX, FlashError, Medium, SECTOR_BYTES, SECTORS_MIN, is_disk_full};

/// Major number of the devices `/dev/mtdN`.
const MTD_CHAR_MAJOR: u32 = 90;
/// Major number of the devices `/dev/mtdblockN`.
const MTD_BLOCK_MAJOR: u32 = 31;

/// Why a flash can't be opened or made. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The board file asks for a size no flash can have.
    #[error(
        "a flash of {bytes} bytes is not possible: use a multiple of {SECTOR_BYTES} from {} to {FLASH_BYTES_MAX}",
        SECTORS_MIN * SECTOR_BYTES
    )]
    Size {
        /// The size asked for.
        bytes: u32,
    },
    /// The file belongs to another board file, or was cut short.
    #[error(
        "flash file {path} has {found} bytes, the board file says {expected}: correct `flash.bytes`, or move the file away to start anew"
    )]
    OtherSize {
        /// The file.
        path: PathBuf,
        /// Bytes it has.
        found: u64,
        /// Bytes it should have.
        expected: u32,
    },
    /// The device is smaller than the board file says.
    #[error("flash device {path} has {found} bytes, the board file says {expected}: correct `flash.bytes`")]
    TooSmall {
        /// The device.
        path: PathBuf,
        /// Bytes it has.
        found: u64,
        /// Bytes it should have at least.
        expected: u32,
    },
    /// The path leads to something that `flash.medium` doesn't name.
    #[error("flash path {path} is {found}: {advice}")]
    WrongKind {
        /// The path.
        path: PathBuf,
        /// What it is.
        found: &'static str,
        /// What to do.
        advice: &'static str,
    },
    /// There is no such file, and it was not to be made.
    #[error("there is no flash file {path}: `everstep run` makes it")]
    Missing {
        /// The path.
        path: PathBuf,
    },
    /// There is no such device.
    #[error("there is no flash device {path}: correct `flash.path`, or load its driver")]
    NoDevice {
        /// The path.
        path: PathBuf,
    },
    /// The system refuses access.
    #[error("no permission for flash {path}: change its owner or mode, or `--state-dir`")]
    Denied {
        /// The path.
        path: PathBuf,
    },
    /// Another process has it open as its flash, or a device is mounted.
    #[error("flash {path} is in use by another process, or mounted: stop that one first")]
    InUse {
        /// The path.
        path: PathBuf,
    },
    /// There is no room for the whole flash; what was begun is removed again.
    #[error(
        "no room for flash file {path} of {bytes} bytes: free some on that disk, or change `--state-dir`"
    )]
    DiskFull {
        /// The path.
        path: PathBuf,
        /// Bytes needed.
        bytes: u32,
    },
    /// Writes can't go past the system's memory straight to the medium.
    #[error(
        "the file system of {path} takes no direct writes: use a block partition, a file on ext4 or xfs, or `flash.medium = \"file\"`"
    )]
    NotDirect {
        /// The path.
        path: PathBuf,
    },
    /// The medium rewrites more than one block at once, so a cut may take accepted records along.
    #[error(
        "{path} writes {found} bytes at once: `flash.block_bytes` must be as large, and 4096 is the most that is supported"
    )]
    LargerBlocks {
        /// The path.
        path: PathBuf,
        /// Bytes it writes at once.
        found: u32,
    },
    /// A part whose sectors or units of writing the flash format doesn't cover.
    #[error(
        "flash part {path} erases {sector_bytes} bytes and writes {unit_bytes} bytes at once: sectors up to 256 KiB and units up to 4096 bytes, a power of two, are supported"
    )]
    Part {
        /// The device.
        path: PathBuf,
        /// Bytes erased at once.
        sector_bytes: u32,
        /// Bytes written at once.
        unit_bytes: u32,
    },
    /// A part that can't be served.
    #[error("flash part {path} is {found}: {advice}")]
    PartKind {
        /// The device.
        path: PathBuf,
        /// What it is.
        found: &'static str,
        /// Why not, and what to do.
        advice: &'static str,
    },
    /// The flash does not end with a sector.
    #[error(
        "flash part {path} has sectors of {sector_bytes} bytes, so `flash.bytes` must be a multiple of that, not {bytes}"
    )]
    Sectors {
        /// The device.
        path: PathBuf,
        /// Bytes of one sector.
        sector_bytes: u32,
        /// The size asked for.
        bytes: u32,
    },
    /// Anything else the system says.
    #[error("flash {path} can't be opened")]
    Io {
        /// The path.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

impl OpenError {
    pub(super) fn io(path: &Path, bytes: u32, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::NotFound => Self::Missing { path },
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Self::Denied { path },
            io::ErrorKind::ResourceBusy => Self::InUse { path },
            _ if is_disk_full(&source) => Self::DiskFull { path, bytes },
            _ => Self::Io { path, source },
        }
    }

    /// What a first look at the flash came to.
    pub(super) fn flash(path: &Path, bytes: u32, error: FlashError) -> Self {
        match error {
            FlashError::Io { source, .. } | FlashError::DiskFull(source) => Self::io(path, bytes, source),
            error => Self::Io { path: path.to_owned(), source: io::Error::other(error) },
        }
    }

    /// The key of the board file that doesn't fit what was found, if it is that one's fault.
    #[must_use]
    pub fn key(&self) -> Option<&'static str> {
        match self {
            Self::WrongKind { .. } | Self::NotDirect { .. } => Some("flash.medium"),
            Self::NoDevice { .. } | Self::Part { .. } | Self::PartKind { .. } => Some("flash.path"),
            Self::LargerBlocks { .. } => Some("flash.block_bytes"),
            Self::TooSmall { .. } | Self::Sectors { .. } => Some("flash.bytes"),
            Self::Size { .. }
            | Self::OtherSize { .. }
            | Self::Missing { .. }
            | Self::Denied { .. }
            | Self::InUse { .. }
            | Self::DiskFull { .. }
            | Self::Io { .. } => None,
        }
    }
}

/// What a path leads to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    File,
    Folder,
    Block,
    MtdBlock,
    Mtd,
    MtdReadOnly,
    Other,
}

impl Kind {
    fn of(found: &Metadata) -> Self {
        let (kind, major, minor) = (found.file_type(), major(found.rdev()), minor(found.rdev()));
        if kind.is_file() {
            Self::File
        } else if kind.is_dir() {
            Self::Folder
        } else if kind.is_block_device() {
            if major == MTD_BLOCK_MAJOR { Self::MtdBlock } else { Self::Block }
        } else if kind.is_char_device() && major == MTD_CHAR_MAJOR {
            // Each part has two: /dev/mtdN, and /dev/mtdNro behind it.
            if minor.is_multiple_of(2) { Self::Mtd } else { Self::MtdReadOnly }
        } else {
            Self::Other
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::File => "a plain file",
            Self::Folder => "a folder",
            Self::Block => "a block device",
            Self::MtdBlock => "an MTD part seen as a block device",
            Self::Mtd => "an MTD part",
            Self::MtdReadOnly => "the read-only view of an MTD part",
            Self::Other => "a device or a pipe",
        }
    }

    /// What to do where `medium` can't be kept there; `None` where it can.
    fn advice(self, medium: Medium) -> Option<&'static str> {
        let fits = match medium {
            Medium::File => self == Self::File,
            Medium::Block(_) => matches!(self, Self::File | Self::Block),
            Medium::Mtd => self == Self::Mtd,
        };
        let advice = match (self, medium) {
            _ if fits => return None,
            (Self::MtdBlock, _) => {
                "it rewrites whole sectors, and a cut would take all of one: name /dev/mtdN and set `flash.medium = \"mtd\"`"
            }
            (Self::MtdReadOnly, _) => "name /dev/mtdN, and set `flash.medium = \"mtd\"`",
            (Self::Block, _) => "set `flash.medium = \"block\"`, or correct `flash.path`",
            (Self::Mtd, _) => "set `flash.medium = \"mtd\"`, or correct `flash.path`",
            (Self::File, _) => {
                "set `flash.medium` to \"file\" or \"block\", or point `flash.path` at /dev/mtdN"
            }
            (Self::Folder | Self::Other, Medium::File) => "point `flash.path` at a plain file",
            (Self::Folder | Self::Other, Medium::Block(_)) => {
                "point `flash.path` at a block partition or an image file"
            }
            (Self::Folder | Self::Other, Medium::Mtd) => "point `flash.path` at /dev/mtdN",
        };
        Some(advice)
    }
}

/// Refuses what `medium` can't be kept in.
pub(super) fn check_kind(path: &Path, medium: Medium, found: &Metadata) -> Result<(), OpenError> {
    let kind = Kind::of(found);
    match kind.advice(medium) {
        Some(advice) => Err(OpenError::WrongKind { path: path.to_owned(), found: kind.name(), advice }),
        None => Ok(()),
    }
}

fn major(device: u64) -> u32 {
    rustix::fs::major(device)
}

fn minor(device: u64) -> u32 {
    rustix::fs::minor(device)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flash::BlockBytes;

    const MEDIA: [Medium; 3] = [Medium::File, Medium::Block(BlockBytes::B512), Medium::Mtd];

    #[test]
    fn each_medium_takes_what_it_can_be_kept_in() {
        let takes = |kind: Kind| MEDIA.map(|medium| kind.advice(medium).is_none());
        assert_eq!(takes(Kind::File), [true, true, false]);
        assert_eq!(takes(Kind::Block), [false, true, false]);
        assert_eq!(takes(Kind::Mtd), [false, false, true]);
        for kind in [Kind::Folder, Kind::MtdBlock, Kind::MtdReadOnly, Kind::Other] {
            assert_eq!(takes(kind), [false; 3], "{kind:?}");
        }
    }

    #[test]
    fn an_mtd_part_seen_as_a_block_device_is_sent_to_the_part_itself() {
        for medium in MEDIA {
            assert!(Kind::MtdBlock.advice(medium).unwrap().contains("name /dev/mtdN"));
            assert!(Kind::MtdReadOnly.advice(medium).unwrap().contains("name /dev/mtdN"));
        }
    }

    #[test]
    fn kinds_are_told_from_what_the_system_says() {
        let kind = |path: &str| Kind::of(&Path::new(path).metadata().unwrap());
        assert_eq!(kind("/dev/null"), Kind::Other);
        assert_eq!(kind("/dev"), Kind::Folder);
        assert_eq!(kind(env!("CARGO_MANIFEST_PATH")), Kind::File);
    }
}
