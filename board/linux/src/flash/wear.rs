//! How much a flash was written since it was made, in a file beside it.
//!
//! The file outlives a kill. It isn't synced, so a power cut may take the newest counts: it tells how
//! worn a part would be, and nothing acts on it.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// What was done to a flash.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct FlashCounts {
    /// Program operations.
    pub programs: u64,
    /// Bytes programmed.
    pub programmed_bytes: u64,
    /// Sectors erased.
    pub erases: u64,
}

/// Bytes of the file: three numbers, little endian.
const BYTES: usize = 24;

impl FlashCounts {
    /// What was done to the flash in `path` since it was made; nothing, where no count is kept.
    #[must_use]
    pub fn read(path: &Path) -> Self {
        File::open(beside(path)).and_then(|file| Self::of(&file)).unwrap_or_default()
    }

    fn of(file: &File) -> io::Result<Self> {
        let mut bytes = [0; BYTES];
        file.read_exact_at(&mut bytes, 0)?;
        let mut numbers = bytes
            .chunks_exact(8)
            .map(|number| number.iter().rev().fold(0_u64, |number, byte| number << 8 | u64::from(*byte)));
        let mut next = || numbers.next().unwrap_or_default();
        Ok(Self { programs: next(), programmed_bytes: next(), erases: next() })
    }
}

/// The counts of an open flash, written down when the flash is synced, and when it is closed.
#[derive(Debug)]
pub(super) struct Wear {
    file: File,
    pub(super) counts: FlashCounts,
}

impl Wear {
    /// Goes on with the counts of the flash in `path`, or begins them.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(beside(path))?;
        let counts = FlashCounts::of(&file).unwrap_or_default();
        let wear = Self { file, counts };
        wear.write()?;
        Ok(wear)
    }

    /// Counts one program.
    pub(super) fn programmed(&mut self, bytes: usize) {
        self.counts.programs = self.counts.programs.saturating_add(1);
        self.counts.programmed_bytes = self.counts.programmed_bytes.saturating_add(bytes as u64);
    }

    /// Counts erased sectors.
    pub(super) fn erased(&mut self, sectors: usize) {
        self.counts.erases = self.counts.erases.saturating_add(sectors as u64);
    }

    /// Writes the counts down.
    pub(super) fn keep(&self) {
        // The file has its size already; a count that is lost all the same is no reason to stop.
        let _ = self.write();
    }

    fn write(&self) -> io::Result<()> {
        let FlashCounts { programs, programmed_bytes, erases } = self.counts;
        let bytes: Vec<u8> =
            [programs, programmed_bytes, erases].iter().flat_map(|number| number.to_le_bytes()).collect();
        self.file.write_all_at(&bytes, 0)
    }
}

impl Drop for Wear {
    fn drop(&mut self) {
        self.keep();
    }
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".wear");
    path.with_file_name(name)
}
