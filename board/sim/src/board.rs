//! The tools and actuators of a simulated board, from its `[device]` sections.

use std::{collections::BTreeMap, sync::Arc};

use everstep_tool::{Device, Tool};
use everstep_tools_device::{
    Actuators, DeviceSection, DoseAntifreeze, Fan, ReadRoom, Relay, RunDefrost, SetFan, SetRelay, State,
};

use crate::SocketWorld;

/// What a board brings beyond the built-in tools.
#[derive(Default)]
pub struct BoardParts {
    /// The devices' tools.
    pub tools: Vec<Arc<dyn Tool>>,
    /// The devices that have a boot policy and a safe state.
    pub actuators: Actuators,
}

/// Why a device of the board file can't be used.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum DeviceSectionError {
    /// A value is not allowed.
    #[error("device.{name}.{key}: {message}")]
    Wrong {
        /// The device.
        name: String,
        /// The key.
        key: &'static str,
        /// What is wrong, and what is allowed.
        message: String,
    },
    /// The simulated room has no such device.
    #[error("device.{name}: the simulated room has no {kind} of this name: it has `{instead}`")]
    NoSuchDevice {
        /// The device.
        name: String,
        /// Its kind.
        kind: &'static str,
        /// What the room's is called.
        instead: &'static str,
    },
}

/// Builds the tools and actuators of the devices in `sections`, all of them in `world`. `last` holds
/// what was commanded last, for actuators with `boot = "restore"`.
///
/// # Errors
///
/// See [`DeviceSectionError`].
pub fn assemble(
    sections: &BTreeMap<String, DeviceSection>,
    world: &SocketWorld,
    last: &BTreeMap<String, State>,
) -> Result<BoardParts, DeviceSectionError> {
    let mut parts = BoardParts::default();
    for (name, section) in sections {
        section.check().map_err(|(key, message)| DeviceSectionError::Wrong {
            name: name.clone(),
            key,
            message,
        })?;
        let (kind, instead) = match section {
            DeviceSection::Relay { .. } => ("relay", "compressor"),
            DeviceSection::Fan { .. } => ("fan", "fan"),
            DeviceSection::RoomSensor { .. } => ("room_sensor", "room"),
            DeviceSection::DefrostHeater {} => ("defrost_heater", "heater"),
            DeviceSection::DosingPump {} => ("dosing_pump", "pump"),
        };
        if name != instead {
            return Err(DeviceSectionError::NoSuchDevice { name: name.clone(), kind, instead });
        }
        add(&mut parts, name, section, world, last.get(name).copied());
    }
    Ok(parts)
}

fn add(
    parts: &mut BoardParts,
    name: &str,
    section: &DeviceSection,
    world: &SocketWorld,
    last: Option<State>,
) {
    let BoardParts { tools, actuators } = parts;
    match section {
        DeviceSection::Relay { .. } => {
            let device = Device::new(name, Relay::new(world.compressor()));
            if let Some((boot, safe)) = section.actuator() {
                actuators.add(&device, boot, safe, last);
            }
            tools.push(Arc::new(SetRelay::new(device)));
        }
        DeviceSection::Fan { .. } => {
            let device = Device::new(name, Fan::new(world.fan()));
            if let Some((boot, safe)) = section.actuator() {
                actuators.add(&device, boot, safe, last);
            }
            tools.push(Arc::new(SetFan::new(device)));
        }
        DeviceSection::RoomSensor { .. } => {
            if let Some(range) = section.range() {
                tools.push(Arc::new(ReadRoom::new(Device::new(name, world.room()), range)));
            }
        }
        DeviceSection::DefrostHeater {} => {
            tools.push(Arc::new(RunDefrost::new(Device::new(name, world.heater()))));
        }
        DeviceSection::DosingPump {} => {
            tools.push(Arc::new(DoseAntifreeze::new(Device::new(name, world.pump()))));
        }
    }
}
