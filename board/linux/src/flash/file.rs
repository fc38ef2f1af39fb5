//! A NOR flash in a preallocated file: what was written survives power loss once an empty write
//! returned.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, Write},
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use embedded_storage::nor_flash::{ErrorType, NorFlash, ReadNorFlash};

use super::{
    ERASED, FLASH_BYTES_MAX, FlashError, Medium, OpenError, SECTOR_BYTES, SECTORS_MIN, WORD_BYTES,
    check_clears, check_erase, check_range,
    open::check_kind,
    wear::{FlashCounts, Wear},
};

/// Bytes checked or erased at a time, so that no operation needs memory of its own size.
const CHUNK_BYTES: usize = SECTOR_BYTES as usize;

/// Flash in a file. Only one process can hold it for writing: the file itself is locked.
#[derive(Debug)]
pub struct FileFlash {
    file: File,
    flash_bytes: u32,
    wear: Wear,
}

impl FileFlash {
    /// Opens the flash in `path`, or makes one of `flash_bytes` erased bytes where there is no file.
    ///
    /// A new file appears whole or not at all: it is written and synced under another name first,
    /// then renamed, and its folder is synced.
    ///
    /// # Errors
    ///
    /// See [`OpenError`]; an existing file is left as it is.
    pub fn open_or_create(path: &Path, flash_bytes: u32) -> Result<Self, OpenError> {
        match Self::open(path, flash_bytes) {
            Err(OpenError::Missing { .. }) => {
                create(path, flash_bytes)?;
                Self::open(path, flash_bytes)
            }
            other => other,
        }
    }

    /// Opens the flash in `path`, which must exist.
    ///
    /// # Errors
    ///
    /// See [`OpenError`].
    pub fn open(path: &Path, flash_bytes: u32) -> Result<Self, OpenError> {
        check_size(flash_bytes)?;
        check_file(path, flash_bytes)?;
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(path)
            .map_err(|source| OpenError::io(path, flash_bytes, source))?;
        match file.try_lock() {
            Ok(()) => {
                let wear = Wear::open(path).map_err(|source| OpenError::io(path, flash_bytes, source))?;
                Ok(Self { file, flash_bytes, wear })
            }
            Err(TryLockError::WouldBlock) => Err(OpenError::InUse { path: path.to_owned() }),
            Err(TryLockError::Error(source)) => Err(OpenError::io(path, flash_bytes, source)),
        }
    }

    /// What was done to the flash since it was made.
    #[must_use]
    pub fn counts(&self) -> FlashCounts {
        self.wear.counts
    }

    /// Refuses a program that would set bits, chunk by chunk.
    fn check_program(&self, address: u32, bytes: &[u8]) -> Result<(), FlashError> {
        let mut at = address;
        for new in bytes.chunks(CHUNK_BYTES) {
            let mut old = [ERASED; CHUNK_BYTES];
            let Some(old) = old.get_mut(..new.len()) else { return Ok(()) };
            self.file.read_exact_at(old, at.into()).map_err(|source| FlashError::io(at, source))?;
            check_clears(at, old, new)?;
            at = at.saturating_add(SECTOR_BYTES);
        }
        Ok(())
    }
}

impl ErrorType for FileFlash {
    type Error = FlashError;
}

impl ReadNorFlash for FileFlash {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), FlashError> {
        check_range(offset, bytes.len(), 1, self.flash_bytes)?;
        self.file.read_exact_at(bytes, offset.into()).map_err(|source| FlashError::io(offset, source))
    }

    fn capacity(&self) -> usize {
        self.flash_bytes as usize
    }
}

impl NorFlash for FileFlash {
    const WRITE_SIZE: usize = WORD_BYTES as usize;
    const ERASE_SIZE: usize = SECTOR_BYTES as usize;

    /// Erases whole sectors.
    fn erase(&mut self, from: u32, to: u32) -> Result<(), FlashError> {
        check_erase(from, to, SECTOR_BYTES, self.flash_bytes)?;
        let sector = [ERASED; SECTOR_BYTES as usize];
        for address in (from..to).step_by(sector.len()) {
            self.file
                .write_all_at(&sector, address.into())
                .map_err(|source| FlashError::io(address, source))?;
            self.wear.erased(address / SECTOR_BYTES);
        }
        Ok(())
    }

    /// Programs whole words. An empty write returns once everything written and erased before it
    /// survives power loss.
    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), FlashError> {
        check_range(offset, bytes.len(), WORD_BYTES, self.flash_bytes)?;
        if bytes.is_empty() {
            self.wear.keep();
            return self.file.sync_data().map_err(|source| FlashError::io(offset, source));
        }
        self.check_program(offset, bytes)?;
        self.file.write_all_at(bytes, offset.into()).map_err(|source| FlashError::io(offset, source))?;
        self.wear.programmed(bytes.len());
        Ok(())
    }
}

pub(super) fn check_size(flash_bytes: u32) -> Result<(), OpenError> {
    let whole = flash_bytes.is_multiple_of(SECTOR_BYTES);
    if whole && (SECTORS_MIN * SECTOR_BYTES..=FLASH_BYTES_MAX).contains(&flash_bytes) {
        Ok(())
    } else {
        Err(OpenError::Size { bytes: flash_bytes })
    }
}

/// Refuses a path that is no plain file, or a file of another size.
pub(super) fn check_file(path: &Path, flash_bytes: u32) -> Result<(), OpenError> {
    let found = path.metadata().map_err(|source| OpenError::io(path, flash_bytes, source))?;
    check_kind(path, Medium::File, &found)?;
    check_length(path, found.len(), flash_bytes)
}

/// Refuses a file of another size.
pub(super) fn check_length(path: &Path, found: u64, flash_bytes: u32) -> Result<(), OpenError> {
    if found != u64::from(flash_bytes) {
        return Err(OpenError::OtherSize { path: path.to_owned(), found, expected: flash_bytes });
    }
    Ok(())
}

/// Makes a file of `flash_bytes` erased bytes, whole or not at all.
pub(super) fn create(path: &Path, flash_bytes: u32) -> Result<(), OpenError> {
    let fresh = fresh_name(path);
    let made = write_erased(&fresh, flash_bytes)
        .and_then(|()| std::fs::rename(&fresh, path))
        .and_then(|()| sync_folder(path));
    made.map_err(|source| {
        // Best effort: the error that matters is the first one.
        let _ = std::fs::remove_file(&fresh);
        match source.kind() {
            // Here it is the folder that is missing, not the file.
            io::ErrorKind::NotFound => OpenError::Io { path: path.to_owned(), source },
            _ => OpenError::io(path, flash_bytes, source),
        }
    })
}

/// Writes every byte, so that no later write can find the disk full, and syncs.
fn write_erased(path: &Path, flash_bytes: u32) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    let sector = [ERASED; SECTOR_BYTES as usize];
    for _ in 0..flash_bytes / SECTOR_BYTES {
        file.write_all(&sector)?;
    }
    file.sync_all()
}

/// The name a flash file has until it is whole.
fn fresh_name(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    path.with_file_name(name)
}

fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests;
