//! `[device.NAME]` of a board file, for the devices this crate has tools for.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use crate::{
    actuators::{BootPolicy, State},
    room::RoomRange,
};

/// One device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum DeviceSection {
    /// A relay, with the tool `set_NAME`.
    Relay {
        /// What a boot does with it.
        #[serde(default)]
        boot: BootPolicy,
        /// Its position when a run ends early, and after a boot with `boot = "safe"`.
        #[serde(default)]
        safe: Switch,
    },
    /// A fan with a speed, with the tool `set_NAME`.
    Fan {
        /// What a boot does with it.
        #[serde(default)]
        boot: BootPolicy,
        /// Its speed when a run ends early, and after a boot with `boot = "safe"`.
        #[serde(default)]
        safe_percent: u8,
    },
    /// The sensors of a cold room, with the tool `read_room`.
    RoomSensor {
        /// Coldest air the sensor can show, in degrees Celsius.
        #[serde(default = "air_c_min")]
        air_c_min: f64,
        /// Warmest air the sensor can show, in degrees Celsius.
        #[serde(default = "air_c_max")]
        air_c_max: f64,
        /// Thickest ice the sensor can show, in millimetres.
        #[serde(default = "ice_mm_max")]
        ice_mm_max: f64,
    },
    /// A defrost heater, with the tool `run_defrost`.
    DefrostHeater {},
    /// A dosing pump with a counter, with the tool `dose_antifreeze`.
    DosingPump {},
    /// Sensors of a plant, with the tool `read_NAME`.
    Sensor {
        /// What they show, in this order.
        shows: Vec<String>,
    },
    /// Something with named states, with the tool `set_NAME`.
    Switch {
        /// The states; the first is the resting one.
        states: Vec<String>,
        /// What a boot does with it.
        #[serde(default)]
        boot: BootPolicy,
        /// Its state when a run ends early, and after a boot with `boot = "safe"`; the first where
        /// this is missing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        safe: Option<String>,
    },
    /// Something that steers to a number by itself, with the tool `set_NAME`.
    Setpoint {
        /// Printed after the number; may be empty.
        #[serde(default)]
        unit: String,
        /// Lowest.
        min: f64,
        /// Highest.
        max: f64,
        /// What a boot does with it.
        #[serde(default)]
        boot: BootPolicy,
        /// What it is set to when a run ends early, and after a boot with `boot = "safe"`.
        safe_value: f64,
    },
    /// Something that runs for some seconds and ends by itself, with the tool `run_NAME`.
    Timer {
        /// Longest run.
        seconds_max: u32,
    },
}

/// Longest run that a timer can be allowed: a day.
pub const RUN_S_LIMIT: u32 = 86_400;

const fn air_c_min() -> f64 {
    -60.0
}

const fn air_c_max() -> f64 {
    60.0
}

const fn ice_mm_max() -> f64 {
    100.0
}

/// A relay's position.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Switch {
    /// Open.
    #[default]
    Off,
    /// Closed.
    On,
}

impl DeviceSection {
    /// All kinds, as board files call them.
    pub const KINDS: [&str; 9] = [
        "relay",
        "fan",
        "room_sensor",
        "defrost_heater",
        "dosing_pump",
        "sensor",
        "switch",
        "setpoint",
        "timer",
    ];

    /// Whether it moves something.
    #[must_use]
    pub const fn moves(&self) -> bool {
        !matches!(self, Self::RoomSensor { .. } | Self::Sensor { .. })
    }

    /// What is wrong with the section, if anything.
    ///
    /// # Errors
    ///
    /// The key and what is allowed.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        match self {
            Self::Fan { safe_percent, .. } if *safe_percent > 100 => {
                Err(("safe_percent", format!("{safe_percent} is not within 0 to 100")))
            }
            Self::RoomSensor { air_c_min, air_c_max, .. }
                if air_c_min.partial_cmp(air_c_max) != Some(Ordering::Less) =>
            {
                Err(("air_c_min", format!("{air_c_min} is not below air_c_max, {air_c_max}")))
            }
            Self::RoomSensor { ice_mm_max, .. } if ice_mm_max.is_nan() || *ice_mm_max <= 0.0 => {
                Err(("ice_mm_max", format!("{ice_mm_max} is not above 0")))
            }
            Self::Sensor { shows } if shows.is_empty() => {
                Err(("shows", "it shows nothing: name what it shows".into()))
            }
            Self::Switch { states, .. } if states.len() < 2 || !is_distinct(states) => {
                Err(("states", "a switch has at least two states, each another".into()))
            }
            Self::Switch { states, safe: Some(safe), .. } if !states.contains(safe) => {
                Err(("safe", format!("`{safe}` is no state: there are {}", states.join(", "))))
            }
            Self::Setpoint { min, max, .. } if min.partial_cmp(max) != Some(Ordering::Less) => {
                Err(("min", format!("{min} is not below max, {max}")))
            }
            Self::Setpoint { min, max, safe_value, .. } if !(*min..=*max).contains(safe_value) => {
                Err(("safe_value", format!("{safe_value} is not within {min} to {max}")))
            }
            Self::Timer { seconds_max } if !(1..=RUN_S_LIMIT).contains(seconds_max) => {
                Err(("seconds_max", format!("{seconds_max} is not within 1 to {RUN_S_LIMIT}")))
            }
            _ => Ok(()),
        }
    }

    /// Boot policy and safe state, for an actuator.
    #[must_use]
    pub fn actuator(&self) -> Option<(BootPolicy, State)> {
        match self {
            Self::Relay { boot, safe: Switch::Off } => Some((*boot, State::Off)),
            Self::Relay { boot, safe: Switch::On } => Some((*boot, State::On)),
            Self::Fan { boot, safe_percent } => Some((*boot, State::Percent(*safe_percent))),
            Self::Switch { states, boot, safe } => {
                let safe = safe.as_ref().or(states.first())?;
                Some((*boot, State::Named(safe.clone())))
            }
            Self::Setpoint { unit, boot, safe_value, .. } => {
                Some((*boot, State::SetTo { value: *safe_value, unit: unit.clone() }))
            }
            Self::RoomSensor { .. }
            | Self::DefrostHeater {}
            | Self::DosingPump {}
            | Self::Sensor { .. }
            | Self::Timer { .. } => None,
        }
    }

    /// Its kind, as board files call it.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Relay { .. } => "relay",
            Self::Fan { .. } => "fan",
            Self::RoomSensor { .. } => "room_sensor",
            Self::DefrostHeater {} => "defrost_heater",
            Self::DosingPump {} => "dosing_pump",
            Self::Sensor { .. } => "sensor",
            Self::Switch { .. } => "switch",
            Self::Setpoint { .. } => "setpoint",
            Self::Timer { .. } => "timer",
        }
    }

    /// What the sensors can show, for a room's.
    #[must_use]
    pub const fn range(&self) -> Option<RoomRange> {
        match *self {
            Self::RoomSensor { air_c_min, air_c_max, ice_mm_max } => {
                Some(RoomRange { air_c: air_c_min..=air_c_max, ice_mm: 0.0..=ice_mm_max })
            }
            _ => None,
        }
    }
}

fn is_distinct(states: &[String]) -> bool {
    states.iter().enumerate().all(|(index, state)| !states.iter().take(index).any(|other| other == state))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<DeviceSection, String> {
        toml::from_str(text).map_err(|error| error.message().to_owned())
    }

    #[test]
    fn actuators_are_safe_unless_the_board_says_otherwise() {
        let relay = parse(r#"kind = "relay""#).unwrap();
        assert_eq!(relay.actuator(), Some((BootPolicy::Safe, State::Off)));
        let fan = parse("kind = \"fan\"\nboot = \"hold\"\nsafe_percent = 20").unwrap();
        assert_eq!(fan.actuator(), Some((BootPolicy::Hold, State::Percent(20))));
        assert_eq!(parse(r#"kind = "dosing_pump""#).unwrap().actuator(), None);
    }

    #[test]
    fn every_kind_is_listed_and_says_whether_it_moves() {
        let mut observing = Vec::new();
        for kind in DeviceSection::KINDS {
            let keys = match kind {
                "sensor" => "shows = [\"a\"]",
                "switch" => "states = [\"a\", \"b\"]",
                "setpoint" => "min = 1\nmax = 2\nsafe_value = 1",
                "timer" => "seconds_max = 1",
                _ => "",
            };
            let section = parse(&format!("kind = \"{kind}\"\n{keys}")).unwrap();
            assert_eq!((section.kind(), section.check()), (kind, Ok(())));
            observing.extend((!section.moves()).then_some(kind));
        }
        assert_eq!(observing, ["room_sensor", "sensor"]);
        let all = parse(r#"kind = "laser""#).unwrap_err();
        assert_eq!(all.matches('`').count(), 2 * (1 + DeviceSection::KINDS.len()), "{all}");
    }

    #[test]
    fn unknown_kinds_keys_and_values_are_refused() {
        for (text, named) in [
            (r#"kind = "laser""#, "laser"),
            ("kind = \"relay\"\npin = 3", "pin"),
            ("kind = \"dosing_pump\"\nsafe = \"off\"", "safe"),
            ("kind = \"relay\"\nboot = \"maybe\"", "maybe"),
            ("kind = \"fan\"\nsafe_percent = -1", "-1"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(named), "{text}: {error}");
        }
        assert_eq!(
            parse("kind = \"fan\"\nsafe_percent = 101").unwrap().check().unwrap_err().0,
            "safe_percent"
        );
        let reversed = parse("kind = \"room_sensor\"\nair_c_min = 10\nair_c_max = 5").unwrap();
        assert_eq!(reversed.check().unwrap_err().0, "air_c_min");
        assert_eq!(
            parse("kind = \"room_sensor\"\nice_mm_max = nan").unwrap().check().unwrap_err().0,
            "ice_mm_max"
        );
    }
}
