//! The tools and actuators of a simulated board, from its `[device]` sections.

use std::collections::BTreeMap;

use everstep_tool::Device;
use everstep_tools_device::{
    BoardParts, DeviceSection, Fan, ReadRoom, ReadSensor, Relay, RunDefrost, RunTimer, Setpoint, Settings,
    StateSwitch, dose_antifreeze,
};

use crate::{
    SocketWorld,
    plant::{Actuator, PlantFile},
};

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

/// Builds the tools and actuators of the devices in `sections`, all of them in `world`. `last` holds, by
/// device, what its `set_NAME` was last called with, as JSON, for actuators with `boot = "restore"`.
///
/// # Errors
///
/// See [`DeviceSectionError`].
pub fn assemble(
    sections: &BTreeMap<String, DeviceSection>,
    world: &SocketWorld,
    last: &BTreeMap<String, String>,
) -> Result<BoardParts, DeviceSectionError> {
    let mut parts = BoardParts::default();
    for (name, section) in sections {
        let wrong = |(key, message)| DeviceSectionError::Wrong { name: name.clone(), key, message };
        section.check().map_err(wrong)?;
        match world.plant() {
            Some(plant) => fits_plant(name, section, plant).map_err(wrong)?,
            None => fits_room(name, section)?,
        }
        add(&mut parts, name, section, world, last.get(name).map(String::as_str));
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

fn add(parts: &mut BoardParts, name: &str, section: &DeviceSection, world: &SocketWorld, last: Option<&str>) {
    match (section, section.actuator()) {
        (DeviceSection::Relay { .. }, Some(is)) => {
            let relay = Relay::new(world.pin(name));
            parts.settable(Device::new(name, relay), is, Settings::Relay, last);
        }
        (DeviceSection::Fan { .. }, Some(is)) => {
            let fan = Fan::new(world.duty(name));
            parts.settable(Device::new(name, fan), is, Settings::Percent, last);
        }
        (DeviceSection::Switch { states, .. }, Some(is)) => {
            let switch = StateSwitch::new(world.selector(name));
            parts.settable(Device::new(name, switch), is, Settings::States(states.clone()), last);
        }
        (DeviceSection::Setpoint { unit, min, max, .. }, Some(is)) => {
            let setpoint = Setpoint::new(world.regulator(name), unit);
            let settings = Settings::Number { unit: unit.clone(), min: *min, max: *max };
            parts.settable(Device::new(name, setpoint), is, settings, last);
        }
        (DeviceSection::Sensor { shows }, _) => {
            parts.tool(ReadSensor::new(Device::new(name, world.sensor(shows)), shows));
        }
        (DeviceSection::Timer { seconds_max }, _) => {
            parts.tool(RunTimer::new(Device::new(name, world.timer(name)), *seconds_max));
        }
        (DeviceSection::RoomSensor { .. }, _) => {
            // A room's sensors always have a range.
            let Some(range) = section.range() else { return };
            parts.tool(ReadRoom::new(Device::new(name, world.room()), range));
        }
        (DeviceSection::DefrostHeater {}, _) => {
            parts.tool(RunDefrost::new(Device::new(name, world.timer(name))));
        }
        (DeviceSection::DosingPump {}, _) => {
            parts.tool(dose_antifreeze(Device::new(name, world.pump())));
        }
        // A checked section of these kinds always has a safe state.
        (
            DeviceSection::Relay { .. }
            | DeviceSection::Fan { .. }
            | DeviceSection::Switch { .. }
            | DeviceSection::Setpoint { .. },
            None,
        ) => {}
    }
}
