//! A NOR flash on a raw part of the kernel: programs page by page, erases sector by sector.
//!
//! Leaves out bad blocks, and so raw NAND; a volume of UBI has none.

mod ioctl;
mod part;

use std::io;

use embedded_storage::nor_flash::{ErrorType, NorFlash, ReadNorFlash};

pub(super) use part::MtdPart;

use super::{
    ERASE_BYTES, ERASED, FlashError, Geometry, PAGE_BYTES, SECTOR_BYTES, WORD_BYTES, Writes, check_clears,
    check_erase, check_range,
    wear::{FlashCounts, Wear},
};

/// The largest sector the flash format covers.
const SECTOR_BYTES_MAX: u32 = 256 << 10;
/// Fewer units aren't worth a header.
const SECTOR_UNITS_MIN: u32 = 32;
/// The largest unit of writing it covers.
const UNIT_BYTES_MAX: u32 = 4096;

/// What a part programs and erases at once.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct UnitAndSector {
    /// Bytes programmed at once.
    pub(crate) unit_bytes: u32,
    /// Bytes erased at once.
    pub(crate) sector_bytes: u32,
}

impl UnitAndSector {
    /// What the journal sees of it; `None` where the flash format doesn't cover it. Small sectors are
    /// taken several together, and units up to a page are programmed at once.
    pub(crate) fn geometry(self) -> Option<Geometry> {
        let unit_bytes = self.unit_bytes.max(WORD_BYTES);
        if self.unit_bytes == 0 || self.sector_bytes == 0 {
            return None;
        }
        // A header takes two units, and the largest frame behind it 4 KiB.
        let sector_bytes_min = SECTOR_BYTES.max(unit_bytes.checked_mul(SECTOR_UNITS_MIN)?);
        let sector_bytes = self.sector_bytes.checked_mul(sector_bytes_min.div_ceil(self.sector_bytes))?;
        let fits = unit_bytes.is_power_of_two()
            && unit_bytes <= UNIT_BYTES_MAX
            && sector_bytes <= SECTOR_BYTES_MAX
            && sector_bytes.is_multiple_of(PAGE_BYTES)
            && self.sector_bytes.is_multiple_of(unit_bytes);
        let writes = if unit_bytes <= PAGE_BYTES { Writes::AtOnce } else { Writes::KeptBack };
        fits.then_some(Geometry { sector_bytes, unit_bytes, writes })
    }
}

/// What the kernel does for a part.
pub(crate) trait MtdDevice {
    /// What it programs and erases at once.
    fn sizes(&self) -> UnitAndSector;

    /// Reads any bytes.
    fn read(&mut self, address: u32, bytes: &mut [u8]) -> io::Result<()>;

    /// Programs whole units: some in one page, or one that is larger. Done when it returns.
    fn program(&mut self, address: u32, bytes: &[u8]) -> io::Result<()>;

    /// Erases the sector at `address`. Done when it returns.
    fn erase(&mut self, address: u32) -> io::Result<()>;
}

/// Flash on a raw part. With units up to a page each write is done when it returns; a larger unit is kept
/// back until it is left or an empty write asks for it.
#[derive(Debug)]
pub(crate) struct MtdFlash<D> {
    device: D,
    flash_bytes: u32,
    geometry: Geometry,
    /// A unit larger than a page that isn't programmed yet.
    open: Option<Unit>,
    wear: Wear,
}

/// A unit of writing in memory.
#[derive(Debug)]
struct Unit {
    address: u32,
    bytes: Vec<u8>,
}

impl<D: MtdDevice> MtdFlash<D> {
    /// Takes over a part of at least `flash_bytes` bytes whose sizes were checked.
    pub(crate) fn new(device: D, flash_bytes: u32, wear: Wear) -> Self {
        let geometry = device.sizes().geometry().unwrap_or(Geometry::FILE);
        Self { device, flash_bytes, geometry, open: None, wear }
    }

    pub(crate) fn geometry(&self) -> Geometry {
        self.geometry
    }

    pub(crate) fn counts(&self) -> FlashCounts {
        self.wear.counts
    }

    /// Programs whole units that lie in one page, or one larger unit.
    fn program(&mut self, address: u32, bytes: &[u8]) -> Result<(), FlashError> {
        let sector = address / self.geometry.sector_bytes;
        self.device.program(address, bytes).map_err(|source| FlashError::Program {
            address,
            bytes: bytes.len(),
            sector,
            source,
        })?;
        self.wear.programmed(bytes.len());
        Ok(())
    }

    /// Programs the unit that is kept back.
    fn close(&mut self) -> Result<(), FlashError> {
        let Some(Unit { address, bytes }) = self.open.take() else { return Ok(()) };
        self.program(address, &bytes)
    }

    /// Writes at once, page by page, each padded to whole units.
    fn write_pages(&mut self, offset: u32, bytes: &[u8]) -> Result<(), FlashError> {
        let mut address = offset;
        let mut rest = bytes;
        while !rest.is_empty() {
            let to_page_end = (PAGE_BYTES - address % PAGE_BYTES) as usize;
            let (part, behind) = rest.split_at_checked(to_page_end).unwrap_or((rest, &[]));
            let mut page = part.to_vec();
            page.resize(part.len().next_multiple_of(self.geometry.unit_bytes as usize), ERASED);
            self.check_program(address, &page)?;
            self.program(address, &page)?;
            address = address.saturating_add(len32(part.len()));
            rest = behind;
        }
        Ok(())
    }

    /// Puts bytes into the units they belong to. A unit that is left is programmed.
    fn write_units(&mut self, offset: u32, bytes: &[u8]) -> Result<(), FlashError> {
        let unit_bytes = self.geometry.unit_bytes;
        let mut address = offset;
        let mut rest = bytes;
        while !rest.is_empty() {
            let (start, within) = (address - address % unit_bytes, address % unit_bytes);
            let (part, behind) = rest.split_at_checked((unit_bytes - within) as usize).unwrap_or((rest, &[]));
            if self.open.as_ref().is_some_and(|open| open.address != start) {
                self.close()?;
            }
            if self.open.is_none() {
                let bytes = vec![ERASED; unit_bytes as usize];
                self.check_program(start, &bytes)?;
                self.open = Some(Unit { address: start, bytes });
            }
            let Some(open) = self.open.as_mut() else { continue };
            let held = open.bytes.get_mut(within as usize..).unwrap_or_default();
            check_clears(address, held, part)?;
            held.iter_mut().zip(part).for_each(|(to, from)| *to = *from);
            address = address.saturating_add(len32(part.len()));
            rest = behind;
        }
        Ok(())
    }

    /// Refuses a program that would set bits, or program a unit twice where that isn't a word.
    fn check_program(&mut self, address: u32, bytes: &[u8]) -> Result<(), FlashError> {
        let mut old = vec![0; bytes.len()];
        self.device.read(address, &mut old).map_err(|source| FlashError::io(address, source))?;
        let unit = self.geometry.unit_bytes;
        if unit > WORD_BYTES && old.iter().any(|byte| *byte != ERASED) {
            return Err(FlashError::Reprogram { address, unit });
        }
        check_clears(address, &old, bytes)
    }
}

impl<D> ErrorType for MtdFlash<D> {
    type Error = FlashError;
}

impl<D: MtdDevice> ReadNorFlash for MtdFlash<D> {
    const READ_SIZE: usize = 1;

    /// Reads the part, and the unit that is kept back where there is one.
    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), FlashError> {
        check_range(offset, bytes.len(), 1, self.flash_bytes)?;
        self.device.read(offset, bytes).map_err(|source| FlashError::io(offset, source))?;
        let Some(open) = &self.open else { return Ok(()) };
        for (address, byte) in (offset..).zip(bytes) {
            let held = address.checked_sub(open.address).and_then(|at| open.bytes.get(at as usize));
            *byte = held.copied().unwrap_or(*byte);
        }
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.flash_bytes as usize
    }
}

impl<D: MtdDevice> NorFlash for MtdFlash<D> {
    const WRITE_SIZE: usize = WORD_BYTES as usize;
    const ERASE_SIZE: usize = ERASE_BYTES as usize;

    /// Erases whole sectors. What was kept back is programmed first.
    fn erase(&mut self, from: u32, to: u32) -> Result<(), FlashError> {
        let sector_bytes = self.geometry.sector_bytes;
        check_erase(from, to, sector_bytes, self.flash_bytes)?;
        self.close()?;
        for address in (from..to).step_by(self.device.sizes().sector_bytes as usize) {
            let sector = address / sector_bytes;
            self.device.erase(address).map_err(|source| FlashError::Erase { address, sector, source })?;
        }
        (from / sector_bytes..to / sector_bytes).for_each(|sector| self.wear.erased(sector));
        self.wear.keep();
        Ok(())
    }

    /// Programs whole words from the start of a unit; in a unit larger than a page, from any page. An
    /// empty write returns once everything written and erased before it survives power loss.
    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), FlashError> {
        check_range(offset, bytes.len(), WORD_BYTES, self.flash_bytes)?;
        if bytes.is_empty() {
            self.close()?;
            self.wear.keep();
            return Ok(());
        }
        if self.geometry.writes == Writes::KeptBack {
            return self.write_units(offset, bytes);
        }
        let unit = self.geometry.unit_bytes;
        if !offset.is_multiple_of(unit) {
            return Err(FlashError::NotAligned { address: offset, bytes: bytes.len(), unit });
        }
        self.write_pages(offset, bytes)?;
        // Nobody asks this medium to finish.
        self.wear.keep();
        Ok(())
    }
}

/// A length as the flash counts it. Nothing here is longer than `u32` counts.
fn len32(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod fake;
#[cfg(test)]
mod tests;
