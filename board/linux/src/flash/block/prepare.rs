//! What a partition holds before a flash is made there: only one that is blank becomes one.

use std::io;

use super::{BlockBytes, Disk, RUN_BYTES_MAX, len32, read_blocks};
use crate::flash::{ERASED, FlashError};

/// At least so many bytes are looked at, however small the flash: every common file system, volume
/// manager and partition table has something in them.
pub(crate) const LOOK_BYTES_MIN: u32 = 1 << 20;
/// Blocks of this many bytes are of one kind.
const KIND_BYTES: usize = 512;

/// What a disk holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Content {
    /// Every byte is erased.
    Erased,
    /// Every block is all zeros or erased: a new partition, or one whose preparation a cut ended.
    Blank,
    /// Anything else; whether it is a journal is for the journal to say.
    Something,
}

/// Looks at the first `bytes` bytes of a disk, a multiple of the block. Stops where something stands.
///
/// # Errors
///
/// The disk can't be read, not even one of its blocks.
pub(crate) fn content(
    disk: &mut impl Disk,
    bytes: u32,
    block_bytes: BlockBytes,
) -> Result<Content, FlashError> {
    let mut found = Content::Erased;
    let mut run = vec![0; RUN_BYTES_MAX];
    let mut unreadable_bytes = 0;
    let mut address = 0;
    while address < bytes {
        let run_bytes = RUN_BYTES_MAX.min((bytes - address) as usize);
        let blocks = run.get_mut(..run_bytes).unwrap_or_default();
        unreadable_bytes += read_blocks(disk, address, blocks, block_bytes)? * block_bytes.get() as usize;
        for block in blocks.chunks(KIND_BYTES) {
            let is_all = |kind: u8| block.iter().all(|byte| *byte == kind);
            if is_all(0) {
                found = Content::Blank;
            } else if !is_all(ERASED) {
                return Ok(Content::Something);
            }
        }
        address += len32(run_bytes);
    }
    // Cuts leave some blocks unreadable; a disk without any that can be read is broken, not blank.
    if unreadable_bytes == bytes as usize {
        return Err(FlashError::io(0, io::Error::from_raw_os_error(libc::EIO)));
    }
    Ok(found)
}

/// Erases a blank disk. A cut on the way leaves it blank.
///
/// # Errors
///
/// The disk can't be written.
pub(crate) fn prepare(disk: &mut impl Disk, bytes: u32) -> Result<(), FlashError> {
    let run = vec![ERASED; RUN_BYTES_MAX];
    let mut address = 0;
    while address < bytes {
        let run_bytes = RUN_BYTES_MAX.min((bytes - address) as usize);
        let blocks = run.get(..run_bytes).unwrap_or_default();
        disk.write(address, blocks).map_err(|source| FlashError::io(address, source))?;
        address += len32(run_bytes);
    }
    Ok(())
}
