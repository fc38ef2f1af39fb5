//! What can go wrong, one enum for each operation.
//!
//! A flash driver's error promises nothing but `Debug`, so it is printed rather than chained.

use crate::{BUFFER_BYTES, FORMAT_VERSION, PAYLOAD_BYTES_MAX};

/// Why a region can't hold a journal. Nothing was read or written.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum GeometryError {
    /// The region doesn't begin or end at a sector, or lies outside the flash.
    #[error(
        "region {start}..{end} must begin and end at multiples of {sector_bytes} within {capacity} bytes"
    )]
    Region {
        /// First byte of the region.
        start: u32,
        /// First byte behind the region.
        end: u32,
        /// Bytes of one sector.
        sector_bytes: u32,
        /// Bytes of the flash.
        capacity: u32,
    },
    /// The flash has words or sectors the format doesn't cover.
    #[error("flash with words of {word_bytes} bytes and sectors of {sector_bytes} bytes is not supported")]
    Part {
        /// Bytes of one write word.
        word_bytes: u32,
        /// Bytes of one sector.
        sector_bytes: u32,
    },
    /// The region is too small for two of the largest snapshots and the reserve.
    #[error(
        "region of {sectors} sectors is too small, {sectors_min} sectors are needed for two snapshots of {snapshot_bytes_max} bytes and {reserve_bytes} bytes of reserve"
    )]
    TooSmall {
        /// Sectors of the region.
        sectors: u32,
        /// Sectors it must have.
        sectors_min: u32,
        /// The largest snapshot.
        snapshot_bytes_max: u32,
        /// Bytes kept free behind everything else.
        reserve_bytes: u32,
    },
    /// The record buffer can't hold the largest record.
    #[error("record buffer of {bytes} bytes is too small, {} bytes are needed", BUFFER_BYTES)]
    Buffer {
        /// Bytes of the buffer.
        bytes: usize,
    },
}

/// Why [`format`](crate::format) made no journal.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum FormatError<E> {
    /// The region can't hold a journal.
    #[error(transparent)]
    Geometry(#[from] GeometryError),
    /// The flash driver failed. Format again.
    #[error("flash failed while it was formatted: {0:?}")]
    Flash(E),
}

/// Why a journal wasn't recovered. Only [`RecoverError::Flash`] may have changed the flash.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RecoverError<E, V = core::convert::Infallible> {
    /// The region can't hold a journal.
    #[error(transparent)]
    Geometry(#[from] GeometryError),
    /// The region is erased, or formatting it was interrupted: [`format`](crate::format) it.
    #[error("region holds no journal yet")]
    Unformatted,
    /// The region holds something that isn't a journal. Nothing was changed.
    #[error("region holds something that is not a journal (sector {sector}): export it, then format it")]
    Foreign {
        /// The first sector that holds something else.
        sector: u32,
    },
    /// A journal of another format version. Nothing was changed.
    #[error("journal has format version {found}, this build reads {}", FORMAT_VERSION)]
    Version {
        /// The version on flash.
        found: u8,
    },
    /// A journal written for a part with other write words. Nothing was changed.
    #[error("journal was written with words of {found} bytes, this flash has {expected}")]
    WordBytes {
        /// Bytes of a word when the journal was written.
        found: u32,
        /// Bytes of a word of this flash.
        expected: u32,
    },
    /// The journal is sealed. Nothing was changed.
    #[error("journal is sealed, and no key was given")]
    Sealed,
    /// The journal isn't sealed, though a key was given. Nothing was changed.
    #[error("journal is not sealed (sector {sector}), though a key was given: anyone may have written it")]
    NotSealed {
        /// A sector that isn't.
        sector: u32,
    },
    /// The journal was sealed with another key. Nothing was changed.
    #[error("journal was sealed with another key")]
    WrongKey,
    /// The journal was sealed with this key, for another device. Nothing was changed.
    #[error("journal was sealed for another device")]
    OtherDevice,
    /// Records are missing that no power cut takes away: the flash lost them. Nothing was changed.
    #[error("flash is corrupt in sector {sector}: record {sequence} is missing or damaged ({what})")]
    Corrupt {
        /// Where.
        sector: u32,
        /// The number that was expected.
        sequence: u64,
        /// What was found.
        what: Corruption,
    },
    /// The newest record must be written anew before it counts, and no sector is free for it.
    #[error("journal has no sector free to settle its newest record")]
    NoRoom,
    /// The visitor stopped the recovery.
    #[error("recovery was stopped")]
    Stopped(V),
    /// The flash driver failed.
    #[error("flash failed during recovery: {0:?}")]
    Flash(E),
}

/// What gives corruption away.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Corruption {
    /// The numbers jump.
    #[error("the sequence jumps to {found}")]
    Gap {
        /// The number found.
        found: u64,
    },
    /// A sector of the log has no valid header.
    #[error("sector {opening} of the log is gone")]
    SectorGone {
        /// The number of the sector's opening.
        opening: u32,
    },
    /// More than one interrupted write lies behind the damaged record.
    #[error("data lies behind a damaged record")]
    DataBehind,
    /// Its checksum fits, and its seal doesn't: someone without the key wrote it.
    #[error("its seal is broken: someone without the key wrote it")]
    Forged,
    /// It was sealed for another place of this journal, and moved or copied here.
    #[error("it was sealed for another place, in sector {opening} of the log, and moved here")]
    Moved {
        /// The number of that sector's opening.
        opening: u32,
    },
    /// A snapshot that was committed can't be read in full.
    #[error("the newest snapshot is damaged")]
    Snapshot,
}

/// Why an append kept nothing.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum AppendError<E> {
    /// The record can never fit; the caller must split or shorten it.
    #[error("record of {bytes} bytes exceeds the limit of {}", PAYLOAD_BYTES_MAX)]
    TooBig {
        /// Bytes of the record.
        bytes: usize,
    },
    /// The region is full; take a snapshot, or end the run.
    #[error("journal is full: {bytes_free} bytes left")]
    Full {
        /// Bytes left for payloads.
        bytes_free: u32,
    },
    /// An earlier write failed, so the end is unknown until the next recovery.
    #[error("journal must be recovered after a failed write")]
    NeedsRecovery,
    /// The flash driver failed.
    #[error("flash write failed: {0:?}")]
    Flash(E),
}

/// Why a snapshot, or a part of it, wasn't kept. The snapshot before it still counts.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SnapshotError<E> {
    /// The region has no room for it beside the snapshot that still counts.
    #[error("snapshot does not fit: {bytes_free} bytes left")]
    Full {
        /// Bytes left for payloads.
        bytes_free: u32,
    },
    /// A snapshot needs at least one byte.
    #[error("snapshot is empty")]
    Empty,
    /// A part of this snapshot was not kept. Begin a new one.
    #[error("snapshot is incomplete after a failed write")]
    Incomplete,
    /// An earlier write failed, so the end is unknown until the next recovery.
    #[error("journal must be recovered after a failed write")]
    NeedsRecovery,
    /// The flash driver failed.
    #[error("flash write failed: {0:?}")]
    Flash(E),
}

impl<E> From<AppendError<E>> for SnapshotError<E> {
    fn from(error: AppendError<E>) -> Self {
        match error {
            // Fragments are cut to size, so that none is too big.
            AppendError::TooBig { .. } | AppendError::NeedsRecovery => Self::NeedsRecovery,
            AppendError::Full { bytes_free } => Self::Full { bytes_free },
            AppendError::Flash(error) => Self::Flash(error),
        }
    }
}

impl<E: core::fmt::Debug> embedded_io::Error for SnapshotError<E> {
    fn kind(&self) -> embedded_io::ErrorKind {
        match self {
            Self::Full { .. } => embedded_io::ErrorKind::OutOfMemory,
            Self::Empty => embedded_io::ErrorKind::InvalidInput,
            Self::Incomplete | Self::NeedsRecovery | Self::Flash(_) => embedded_io::ErrorKind::Other,
        }
    }
}
