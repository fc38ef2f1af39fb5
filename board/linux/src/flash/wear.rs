//! How much a flash was written since it was made, in a file beside it.
//!
//! The file outlives a kill. It isn't synced, so a power cut may take the newest counts: it tells how
//! worn a part would be, and nothing acts on it.

use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions},
    io::{self, Read as _},
    ops::Range,
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

/// How often the sectors of a region were erased.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Erases {
    /// The one least often.
    pub min: u32,
    /// On the average.
    pub mean: f64,
    /// The one most often.
    pub max: u32,
}

// The file: three numbers of eight bytes, then one of four for each sector, little endian.
const COUNTS_BYTES: usize = 24;
const ERASES_BYTES: usize = 4;

impl FlashCounts {
    /// What was done to the flash in `path` since it was made; nothing, where no count is kept.
    #[must_use]
    pub fn read(path: &Path) -> Self {
        File::open(beside(path)).and_then(|file| Self::of(&file)).unwrap_or_default()
    }

    fn of(file: &File) -> io::Result<Self> {
        let mut bytes = [0; COUNTS_BYTES];
        file.read_exact_at(&mut bytes, 0)?;
        let mut numbers = bytes
            .chunks_exact(8)
            .map(|number| number.iter().rev().fold(0_u64, |number, byte| number << 8 | u64::from(*byte)));
        let mut next = || numbers.next().unwrap_or_default();
        Ok(Self { programs: next(), programmed_bytes: next(), erases: next() })
    }
}

impl Erases {
    /// Those of the sectors of `sector_bytes` in `region`, in bytes, of the flash in `path`. `None` where no
    /// count is kept.
    #[must_use]
    pub fn read(path: &Path, region: &Range<u32>, sector_bytes: u32) -> Option<Self> {
        let mut bytes = Vec::new();
        File::open(beside(path)).and_then(|mut file| file.read_to_end(&mut bytes)).ok()?;
        let counts = bytes.get(COUNTS_BYTES..)?;
        // A sector that was never erased may lie beyond the file's end.
        let counts = counts.chunks_exact(ERASES_BYTES).map(count).chain(std::iter::repeat(0));
        let sectors = (region.end - region.start) / sector_bytes.max(1);
        let counts = counts.skip((region.start / sector_bytes.max(1)) as usize).take(sectors as usize);
        let (mut min, mut max, mut all) = (u32::MAX, 0, 0_u64);
        for count in counts {
            (min, max, all) = (min.min(count), max.max(count), all + u64::from(count));
        }
        #[expect(clippy::cast_precision_loss, reason = "an average for people")]
        let mean = all as f64 / f64::from(sectors.max(1));
        Some(Self { min: min.min(max), mean, max })
    }
}

fn count(bytes: &[u8]) -> u32 {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u32::from(*byte))
}

/// The counts of an open flash, written down when the flash is synced, and when it is closed.
#[derive(Debug)]
pub(super) struct Wear {
    file: File,
    pub(super) counts: FlashCounts,
    /// Sectors whose count changed since it was written down.
    erases: BTreeMap<u32, u32>,
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
        let mut wear = Self { file, counts, erases: BTreeMap::new() };
        wear.write()?;
        Ok(wear)
    }

    /// Counts one program.
    pub(super) fn programmed(&mut self, bytes: usize) {
        self.counts.programs = self.counts.programs.saturating_add(1);
        self.counts.programmed_bytes = self.counts.programmed_bytes.saturating_add(bytes as u64);
    }

    /// Counts an erased sector.
    pub(super) fn erased(&mut self, sector: u32) {
        self.counts.erases = self.counts.erases.saturating_add(1);
        let before = self.erases.get(&sector).copied().unwrap_or_else(|| self.erases_of(sector));
        self.erases.insert(sector, before.saturating_add(1));
    }

    /// Writes the counts down.
    pub(super) fn keep(&mut self) {
        // A count that is lost is no reason to stop.
        let _ = self.write();
    }

    fn erases_of(&self, sector: u32) -> u32 {
        let mut bytes = [0; ERASES_BYTES];
        // Beyond the file's end nothing was counted.
        let read = self.file.read_exact_at(&mut bytes, place(sector));
        read.map_or(0, |()| count(&bytes))
    }

    fn write(&mut self) -> io::Result<()> {
        let FlashCounts { programs, programmed_bytes, erases } = self.counts;
        let bytes: Vec<u8> =
            [programs, programmed_bytes, erases].iter().flat_map(|number| number.to_le_bytes()).collect();
        self.file.write_all_at(&bytes, 0)?;
        for (sector, erases) in std::mem::take(&mut self.erases) {
            self.file.write_all_at(&erases.to_le_bytes(), place(sector))?;
        }
        Ok(())
    }
}

impl Drop for Wear {
    fn drop(&mut self) {
        self.keep();
    }
}

/// Where the file counts a sector's erases.
fn place(sector: u32) -> u64 {
    COUNTS_BYTES as u64 + u64::from(sector) * ERASES_BYTES as u64
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".wear");
    path.with_file_name(name)
}
