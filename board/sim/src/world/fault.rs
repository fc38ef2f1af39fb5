//! What can be made to go wrong, by start option or by command.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Serialize};

/// A device of a world. The cold room's have constants; a plant names its own.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DeviceName(Cow<'static, str>);

impl DeviceName {
    /// All sensors of the room, read together.
    pub const ROOM: Self = Self(Cow::Borrowed("room"));
    /// The compressor's relay.
    pub const COMPRESSOR: Self = Self(Cow::Borrowed("compressor"));
    /// The evaporator's fan.
    pub const FAN: Self = Self(Cow::Borrowed("fan"));
    /// The defrost heater.
    pub const HEATER: Self = Self(Cow::Borrowed("heater"));
    /// The dosing pump.
    pub const PUMP: Self = Self(Cow::Borrowed("pump"));
    /// The door; nobody but people moves it.
    pub const DOOR: Self = Self(Cow::Borrowed("door"));

    /// The device called `name`.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(Cow::Owned(name.to_owned()))
    }

    /// Its name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Something that goes wrong in the room itself.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// Somebody opens or closes the door.
    Door {
        /// Whether it is open from now on.
        open: bool,
        /// Seconds after which it closes again.
        #[serde(default)]
        closes_after_s: Option<u32>,
    },
    /// The compressor does what it wants.
    CompressorStuck {
        /// On or off; null frees it.
        at: Option<bool>,
    },
    /// The heater takes commands and stays cold.
    HeaterDeaf {
        /// Whether it does.
        deaf: bool,
    },
    /// The pump takes commands and loses pulses, which it does not count.
    PumpLoses {
        /// How many of the next ones.
        pulses: u32,
    },
    /// The sensors show something else than the truth.
    Sensor(SensorFault),
}

/// What the sensors do.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum SensorFault {
    /// They show the truth.
    None,
    /// They do not answer.
    Fails,
    /// The air's shows always this.
    Shows {
        /// In degrees Celsius.
        air_c: f64,
    },
}

impl Fault {
    /// The device it is about.
    #[must_use]
    pub const fn device(&self) -> DeviceName {
        match self {
            Self::Door { .. } => DeviceName::DOOR,
            Self::CompressorStuck { .. } => DeviceName::COMPRESSOR,
            Self::HeaterDeaf { .. } => DeviceName::HEATER,
            Self::PumpLoses { .. } => DeviceName::PUMP,
            Self::Sensor(_) => DeviceName::ROOM,
        }
    }
}

/// Before or after a command takes effect.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// The command has not moved anything yet.
    Before,
    /// What moves has moved; the answer has not left.
    After,
}

/// Something that goes wrong on the line to a device.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LineFault {
    /// The line to which device.
    pub device: DeviceName,
    /// At which moment.
    pub when: When,
    /// Real milliseconds the line is slow; the connection drops where this is missing.
    #[serde(default)]
    pub slow_ms: Option<u32>,
    /// How many requests this happens to.
    pub count: u32,
}
