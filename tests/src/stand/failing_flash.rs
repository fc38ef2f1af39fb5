//! A flash on a disk that fills up: after a number of operations, each one fails until there is room.

use embedded_storage::nor_flash::{ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash};
use everstep_board_sim::{SimFlash, SimFlashError};

/// What the first operation that fails leaves of itself.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Left {
    /// Nothing: it was refused.
    Nothing,
    /// Its first half: there was room for no more.
    Half,
    /// All of it, and nobody knows: it was the sync that failed.
    All,
}

/// A simulated flash whose programs and erases fail from a certain one on.
#[derive(Debug)]
pub struct FailingFlash {
    flash: SimFlash,
    /// Operations that still work; `None` while there is room for all.
    works: Option<u64>,
    left: Left,
    failed: bool,
}

/// Why an operation failed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum FailingFlashError {
    /// There is no room.
    #[error("no room on the disk")]
    DiskFull,
    /// The simulated flash refused it: a bug of the caller.
    #[error(transparent)]
    Refused(#[from] SimFlashError),
}

impl NorFlashError for FailingFlashError {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            Self::DiskFull => NorFlashErrorKind::Other,
            Self::Refused(error) => error.kind(),
        }
    }
}

impl FailingFlash {
    /// An erased flash of `sectors` sectors, with room for everything.
    #[must_use]
    pub fn new(sectors: usize) -> Self {
        Self { flash: SimFlash::new(sectors), works: None, left: Left::Nothing, failed: false }
    }

    /// Lets `operations` programs and erases work, and no further one. The first that fails leaves
    /// `left` of itself, the others nothing.
    pub fn fill_after(&mut self, operations: u64, left: Left) {
        (self.works, self.left, self.failed) = (Some(operations), left, false);
    }

    /// Makes room for everything again.
    pub fn make_room(&mut self) {
        self.works = None;
    }

    /// Whether an operation failed for want of room since the disk was to fill up.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.failed
    }

    /// What is left of the next operation, if it fails.
    fn fails(&mut self) -> Option<Left> {
        let works = self.works.as_mut()?;
        if *works > 0 {
            *works -= 1;
            return None;
        }
        let first = !std::mem::replace(&mut self.failed, true);
        Some(if first { self.left } else { Left::Nothing })
    }
}

impl ErrorType for FailingFlash {
    type Error = FailingFlashError;
}

impl ReadNorFlash for FailingFlash {
    const READ_SIZE: usize = SimFlash::<4, 4096>::READ_SIZE;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), FailingFlashError> {
        Ok(self.flash.read(offset, bytes)?)
    }

    fn capacity(&self) -> usize {
        self.flash.capacity()
    }
}

impl NorFlash for FailingFlash {
    const WRITE_SIZE: usize = SimFlash::<4, 4096>::WRITE_SIZE;
    const ERASE_SIZE: usize = SimFlash::<4, 4096>::ERASE_SIZE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), FailingFlashError> {
        let fails = self.fails();
        if fails.is_none_or(|left| left == Left::All) {
            self.flash.erase(from, to)?;
        }
        fails.map_or(Ok(()), |_| Err(FailingFlashError::DiskFull))
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), FailingFlashError> {
        let fails = self.fails();
        let kept = match fails {
            None | Some(Left::All) => bytes.len(),
            Some(Left::Half) => bytes.len() / 2 / Self::WRITE_SIZE * Self::WRITE_SIZE,
            Some(Left::Nothing) => 0,
        };
        self.flash.write(offset, bytes.get(..kept).unwrap_or_default())?;
        fails.map_or(Ok(()), |_| Err(FailingFlashError::DiskFull))
    }
}
