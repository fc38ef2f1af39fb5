//! Reading a board file, and finding what it names.

use std::{
    fs::File,
    io::{self, Read},
    ops::Range,
    path::{Component, Path, PathBuf},
};

use serde::de::DeserializeOwned;

use super::{
    FILE_BYTES_MAX,
    check::{self, Problem},
    locate,
    section::{AgentSection, Board, NoSection},
};

/// A board file that was read and checked.
#[derive(Clone, Debug)]
pub struct BoardFile<W, D, N = NoSection> {
    /// What it says, defaults filled in.
    pub board: Board<W, D, N>,
    path: PathBuf,
    text: String,
}

/// Where the parts of a board's flash lie.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Layout {
    /// The board region.
    pub board: Range<u32>,
    /// Each agent's region, by name.
    pub agents: Vec<(String, Range<u32>)>,
}

/// Why a board file can't be used. The message is one line: file, line, key, what is allowed.
#[derive(Debug, thiserror::Error)]
pub enum BoardFileError {
    /// The file can't be read.
    #[error("board file {path} can't be read: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The file is longer than any board file.
    #[error("board file {path} has more than {FILE_BYTES_MAX} bytes: it is no board file")]
    TooLong {
        /// The file.
        path: PathBuf,
    },
    /// Something in it is not allowed.
    #[error("{path}:{line}: {}{message}", before_colon(.key))]
    Wrong {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// The full key, or empty.
        key: String,
        /// What is wrong, and what is allowed.
        message: String,
    },
}

fn before_colon(key: &str) -> String {
    if key.is_empty() { String::new() } else { format!("{key}: ") }
}

impl<W: DeserializeOwned, D: DeserializeOwned, N: DeserializeOwned> BoardFile<W, D, N> {
    /// Reads and checks the board file `path`.
    ///
    /// # Errors
    ///
    /// See [`BoardFileError`].
    pub fn load(path: &Path) -> Result<Self, BoardFileError> {
        let text = read(path)?;
        Self::parse(path, text)
    }

    /// Checks `text` as if it had been read from `path`.
    ///
    /// # Errors
    ///
    /// [`BoardFileError::Wrong`].
    pub fn parse(path: &Path, text: String) -> Result<Self, BoardFileError> {
        let mut board: Board<W, D, N> = toml::from_str(&text).map_err(|error| {
            let place = locate::at_offset(&text, error.span().unwrap_or_default().start);
            let (place, message) = locate::narrowed(&text, place, error.message());
            BoardFileError::Wrong {
                path: path.to_owned(),
                line: place.line,
                key: place.key,
                message: message.replace('\n', ", "),
            }
        })?;
        let problem = check::problem(&board);
        board.flash.fill_in();
        let file = Self { board, path: path.to_owned(), text };
        problem.map_or(Ok(()), |Problem { key, message }| Err(file.wrong(&key, message)))?;
        Ok(file)
    }
}

impl<W, D, N> BoardFile<W, D, N> {
    /// An error about `key` of this file, with its line.
    #[must_use]
    pub fn wrong(&self, key: &str, message: String) -> BoardFileError {
        let line = locate::line_of(&self.text, key);
        BoardFileError::Wrong { path: self.path.clone(), line, key: key.to_owned(), message }
    }

    /// Where the file is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A path that the file names, seen from the file's folder.
    #[must_use]
    pub fn resolve(&self, path: &Path) -> PathBuf {
        folded(&self.path.parent().unwrap_or(Path::new("")).join(path))
    }

    /// The folder of everything the board remembers.
    #[must_use]
    pub fn state_dir(&self) -> PathBuf {
        self.resolve(&self.board.board.state_dir)
    }

    /// The agent called `name`, or the only one.
    ///
    /// # Errors
    ///
    /// [`BoardFileError::Wrong`], naming the agents there are.
    pub fn agent(&self, name: Option<&str>) -> Result<(&str, &AgentSection), BoardFileError> {
        let agents = &self.board.agent;
        let found = match name {
            Some(name) => agents.get_key_value(name),
            None if agents.len() == 1 => agents.iter().next(),
            None => None,
        };
        found.map(|(name, agent)| (name.as_str(), agent)).ok_or_else(|| {
            let names = agents.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            let message = match name {
                Some(name) => format!("there is no agent `{name}`: this board has {names}"),
                None => format!("this board has several agents, choose one with `--agent`: {names}"),
            };
            self.wrong("agent", message)
        })
    }

    /// Refuses a grant that names none of `tools`.
    ///
    /// # Errors
    ///
    /// [`BoardFileError::Wrong`], naming the grant and the tools there are.
    pub fn check_grants(&self, tools: &[&str]) -> Result<(), BoardFileError> {
        for (name, agent) in &self.board.agent {
            if let Some(grant) = agent.grants.iter().find(|grant| !tools.contains(&grant.as_str())) {
                let message = format!("there is no tool `{grant}`: this board has {}", tools.join(", "));
                return Err(self.wrong(&format!("agent.{name}.grants"), message));
            }
        }
        Ok(())
    }

    /// Where the parts of the flash lie. A checked file always has room for all of them.
    #[must_use]
    pub fn layout(&self) -> Layout {
        let flash = &self.board.flash;
        let (board_bytes, region_bytes) = (flash.board_bytes.get(), flash.region_bytes.get());
        let region = |slot: u32| {
            let start = board_bytes.saturating_add(region_bytes.saturating_mul(slot));
            start..start.saturating_add(region_bytes)
        };
        let agents = self.board.agent.iter();
        let agents = agents.map(|(name, agent)| (name.clone(), region(agent.region.unwrap_or(0)))).collect();
        Layout { board: 0..board_bytes, agents }
    }
}

/// The same path without `folder/..`, where `folder` is a real folder: through a link, `..` leads elsewhere.
fn folded(path: &Path) -> PathBuf {
    let mut folded = PathBuf::new();
    for part in path.components() {
        let is_up = part == Component::ParentDir;
        let is_folder = || folded.symlink_metadata().is_ok_and(|found| found.is_dir());
        if is_up && matches!(folded.components().next_back(), Some(Component::Normal(_))) && is_folder() {
            folded.pop();
        } else {
            folded.push(part);
        }
    }
    // An empty path is no folder.
    if folded.as_os_str().is_empty() { PathBuf::from(".") } else { folded }
}

fn read(path: &Path) -> Result<String, BoardFileError> {
    let fail = |source| BoardFileError::Read { path: path.to_owned(), source };
    let mut text = String::new();
    File::open(path).map_err(fail)?.take(FILE_BYTES_MAX + 1).read_to_string(&mut text).map_err(fail)?;
    if text.len() as u64 > FILE_BYTES_MAX {
        return Err(BoardFileError::TooLong { path: path.to_owned() });
    }
    Ok(text)
}
