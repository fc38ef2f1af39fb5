//! One flash part, shared by the regions on it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use embedded_storage::nor_flash::{ErrorType, NorFlash, ReadNorFlash};

/// A handle on a flash part that several journals use, each in a region of its own.
#[derive(Debug)]
pub struct SharedFlash<F>(Arc<Mutex<F>>);

impl<F> SharedFlash<F> {
    /// Shares `flash`.
    pub fn new(flash: F) -> Self {
        Self(Arc::new(Mutex::new(flash)))
    }

    /// The part itself, for one operation.
    pub fn lock(&self) -> MutexGuard<'_, F> {
        // A panic in another holder leaves the part as a power cut would; the journal copes.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<F> Clone for SharedFlash<F> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<F: ErrorType> ErrorType for SharedFlash<F> {
    type Error = F::Error;
}

impl<F: ReadNorFlash> ReadNorFlash for SharedFlash<F> {
    const READ_SIZE: usize = F::READ_SIZE;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Self::Error> {
        self.lock().read(offset, bytes)
    }

    fn capacity(&self) -> usize {
        self.lock().capacity()
    }
}

impl<F: NorFlash> NorFlash for SharedFlash<F> {
    const WRITE_SIZE: usize = F::WRITE_SIZE;
    const ERASE_SIZE: usize = F::ERASE_SIZE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), Self::Error> {
        self.lock().erase(from, to)
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Self::Error> {
        self.lock().write(offset, bytes)
    }
}
