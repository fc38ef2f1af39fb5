//! A block partition, or an image file, opened for direct, synchronous writes.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, Seek, SeekFrom},
    os::unix::fs::{FileExt, FileTypeExt, OpenOptionsExt},
    path::Path,
};

use super::{BlockBytes, Disk, RUN_BYTES_MAX, prepare::LOOK_BYTES_MIN};
use crate::flash::{
    Medium, OpenError,
    file::{check_length, check_size},
    open::check_kind,
};

/// What direct reads and writes ask of addresses in memory, on every disk.
const ALIGN_BYTES: usize = 4096;

/// What the disk is opened for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Access {
    /// Reading and writing, as the only one.
    Own,
    /// Reading, while its owner may go on.
    Look,
}

/// A disk that is read and written past the system's memory.
#[derive(Debug)]
pub(crate) struct DirectDisk {
    file: File,
    /// Bytes of the whole disk.
    bytes: u64,
    buffer: AlignedBuffer,
}

impl DirectDisk {
    /// Opens a disk that must exist and hold `flash_bytes` bytes: a file exactly, a device at least.
    ///
    /// # Errors
    ///
    /// See [`OpenError`].
    pub(crate) fn open(
        path: &Path,
        flash_bytes: u32,
        block_bytes: BlockBytes,
        access: Access,
    ) -> Result<Self, OpenError> {
        check_size(flash_bytes)?;
        let fail = |source| OpenError::io(path, flash_bytes, source);
        let found = path.metadata().map_err(fail)?;
        check_kind(path, Medium::Block(block_bytes), &found)?;
        let is_device = found.file_type().is_block_device();
        let mut flags = libc::O_DIRECT;
        if access == Access::Own {
            flags |= libc::O_DSYNC;
            // Of a device: refused while it is mounted or another's. A file is locked instead.
            flags |= if is_device { libc::O_EXCL } else { 0 };
        }
        let opened =
            OpenOptions::new().read(true).write(access == Access::Own).custom_flags(flags).open(path);
        let file = opened.map_err(|source| match source.kind() {
            io::ErrorKind::InvalidInput => OpenError::NotDirect { path: path.to_owned() },
            _ => fail(source),
        })?;
        let mut disk = Self { file, bytes: found.len(), buffer: AlignedBuffer::new(RUN_BYTES_MAX) };
        if is_device {
            disk.bytes = disk.file.seek(SeekFrom::End(0)).map_err(fail)?;
            disk.check_device(path, flash_bytes, block_bytes)?;
        } else {
            check_length(path, disk.bytes, flash_bytes)?;
        }
        if access == Access::Own {
            match disk.file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(OpenError::InUse { path: path.to_owned() }),
                Err(TryLockError::Error(source)) => return Err(fail(source)),
            }
        }
        disk.try_block(path, block_bytes)?;
        Ok(disk)
    }

    /// How much to look at before a flash of `flash_bytes` is made here.
    pub(crate) fn look_bytes(&self, flash_bytes: u32) -> u32 {
        let look = u64::from(flash_bytes.max(LOOK_BYTES_MIN)).min(self.bytes);
        // A partition may end within a block of ours.
        u32::try_from(look).map_or(flash_bytes, |look| look - look % 4096).max(flash_bytes)
    }

    /// Refuses a device that is too small, or that rewrites more than one block for one.
    fn check_device(&self, path: &Path, flash_bytes: u32, block_bytes: BlockBytes) -> Result<(), OpenError> {
        if self.bytes < u64::from(flash_bytes) {
            let (path, found) = (path.to_owned(), self.bytes);
            return Err(OpenError::TooSmall { path, found, expected: flash_bytes });
        }
        let fail = |error: rustix::io::Errno| OpenError::io(path, flash_bytes, error.into());
        let logical = rustix::fs::ioctl_blksszget(&self.file).map_err(fail)?;
        let physical = rustix::fs::ioctl_blkpbszget(&self.file).map_err(fail)?;
        let found = logical.max(physical);
        if found > block_bytes.get() {
            return Err(OpenError::LargerBlocks { path: path.to_owned(), found });
        }
        Ok(())
    }

    /// Reads one block: a file system says only then that it takes larger ones.
    fn try_block(&mut self, path: &Path, block_bytes: BlockBytes) -> Result<(), OpenError> {
        let mut block = vec![0; block_bytes.get() as usize];
        match self.read(0, &mut block) {
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => Err(match block_bytes {
                BlockBytes::B512 => OpenError::LargerBlocks { path: path.to_owned(), found: 4096 },
                BlockBytes::B4096 => OpenError::NotDirect { path: path.to_owned() },
            }),
            // Anything else shows again where it matters.
            _ => Ok(()),
        }
    }
}

impl Disk for DirectDisk {
    fn read(&mut self, address: u32, blocks: &mut [u8]) -> io::Result<()> {
        let mut at = u64::from(address);
        for part in blocks.chunks_mut(RUN_BYTES_MAX) {
            let aligned = self.buffer.first(part.len());
            self.file.read_exact_at(aligned, at)?;
            part.copy_from_slice(aligned);
            at += part.len() as u64;
        }
        Ok(())
    }

    fn write(&mut self, address: u32, blocks: &[u8]) -> io::Result<()> {
        let mut at = u64::from(address);
        for part in blocks.chunks(RUN_BYTES_MAX) {
            let aligned = self.buffer.first(part.len());
            aligned.copy_from_slice(part);
            self.file.write_all_at(aligned, at)?;
            at += part.len() as u64;
        }
        Ok(())
    }
}

/// Memory whose address is a multiple of [`ALIGN_BYTES`].
#[derive(Debug)]
struct AlignedBuffer {
    /// Longer than asked for; what counts begins at `start`.
    bytes: Vec<u8>,
    start: usize,
}

impl AlignedBuffer {
    fn new(bytes: usize) -> Self {
        let bytes = vec![0; bytes + ALIGN_BYTES];
        // Moving the vector doesn't move what it points to.
        let start = bytes.as_ptr().align_offset(ALIGN_BYTES).min(ALIGN_BYTES);
        Self { bytes, start }
    }

    /// The first `bytes` bytes, which it must have.
    fn first(&mut self, bytes: usize) -> &mut [u8] {
        self.bytes.get_mut(self.start..self.start + bytes).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
