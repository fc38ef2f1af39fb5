//! Where lines of text go for good: the operator's log and alerts.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

/// Bytes of a line file, after which it takes no more: an operator has to look.
pub const SINK_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Takes lines. Blocks until a line is kept.
pub trait LineSink: Send {
    /// Appends one line. Once this returns `Ok`, the line survives power loss.
    ///
    /// # Errors
    ///
    /// See [`SinkError`].
    fn append(&mut self, line: &str) -> Result<(), SinkError>;
}

/// Why a line may not have been kept.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// The file has reached its limit; nothing was written.
    #[error("{} is full at {SINK_BYTES_MAX} bytes: move it away", .path.display())]
    Full {
        /// The file.
        path: PathBuf,
    },
    /// The file can't be opened; nothing was written.
    #[error("{} can't be opened: {source}", .path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// Writing failed midway: the line may be there, whole, torn or not at all.
    #[error("{} can't be written: {source}", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

/// Lines in a file, one `fdatasync` each. The file is opened for each line, so it may be moved away.
#[derive(Clone, Debug)]
pub struct FileSink {
    path: PathBuf,
}

impl FileSink {
    /// Lines go to `path`, which is made when the first one comes.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// Opens the file at its end; also tells whether its last line was torn by a cut.
    fn open(&self) -> Result<(File, bool), SinkError> {
        let fail = |source| SinkError::Open { path: self.path.clone(), source };
        let is_new = !self.path.exists();
        let mut file =
            OpenOptions::new().read(true).append(true).create(true).open(&self.path).map_err(fail)?;
        if is_new {
            // A file is only there for good once its folder says so.
            let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
            File::open(folder.unwrap_or(Path::new(".")))
                .and_then(|folder| folder.sync_all())
                .map_err(fail)?;
        }
        let bytes = file.seek(SeekFrom::End(0)).map_err(fail)?;
        if bytes >= SINK_BYTES_MAX {
            return Err(SinkError::Full { path: self.path.clone() });
        }
        let mut last = [b'\n'];
        if bytes > 0 {
            file.seek(SeekFrom::End(-1)).and_then(|_| file.read_exact(&mut last)).map_err(fail)?;
        }
        Ok((file, last != [b'\n']))
    }
}

impl LineSink for FileSink {
    fn append(&mut self, line: &str) -> Result<(), SinkError> {
        let (mut file, torn) = self.open()?;
        let before = if torn { "\n" } else { "" };
        let bytes = format!("{before}{}\n", line.replace(['\n', '\r'], " "));
        let written = file.write_all(bytes.as_bytes()).and_then(|()| file.sync_data());
        written.map_err(|source| SinkError::Write { path: self.path.clone(), source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_stay_lines_also_after_a_torn_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lines");
        let mut sink = FileSink::new(&path);
        sink.append("one\ntwo").unwrap();
        OpenOptions::new().append(true).open(&path).unwrap().write_all(b"to").unwrap();
        sink.append("three").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one two\nto\nthree\n");
    }

    #[test]
    fn full_or_missing_place_takes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lines");
        File::create(&path).unwrap().set_len(SINK_BYTES_MAX).unwrap();
        assert!(matches!(FileSink::new(&path).append("x"), Err(SinkError::Full { .. })));
        let nowhere = folder.path().join("no/lines");
        assert!(matches!(FileSink::new(&nowhere).append("x"), Err(SinkError::Open { .. })));
    }
}
