//! The tools and actuators of a simulated board, from its `[device]` sections.

use std::{collections::BTreeMap, sync::Arc};

use everstep_tool::{Device, Tool};
use everstep_tools_device::{
    Actuate, Actuators, BootPolicy, DeviceSection, DoseAntifreeze, Fan, ReadRoom, ReadSensor, Relay,
    RunDefrost, RunTimer, SetTool, Setpoint, Settings, State, StateSwitch,
};

use crate::{
    SocketWorld,
    plant::{Actuator, PlantFile},
};

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
        let wrong = |(key, message)| DeviceSectionError::Wrong { name: name.clone(), key, message };
        section.check().map_err(wrong)?;
        match world.plant() {
            Some(plant) => fits_plant(name, section, plant).map_err(wrong)?,
            None => fits_room(name, section)?,
        }
        add(&mut parts, name, section, world, last.get(name).cloned());
    }
    Ok(parts)
}

/// Whether the cold room has the device.
fn fits_room(name: &str, section: &DeviceSection) -> Result<(), DeviceSectionError> {
    let instead = match section {
        DeviceSection::Relay { .. } => "compressor",
        DeviceSection::Fan { .. } => "fan",
        DeviceSection::RoomSensor { .. } => "room",
        DeviceSection::DefrostHeater {} => "heater",
        DeviceSection::DosingPump {} => "pump",
        DeviceSection::Sensor { .. }
        | DeviceSection::Switch { .. }
        | DeviceSection::Setpoint { .. }
        | DeviceSection::Timer { .. } => {
            let message =
                format!("the simulated room has no {}: name a plant in `world.plant`", section.kind());
            return Err(DeviceSectionError::Wrong { name: name.into(), key: "kind", message });
        }
    };
    if name == instead {
        return Ok(());
    }
    Err(DeviceSectionError::NoSuchDevice { name: name.into(), kind: section.kind(), instead })
}

/// Whether a plant has the device, and the file says the same of it. The key and what is wrong.
fn fits_plant(name: &str, section: &DeviceSection, plant: &PlantFile) -> Result<(), (&'static str, String)> {
    let kind = match section {
        DeviceSection::Relay { .. } => "relay",
        DeviceSection::Fan { .. } => "percent",
        DeviceSection::Switch { .. } => "switch",
        DeviceSection::Setpoint { .. } => "setpoint",
        DeviceSection::Timer { .. } => "timed",
        DeviceSection::Sensor { shows } => {
            let has = |name: &str| plant.quantity.contains_key(name) || plant.actuator.contains_key(name);
            return match shows.iter().find(|name| !has(name)) {
                None => Ok(()),
                Some(unknown) => {
                    let names: Vec<_> =
                        plant.quantity.keys().chain(plant.actuator.keys()).map(String::as_str).collect();
                    Err(("shows", format!("the plant has no `{unknown}`: it has {}", names.join(", "))))
                }
            };
        }
        DeviceSection::RoomSensor { .. } | DeviceSection::DefrostHeater {} | DeviceSection::DosingPump {} => {
            return Err(("kind", format!("a plant has no {}: that is the cold room's", section.kind())));
        }
    };
    let same_kind = |actuator: &&Actuator| actuator.kind() == kind;
    let Some(actuator) = plant.actuator.get(name).filter(same_kind) else {
        let names = plant.actuator.iter().filter(|(_, actuator)| actuator.kind() == kind);
        let names: Vec<_> = names.map(|(name, _)| name.as_str()).collect();
        let has = if names.is_empty() { "none".into() } else { names.join(", ") };
        return Err(("kind", format!("the plant has no {kind} `{name}`: it has {has}")));
    };
    match (section, actuator) {
        (DeviceSection::Switch { states, .. }, Actuator::Switch { states: has, .. }) if states != has => {
            Err(("states", format!("the plant's has the states {}", has.join(", "))))
        }
        (DeviceSection::Setpoint { unit, .. }, Actuator::Setpoint { unit: has, .. }) if unit != has => {
            Err(("unit", format!("the plant's is set in `{has}`")))
        }
        (DeviceSection::Setpoint { min, max, .. }, Actuator::Setpoint { min: low, max: high, .. })
            if min < low || max > high =>
        {
            Err(("min", format!("the plant's can be set to {low} to {high} only")))
        }
        _ => Ok(()),
    }
}

fn add(
    parts: &mut BoardParts,
    name: &str,
    section: &DeviceSection,
    world: &SocketWorld,
    last: Option<State>,
) {
    let is = section.actuator();
    let tool: Arc<dyn Tool> = match section {
        DeviceSection::Relay { .. } => {
            parts.settable(name, Relay::new(world.pin(name)), is, last, Settings::Relay)
        }
        DeviceSection::Fan { .. } => {
            parts.settable(name, Fan::new(world.duty(name)), is, last, Settings::Percent)
        }
        DeviceSection::Switch { states, .. } => {
            let settings = Settings::States(states.clone());
            parts.settable(name, StateSwitch::new(world.selector(name)), is, last, settings)
        }
        DeviceSection::Setpoint { unit, min, max, .. } => {
            let settings = Settings::Number { unit: unit.clone(), min: *min, max: *max };
            parts.settable(name, Setpoint::new(world.regulator(name), unit), is, last, settings)
        }
        DeviceSection::Sensor { shows } => {
            Arc::new(ReadSensor::new(Device::new(name, world.sensor(shows)), shows))
        }
        DeviceSection::Timer { seconds_max } => {
            Arc::new(RunTimer::new(Device::new(name, world.timer(name)), *seconds_max))
        }
        DeviceSection::RoomSensor { .. } => {
            // A room's sensors always have a range.
            let Some(range) = section.range() else { return };
            Arc::new(ReadRoom::new(Device::new(name, world.room()), range))
        }
        DeviceSection::DefrostHeater {} => Arc::new(RunDefrost::new(Device::new(name, world.timer(name)))),
        DeviceSection::DosingPump {} => Arc::new(DoseAntifreeze::new(Device::new(name, world.pump()))),
    };
    parts.tools.push(tool);
}

impl BoardParts {
    /// The tool of an actuator, which also gets its boot policy and safe state.
    fn settable<D: Actuate + 'static>(
        &mut self,
        name: &str,
        driver: D,
        is: Option<(BootPolicy, State)>,
        last: Option<State>,
        settings: Settings,
    ) -> Arc<dyn Tool> {
        let device = Device::new(name, driver);
        if let Some((boot, safe)) = is {
            self.actuators.add(&device, boot, safe, last);
        }
        Arc::new(SetTool::new(device, settings))
    }
}
