//! The kinds of devices a machine has. A new one is a line in the list below, and a section beside its
//! driver.

use serde::{
    Serialize,
    de::{
        DeserializeOwned, DeserializeSeed, Error as _, IntoDeserializer, MapAccess,
        value::MapAccessDeserializer,
    },
};
use toml::{Table, Value, de::Error};

use everstep_tool::device::Counter;

use super::{
    assemble::{Assembly, Buses},
    gpio::{GpioInputSection, GpioOutputSection, GpioPulseSection},
    i2c::{I2cRegisterSection, Pca9535InputSection, Pca9535OutputSection, Tmp102Section},
    look::Verdict,
    machine::Machine,
    modbus::{ModbusCoilSection, ModbusPulseSection, ModbusRegisterSection},
    serial::SerialLineSection,
    spi::SpiRegisterSection,
    watchdog::WatchdogSection,
};

/// What every kind of section knows of itself.
pub(crate) trait Section {
    /// Whether it moves something.
    fn moves(&self) -> bool;

    /// What is wrong with it, if anything: the key, and what is allowed.
    fn check(&self) -> Result<(), (&'static str, String)>;

    /// Adds its tools, and its actuator where it has a safe state. Asks nothing of the device yet.
    ///
    /// # Errors
    ///
    /// What does not fit the other devices: the key, and what is allowed.
    fn add<M: Machine>(&self, name: &str, board: &mut Assembly<'_, M>) -> Result<(), (&'static str, String)>;

    /// What it counts, for a device whose pulses it counts. Asks nothing of the device yet.
    fn counter<M: Machine>(&self, _name: &str, _buses: &mut Buses<M>) -> Option<Box<dyn Counter>> {
        None
    }

    /// Looks whether the machine has it. Moves nothing, and asks for no output.
    fn look<M: Machine>(&self, machine: &M) -> (Verdict, String);
}

/// Each kind: its doc comment, its name in Rust, its section, its name in board files.
macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $variant:ident($section:ty) = $kind:literal,)+) => {
        /// A device of this machine.
        #[derive(Clone, Debug, PartialEq, Serialize)]
        #[serde(tag = "kind")]
        pub enum LinuxSection {
            $($(#[doc = $doc])+ #[serde(rename = $kind)] $variant($section),)+
        }

        impl LinuxSection {
            /// All kinds, as board files call them.
            pub const KINDS: &[&str] = &[$($kind),+];

            /// Its kind, as board files call it.
            #[must_use]
            pub const fn kind(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $kind,)+
                }
            }

            /// Reads the keys of a section of `kind`; none if there is no such kind.
            pub(super) fn read(kind: &str, keys: Table) -> Option<Result<Self, Wrong>> {
                match kind {
                    $($kind => Some(read(keys).map(Self::$variant)),)+
                    _ => None,
                }
            }
        }

        impl Section for LinuxSection {
            fn moves(&self) -> bool {
                match self {
                    $(Self::$variant(section) => section.moves(),)+
                }
            }

            fn check(&self) -> Result<(), (&'static str, String)> {
                match self {
                    $(Self::$variant(section) => section.check(),)+
                }
            }

            fn add<M: Machine>(
                &self,
                name: &str,
                board: &mut Assembly<'_, M>,
            ) -> Result<(), (&'static str, String)> {
                match self {
                    $(Self::$variant(section) => section.add(name, board),)+
                }
            }

            fn counter<M: Machine>(
                &self,
                name: &str,
                buses: &mut Buses<M>,
            ) -> Option<Box<dyn Counter>> {
                match self {
                    $(Self::$variant(section) => section.counter(name, buses),)+
                }
            }

            fn look<M: Machine>(&self, machine: &M) -> (Verdict, String) {
                match self {
                    $(Self::$variant(section) => section.look(machine),)+
                }
            }
        }
    };
}

kinds! {
    /// A line that is switched, with the tool `set_NAME`.
    GpioOutput(GpioOutputSection) = "gpio_output",
    /// A line that is looked at, with the tools `read_NAME` and `wait_NAME`.
    GpioInput(GpioInputSection) = "gpio_input",
    /// A line that is pulsed, with the tool `pulse_NAME`.
    GpioPulse(GpioPulseSection) = "gpio_pulse",
    /// A temperature sensor, with the tool `read_NAME`.
    Tmp102(Tmp102Section) = "tmp102",
    /// A line of an expander that is switched, with the tool `set_NAME`.
    Pca9535Output(Pca9535OutputSection) = "pca9535_output",
    /// A line of an expander that is looked at, with the tool `read_NAME`.
    Pca9535Input(Pca9535InputSection) = "pca9535_input",
    /// A register of a chip on an I²C bus, with the tools `read_NAME` and, where it is written, `set_NAME`.
    I2cRegister(I2cRegisterSection) = "i2c_register",
    /// A value of a chip on an SPI bus, with the tools `read_NAME` and, where it is written, `set_NAME`.
    SpiRegister(SpiRegisterSection) = "spi_register",
    /// A number in a Modbus register, with the tools `read_NAME` and, where it is writable, `set_NAME`.
    ModbusRegister(ModbusRegisterSection) = "modbus_register",
    /// A Modbus coil or discrete input, with the tools `read_NAME` and, where it is writable, `set_NAME`.
    ModbusCoil(ModbusCoilSection) = "modbus_coil",
    /// Pulses that a Modbus register gives, with the tool `pulse_NAME`.
    ModbusPulse(ModbusPulseSection) = "modbus_pulse",
    /// A device that speaks lines of text over a serial port, with the tools `read_NAME` and `set_NAME`.
    SerialLine(SerialLineSection) = "serial_line",
    /// The timer that restarts the machine when the runtime stops feeding it; no tool.
    Watchdog(WatchdogSection) = "watchdog",
}

/// A key of a section that can't be used, or the section itself where the key is empty.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Wrong {
    pub(super) key: String,
    pub(super) message: String,
}

impl Wrong {
    /// An error that only its text is known of: an unknown key is named there.
    pub(super) fn told(message: &str) -> Self {
        let unknown = message.strip_prefix("unknown field `").and_then(|rest| rest.split('`').next());
        Self { key: unknown.unwrap_or_default().into(), message: message.into() }
    }
}

fn read<T: DeserializeOwned>(keys: Table) -> Result<T, Wrong> {
    let mut at = String::new();
    let section =
        T::deserialize(MapAccessDeserializer::new(Keys { left: keys.into_iter(), value: None, at: &mut at }));
    section.map_err(|error| Wrong { key: at, message: error.message().into() })
}

/// The keys of a section, and which of them is being read: the one an error is about.
struct Keys<'a> {
    left: toml::map::IntoIter<String, Value>,
    value: Option<Value>,
    at: &'a mut String,
}

impl<'de> MapAccess<'de> for Keys<'_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        let Some((key, value)) = self.left.next() else {
            self.at.clear();
            return Ok(None);
        };
        self.at.clone_from(&key);
        self.value = Some(value);
        seed.deserialize(key.into_deserializer()).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let value = self.value.take().ok_or_else(|| Error::custom("a value is read before its key"))?;
        seed.deserialize(value)
    }
}
