//! A copy of a flash in memory: lets a reader recover a journal without touching the medium, also while
//! its owner goes on writing.

use std::{io, path::Path};

use embedded_storage::nor_flash::{ErrorType, NorFlash, ReadNorFlash};

use super::{
    BlockBytes, ERASE_BYTES, ERASED, FlashError, FlashPlace, Geometry, Medium, OpenError, WORD_BYTES, Writes,
    block::{Access, Content, DirectDisk, content, read_blocks},
    check_clears, check_erase, check_range,
    file::check_file,
    mtd::{MtdDevice, MtdPart},
};

/// Looks at a file that changes under the reader before giving up.
const LOADS_MAX: u32 = 32;

/// Flash in memory. What is written to it is lost with it; the medium it came from never changes.
#[derive(Clone, Debug)]
pub struct FlashImage {
    bytes: Vec<u8>,
    geometry: Geometry,
}

/// Why no copy could be made.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file can't be read, or isn't this board's.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The owner wrote faster than the file could be read.
    #[error("the flash changes while it is read: try again, or `everstep stop` first")]
    Busy,
    /// Reading failed half way.
    #[error("flash can't be read")]
    Io(#[source] io::Error),
    /// The same of a device.
    #[error(transparent)]
    Flash(FlashError),
}

impl FlashImage {
    /// An erased flash of `flash_bytes` bytes, for a board that has none yet.
    #[must_use]
    pub fn erased(flash_bytes: u32, geometry: Geometry) -> Self {
        Self { bytes: vec![ERASED; flash_bytes as usize], geometry }
    }

    /// Copies the flash in `place`. Two equal copies in a row make sure that no write came between. A
    /// blank partition reads as the erased flash that it will be.
    ///
    /// # Errors
    ///
    /// See [`LoadError`].
    pub fn load(place: &FlashPlace) -> Result<Self, LoadError> {
        let bytes = place.bytes;
        let loaded = match place.medium {
            Medium::File => check_file(&place.path, bytes).map_err(LoadError::from).and_then(|()| {
                Self::load_with(Geometry::FILE, || std::fs::read(&place.path).map_err(LoadError::Io))
            }),
            Medium::Block(block_bytes) => Self::load_blocks(&place.path, bytes, block_bytes),
            Medium::Mtd => Self::load_part(&place.path, bytes),
        };
        loaded.map_err(|error| match error {
            LoadError::Open(error) => LoadError::Open(place.without_a_maker(error)),
            error => error,
        })
    }

    /// Reads a copy that [`FlashImage::to_copy`] made, or one that is just the bytes of a flash with
    /// `geometry`.
    ///
    /// # Errors
    ///
    /// See [`LoadError`].
    pub fn from_copy(path: &Path, flash_bytes: u32, geometry: Geometry) -> Result<Self, LoadError> {
        let mut bytes = std::fs::read(path).map_err(|source| OpenError::io(path, flash_bytes, source))?;
        let end = bytes.len().saturating_sub(TRAILER_BYTES);
        let told = bytes.get(end..).and_then(geometry_of);
        if told.is_some() {
            bytes.truncate(end);
        }
        if bytes.len() != flash_bytes as usize {
            let (path, found) = (path.to_owned(), bytes.len() as u64);
            return Err(OpenError::OtherSize { path, found, expected: flash_bytes }.into());
        }
        Ok(Self { bytes, geometry: told.unwrap_or(geometry) })
    }

    /// Every byte, and behind them what the medium writes and erases at once.
    #[must_use]
    pub fn to_copy(&self) -> Vec<u8> {
        let Geometry { sector_bytes, unit_bytes, writes } = self.geometry;
        let writes: u32 = match writes {
            Writes::AtOnce => 0,
            Writes::KeptBack => 1,
        };
        let numbers = [sector_bytes, unit_bytes, writes].map(u32::to_le_bytes);
        [self.bytes.as_slice(), TRAILER_MARK, numbers.as_flattened()].concat()
    }

    /// What the medium it came from writes and erases at once.
    #[must_use]
    pub fn geometry(&self) -> Geometry {
        self.geometry
    }

    fn load_blocks(path: &Path, flash_bytes: u32, block_bytes: BlockBytes) -> Result<Self, LoadError> {
        let geometry = Geometry::block(block_bytes);
        let mut disk = DirectDisk::open(path, flash_bytes, block_bytes, Access::Look)?;
        let look_bytes = disk.look_bytes(flash_bytes);
        if content(&mut disk, look_bytes, block_bytes).map_err(LoadError::Flash)? == Content::Blank {
            return Ok(Self::erased(flash_bytes, geometry));
        }
        Self::load_with(geometry, || {
            let mut blocks = vec![0; flash_bytes as usize];
            read_blocks(&mut disk, 0, &mut blocks, block_bytes).map_err(LoadError::Flash)?;
            Ok(blocks)
        })
    }

    fn load_part(path: &Path, flash_bytes: u32) -> Result<Self, LoadError> {
        let mut part = MtdPart::open(path, flash_bytes, Access::Look)?;
        // Opening checked the sizes.
        let geometry = part.sizes().geometry().unwrap_or(Geometry::FILE);
        Self::load_with(geometry, || {
            let mut bytes = vec![0; flash_bytes as usize];
            part.read(0, &mut bytes).map_err(LoadError::Io)?;
            Ok(bytes)
        })
    }

    fn load_with(
        geometry: Geometry,
        mut read: impl FnMut() -> Result<Vec<u8>, LoadError>,
    ) -> Result<Self, LoadError> {
        let mut before = read()?;
        for _ in 0..LOADS_MAX {
            let after = read()?;
            if before == after {
                return Ok(Self { bytes: after, geometry });
            }
            before = after;
        }
        Err(LoadError::Busy)
    }

    fn flash_bytes(&self) -> u32 {
        // Its length came from a `u32`.
        u32::try_from(self.bytes.len()).unwrap_or(u32::MAX)
    }

    fn range(&mut self, address: u32, bytes: usize) -> Result<&mut [u8], FlashError> {
        let (from, flash_bytes) = (address as usize, self.flash_bytes());
        self.bytes.get_mut(from..from.saturating_add(bytes)).ok_or(FlashError::OutOfBounds {
            address,
            bytes,
            flash_bytes,
        })
    }
}

/// Tells a copy's last bytes from those of a flash.
const TRAILER_MARK: &[u8; 8] = b"everstep";
const TRAILER_BYTES: usize = TRAILER_MARK.len() + 12;

/// What a copy's last bytes say of the medium; `None` where they say nothing.
fn geometry_of(trailer: &[u8]) -> Option<Geometry> {
    let numbers = trailer.strip_prefix(TRAILER_MARK)?;
    let mut numbers = numbers.as_chunks::<4>().0.iter().map(|number| u32::from_le_bytes(*number));
    let (sector_bytes, unit_bytes) = (numbers.next()?, numbers.next()?);
    let writes = match numbers.next()? {
        0 => Writes::AtOnce,
        1 => Writes::KeptBack,
        _ => return None,
    };
    (sector_bytes > 0).then_some(Geometry { sector_bytes, unit_bytes, writes })
}

impl ErrorType for FlashImage {
    type Error = FlashError;
}

impl ReadNorFlash for FlashImage {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), FlashError> {
        bytes.copy_from_slice(self.range(offset, bytes.len())?);
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.bytes.len()
    }
}

impl NorFlash for FlashImage {
    const WRITE_SIZE: usize = WORD_BYTES as usize;
    const ERASE_SIZE: usize = ERASE_BYTES as usize;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), FlashError> {
        let bytes = check_erase(from, to, ERASE_BYTES, self.flash_bytes())?;
        self.range(from, bytes)?.fill(ERASED);
        Ok(())
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), FlashError> {
        check_range(offset, bytes.len(), WORD_BYTES, self.flash_bytes())?;
        let range = self.range(offset, bytes.len())?;
        check_clears(offset, range, bytes)?;
        range.copy_from_slice(bytes);
        Ok(())
    }
}
