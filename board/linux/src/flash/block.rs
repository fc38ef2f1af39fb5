//! A NOR flash on a block partition, or in an image file, written past the system's memory.
//!
//! Programs and erases are kept back until an empty write asks for them; then every block they touch is
//! written whole, neighbours together, and is durable when the write returns. Where too much is kept
//! back, it is written earlier: the journal relies on nothing before its empty write, so that is allowed.

mod direct;
mod prepare;

use std::{collections::BTreeMap, io};

use embedded_storage::nor_flash::{ErrorType, NorFlash, ReadNorFlash};

pub(super) use direct::{Access, DirectDisk};
pub(super) use prepare::{Content, content, prepare};

use super::{
    BlockBytes, ERASE_BYTES, ERASED, FlashError, WORD_BYTES, check_clears, check_erase, check_range,
    wear::{FlashCounts, Wear},
};

/// Bytes of blocks in memory at most: those to be written, and those read or written lately.
const KEPT_BYTES_MAX: usize = 256 * 1024;
/// Bytes of one write at most.
const RUN_BYTES_MAX: usize = 64 * 1024;

/// A row of blocks that are read and written whole.
pub(crate) trait Disk {
    /// Reads whole blocks.
    fn read(&mut self, address: u32, blocks: &mut [u8]) -> io::Result<()>;

    /// Writes whole blocks. Once this returns `Ok`, they survive power loss; until then each may be old,
    /// new or unreadable.
    fn write(&mut self, address: u32, blocks: &[u8]) -> io::Result<()>;
}

/// Flash on a disk that is this process's alone.
#[derive(Debug)]
pub(crate) struct BlockFlash<D> {
    disk: D,
    flash_bytes: u32,
    block_bytes: BlockBytes,
    kept: BTreeMap<u32, Block>,
    wear: Wear,
}

/// A block in memory.
#[derive(Debug)]
struct Block {
    bytes: Vec<u8>,
    state: State,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    /// As on the disk.
    Kept,
    /// To be written.
    Changed,
}

impl<D: Disk> BlockFlash<D> {
    /// Takes over a disk of at least `flash_bytes` bytes.
    pub(crate) fn new(disk: D, flash_bytes: u32, block_bytes: BlockBytes, wear: Wear) -> Self {
        Self { disk, flash_bytes, block_bytes, kept: BTreeMap::new(), wear }
    }

    pub(crate) fn counts(&self) -> FlashCounts {
        self.wear.counts
    }

    /// The addresses of the blocks that `bytes` bytes from `address` touch. The range was checked.
    fn blocks(&self, address: u32, bytes: usize) -> impl Iterator<Item = u32> + use<D> {
        let block_bytes = self.block_bytes.get();
        let end = address.saturating_add(len32(bytes));
        (address - address % block_bytes..end).step_by(block_bytes as usize)
    }

    /// Brings the blocks from `address` on into memory, those that are missing in as few reads as possible.
    fn load(&mut self, address: u32, bytes: usize) -> Result<(), FlashError> {
        let mut missing: Option<(u32, usize)> = None;
        for block in self.blocks(address, bytes) {
            if self.kept.contains_key(&block) {
                self.read_run(missing.take())?;
            } else {
                let run = missing.get_or_insert((block, 0));
                run.1 += self.block_bytes.get() as usize;
            }
        }
        self.read_run(missing)
    }

    fn read_run(&mut self, run: Option<(u32, usize)>) -> Result<(), FlashError> {
        let Some((start, bytes)) = run else { return Ok(()) };
        let mut blocks = vec![0; bytes];
        read_blocks(&mut self.disk, start, &mut blocks, self.block_bytes)?;
        let block_bytes = self.block_bytes.get() as usize;
        for (address, block) in (start..).step_by(block_bytes).zip(blocks.chunks(block_bytes)) {
            self.kept.insert(address, Block { bytes: block.to_vec(), state: State::Kept });
        }
        Ok(())
    }

    /// Calls `touch` with each part of the range in memory and how many bytes lie before it.
    fn each(&mut self, address: u32, bytes: usize, mut touch: impl FnMut(usize, &mut [u8])) {
        let end = address as usize + bytes;
        for start in self.blocks(address, bytes) {
            let from = address.max(start) as usize;
            let Some(block) = self.kept.get_mut(&start) else { continue };
            let until = end.min(start as usize + block.bytes.len());
            let part = block.bytes.get_mut(from - start as usize..until - start as usize).unwrap_or_default();
            touch(from - address as usize, part);
        }
    }

    /// Makes room before `bytes` more are kept: what needn't be written goes first, then all.
    fn bound(&mut self, bytes: usize) -> Result<(), FlashError> {
        let kept = |flash: &Self| flash.kept.len() * flash.block_bytes.get() as usize;
        if kept(self) + bytes > KEPT_BYTES_MAX {
            self.kept.retain(|_, block| block.state == State::Changed);
        }
        if kept(self) + bytes > KEPT_BYTES_MAX {
            self.flush()?;
            self.kept.clear();
        }
        Ok(())
    }

    /// Writes every changed block. After a failure nothing is kept: what is read is what is there.
    fn flush(&mut self) -> Result<(), FlashError> {
        let mut run: (u32, Vec<u8>) = (0, Vec::new());
        let changed: Vec<u32> = self
            .kept
            .iter()
            .filter(|(_, block)| block.state == State::Changed)
            .map(|(address, _)| *address)
            .collect();
        for address in changed {
            let Some(block) = self.kept.get(&address) else { continue };
            let follows = run.0 as usize + run.1.len() == address as usize;
            if !run.1.is_empty() && (!follows || run.1.len() + block.bytes.len() > RUN_BYTES_MAX) {
                self.write_run(&std::mem::take(&mut run))?;
            }
            let Some(block) = self.kept.get(&address) else { continue };
            if run.1.is_empty() {
                run.0 = address;
            }
            run.1.extend_from_slice(&block.bytes);
        }
        self.write_run(&run)?;
        self.kept.values_mut().for_each(|block| block.state = State::Kept);
        Ok(())
    }

    fn write_run(&mut self, (address, blocks): &(u32, Vec<u8>)) -> Result<(), FlashError> {
        if blocks.is_empty() {
            return Ok(());
        }
        self.disk.write(*address, blocks).map_err(|source| {
            self.kept.clear();
            FlashError::io(*address, source)
        })?;
        self.wear.programmed(blocks.len());
        Ok(())
    }
}

impl<D> ErrorType for BlockFlash<D> {
    type Error = FlashError;
}

impl<D: Disk> ReadNorFlash for BlockFlash<D> {
    const READ_SIZE: usize = 1;

    /// Reads what is kept back, and the disk where nothing is.
    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), FlashError> {
        check_range(offset, bytes.len(), 1, self.flash_bytes)?;
        // Never more at a time than may be kept.
        let mut address = offset;
        for part in bytes.chunks_mut(RUN_BYTES_MAX) {
            self.bound(part.len() + 2 * self.block_bytes.get() as usize)?;
            self.load(address, part.len())?;
            self.each(address, part.len(), |at, found| {
                part.iter_mut().skip(at).zip(found).for_each(|(to, from)| *to = *from);
            });
            address = address.saturating_add(len32(part.len()));
        }
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.flash_bytes as usize
    }
}

impl<D: Disk> NorFlash for BlockFlash<D> {
    const WRITE_SIZE: usize = WORD_BYTES as usize;
    const ERASE_SIZE: usize = ERASE_BYTES as usize;

    /// Erases whole sectors.
    fn erase(&mut self, from: u32, to: u32) -> Result<(), FlashError> {
        let sector_bytes = self.block_bytes.sector_bytes();
        check_erase(from, to, sector_bytes, self.flash_bytes)?;
        let block_bytes = self.block_bytes.get() as usize;
        for sector in (from..to).step_by(sector_bytes as usize) {
            self.bound(sector_bytes as usize)?;
            for address in self.blocks(sector, sector_bytes as usize) {
                let bytes = vec![ERASED; block_bytes];
                self.kept.insert(address, Block { bytes, state: State::Changed });
            }
            self.wear.erased(sector / sector_bytes);
        }
        Ok(())
    }

    /// Programs whole words. An empty write returns once everything written and erased before it
    /// survives power loss.
    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), FlashError> {
        check_range(offset, bytes.len(), WORD_BYTES, self.flash_bytes)?;
        if bytes.is_empty() {
            self.flush()?;
            self.wear.keep();
            return Ok(());
        }
        let mut old = vec![0; bytes.len()];
        self.read(offset, &mut old)?;
        check_clears(offset, &old, bytes)?;
        let mut address = offset;
        for part in bytes.chunks(RUN_BYTES_MAX) {
            self.bound(part.len() + 2 * self.block_bytes.get() as usize)?;
            self.load(address, part.len())?;
            self.each(address, part.len(), |at, found| {
                found.iter_mut().zip(part.iter().skip(at)).for_each(|(to, from)| *to = *from);
            });
            for block in self.blocks(address, part.len()) {
                if let Some(block) = self.kept.get_mut(&block) {
                    block.state = State::Changed;
                }
            }
            address = address.saturating_add(len32(part.len()));
        }
        Ok(())
    }
}

/// Reads whole blocks, and tells how many of them can't be read. Such a block, as a cut may leave it, reads
/// as zeros: nothing that counts is in it, and it is written again once its sector is erased.
pub(super) fn read_blocks(
    disk: &mut impl Disk,
    address: u32,
    blocks: &mut [u8],
    block_bytes: BlockBytes,
) -> Result<usize, FlashError> {
    match disk.read(address, blocks) {
        Err(error) if is_unreadable(&error) => {}
        result => return result.map(|()| 0).map_err(|source| FlashError::io(address, source)),
    }
    let block_bytes = block_bytes.get() as usize;
    let mut unreadable = 0;
    for (address, block) in (address..).step_by(block_bytes).zip(blocks.chunks_mut(block_bytes)) {
        match disk.read(address, block) {
            Err(error) if is_unreadable(&error) => {
                block.fill(0);
                unreadable += 1;
            }
            result => result.map_err(|source| FlashError::io(address, source))?,
        }
    }
    Ok(unreadable)
}

/// Whether the medium says that what it holds can't be read, by the words of the several drivers.
fn is_unreadable(error: &io::Error) -> bool {
    let codes = [libc::EIO, libc::ENODATA, libc::EILSEQ, libc::EBADMSG];
    error.raw_os_error().is_some_and(|code| codes.contains(&code))
}

/// A length as the flash counts it. Nothing here is longer than `u32` counts.
fn len32(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
