//! `[device.NAME]` of a board file: a device of the simulated world, or of this machine.

use std::collections::BTreeMap;

use everstep_tools_device::DeviceSection as SimSection;
use serde::{Deserialize, Deserializer, Serialize, de::Error};
use toml::{Table, Value};

use super::kinds::{LinuxSection, Section, Wrong};
use crate::config::BoardKind;

/// One device.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DeviceSection {
    /// Whether two agents may be granted the tools that move it.
    #[serde(skip_serializing_if = "is_not")]
    pub shared: bool,
    /// What it is.
    #[serde(flatten)]
    pub kind: DeviceKind,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
const fn is_not(shared: &bool) -> bool {
    !*shared
}

/// What a device is, and where.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
#[expect(clippy::large_enum_variant, reason = "a board has few, and they are read once")]
pub enum DeviceKind {
    /// In the simulated world.
    Sim(SimSection),
    /// On this machine's pins and buses.
    Linux(LinuxSection),
}

/// A device of a board file that can't be used.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("device.{device}.{key}: {message}")]
pub struct WrongSection {
    /// The device.
    pub device: String,
    /// Its key.
    pub key: &'static str,
    /// What is wrong, and what is allowed.
    pub message: String,
}

impl DeviceSection {
    /// Its kind, as board files call it.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match &self.kind {
            DeviceKind::Sim(section) => section.kind(),
            DeviceKind::Linux(section) => section.kind(),
        }
    }

    /// Whether it moves something.
    #[must_use]
    pub fn moves(&self) -> bool {
        match &self.kind {
            DeviceKind::Sim(section) => section.moves(),
            DeviceKind::Linux(section) => section.moves(),
        }
    }

    /// What is wrong with it on a board of this kind, if anything: the key and what is allowed.
    fn check(&self, board: BoardKind) -> Result<(), (&'static str, String)> {
        let kind = self.kind();
        match (&self.kind, board) {
            (DeviceKind::Sim(section), BoardKind::Sim) => section.check()?,
            (DeviceKind::Linux(section), BoardKind::Linux) => section.check()?,
            (DeviceKind::Linux(_), BoardKind::Sim) => {
                let all = SimSection::KINDS.join(", ");
                return Err((
                    "kind",
                    format!("`{kind}` is a device of a machine: a board of kind `sim` has {all}"),
                ));
            }
            (DeviceKind::Sim(_), BoardKind::Linux) => {
                let all = LinuxSection::KINDS.join(", ");
                return Err((
                    "kind",
                    format!("`{kind}` is a simulated device: a board of kind `linux` has {all}"),
                ));
            }
        }
        if self.shared && !self.moves() {
            return Err((
                "shared",
                format!("a {kind} moves nothing, every agent may use it: remove this key"),
            ));
        }
        Ok(())
    }
}

/// Checks the devices of a board of kind `board`, each alone and beside the others.
///
/// # Errors
///
/// The first that can't be used.
pub fn check(sections: &BTreeMap<String, DeviceSection>, board: BoardKind) -> Result<(), WrongSection> {
    for (name, section) in sections {
        section.check(board).map_err(|(key, message)| WrongSection { device: name.clone(), key, message })?;
    }
    Ok(())
}

/// The devices of the simulated world among `sections`.
#[must_use]
pub fn simulated(sections: &BTreeMap<String, DeviceSection>) -> BTreeMap<String, SimSection> {
    let simulated = sections.iter().filter_map(|(name, section)| match &section.kind {
        DeviceKind::Sim(section) => Some((name.clone(), section.clone())),
        DeviceKind::Linux(_) => None,
    });
    simulated.collect()
}

/// The kind decides which keys there may be, wherever it stands among them. An error about one key begins
/// with its name, by which the board file finds its line.
impl<'de> Deserialize<'de> for DeviceSection {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(Table::deserialize(deserializer)?).map_err(|Wrong { key, message }| {
            D::Error::custom(if key.is_empty() { message } else { format!("{key}: {message}") })
        })
    }
}

fn read(mut keys: Table) -> Result<DeviceSection, Wrong> {
    let wrong = |key: &str, message| Wrong { key: key.into(), message };
    let shared = match keys.remove("shared") {
        None => false,
        Some(Value::Boolean(shared)) => shared,
        Some(other) => return Err(wrong("shared", format!("must be true or false, not {other}"))),
    };
    let kind = match keys.get("kind") {
        Some(Value::String(kind)) => kind.clone(),
        Some(other) => return Err(wrong("kind", format!("must be one of {}, not {other}", all_kinds()))),
        None => return Err(wrong("", format!("a device needs a `kind`, one of {}", all_kinds()))),
    };
    if SimSection::KINDS.contains(&kind.as_str()) {
        let section = SimSection::deserialize(Value::Table(keys));
        let kind = section.map(DeviceKind::Sim).map_err(|error| Wrong::told(error.message()))?;
        return Ok(DeviceSection { shared, kind });
    }
    keys.remove("kind");
    match LinuxSection::read(&kind, keys) {
        Some(section) => Ok(DeviceSection { shared, kind: DeviceKind::Linux(section?) }),
        None => Err(wrong("kind", format!("there is no kind `{kind}`: there are {}", all_kinds()))),
    }
}

fn all_kinds() -> String {
    let all: Vec<&str> = SimSection::KINDS.into_iter().chain(LinuxSection::KINDS.iter().copied()).collect();
    all.join(", ")
}

#[cfg(test)]
mod tests;
