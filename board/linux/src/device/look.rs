//! A look at the devices of a board file on this machine. Moves nothing, and asks for no output.

use std::{collections::BTreeMap, fmt};

use everstep_tool::device::Sensor;
use everstep_tools_device::describe;
use serde::Serialize;

use super::{
    kinds::Section,
    machine::{Machine, ThisMachine},
    section::{DeviceKind, DeviceSection},
};

/// What a look at one device found.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Finding {
    /// The device.
    pub device: String,
    /// Whether it can be used.
    pub verdict: Verdict,
    /// What was found, and what to do.
    pub text: String,
}

/// Whether a device can be used.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// As the board file says.
    Ok,
    /// It can, but something is worth a look.
    Warn,
    /// It can't.
    Wrong,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Wrong => "wrong",
        })
    }
}

/// Looks at the devices of this machine among `sections`, in the order of their names.
#[must_use]
pub fn look(sections: &BTreeMap<String, DeviceSection>) -> Vec<Finding> {
    look_on(&ThisMachine, sections)
}

/// What a sensor shows, asked once.
pub(super) fn sensor(sensor: &mut impl Sensor) -> (Verdict, String) {
    match sensor.read().map(|readings| describe(&readings)) {
        Ok(Ok(text)) => (Verdict::Ok, text),
        // It answers, though what it shows can't be.
        Ok(Err(text)) => (Verdict::Warn, text),
        Err(error) => (Verdict::Wrong, error.to_string()),
    }
}

pub(crate) fn look_on<M: Machine>(machine: &M, sections: &BTreeMap<String, DeviceSection>) -> Vec<Finding> {
    let found = sections.iter().filter_map(|(name, section)| {
        let DeviceKind::Linux(section) = &section.kind else { return None };
        let (verdict, text) = section.look(machine);
        Some(Finding { device: name.clone(), verdict, text })
    });
    found.collect()
}
