//! The tools and actuators of this machine's devices, from their sections.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use everstep_tool::device::Counter;
use everstep_tools_device::{BoardParts, SharedBus};

use super::{
    kinds::Section,
    lines::Lines,
    machine::{Machine, ThisMachine},
    section::{DeviceKind, DeviceSection, WrongSection},
    spi::SpiMode,
};

/// What is put together, and from what.
pub(crate) struct Assembly<'a, M: Machine> {
    /// The tools and actuators so far.
    pub(crate) parts: BoardParts,
    /// The machine that has the devices.
    pub(crate) machine: M,
    /// Its buses.
    pub(crate) buses: Buses<M>,
    /// Its serial lines and connections.
    pub(crate) lines: Lines,
    sections: &'a BTreeMap<String, DeviceSection>,
    last: &'a BTreeMap<String, String>,
    /// What only one device can have, and which has it.
    claimed: BTreeMap<String, String>,
    modes: BTreeMap<PathBuf, (SpiMode, String)>,
}

impl<'a, M: Machine> Assembly<'a, M> {
    /// What `set_NAME` was last called with, as JSON.
    pub(crate) fn last(&self, name: &str) -> Option<&'a str> {
        self.last.get(name).map(String::as_str)
    }

    /// Takes what only one device can have. The key it is named by, what it is, and whose it is to be.
    pub(crate) fn claim(
        &mut self,
        key: &'static str,
        what: String,
        name: &str,
    ) -> Result<(), (&'static str, String)> {
        if let Some(other) = self.claimed.get(&what) {
            return Err((key, format!("{what} is the device `{other}`'s already")));
        }
        self.claimed.insert(what, name.into());
        Ok(())
    }

    /// Refuses a second mode of one SPI chip: the kernel keeps one for each.
    pub(crate) fn one_mode(
        &mut self,
        chip: &Path,
        mode: SpiMode,
        name: &str,
    ) -> Result<(), (&'static str, String)> {
        let (known, other) = self.modes.entry(chip.into()).or_insert_with(|| (mode, name.into()));
        let key = if known.mode == mode.mode { "speed_hz" } else { "mode" };
        if *known == mode {
            return Ok(());
        }
        let SpiMode { mode, speed_hz } = known;
        let chip = chip.display();
        Err((key, format!("the device `{other}` speaks to {chip} in mode {mode} at {speed_hz} Hz")))
    }

    /// The counter of the device `name`, for one whose pulses it counts.
    pub(crate) fn counter(&mut self, name: &str) -> Result<Box<dyn Counter>, (&'static str, String)> {
        let counter = self.sections.get(name).and_then(|section| match &section.kind {
            DeviceKind::Linux(section) => section.counter(name, &mut self.buses),
            DeviceKind::Sim(_) => None,
        });
        counter.ok_or_else(|| {
            let message = format!("there is no device `{name}` with `counter = true`");
            ("counter", message)
        })
    }
}

/// The buses of a machine, each opened once for all devices on it.
pub(crate) struct Buses<M: Machine> {
    machine: M,
    i2c: BTreeMap<PathBuf, SharedBus<M::I2c>>,
    spi: BTreeMap<PathBuf, SharedBus<M::Spi>>,
}

impl<M: Machine> Buses<M> {
    pub(crate) const fn new(machine: M) -> Self {
        Self { machine, i2c: BTreeMap::new(), spi: BTreeMap::new() }
    }

    /// An I²C bus; the same one for every name of its node.
    pub(crate) fn i2c(&mut self, bus: &Path) -> SharedBus<M::I2c> {
        let (machine, path) = (self.machine.clone(), bus.to_owned());
        let open = move || machine.open_i2c(&path);
        let name = bus.display().to_string();
        self.i2c.entry(node_of(bus)).or_insert_with(|| SharedBus::new(&name, open)).clone()
    }

    /// A chip on an SPI bus; the same one for every name of its node.
    pub(crate) fn spi(&mut self, chip: &Path, mode: SpiMode) -> SharedBus<M::Spi> {
        let (machine, path) = (self.machine.clone(), chip.to_owned());
        let open = move || machine.open_spi(&path, mode);
        let name = chip.display().to_string();
        self.spi.entry(node_of(chip)).or_insert_with(|| SharedBus::new(&name, open)).clone()
    }
}

/// The node itself, where links lead to it.
fn node_of(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
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
    let mut board = Assembly {
        parts: BoardParts::default(),
        buses: Buses::new(machine.clone()),
        machine,
        lines: Lines::default(),
        sections,
        last,
        claimed: BTreeMap::new(),
        modes: BTreeMap::new(),
    };
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

#[cfg(test)]
mod tests;
