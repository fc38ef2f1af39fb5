//! The folder of snapshots: numbered files, of which the newest two are kept.
//!
//! A file gets its name only when all of it is on the medium. Leaves out what is in it: `snapshot`.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use crate::snapshot::Refusal;

/// A folder that holds snapshots of one agent, and nothing else.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    folder: PathBuf,
    /// Largest file that is read or written.
    bytes_max: u64,
}

/// Snapshots that are kept: a damaged one leaves another.
const KEPT: usize = 2;
/// Digits of a number in a file's name.
const DIGITS: usize = 12;
const ENDING: &str = ".kv";
/// The file that is being written. A cut leaves it, the next write begins it anew.
const WRITING: &str = "writing";
/// What a prompt said is in a snapshot: nobody else's to read.
const FILE_MODE: u32 = 0o600;
const FOLDER_MODE: u32 = 0o700;

impl Store {
    pub(crate) fn open(folder: &Path, bytes_max: u64) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(folder)?;
        Ok(Self { folder: folder.to_owned(), bytes_max })
    }

    pub(crate) const fn bytes_max(&self) -> u64 {
        self.bytes_max
    }

    /// Names of the snapshots, the newest first.
    pub(crate) fn names(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let name = entry?.file_name();
            names.extend(name.to_str().filter(|name| number(name).is_some()).map(str::to_owned));
        }
        names.sort_unstable();
        names.reverse();
        Ok(names)
    }

    /// Bytes of all snapshots.
    pub(crate) fn bytes(&self) -> io::Result<u64> {
        let sizes = self.names()?.into_iter().map(|name| Ok(fs::metadata(self.folder.join(name))?.len()));
        sizes.sum()
    }

    /// Reads a snapshot, if it is no larger than one may be.
    pub(crate) fn read(&self, name: &str) -> Result<Vec<u8>, Refusal> {
        let file = File::open(self.folder.join(name))?;
        let facts = file.metadata()?;
        if !facts.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file").into());
        }
        let (bytes, bytes_max) = (facts.len(), self.bytes_max);
        if bytes > bytes_max {
            return Err(Refusal::TooLarge { bytes, bytes_max });
        }
        let mut read = Vec::new();
        file.take(bytes_max).read_to_end(&mut read)?;
        Ok(read)
    }

    /// Writes a snapshot of `parts` behind all others, and gives up those that are too many.
    pub(crate) fn write(&self, parts: &[&[u8]]) -> io::Result<()> {
        let newest = self.names()?.first().and_then(|name| number(name)).unwrap_or(0);
        let name = format!("{:0DIGITS$}{ENDING}", newest.saturating_add(1));
        self.put_writing(parts)?;
        fs::rename(self.folder.join(WRITING), self.folder.join(name))?;
        File::open(&self.folder)?.sync_all()?;
        for old in self.names()?.iter().skip(KEPT) {
            fs::remove_file(self.folder.join(old))?;
        }
        Ok(())
    }

    /// Puts the bytes on the medium, under the name that nobody reads.
    fn put_writing(&self, parts: &[&[u8]]) -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(FILE_MODE);
        let mut file = options.open(self.folder.join(WRITING))?;
        for part in parts {
            file.write_all(part)?;
        }
        file.sync_all()
    }
}

/// The number of a snapshot's file; `None` for any other.
fn number(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(ENDING)?;
    (digits.len() == DIGITS && digits.bytes().all(|digit| digit.is_ascii_digit()))
        .then(|| digits.parse().ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newest_two_are_kept_and_a_cut_while_writing_leaves_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kv/agent");
        let store = Store::open(&path, 9).unwrap();
        assert!(store.names().unwrap().is_empty());
        for text in ["one", "two", "three"] {
            store.write(&[text.as_bytes(), b"!"]).unwrap();
        }
        // Power goes before the rename.
        store.put_writing(&[b"four"]).unwrap();
        fs::write(path.join("99.kv"), "not a name of ours").unwrap();
        let store = Store::open(&path, 9).unwrap();
        assert_eq!(store.names().unwrap(), ["000000000003.kv", "000000000002.kv"]);
        assert_eq!(store.bytes().unwrap(), 10);
        assert_eq!(store.read("000000000003.kv").unwrap(), b"three!");
        // What was left is not in the way, nor in what comes next.
        store.write(&[b"5"]).unwrap();
        assert_eq!(store.read("000000000004.kv").unwrap(), b"5");
        assert_eq!(store.names().unwrap(), ["000000000004.kv", "000000000003.kv"]);
    }

    #[test]
    fn what_is_too_large_or_no_file_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), 3).unwrap();
        store.write(&[b"four"]).unwrap();
        let reason = store.read("000000000001.kv").unwrap_err().to_string();
        assert_eq!(reason, "it has 4 bytes; at most 3 are read");
        fs::create_dir(folder.path().join("000000000002.kv")).unwrap();
        let reason = store.read("000000000002.kv").unwrap_err().to_string();
        assert_eq!(reason, "it can't be read: it is not a regular file");
    }
}
