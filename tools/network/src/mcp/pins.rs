//! The file beside a board file that says what a server's tools promise, as an operator saw it.

use std::{
    fs::{self, File},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::definition::Definition;

/// Bytes of a file of pins.
pub const PINS_BYTES_MAX: u64 = 1024 * 1024;
/// Tools that one server can have pinned.
pub const PINS_MAX: usize = 64;

/// A file of pins.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pins {
    /// Each tool once, in the order in which they were pinned.
    pub tools: Vec<Pin>,
}

/// One tool's promise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pin {
    /// What it promises.
    #[serde(flatten)]
    pub definition: Definition,
    /// The digest of that.
    pub digest: String,
}

/// Why a file of pins can't be used.
#[derive(Debug, thiserror::Error)]
pub enum PinsError {
    /// There is no such file.
    #[error("{} is not there", .path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// It can't be read or written.
    #[error("{} can't be read or written: {source}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// It isn't what `everstep mcp pin` writes.
    #[error("{}: {what}", .path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
}

impl PinsError {
    /// What happened, and what to do.
    #[must_use]
    pub fn advice(&self, server: &str) -> String {
        match self {
            Self::Missing { .. } => format!("{self}: `everstep mcp pin {server} TOOL` writes it"),
            Self::Io { .. } => self.to_string(),
            Self::Wrong { .. } => {
                format!("{self}: move it away, then pin anew with `everstep mcp pin {server} TOOL`")
            }
        }
    }
}

impl Pins {
    /// Reads and checks the file at `path`.
    ///
    /// # Errors
    ///
    /// See [`PinsError`].
    pub fn load(path: &Path) -> Result<Self, PinsError> {
        let fail = |source: io::Error| match source.kind() {
            io::ErrorKind::NotFound => PinsError::Missing { path: path.to_owned() },
            _ => PinsError::Io { path: path.to_owned(), source },
        };
        let mut text = String::new();
        File::open(path).map_err(fail)?.take(PINS_BYTES_MAX + 1).read_to_string(&mut text).map_err(fail)?;
        Self::parse(&text).map_err(|what| PinsError::Wrong { path: path.to_owned(), what })
    }

    /// Checks the text of a file of pins.
    fn parse(text: &str) -> Result<Self, String> {
        if text.len() as u64 > PINS_BYTES_MAX {
            return Err(format!("it has more than {PINS_BYTES_MAX} bytes"));
        }
        let pins: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if pins.tools.len() > PINS_MAX {
            return Err(format!("{} tools are pinned, at most {PINS_MAX} may be", pins.tools.len()));
        }
        for (index, Pin { definition, digest }) in pins.tools.iter().enumerate() {
            let name = definition.name.escape_debug();
            if pins.tools.iter().take(index).any(|pin| pin.definition.name == definition.name) {
                return Err(format!("`{name}` is pinned twice"));
            }
            if definition.digest() != *digest {
                return Err(format!("`{name}` does not match its digest: it was changed by hand"));
            }
        }
        Ok(pins)
    }

    /// The pin of a tool.
    #[must_use]
    pub fn get(&self, tool: &str) -> Option<&Pin> {
        self.tools.iter().find(|pin| pin.definition.name == tool)
    }

    /// Pins a promise, in place of the tool's earlier one.
    pub fn set(&mut self, definition: Definition) {
        let digest = definition.digest();
        let pin = Pin { definition, digest };
        match self.tools.iter_mut().find(|other| other.definition.name == pin.definition.name) {
            Some(place) => *place = pin,
            None => self.tools.push(pin),
        }
    }

    /// Writes the file whole or not at all. Once this returns `Ok`, it survives power loss.
    ///
    /// # Errors
    ///
    /// [`PinsError::Io`], or [`PinsError::Wrong`] where it could not be read again.
    pub fn save(&self, path: &Path) -> Result<(), PinsError> {
        let fail = |source| PinsError::Io { path: path.to_owned(), source };
        let wrong = |what| PinsError::Wrong { path: path.to_owned(), what };
        let mut text = serde_json::to_string_pretty(self).map_err(|error| wrong(error.to_string()))?;
        text.push('\n');
        Self::parse(&text).map_err(wrong)?;
        let mut beside = path.as_os_str().to_owned();
        beside.push(".new");
        let beside = PathBuf::from(beside);
        let mut file = File::create(&beside).map_err(fail)?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(fail)?;
        fs::rename(&beside, path).map_err(fail)?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new("."))).and_then(|folder| folder.sync_all()).map_err(fail)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::mcp::definition::Hints;

    fn definition(name: &str) -> Definition {
        let schema = json!({"type": "object", "properties": {"b": {}, "a": {}}});
        Definition { name: name.into(), description: "Does.".into(), schema, hints: Hints::default() }
    }

    #[test]
    fn pins_are_read_as_they_were_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mcp-x.json");
        assert!(matches!(Pins::load(&path), Err(PinsError::Missing { .. })));
        let mut pins = Pins::default();
        pins.set(definition("one"));
        pins.set(definition("two"));
        let mut newer = definition("one");
        newer.description = "Does more.".into();
        pins.set(newer);
        pins.save(&path).unwrap();
        let read = Pins::load(&path).unwrap();
        assert_eq!(read, pins);
        assert_eq!(
            read.tools.iter().map(|pin| pin.definition.name.as_str()).collect::<Vec<_>>(),
            ["one", "two"]
        );
        // Names of arguments stay in the server's order.
        assert!(read.tools[0].definition.schema.to_string().contains(r#"{"b":{},"a":{}}"#));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_pin_that_was_changed_by_hand_is_refused() {
        let mut pins = Pins::default();
        pins.set(definition("one"));
        let text = serde_json::to_string(&pins).unwrap();
        assert!(Pins::parse(&text).is_ok());
        let why = Pins::parse(&text.replace("Does.", "Does all.")).unwrap_err();
        assert!(why.contains("`one` does not match its digest"), "{why}");
        pins.tools.push(pins.tools[0].clone());
        assert!(Pins::parse(&serde_json::to_string(&pins).unwrap()).unwrap_err().contains("pinned twice"));
        assert!(Pins::parse("{").is_err());
        assert!(Pins::parse(r#"{"tools": [], "more": 1}"#).is_err());
        let many = Pins {
            tools: (0..65)
                .map(|n| {
                    let definition = definition(&n.to_string());
                    let digest = definition.digest();
                    Pin { definition, digest }
                })
                .collect(),
        };
        assert!(Pins::parse(&serde_json::to_string(&many).unwrap()).unwrap_err().contains("at most 64"));
    }
}
