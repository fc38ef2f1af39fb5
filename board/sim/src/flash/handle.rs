//! One flash in many hands.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use embedded_storage::nor_flash::{ErrorType, NorFlash, ReadNorFlash};

use super::{SimFlash, SimFlashError};

/// A handle on one simulated flash, so that a harness keeps it while agents come and go.
#[derive(Clone, Debug)]
pub struct SimFlashHandle<const WORD: usize = 4, const SECTOR: usize = 4096>(
    Arc<Mutex<SimFlash<WORD, SECTOR>>>,
);

impl<const WORD: usize, const SECTOR: usize> SimFlashHandle<WORD, SECTOR> {
    /// Shares `flash`.
    #[must_use]
    pub fn new(flash: SimFlash<WORD, SECTOR>) -> Self {
        Self(Arc::new(Mutex::new(flash)))
    }

    /// The flash itself.
    pub fn lock(&self) -> MutexGuard<'_, SimFlash<WORD, SECTOR>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<const WORD: usize, const SECTOR: usize> ErrorType for SimFlashHandle<WORD, SECTOR> {
    type Error = SimFlashError;
}

impl<const WORD: usize, const SECTOR: usize> ReadNorFlash for SimFlashHandle<WORD, SECTOR> {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), SimFlashError> {
        self.lock().read(offset, bytes)
    }

    fn capacity(&self) -> usize {
        self.lock().capacity()
    }
}

impl<const WORD: usize, const SECTOR: usize> NorFlash for SimFlashHandle<WORD, SECTOR> {
    const WRITE_SIZE: usize = WORD;
    const ERASE_SIZE: usize = SECTOR;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), SimFlashError> {
        self.lock().erase(from, to)
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), SimFlashError> {
        self.lock().write(offset, bytes)
    }
}
