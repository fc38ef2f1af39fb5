//! One flash part, shared by the regions on it.

use std::{
    ops::Range,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use embedded_storage::nor_flash::{ErrorType, NorFlash, ReadNorFlash};
use everstep_journal::Region;

/// A handle on a flash part that several journals use, each in a region of its own.
#[derive(Debug)]
pub struct SharedFlash<F> {
    part: Arc<Mutex<F>>,
    buffered: bool,
}

impl<F> SharedFlash<F> {
    /// Shares a part whose writes are done when they return.
    pub fn new(flash: F) -> Self {
        Self { part: Arc::new(Mutex::new(flash)), buffered: false }
    }

    /// Shares a part that keeps writes back until an empty one, such as a file; see
    /// [`Region::buffered`].
    pub fn buffered(flash: F) -> Self {
        Self { buffered: true, ..Self::new(flash) }
    }

    /// A part of it, for one journal.
    #[must_use]
    pub fn region(&self, range: Range<u32>) -> Region {
        if self.buffered { Region::buffered(range) } else { range.into() }
    }

    /// The part itself, for one operation.
    pub fn lock(&self) -> MutexGuard<'_, F> {
        // A panic in another holder leaves the part as a power cut would; the journal copes.
        self.part.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<F> Clone for SharedFlash<F> {
    fn clone(&self) -> Self {
        Self { part: Arc::clone(&self.part), buffered: self.buffered }
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
