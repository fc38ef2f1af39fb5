//! One flash part, shared by the regions on it.

use std::{
    fmt,
    ops::Range,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use embedded_storage::nor_flash::{ErrorType, NorFlash, ReadNorFlash};
use everstep_journal::{KEY_BYTES, Region, SALT_BYTES, Seal};
use zeroize::Zeroizing;

/// A handle on a flash part that several journals use, each in a region of its own.
#[derive(Debug)]
pub struct SharedFlash<F> {
    part: Arc<Mutex<F>>,
    /// A region of it without a range and a seal.
    manners: Region,
    sealing: Option<Arc<Sealing>>,
}

/// What every region of a flash is sealed with.
pub struct Sealing {
    key: Zeroizing<[u8; KEY_BYTES]>,
    device: String,
    entropy: [u8; SALT_BYTES],
    seals: AtomicU64,
}

impl Sealing {
    /// `key` is the owner's secret, `device` this device's name; `entropy` is fresh random bytes of this
    /// process, from which every seal gets a salt of its own.
    #[must_use]
    pub fn new(key: Zeroizing<[u8; KEY_BYTES]>, device: String, entropy: [u8; SALT_BYTES]) -> Self {
        Self { key, device, entropy, seals: AtomicU64::new(0) }
    }

    /// A seal for one boot of the journal in `range`. One region's records don't pass for another's.
    #[must_use]
    pub fn seal(&self, range: &Range<u32>) -> Seal {
        let count = self.seals.fetch_add(1, Ordering::Relaxed);
        let mut salt = self.entropy;
        salt.iter_mut().zip(count.to_le_bytes()).for_each(|(to, from)| *to ^= from);
        Seal::new(&self.key, format!("{} {}", self.device, range.start).as_bytes(), salt)
    }
}

impl fmt::Debug for Sealing {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Sealing")
    }
}

impl<F> SharedFlash<F> {
    /// Shares a part whose writes are done when they return.
    pub fn new(flash: F) -> Self {
        Self::with_manners(flash, Region::from(0..0))
    }

    /// Shares a part that has the manners of `region`: its sectors, its blocks, and when a write is done.
    /// The range doesn't matter.
    pub fn with_manners(flash: F, region: Region) -> Self {
        Self { part: Arc::new(Mutex::new(flash)), manners: region.at(0..0), sealing: None }
    }

    /// Shares a part that keeps writes back until an empty one, such as a file; see
    /// [`Region::buffered`].
    pub fn buffered(flash: F) -> Self {
        Self::with_manners(flash, Region::buffered(0..0))
    }

    /// The same, with every journal on it sealed.
    #[must_use]
    pub fn sealed(self, sealing: Option<Sealing>) -> Self {
        Self { sealing: sealing.map(Arc::new), ..self }
    }

    /// A part of it, for one boot of one journal.
    #[must_use]
    pub fn region(&self, range: Range<u32>) -> Region {
        let seal = self.sealing.as_ref().map(|sealing| sealing.seal(&range));
        let region = self.manners.clone().at(range);
        match seal {
            Some(seal) => region.sealed(seal),
            None => region,
        }
    }

    /// The part itself, for one operation.
    pub fn lock(&self) -> MutexGuard<'_, F> {
        // A panic in another holder leaves the part as a power cut would; the journal copes.
        self.part.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<F> Clone for SharedFlash<F> {
    fn clone(&self) -> Self {
        Self { part: Arc::clone(&self.part), manners: self.manners.clone(), sealing: self.sealing.clone() }
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
