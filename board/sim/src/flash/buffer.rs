//! Writes that a medium keeps back, as a file or a block device does, until it is asked to finish.
//!
//! A cut leaves every block they touch as it was before any of the writes, after any of them in their
//! order, or unreadable: each block by itself.

use std::collections::BTreeMap;

use super::{ERASED, cut::Bits};

/// What is on its way.
#[derive(Clone, Debug)]
pub(super) struct Buffer {
    block_bytes: usize,
    /// Whether a block that a cut interrupts may be lost as a whole.
    loses_blocks: bool,
    pending: Vec<Pending>,
    /// Every block that is touched, as it was before.
    before: BTreeMap<usize, Block>,
}

/// One write, or one erase.
#[derive(Clone, Debug)]
struct Pending {
    start: usize,
    bytes: Vec<u8>,
    erase: bool,
}

/// The bytes of a block, and which of them were programmed.
#[derive(Clone, Debug)]
pub(super) struct Block {
    pub(super) bytes: Vec<u8>,
    pub(super) programmed: Vec<bool>,
}

impl Buffer {
    pub(super) fn new(block_bytes: usize, loses_blocks: bool) -> Self {
        Self { block_bytes, loses_blocks, pending: Vec::new(), before: BTreeMap::new() }
    }

    /// The blocks that `bytes` bytes from `start` touch, as ranges of bytes.
    pub(super) fn touched(
        &self,
        start: usize,
        bytes: usize,
    ) -> impl Iterator<Item = std::ops::Range<usize>> + use<> {
        let block_bytes = self.block_bytes;
        (start / block_bytes..(start + bytes).div_ceil(block_bytes))
            .map(move |block| block * block_bytes..(block + 1) * block_bytes)
    }

    /// Whether a block's state before the first write is kept already.
    pub(super) fn knows(&self, start: usize) -> bool {
        self.before.contains_key(&start)
    }

    /// Keeps a block as it is before the first write to it.
    pub(super) fn keep(&mut self, start: usize, block: Block) {
        self.before.insert(start, block);
    }

    /// Takes note of one operation.
    pub(super) fn push(&mut self, start: usize, bytes: &[u8], erase: bool) {
        self.pending.push(Pending { start, bytes: bytes.to_vec(), erase });
    }

    /// Blocks that something is on its way to.
    pub(super) fn blocks(&self) -> u64 {
        self.before.len() as u64
    }

    /// Everything was finished.
    pub(super) fn clear(&mut self) {
        self.pending.clear();
        self.before.clear();
    }

    /// What a cut leaves of every block that something was on its way to.
    pub(super) fn cut(&mut self, seed: u64) -> BTreeMap<usize, Block> {
        let mut bits = Bits::new(seed);
        let mut left = std::mem::take(&mut self.before);
        for (start, block) in &mut left {
            let here: Vec<&Pending> =
                self.pending.iter().filter(|pending| pending.touches(*start, self.block_bytes)).collect();
            let fates = here.len() as u64 + if self.loses_blocks { 2 } else { 1 };
            let fate = usize::try_from(bits.next() % fates).unwrap_or(0);
            if fate > here.len() {
                block.bytes.iter_mut().for_each(|byte| *byte = bits.mask(2));
                block.programmed.fill(true);
                continue;
            }
            here.iter().take(fate).for_each(|pending| pending.apply(*start, block));
        }
        self.pending.clear();
        left
    }
}

impl Pending {
    fn touches(&self, start: usize, bytes: usize) -> bool {
        self.start < start + bytes && start < self.start + self.bytes.len()
    }

    /// Does its part of the block at `start`.
    fn apply(&self, start: usize, block: &mut Block) {
        for (at, (byte, programmed)) in (start..).zip(block.bytes.iter_mut().zip(&mut block.programmed)) {
            let Some(given) = at.checked_sub(self.start).and_then(|at| self.bytes.get(at)) else { continue };
            *byte = if self.erase { ERASED } else { *byte & given };
            *programmed = !self.erase;
        }
    }
}
