//! Flash in a plain file, on a block partition or on a raw part, with the manners of a NOR part.
//!
//! Leaves out what the bytes mean, and raw NAND: bad blocks are the work of UBI.

mod block;
mod file;
mod image;
mod linux;
mod medium;
mod mtd;
mod open;
mod wear;

#[cfg(test)]
mod life;

pub use file::FileFlash;
pub use image::{FlashImage, LoadError};
pub use linux::LinuxFlash;
pub use medium::{BlockBytes, FlashPlace, Geometry, Medium, Writes};
pub use open::OpenError;
pub use wear::{Erases, FlashCounts};

use std::io;

use embedded_storage::nor_flash::{NorFlashError, NorFlashErrorKind};

/// Erase unit of a plain file in bytes.
pub const SECTOR_BYTES: u32 = 4096;
/// What every erase unit is a multiple of, whatever the medium.
pub const ERASE_BYTES: u32 = 256;
/// Largest run of bytes one program operation takes on a real part. A file takes longer ones too.
pub const PAGE_BYTES: u32 = 256;
/// Write unit in bytes.
pub const WORD_BYTES: u32 = 4;
/// Smallest flash a board may declare, in sectors: a board region and one agent's ring.
pub const SECTORS_MIN: u32 = 8;
/// Largest flash a board may declare, in bytes.
pub const FLASH_BYTES_MAX: u32 = 1 << 30;
/// What an erased byte reads.
pub const ERASED: u8 = 0xFF;

const _: () = assert!(SECTOR_BYTES.is_multiple_of(ERASE_BYTES) && PAGE_BYTES.is_multiple_of(WORD_BYTES));

/// Why one operation on the flash failed.
#[derive(Debug, thiserror::Error)]
pub enum FlashError {
    /// Address or length does not sit on the operation's unit.
    #[error("flash access at {address}, {bytes} bytes, is not aligned to {unit} bytes")]
    NotAligned {
        /// First address.
        address: u32,
        /// Length.
        bytes: usize,
        /// The unit it must sit on.
        unit: u32,
    },
    /// The range ends beyond the flash.
    #[error("flash access at {address}, {bytes} bytes, ends beyond {flash_bytes} bytes")]
    OutOfBounds {
        /// First address.
        address: u32,
        /// Length.
        bytes: usize,
        /// Size of the flash.
        flash_bytes: u32,
    },
    /// A program would have to turn a 0 bit into a 1; only an erase can. Nothing was written.
    #[error("program at {address} would set bits that are clear; erase the sector first")]
    SetsBits {
        /// First address whose byte is in the way.
        address: u32,
    },
    /// The disk under the file is full, or a quota or file-size limit was reached.
    #[error("no room on the disk of the flash file; free some and start again")]
    DiskFull(#[source] io::Error),
    /// A unit that the part programs at once was programmed before. Nothing was written.
    #[error("program at {address} lies in {unit} bytes that were programmed before; erase the sector first")]
    Reprogram {
        /// First address of the unit.
        address: u32,
        /// Bytes of the unit.
        unit: u32,
    },
    /// A raw part did not take a program. What the range holds now is unknown.
    #[error(
        "flash part failed to program {bytes} bytes at {address}, in sector {sector}: unlock it if it is write-protected (`flash_unlock`), else it may be worn out"
    )]
    Program {
        /// First address of the operation.
        address: u32,
        /// Length.
        bytes: usize,
        /// The sector, counted from the start of the flash.
        sector: u32,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// A raw part did not erase a sector. What the sector holds now is unknown.
    #[error(
        "flash part failed to erase sector {sector} at {address}: unlock it if it is write-protected (`flash_unlock`), else it may be worn out"
    )]
    Erase {
        /// First address of the sector.
        address: u32,
        /// The sector, counted from the start of the flash.
        sector: u32,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The medium failed. What the range holds now is unknown.
    #[error("flash failed at {address}")]
    Io {
        /// First address of the operation.
        address: u32,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

impl FlashError {
    fn io(address: u32, source: io::Error) -> Self {
        if is_disk_full(&source) { Self::DiskFull(source) } else { Self::Io { address, source } }
    }
}

impl NorFlashError for FlashError {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            Self::NotAligned { .. } => NorFlashErrorKind::NotAligned,
            Self::OutOfBounds { .. } => NorFlashErrorKind::OutOfBounds,
            Self::SetsBits { .. }
            | Self::Reprogram { .. }
            | Self::Program { .. }
            | Self::Erase { .. }
            | Self::DiskFull(_)
            | Self::Io { .. } => NorFlashErrorKind::Other,
        }
    }
}

/// Whether `error` says that the disk, a quota or a file-size limit has no room left.
#[must_use]
pub fn is_disk_full(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}

/// Checks that a range of `bytes` from `address` is aligned to `unit` and inside the flash.
fn check_range(address: u32, bytes: usize, unit: u32, flash_bytes: u32) -> Result<(), FlashError> {
    let end = u64::from(address) + bytes as u64;
    if end > u64::from(flash_bytes) {
        return Err(FlashError::OutOfBounds { address, bytes, flash_bytes });
    }
    if !address.is_multiple_of(unit) || !end.is_multiple_of(u64::from(unit)) {
        return Err(FlashError::NotAligned { address, bytes, unit });
    }
    Ok(())
}

/// Checks that an erase of `from..to` covers whole sectors of the flash, and gives its length.
fn check_erase(from: u32, to: u32, sector_bytes: u32, flash_bytes: u32) -> Result<usize, FlashError> {
    let bytes =
        to.checked_sub(from).ok_or(FlashError::OutOfBounds { address: from, bytes: 0, flash_bytes })?;
    check_range(from, bytes as usize, sector_bytes, flash_bytes)?;
    Ok(bytes as usize)
}

/// Checks that programming `new` over `old` only clears bits.
fn check_clears(address: u32, old: &[u8], new: &[u8]) -> Result<(), FlashError> {
    let blocked = old.iter().zip(new).position(|(old, new)| new & !old != 0);
    match blocked {
        // The range was checked, so its positions fit an address.
        Some(at) => Err(FlashError::SetsBits {
            address: address.saturating_add(u32::try_from(at).unwrap_or(u32::MAX)),
        }),
        None => Ok(()),
    }
}
