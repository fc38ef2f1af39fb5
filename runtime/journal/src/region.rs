//! What part of a medium a journal owns, and the medium's manners.

use core::ops::Range;

use crate::seal::Seal;

/// The sectors of a medium that one journal owns.
///
/// A plain range is one of a NOR part: each write is done when it returns, and whole words go in the
/// order they were given. [`Region::buffered`] is for a file or a block device.
#[derive(Clone, Debug)]
pub struct Region {
    pub(crate) range: Range<u32>,
    pub(crate) buffered: bool,
    pub(crate) block_bytes: u32,
    /// 0: as large as the medium erases at once.
    pub(crate) sector_bytes: u32,
    pub(crate) seal: Option<Seal>,
}

impl Region {
    /// A region of a medium that keeps writes back, and does them in any order, until it is asked to
    /// finish. **An empty write is that request**: once it returned `Ok`, everything written before
    /// must survive a power cut. A journal makes one for each record.
    #[must_use]
    pub fn buffered(range: Range<u32>) -> Self {
        Self { range, buffered: true, block_bytes: 0, sector_bytes: 0, seal: None }
    }

    /// The same manners over another range.
    #[must_use]
    pub fn at(self, range: Range<u32>) -> Self {
        Self { range, ..self }
    }

    /// Starts every frame at a multiple of `block_bytes`, so that a block that holds an accepted record
    /// is never written again. A power of two from 1 to 4096; only those above the write word matter.
    #[must_use]
    pub fn blocks(self, block_bytes: u32) -> Self {
        Self { block_bytes, ..self }
    }

    /// Takes sectors of `sector_bytes`, for a medium whose geometry is known at run time only: a multiple
    /// of what it erases at once and of its unit of writing, from 4 KiB to 256 KiB. One erase is then a row
    /// of the medium's own; a cut may leave it anywhere among them. 0 is what the medium erases at once.
    #[must_use]
    pub fn sectors(self, sector_bytes: u32) -> Self {
        Self { sector_bytes, ..self }
    }

    /// Encrypts and authenticates every record. A journal is sealed from its first record on: one that
    /// isn't is refused with a seal, and one that is without.
    #[cfg(feature = "seal")]
    #[must_use]
    pub fn sealed(self, seal: Seal) -> Self {
        Self { seal: Some(seal), ..self }
    }
}

impl From<Range<u32>> for Region {
    fn from(range: Range<u32>) -> Self {
        Self { range, buffered: false, block_bytes: 0, sector_bytes: 0, seal: None }
    }
}
