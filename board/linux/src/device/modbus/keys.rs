//! The keys that say where a Modbus device is: the same in each of its sections.

use std::{path::Path, time::Duration};

use everstep_core::Class;
use everstep_tool::{
    DeviceError,
    device::{Reading, Sensor},
};
use everstep_tools_device::{
    describe,
    line::{DataBits, Parity, PortSettings},
    modbus::ModbusClient,
};

use crate::{
    config::Whole,
    device::{lines::Lines, look::Verdict},
};

/// What is wrong with a section: the key, and what is allowed.
pub(super) type Wrong = (&'static str, String);

/// Bits a second; the specification's own default.
pub(super) type Baud = Whole<19_200, 300, 4_000_000>;
/// Stop bits of a byte.
pub(super) type StopBits = Whole<1, 1, 2>;
/// The unit behind a gateway, or on a serial line.
pub(super) type UnitId = Whole<1, 0, 255>;
/// Milliseconds an answer may take. A call waits for silence, a connection and an answer, and all that
/// must fit its time.
pub(super) type AnswerMs = Whole<500, 10, 1_000>;
/// Milliseconds after which a lost command can act no more.
pub(super) type SettleMs = Whole<2_000, 20, 600_000>;

/// Units on a serial line: 0 is for all of them, and nobody answers then.
const SERIAL_UNITS: std::ops::RangeInclusive<u32> = 1..=247;

/// Declares a section of a device on Modbus; the keys that say where it is come first.
macro_rules! on_modbus {
    ($(#[$about:meta])* pub struct $name:ident { $($rest:tt)* }) => {
        $(#[$about])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            /// The server, `host:port`, where it is on a network.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub tcp: Option<String>,
            /// The serial port, where it is on a serial line.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub port: Option<std::path::PathBuf>,
            /// Bits a second on the serial line.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub baud: Option<crate::device::modbus::keys::Baud>,
            /// Parity on the serial line; even by default.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub parity: Option<everstep_tools_device::line::Parity>,
            /// Stop bits on the serial line.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub stop_bits: Option<crate::device::modbus::keys::StopBits>,
            /// The unit on the line, or behind the gateway.
            #[serde(default)]
            pub unit_id: crate::device::modbus::keys::UnitId,
            /// Milliseconds an answer may take.
            #[serde(default)]
            pub answer_ms_max: crate::device::modbus::keys::AnswerMs,
            $($rest)*
        }

        impl $name {
            fn place(&self) -> crate::device::modbus::keys::PlaceKeys<'_> {
                crate::device::modbus::keys::PlaceKeys {
                    tcp: self.tcp.as_deref(),
                    port: self.port.as_deref(),
                    baud: self.baud,
                    parity: self.parity,
                    stop_bits: self.stop_bits,
                    unit_id: self.unit_id,
                    answer_ms_max: self.answer_ms_max,
                }
            }
        }
    };
}
pub(super) use on_modbus;

/// Where a device is.
#[derive(Clone, Copy, Debug)]
pub(super) struct PlaceKeys<'a> {
    pub(super) tcp: Option<&'a str>,
    pub(super) port: Option<&'a Path>,
    pub(super) baud: Option<Baud>,
    pub(super) parity: Option<Parity>,
    pub(super) stop_bits: Option<StopBits>,
    pub(super) unit_id: UnitId,
    pub(super) answer_ms_max: AnswerMs,
}

impl PlaceKeys<'_> {
    pub(super) fn unit_id(&self) -> u8 {
        u8::try_from(self.unit_id.get()).unwrap_or(u8::MAX)
    }

    fn answer_max(&self) -> Duration {
        Duration::from_millis(self.answer_ms_max.get().into())
    }

    fn settings(&self, port: &Path) -> PortSettings {
        PortSettings {
            path: port.to_owned(),
            baud: self.baud.unwrap_or_default().get(),
            data_bits: DataBits::Eight,
            parity: self.parity.unwrap_or(Parity::Even),
            stop_bits: u8::try_from(self.stop_bits.unwrap_or_default().get()).unwrap_or(1),
        }
    }

    pub(super) fn check(&self) -> Result<(), Wrong> {
        match (self.tcp, self.port) {
            (Some(_), Some(_)) => {
                Err(("port", "the device is on a network or on a serial line: keep `tcp` or `port`".into()))
            }
            (None, None) => Err((
                "tcp",
                "say where the device is: `tcp = \"host:port\"`, or `port = \"/dev/ttyUSB0\"`".into(),
            )),
            (Some(tcp), None) => {
                let (host, port) = tcp.rsplit_once(':').unwrap_or((tcp, ""));
                if host.is_empty() || port.parse::<u16>().is_err() {
                    return Err(("tcp", format!("`{tcp}` is no `host:port`, such as \"192.168.1.20:502\"")));
                }
                let given = [
                    ("baud", self.baud.is_some()),
                    ("parity", self.parity.is_some()),
                    ("stop_bits", self.stop_bits.is_some()),
                ];
                let serial = given.into_iter().find(|(_, given)| *given);
                serial.map_or(Ok(()), |(key, _)| {
                    Err((key, "only a serial line has this: remove this key, or use `port`".into()))
                })
            }
            (None, Some(port)) => {
                let unit_id = self.unit_id.get();
                if !SERIAL_UNITS.contains(&unit_id) {
                    return Err((
                        "unit_id",
                        format!("a unit on a serial line is from 1 to 247, not {unit_id}"),
                    ));
                }
                self.settings(port).check()
            }
        }
    }

    /// The shared connection of the device called `name`.
    pub(super) fn client(&self, name: &str, lines: &mut Lines) -> Result<ModbusClient, Wrong> {
        match (self.tcp, self.port) {
            (Some(tcp), _) => lines.modbus_tcp(name, tcp, self.answer_max()),
            (None, Some(port)) => lines.modbus_rtu(name, &self.settings(port), self.answer_max()),
            (None, None) => self.check().and(Err(("tcp", "say where the device is".into()))),
        }
    }

    /// The connection alone, for a look.
    pub(super) fn client_alone(&self) -> Result<ModbusClient, String> {
        self.client("", &mut Lines::default()).map_err(|(_, what)| what)
    }

    /// The class of a command: it may lie in a queue of the network or of the device, and act late. By
    /// `settle_ms` its answer must have come, too, or it could be taken for that of the probe.
    pub(super) fn class(settle_ms: Option<SettleMs>) -> Class {
        Class::ReadBack { settle_ms: settle_ms.unwrap_or_default().get() }
    }

    pub(super) fn check_settle(&self, settle_ms: Option<SettleMs>) -> Result<(), Wrong> {
        let (settle, answer) = (settle_ms.unwrap_or_default().get(), self.answer_ms_max.get());
        if settle < answer.saturating_mul(2) {
            let text =
                format!("{settle} is less than twice `answer_ms_max`, {answer}: late answers must be over");
            return Err(("settle_ms", text));
        }
        Ok(())
    }
}

/// What a look at something that can be read found.
pub(in crate::device) fn seen(read: Result<Vec<Reading>, DeviceError>) -> (Verdict, String) {
    match read.map(|readings| describe(&readings)) {
        Ok(Ok(told)) => (Verdict::Ok, format!("it answers: {told}")),
        // A sensor that is broken, or not the one that the board file means.
        Ok(Err(told)) => (Verdict::Warn, told),
        Err(error) => (Verdict::Wrong, error.to_string()),
    }
}

/// A look at what reads as a sensor.
pub(super) fn look(sensor: Result<impl Sensor, String>) -> (Verdict, String) {
    match sensor {
        Ok(mut sensor) => seen(sensor.read()),
        Err(what) => (Verdict::Wrong, what),
    }
}
