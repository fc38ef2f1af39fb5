//! The tools and actuators of this machine's devices, from their sections.

use std::collections::BTreeMap;

use everstep_tools_device::BoardParts;

use super::{
    kinds::Section,
    machine::{Machine, ThisMachine},
    section::{DeviceKind, DeviceSection, WrongSection},
};

/// What is put together, and from what.
pub(crate) struct Assembly<'a, M> {
    /// The tools and actuators so far.
    pub(crate) parts: BoardParts,
    /// The machine that has the devices.
    pub(crate) machine: M,
    /// All devices of the board, for those that need another.
    pub(crate) sections: &'a BTreeMap<String, DeviceSection>,
    last: &'a BTreeMap<String, String>,
}

impl<M> Assembly<'_, M> {
    /// What `set_NAME` was last called with, as JSON.
    pub(crate) fn last(&self, name: &str) -> Option<&str> {
        self.last.get(name).map(String::as_str)
    }
}

/// Builds the tools and actuators of the devices of this machine in `sections`, which were checked.
/// Nothing is asked of the devices yet. `last` holds, by device, what its `set_NAME` was last called
/// with, as JSON, for actuators with `boot = "restore"`.
///
/// # Errors
///
/// A device that does not fit the others.
pub fn assemble(
    sections: &BTreeMap<String, DeviceSection>,
    last: &BTreeMap<String, String>,
) -> Result<BoardParts, WrongSection> {
    assemble_on(ThisMachine, sections, last)
}

pub(crate) fn assemble_on<M: Machine>(
    machine: M,
    sections: &BTreeMap<String, DeviceSection>,
    last: &BTreeMap<String, String>,
) -> Result<BoardParts, WrongSection> {
    let mut board = Assembly { parts: BoardParts::default(), machine, sections, last };
    for (name, section) in sections {
        if let DeviceKind::Linux(section) = &section.kind {
            section.add(name, &mut board).map_err(|(key, message)| WrongSection {
                device: name.clone(),
                key,
                message,
            })?;
        }
    }
    Ok(board.parts)
}
