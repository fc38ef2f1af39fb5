//! A copy of a flash file in memory: lets a reader recover a journal without touching the file,
//! also while its owner goes on writing.

use std::{io, path::Path};

use embedded_storage::nor_flash::{ErrorType, NorFlash, ReadNorFlash};

use super::{
    ERASED, FlashError, OpenError, SECTOR_BYTES, WORD_BYTES, check_clears, check_erase, check_range,
    file::check_file,
};

/// Looks at a file that changes under the reader before giving up.
const LOADS_MAX: u32 = 32;

/// Flash in memory. What is written to it is lost with it; the file it came from never changes.
#[derive(Clone, Debug)]
pub struct FlashImage {
    bytes: Vec<u8>,
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
    #[error("flash file can't be read")]
    Io(#[source] io::Error),
}

impl FlashImage {
    /// An erased flash of `flash_bytes` bytes, for a board that has no file yet.
    #[must_use]
    pub fn erased(flash_bytes: u32) -> Self {
        Self { bytes: vec![ERASED; flash_bytes as usize] }
    }

    /// Copies the flash file `path`. Two equal copies in a row make sure that no write came between.
    ///
    /// # Errors
    ///
    /// See [`LoadError`].
    pub fn load(path: &Path, flash_bytes: u32) -> Result<Self, LoadError> {
        check_file(path, flash_bytes)?;
        let mut before = read(path)?;
        for _ in 0..LOADS_MAX {
            let after = read(path)?;
            if before == after {
                return Ok(Self { bytes: after });
            }
            before = after;
        }
        Err(LoadError::Busy)
    }

    /// Every byte.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
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

fn read(path: &Path) -> Result<Vec<u8>, LoadError> {
    std::fs::read(path).map_err(LoadError::Io)
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
    const ERASE_SIZE: usize = SECTOR_BYTES as usize;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), FlashError> {
        let bytes = check_erase(from, to, self.flash_bytes())?;
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
