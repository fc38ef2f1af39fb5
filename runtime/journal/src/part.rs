//! A region of a flash part, cut into sectors and pages, with every operation counted.

use embedded_storage::nor_flash::NorFlash;

use crate::{
    error::GeometryError,
    frame::{FRAME_BYTES_MAX, PAYLOAD_BYTES_MAX},
    region::Region,
    seal::Seal,
    window::Window,
};

/// Bytes programmed by one operation at most, and all the memory a journal needs beside the record
/// buffer. A larger unit of writing makes the page no larger.
pub const PAGE_BYTES: u32 = 256;
/// The same, as a length.
pub(crate) const PAGE: usize = PAGE_BYTES as usize;
/// What an erased byte reads as.
pub(crate) const ERASED: u8 = 0xFF;
/// Frames start at multiples of this, or of the write word where that is larger.
const FRAME_ALIGN: u32 = 4;
/// A sector holds the header and one largest frame.
const SECTOR_BYTES_MIN: u32 = 4096;
/// Offsets in a sector are stored in 16 bits, in units of four bytes.
const SECTOR_BYTES_MAX: u32 = 4 << 16;
/// Write words go up to a page, blocks further.
const BLOCK_BYTES_MAX: u32 = 4096;
/// One sector in use, one that may hold a torn opening, two spare, and room to move.
const SECTORS_MIN: u32 = 5;
/// Distances between openings are stored in 16 bits.
const SECTORS_MAX: u32 = 1 << 14;

/// What was done to the flash since the journal was recovered, recovery included.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Stats {
    /// Bytes programmed, padding included.
    pub programmed_bytes: u64,
    /// Program operations.
    pub programs: u64,
    /// Sectors erased.
    pub erases: u64,
    /// Sectors erased while a record waited; a part of `erases`.
    pub hot_erases: u64,
    /// Read operations.
    pub reads: u64,
    /// Bytes read.
    pub read_bytes: u64,
    /// Empty writes: requests to a buffered medium to finish what it was given.
    pub syncs: u64,
}

/// The sectors of one region. Sectors are counted from the start of the region.
#[derive(Debug)]
pub(crate) struct Part<F> {
    pub(crate) flash: F,
    pub(crate) stats: Stats,
    start: u32,
    pub(crate) sectors: u32,
    pub(crate) sector_bytes: u32,
    /// Headers, and the first frame behind a commit, start at multiples of this many bytes.
    pub(crate) align: u32,
    /// Frames that are committed together start at multiples of this many bytes.
    pub(crate) pack: u32,
    pub(crate) seal: Option<Seal>,
    /// The unit of writing: a word, or a block.
    pub(crate) unit: u32,
    /// Whether writes are kept back and done in any order; see [`Region::buffered`].
    pub(crate) buffered: bool,
}

impl<F: NorFlash> Part<F> {
    pub(crate) fn new(flash: F, region: impl Into<Region>) -> Result<Self, GeometryError> {
        let Region { range: region, buffered, block_bytes, sector_bytes, seal } = region.into();
        let erased_bytes = len32(F::ERASE_SIZE);
        let sector_bytes = if sector_bytes == 0 { erased_bytes } else { sector_bytes };
        let word_bytes = len32(F::WRITE_SIZE);
        let unit = word_bytes.max(block_bytes);
        let part_fits = (1..=PAGE_BYTES).contains(&word_bytes)
            && word_bytes.is_power_of_two()
            && unit.is_power_of_two()
            && unit <= BLOCK_BYTES_MAX
            && (SECTOR_BYTES_MIN..=SECTOR_BYTES_MAX).contains(&sector_bytes)
            && sector_bytes.is_multiple_of(erased_bytes)
            && sector_bytes.is_multiple_of(unit.max(PAGE_BYTES))
            && word_bytes.max(FRAME_ALIGN).is_multiple_of(len32(F::READ_SIZE).max(1));
        if !part_fits {
            return Err(GeometryError::Part { word_bytes: unit, sector_bytes });
        }
        let align = unit.max(FRAME_ALIGN);
        // Only a medium that keeps writes back can put several frames into one block.
        let pack = if buffered { word_bytes.max(FRAME_ALIGN) } else { align };
        let capacity = len32(flash.capacity());
        let aligned = region.start.is_multiple_of(sector_bytes) && region.end.is_multiple_of(sector_bytes);
        if !aligned || region.start > region.end || region.end > capacity {
            return Err(GeometryError::Region {
                start: region.start,
                end: region.end,
                sector_bytes,
                capacity,
            });
        }
        let sectors = (region.end - region.start) / sector_bytes;
        if !(SECTORS_MIN..=SECTORS_MAX).contains(&sectors) {
            return Err(GeometryError::TooSmall {
                sectors,
                sectors_min: SECTORS_MIN,
                snapshot_bytes_max: 0,
                reserve_bytes: 0,
            });
        }
        let (start, stats) = (region.start, Stats::default());
        let part = Self { flash, stats, start, sectors, sector_bytes, align, pack, seal, unit, buffered };
        // A large unit must leave room for the largest frame all the same.
        if part.header_bytes() + part.frame_bytes_max(PAYLOAD_BYTES_MAX) > sector_bytes {
            return Err(GeometryError::Part { word_bytes: unit, sector_bytes });
        }
        Ok(part)
    }

    /// Bytes of one write word.
    fn word_bytes() -> u32 {
        len32(F::WRITE_SIZE)
    }

    /// The most bytes that a frame with this payload takes.
    pub(crate) fn frame_bytes_max(&self, payload_bytes: usize) -> u32 {
        self.aligned(FRAME_BYTES_MAX + len32(payload_bytes + self.seal_bytes(true)))
    }

    /// Bytes from one place where the log may go on behind something torn to the next: a page, or a
    /// larger unit of writing.
    pub(crate) fn page_bytes(&self) -> u32 {
        self.align.max(PAGE_BYTES)
    }

    /// The start of the page that holds an offset.
    pub(crate) fn page_start(&self, offset: u32) -> u32 {
        offset - offset % self.page_bytes()
    }

    /// `bytes` rounded up to where a frame may start that is committed with the one before.
    pub(crate) fn packed(&self, bytes: u32) -> u32 {
        bytes.next_multiple_of(self.pack)
    }

    /// `bytes` rounded up to where the first frame behind a commit may start.
    pub(crate) fn aligned(&self, bytes: u32) -> u32 {
        bytes.next_multiple_of(self.align)
    }

    /// Reads a chunk from an aligned offset: up to a page, the end of the sector, or `chunk`'s end.
    pub(crate) fn read<'a>(
        &mut self,
        sector: u32,
        offset: u32,
        chunk: &'a mut [u8; PAGE],
        bytes: u32,
    ) -> Result<&'a [u8], F::Error> {
        let bytes = self.aligned(bytes).min(self.sector_bytes.saturating_sub(offset)).min(PAGE_BYTES);
        let chunk = chunk.get_mut(..bytes as usize).unwrap_or_default();
        self.read_all(sector, offset, chunk)?;
        Ok(chunk)
    }

    /// Reads whole units from an aligned offset of a sector.
    pub(crate) fn read_all(&mut self, sector: u32, offset: u32, into: &mut [u8]) -> Result<(), F::Error> {
        self.flash.read(self.address(sector, offset), into)?;
        self.stats.reads += 1;
        self.stats.read_bytes += into.len() as u64;
        Ok(())
    }

    /// Asks a buffered medium to finish what it was given.
    pub(crate) fn sync(&mut self) -> Result<(), F::Error> {
        if self.buffered {
            self.flash.write(self.start, &[])?;
            self.stats.syncs += 1;
        }
        Ok(())
    }

    /// `bytes` rounded up to whole write words.
    pub(crate) fn words(bytes: u32) -> u32 {
        bytes.next_multiple_of(Self::word_bytes().max(FRAME_ALIGN))
    }

    /// Programs whole words that lie in one page.
    pub(crate) fn program(&mut self, sector: u32, offset: u32, bytes: &[u8]) -> Result<(), F::Error> {
        self.flash.write(self.address(sector, offset), bytes)?;
        self.stats.programs += 1;
        self.stats.programmed_bytes += bytes.len() as u64;
        Ok(())
    }

    pub(crate) fn erase(&mut self, sector: u32) -> Result<(), F::Error> {
        let from = self.address(sector, 0);
        self.flash.erase(from, from + self.sector_bytes)?;
        self.stats.erases += 1;
        Ok(())
    }

    /// The last byte at or behind `from` that isn't erased.
    pub(crate) fn last_programmed(
        &mut self,
        sector: u32,
        from: u32,
        window: &Window<'_>,
    ) -> Result<Option<u32>, F::Error> {
        let mut chunk = [0; PAGE];
        let mut last = None;
        let mut offset = from;
        while offset < self.sector_bytes {
            let until = (offset + PAGE_BYTES).min(self.sector_bytes);
            let bytes = match window.held(sector, offset, until) {
                Some(bytes) => bytes,
                None => self.read(sector, offset, &mut chunk, PAGE_BYTES)?,
            };
            if let Some(position) = bytes.iter().rposition(|byte| *byte != ERASED) {
                last = Some(offset + len32(position));
            }
            offset = until;
        }
        Ok(last)
    }

    /// The first byte at or behind `from` that isn't erased.
    pub(crate) fn first_programmed(&mut self, sector: u32, from: u32) -> Result<Option<u32>, F::Error> {
        let mut chunk = [0; PAGE];
        // Frames start at aligned offsets, any byte may be asked for.
        let mut offset = from - from % self.align;
        while offset < self.sector_bytes {
            let bytes = self.read(sector, offset, &mut chunk, PAGE_BYTES)?;
            let programmed = |(position, byte): (usize, &u8)| {
                let at = offset + len32(position);
                (*byte != ERASED && at >= from).then_some(at)
            };
            if let Some(at) = bytes.iter().enumerate().find_map(programmed) {
                return Ok(Some(at));
            }
            offset += len32(bytes.len());
        }
        Ok(None)
    }

    fn address(&self, sector: u32, offset: u32) -> u32 {
        self.start + sector * self.sector_bytes + offset
    }
}

/// A length as the flash counts it. Nothing on flash is longer than `u32` counts.
pub(crate) fn len32(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}
