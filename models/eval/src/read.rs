//! Files of cases: JSON Lines, one case a line.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use crate::case::{Case, CaseError};

/// Longest file of cases that is read.
pub const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Why a file of cases can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file can't be read; check its path.
    #[error("{} can't be read", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file is longer than is read; split it.
    #[error("{} has more than {FILE_BYTES_MAX} bytes: split it", path.display())]
    TooBig {
        /// The file.
        path: PathBuf,
    },
    /// There is nothing in it.
    #[error("{} has no case: write one JSON object a line", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// A line is no case.
    #[error("{}:{line}: {source}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// What is wrong with it.
        #[source]
        source: CaseError,
    },
    /// Two cases have one name, so that a result could be either's.
    #[error("{}:{line}: the id {id:?} is there twice: each case needs its own", path.display())]
    Twice {
        /// The file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// The name.
        id: String,
    },
}

/// Reads every case of the file at `path`, in order. Empty lines are passed over.
///
/// # Errors
///
/// See [`ReadError`]; each names the file, and the line where there is one.
pub fn read(path: &Path) -> Result<Vec<Case>, ReadError> {
    let failed = |source| ReadError::File { path: path.to_owned(), source };
    let mut text = String::new();
    let file = File::open(path).map_err(failed)?;
    let bytes = file.take(FILE_BYTES_MAX.saturating_add(1)).read_to_string(&mut text).map_err(failed)?;
    if bytes as u64 > FILE_BYTES_MAX {
        return Err(ReadError::TooBig { path: path.to_owned() });
    }
    let (mut cases, mut ids) = (Vec::new(), BTreeSet::new());
    for (line, text) in (1..).zip(text.lines()) {
        if text.trim().is_empty() {
            continue;
        }
        let case =
            Case::parse(text).map_err(|source| ReadError::Line { path: path.to_owned(), line, source })?;
        if !ids.insert(case.id.clone()) {
            return Err(ReadError::Twice { path: path.to_owned(), line, id: case.id });
        }
        cases.push(case);
    }
    if cases.is_empty() {
        return Err(ReadError::Empty { path: path.to_owned() });
    }
    Ok(cases)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"id": "ID", "request": "hello", "tools": [], "expect_none": true}"#;

    fn read_text(text: &str) -> Result<Vec<Case>, ReadError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cases.jsonl");
        std::fs::write(&path, text).unwrap();
        read(&path)
    }

    #[test]
    fn cases_come_in_order_and_empty_lines_count() {
        let text = format!("{}\n\n  \n{}\n", GOOD.replace("ID", "b"), GOOD.replace("ID", "a"));
        let cases = read_text(&text).unwrap();
        assert_eq!(cases.iter().map(|case| case.id.as_str()).collect::<Vec<_>>(), ["b", "a"]);
        let error = read_text(&format!("{GOOD}\n\n{{}}\n")).unwrap_err();
        assert!(error.to_string().contains("cases.jsonl:3: it is no case"), "{error}");
    }

    #[test]
    fn file_that_is_missing_empty_binary_or_too_long_is_named() {
        let missing = read(Path::new("/nowhere/cases.jsonl")).unwrap_err();
        assert!(missing.to_string().contains("/nowhere/cases.jsonl can't be read"), "{missing}");
        assert!(matches!(read_text(" \n\n"), Err(ReadError::Empty { .. })));
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(read(folder.path()), Err(ReadError::File { .. })));
        let binary = folder.path().join("binary");
        std::fs::write(&binary, [0xFF, 0xFE]).unwrap();
        assert!(matches!(read(&binary), Err(ReadError::File { .. })));
        let long = folder.path().join("long");
        File::create(&long).unwrap().set_len(FILE_BYTES_MAX + 1).unwrap();
        assert!(matches!(read(&long), Err(ReadError::TooBig { .. })));
    }

    #[test]
    fn id_that_is_there_twice_is_refused_at_its_second_line() {
        let error = read_text(&format!("{GOOD}\n{GOOD}\n")).unwrap_err();
        assert!(error.to_string().contains("cases.jsonl:2: the id \"ID\" is there twice"), "{error}");
    }
}
