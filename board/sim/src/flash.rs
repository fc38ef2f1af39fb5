//! Simulated NOR flash, stricter than real flash, with power cuts.
//!
//! Every word may be programmed once between two erases, even with all ones; after a cut that left any
//! trace, none of the words under way may be. Everything is decided by a seed.

use embedded_storage::nor_flash::{ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash};

mod buffer;
mod cut;
mod fault;
mod handle;
mod moment;
#[cfg(test)]
mod tests;

pub use cut::{CutModel, PowerCut};
pub use fault::Fault;
pub use handle::SimFlashHandle;
pub use moment::Moment;

use buffer::{Block, Buffer};
use cut::Bits;

/// What an erased byte reads as.
const ERASED: u8 = 0xFF;

/// A flash part with words of `WORD` bytes and sectors of `SECTOR` bytes.
#[derive(Clone, Debug)]
pub struct SimFlash<const WORD: usize = 4, const SECTOR: usize = 4096> {
    bytes: Vec<u8>,
    /// One for each word: programmed since its sector was last erased in full.
    programmed: Vec<bool>,
    /// What reads differently after each power-on, until the sector is erased.
    marginal: Option<Marginal>,
    /// A medium that keeps writes back until an empty one.
    buffer: Option<Buffer>,
    plan: Option<PowerCut>,
    operations_before_cut: u64,
    /// The plan is an operation that fails, not a cut.
    keeps_power: bool,
    /// Reads that still succeed before one fails.
    reads_before_fault: Option<u64>,
    /// What was before each operation, where it is kept.
    moments: Option<Vec<Moment<WORD, SECTOR>>>,
    powered: bool,
    interrupted_bytes: Option<usize>,
    counts: SimFlashCounts,
}

/// What a cut left undecided.
#[derive(Clone, Debug)]
struct Marginal {
    start: usize,
    /// Each bit reads as in one or the other.
    before: Vec<u8>,
    after: Vec<u8>,
    bits: Bits,
}

/// What was done to the flash.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct SimFlashCounts {
    /// Read operations.
    pub reads: u64,
    /// Bytes read.
    pub read_bytes: u64,
    /// Program operations.
    pub programs: u64,
    /// Bytes programmed.
    pub programmed_bytes: u64,
    /// Sectors erased.
    pub erases: u64,
    /// Empty writes, which a buffered medium takes as the request to finish what it was given.
    pub syncs: u64,
    /// Blocks that those requests wrote.
    pub block_writes: u64,
}

/// Why an operation was refused. A refusal is a bug of the caller; a power loss is not.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SimFlashError {
    /// The power went, now or before.
    #[error("power is off")]
    PowerLoss,
    /// The operation failed, as planned by a [`Fault`].
    #[error("the operation failed")]
    Failed,
    /// Not whole words, or not whole sectors.
    #[error("{bytes} bytes at {address} are not aligned to {unit}")]
    NotAligned {
        /// Where.
        address: u32,
        /// How many.
        bytes: usize,
        /// What they must be a multiple of.
        unit: usize,
    },
    /// Behind the end.
    #[error("{bytes} bytes at {address} lie outside the flash")]
    OutOfBounds {
        /// Where.
        address: u32,
        /// How many.
        bytes: usize,
    },
    /// A word was programmed again without an erase between.
    #[error("the word at {address} was programmed before")]
    ProgrammedTwice {
        /// Where.
        address: u32,
    },
}

impl NorFlashError for SimFlashError {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            Self::NotAligned { .. } => NorFlashErrorKind::NotAligned,
            Self::OutOfBounds { .. } => NorFlashErrorKind::OutOfBounds,
            Self::PowerLoss | Self::Failed | Self::ProgrammedTwice { .. } => NorFlashErrorKind::Other,
        }
    }
}

impl<const WORD: usize, const SECTOR: usize> SimFlash<WORD, SECTOR> {
    /// An erased flash of `sectors` sectors.
    #[must_use]
    pub fn new(sectors: usize) -> Self {
        Self::from_image(vec![ERASED; sectors * SECTOR])
    }

    /// A flash that holds `image`. Words that aren't all ones count as programmed; the size is rounded
    /// down to whole sectors.
    #[must_use]
    pub fn from_image(mut image: Vec<u8>) -> Self {
        image.truncate(image.len() - image.len() % SECTOR);
        let programmed = image.chunks(WORD).map(|word| word.iter().any(|byte| *byte != ERASED)).collect();
        Self {
            bytes: image,
            programmed,
            marginal: None,
            buffer: None,
            plan: None,
            operations_before_cut: 0,
            keeps_power: false,
            reads_before_fault: None,
            moments: None,
            powered: true,
            interrupted_bytes: None,
            counts: SimFlashCounts::default(),
        }
    }

    /// The same on a medium that keeps writes back until an empty one, as a file does. A cut leaves each
    /// block of `block_bytes` that is on its way old or new by itself, whatever the [`CutModel`]; with
    /// `loses_blocks` also unreadable, as on a block device.
    #[must_use]
    pub fn buffered(mut self, block_bytes: usize, loses_blocks: bool) -> Self {
        self.buffer = Some(Buffer::new(block_bytes, loses_blocks));
        self
    }

    /// Every byte, as it reads now.
    #[must_use]
    pub fn image(&self) -> &[u8] {
        &self.bytes
    }

    /// Sets bytes as decay would, past every rule.
    pub fn rot(&mut self, address: u32, mask: u8) {
        if let Some(byte) = self.bytes.get_mut(address as usize) {
            *byte ^= mask;
        }
    }

    /// Plans the next cut, counted from now.
    pub fn cut_power(&mut self, cut: PowerCut) {
        self.plan = Some(cut);
        self.operations_before_cut = cut.operation;
        self.keeps_power = false;
    }

    /// Takes the power at once, between two operations.
    pub fn power_off(&mut self) {
        self.plan = None;
        self.powered = false;
        self.lose_buffer(0);
    }

    /// Whether the power is on.
    #[must_use]
    pub fn is_powered(&self) -> bool {
        self.powered
    }

    /// Ends the outage. A planned cut or fault that didn't come is forgotten. Marginal bits may read differently
    /// from now on.
    pub fn power_on(&mut self) {
        self.powered = true;
        self.plan = None;
        self.reads_before_fault = None;
        self.settle_marginal();
    }

    /// Bytes of the operation that the latest cut interrupted; `None` before the first cut.
    #[must_use]
    pub fn interrupted_bytes(&self) -> Option<usize> {
        self.interrupted_bytes
    }

    /// What was done to the flash since it was made.
    #[must_use]
    pub fn counts(&self) -> SimFlashCounts {
        self.counts
    }

    fn settle_marginal(&mut self) {
        let Some(marginal) = &mut self.marginal else { return };
        let bytes = self.bytes.iter_mut().skip(marginal.start);
        for (byte, (before, after)) in bytes.zip(marginal.before.iter().zip(&marginal.after)) {
            let mask = marginal.bits.mask(2);
            *byte = before & !mask | after & mask;
        }
    }

    fn check(&self, address: u32, bytes: usize, unit: usize) -> Result<usize, SimFlashError> {
        if !self.powered {
            return Err(SimFlashError::PowerLoss);
        }
        let start = address as usize;
        if start.checked_add(bytes).is_none_or(|end| end > self.bytes.len()) {
            return Err(SimFlashError::OutOfBounds { address, bytes });
        }
        if !start.is_multiple_of(unit) || !bytes.is_multiple_of(unit) {
            return Err(SimFlashError::NotAligned { address, bytes, unit });
        }
        Ok(start)
    }

    /// The cut or fault that comes in this operation, if one does.
    fn due(&mut self) -> Option<PowerCut> {
        let cut = self.plan?;
        if self.operations_before_cut > 0 {
            self.operations_before_cut -= 1;
            return None;
        }
        self.plan = None;
        self.powered = self.keeps_power;
        Some(cut)
    }

    fn set_programmed(&mut self, start: usize, bytes: usize, programmed: bool) {
        let words = start / WORD..(start + bytes) / WORD;
        self.programmed.get_mut(words).unwrap_or_default().fill(programmed);
    }

    /// Leaves what `cut` leaves of an operation that would have turned the bytes at `start` into
    /// `after`. `false` if nothing ever tells of it.
    fn interrupt(&mut self, cut: PowerCut, start: usize, after: &[u8], step: cut::Step) -> bool {
        self.interrupted_bytes = Some(after.len());
        let before: Vec<u8> = self.bytes.iter().skip(start).take(after.len()).copied().collect();
        let left = cut.leaves(&before, after, step);
        self.bytes.iter_mut().skip(start).zip(&left).for_each(|(to, from)| *to = *from);
        let marginal = cut.model == CutModel::Marginal;
        let traces = marginal || left != before;
        if marginal {
            self.marginal =
                Some(Marginal { start, before, after: after.to_vec(), bits: Bits::new(cut.seed) });
        }
        traces
    }

    /// Takes note of an operation on a buffered medium.
    fn keep_back(&mut self, start: usize, bytes: &[u8], erase: bool) {
        let Some(mut buffer) = self.buffer.take() else { return };
        for block in buffer.touched(start, bytes.len()) {
            if !buffer.knows(block.start) {
                let programmed =
                    block.clone().map(|at| self.programmed.get(at / WORD) == Some(&true)).collect();
                let bytes = self.bytes.get(block.clone()).unwrap_or_default().to_vec();
                buffer.keep(block.start, Block { bytes, programmed });
            }
        }
        buffer.push(start, bytes, erase);
        self.buffer = Some(buffer);
    }

    /// Does everything that a buffered medium kept back.
    fn finish(&mut self) {
        self.counts.syncs += 1;
        self.counts.block_writes += self.buffer.iter().map(Buffer::blocks).sum::<u64>();
        self.buffer.iter_mut().for_each(Buffer::clear);
    }

    /// Leaves what a cut leaves of everything that a buffered medium kept back; `false` on another one.
    fn lose_buffer(&mut self, seed: u64) -> bool {
        let Some(buffer) = &mut self.buffer else { return false };
        for (start, block) in buffer.cut(seed) {
            let words = block.programmed.chunks(WORD).map(|word| word.iter().any(|programmed| *programmed));
            self.programmed.iter_mut().skip(start / WORD).zip(words).for_each(|(to, from)| *to = from);
            self.bytes.iter_mut().skip(start).zip(&block.bytes).for_each(|(to, from)| *to = *from);
        }
        true
    }

    /// Leaves what a cut or a fault leaves of an operation that would have turned the bytes at `start`
    /// into `after`.
    fn end_early(&mut self, cut: PowerCut, start: usize, after: &[u8], step: cut::Step) -> SimFlashError {
        let error = if self.powered { SimFlashError::Failed } else { SimFlashError::PowerLoss };
        if cut.model == CutModel::Killed {
            return error;
        }
        self.interrupted_bytes = Some(after.len());
        if self.buffer.is_some() {
            if self.powered {
                self.do_part(cut, start, after, step);
            } else {
                self.keep_back(start, after, step == cut::Step::Erase);
                self.lose_buffer(cut.seed);
            }
            return error;
        }
        // Nothing in a sector may be programmed before it is erased in full; and with one bit
        // programmed, every word of the operation may be.
        let traces = self.interrupt(cut, start, after, step);
        self.set_programmed(start, after.len(), traces || step == cut::Step::Erase);
        error
    }

    fn erase_sector(&mut self, start: usize) -> Result<(), SimFlashError> {
        self.remember(|| moment::Operation::Erase(start));
        if let Some(cut) = self.due() {
            return Err(self.end_early(cut, start, &[ERASED; SECTOR], cut::Step::Erase));
        }
        self.keep_back(start, &[ERASED; SECTOR], true);
        self.counts.erases += 1;
        self.bytes.get_mut(start..start + SECTOR).unwrap_or_default().fill(ERASED);
        self.set_programmed(start, SECTOR, false);
        if self.marginal.as_ref().is_some_and(|marginal| marginal.start / SECTOR == start / SECTOR) {
            self.marginal = None;
        }
        Ok(())
    }
}

impl<const WORD: usize, const SECTOR: usize> ErrorType for SimFlash<WORD, SECTOR> {
    type Error = SimFlashError;
}

impl<const WORD: usize, const SECTOR: usize> ReadNorFlash for SimFlash<WORD, SECTOR> {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), SimFlashError> {
        let start = self.check(offset, bytes.len(), 1)?;
        self.check_read()?;
        self.counts.reads += 1;
        self.counts.read_bytes += bytes.len() as u64;
        bytes.copy_from_slice(self.bytes.get(start..start + bytes.len()).unwrap_or_default());
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.bytes.len()
    }
}

impl<const WORD: usize, const SECTOR: usize> NorFlash for SimFlash<WORD, SECTOR> {
    const WRITE_SIZE: usize = WORD;
    const ERASE_SIZE: usize = SECTOR;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), SimFlashError> {
        let start = self.check(from, to.saturating_sub(from) as usize, SECTOR)?;
        let end = start + to.saturating_sub(from) as usize;
        (start..end).step_by(SECTOR).try_for_each(|start| self.erase_sector(start))
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), SimFlashError> {
        let start = self.check(offset, bytes.len(), WORD)?;
        let words = self.programmed.iter().skip(start / WORD).take(bytes.len() / WORD);
        for (word, address) in words.zip((offset..).step_by(WORD)) {
            // A buffered medium takes any word that reads as erased.
            let old = self.bytes.iter().skip(address as usize).take(WORD);
            if *word && (self.buffer.is_none() || old.copied().any(|byte| byte != ERASED)) {
                return Err(SimFlashError::ProgrammedTwice { address });
            }
        }
        self.remember(|| moment::Operation::Write(offset, bytes.to_vec()));
        if let Some(cut) = self.due() {
            return Err(self.end_early(cut, start, bytes, cut::Step::Program));
        }
        if bytes.is_empty() {
            self.finish();
            return Ok(());
        }
        self.keep_back(start, bytes, false);
        self.set_programmed(start, bytes.len(), true);
        self.counts.programs += 1;
        self.counts.programmed_bytes += bytes.len() as u64;
        self.bytes.iter_mut().skip(start).zip(bytes).for_each(|(to, from)| *to &= from);
        Ok(())
    }
}
