//! The flash of a Linux board, on whatever medium the board file names.

use embedded_storage::nor_flash::{ErrorType, NorFlash, ReadNorFlash};

use super::{
    BlockBytes, ERASE_BYTES, FileFlash, FlashCounts, FlashError, FlashPlace, Geometry, Medium, OpenError,
    WORD_BYTES,
    block::{Access, BlockFlash, Content, DirectDisk, content, prepare},
    file::create,
    mtd::{MtdFlash, MtdPart},
    wear::Wear,
};

/// A flash that this process owns. It keeps the manners that [`LinuxFlash::geometry`] tells: the
/// constants of the trait are the smallest of all media.
#[derive(Debug)]
pub struct LinuxFlash {
    part: Part,
    geometry: Geometry,
}

#[derive(Debug)]
enum Part {
    File(FileFlash),
    Block(BlockFlash<DirectDisk>),
    Mtd(MtdFlash<MtdPart>),
}

impl LinuxFlash {
    /// Opens the flash in `place`. A file that is missing is made, and a partition that is blank becomes
    /// an erased flash; a raw part is taken as it is.
    ///
    /// # Errors
    ///
    /// See [`OpenError`]. What stands on a partition or a part is left as it is.
    pub fn open_or_create(place: &FlashPlace) -> Result<Self, OpenError> {
        let opened = match place.medium {
            Medium::File => open_file(place),
            Medium::Block(block_bytes) => open_block(place, block_bytes),
            Medium::Mtd => open_mtd(place),
        };
        opened.map_err(|error| place.without_a_maker(error))
    }

    /// What it writes and erases at once, and when a write is done.
    #[must_use]
    pub fn geometry(&self) -> Geometry {
        self.geometry
    }

    /// What was done to the flash since it was made.
    #[must_use]
    pub fn counts(&self) -> FlashCounts {
        match &self.part {
            Part::File(flash) => flash.counts(),
            Part::Block(flash) => flash.counts(),
            Part::Mtd(flash) => flash.counts(),
        }
    }
}

fn open_file(place: &FlashPlace) -> Result<LinuxFlash, OpenError> {
    let flash = if place.names_a_device() {
        FileFlash::open(&place.path, place.bytes)
    } else {
        FileFlash::open_or_create(&place.path, place.bytes)
    }?;
    Ok(LinuxFlash { part: Part::File(flash), geometry: Geometry::FILE })
}

fn open_block(place: &FlashPlace, block_bytes: BlockBytes) -> Result<LinuxFlash, OpenError> {
    let open = || DirectDisk::open(&place.path, place.bytes, block_bytes, Access::Own);
    let mut disk = match open() {
        Err(OpenError::Missing { .. }) if !place.names_a_device() => {
            create(&place.path, place.bytes)?;
            open()
        }
        other => other,
    }?;
    let fail = |error| OpenError::flash(&place.path, place.bytes, error);
    let look_bytes = disk.look_bytes(place.bytes);
    if content(&mut disk, look_bytes, block_bytes).map_err(fail)? == Content::Blank {
        prepare(&mut disk, place.bytes).map_err(fail)?;
    }
    let flash = BlockFlash::new(disk, place.bytes, block_bytes, open_wear(place)?);
    Ok(LinuxFlash { part: Part::Block(flash), geometry: Geometry::block(block_bytes) })
}

fn open_mtd(place: &FlashPlace) -> Result<LinuxFlash, OpenError> {
    let part = MtdPart::open(&place.path, place.bytes, Access::Own)?;
    let flash = MtdFlash::new(part, place.bytes, open_wear(place)?);
    let geometry = flash.geometry();
    Ok(LinuxFlash { part: Part::Mtd(flash), geometry })
}

fn open_wear(place: &FlashPlace) -> Result<Wear, OpenError> {
    let path = place.counts_path();
    Wear::open(&path).map_err(|source| OpenError::io(&path, place.bytes, source))
}

impl ErrorType for LinuxFlash {
    type Error = FlashError;
}

impl ReadNorFlash for LinuxFlash {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), FlashError> {
        match &mut self.part {
            Part::File(flash) => flash.read(offset, bytes),
            Part::Block(flash) => flash.read(offset, bytes),
            Part::Mtd(flash) => flash.read(offset, bytes),
        }
    }

    fn capacity(&self) -> usize {
        match &self.part {
            Part::File(flash) => flash.capacity(),
            Part::Block(flash) => flash.capacity(),
            Part::Mtd(flash) => flash.capacity(),
        }
    }
}

impl NorFlash for LinuxFlash {
    const WRITE_SIZE: usize = WORD_BYTES as usize;
    const ERASE_SIZE: usize = ERASE_BYTES as usize;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), FlashError> {
        match &mut self.part {
            Part::File(flash) => flash.erase(from, to),
            Part::Block(flash) => flash.erase(from, to),
            Part::Mtd(flash) => flash.erase(from, to),
        }
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), FlashError> {
        match &mut self.part {
            Part::File(flash) => flash.write(offset, bytes),
            Part::Block(flash) => flash.write(offset, bytes),
            Part::Mtd(flash) => flash.write(offset, bytes),
        }
    }
}

#[cfg(test)]
mod tests;
