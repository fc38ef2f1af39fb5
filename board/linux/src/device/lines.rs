//! Lines that several devices share: each is opened once, and set one way.

use std::{collections::BTreeMap, time::Duration};

use everstep_tools_device::{
    line::PortSettings,
    modbus::{Framing, ModbusClient},
    serial::{Echo, Ending, TextLine},
};

use crate::line;

/// What is wrong with a section: the key, and what is allowed.
type Wrong = (&'static str, String);

/// The lines of a board so far.
#[derive(Default)]
pub(crate) struct Lines(BTreeMap<String, Known>);

struct Known {
    /// The device that named it first.
    device: String,
    /// How it is set, in words.
    setting: String,
    line: Shared,
}

#[derive(Clone)]
enum Shared {
    Modbus(ModbusClient),
    Text(TextLine),
}

impl Lines {
    /// The connection to the Modbus server at `address`, for `device`.
    pub(super) fn modbus_tcp(
        &mut self,
        device: &str,
        address: &str,
        answer_max: Duration,
    ) -> Result<ModbusClient, Wrong> {
        let setting = format!("answers within {} ms", answer_max.as_millis());
        let open = || {
            let client = ModbusClient::new(address, line::tcp(address), Framing::Tcp, answer_max);
            Shared::Modbus(client)
        };
        match self.shared("tcp", address, device, setting, open)? {
            Shared::Modbus(client) => Ok(client),
            Shared::Text(_) => Err(("tcp", format!("{address} is a serial port"))),
        }
    }

    /// The Modbus line on `port`, for `device`.
    pub(super) fn modbus_rtu(
        &mut self,
        device: &str,
        port: &PortSettings,
        answer_max: Duration,
    ) -> Result<ModbusClient, Wrong> {
        let name = port.path.display().to_string();
        let setting = format!("Modbus, {port}, answers within {} ms", answer_max.as_millis());
        let open =
            || Shared::Modbus(ModbusClient::new(&name, line::port(port), Framing::rtu(port), answer_max));
        match self.shared("port", &name, device, setting, open)? {
            Shared::Modbus(client) => Ok(client),
            Shared::Text(_) => Err(("port", format!("{name} speaks lines of text, not Modbus"))),
        }
    }

    /// The port with devices that speak lines of text, for `device`.
    pub(super) fn text(
        &mut self,
        device: &str,
        port: &PortSettings,
        (ending, echo): (Ending, Echo),
        answer_max: Duration,
    ) -> Result<TextLine, Wrong> {
        let name = port.path.display().to_string();
        let (ms, echoes) = (answer_max.as_millis(), if echo == Echo::Expected { ", echo" } else { "" });
        let setting = format!("lines of text ending in {ending:?}{echoes}, {port}, answers within {ms} ms");
        let open = || Shared::Text(TextLine::new(&name, line::port(port), ending, echo, answer_max));
        match self.shared("port", &name, device, setting, open)? {
            Shared::Text(line) => Ok(line),
            Shared::Modbus(_) => Err(("port", format!("{name} speaks Modbus, not lines of text"))),
        }
    }

    fn shared(
        &mut self,
        key: &'static str,
        name: &str,
        device: &str,
        setting: String,
        open: impl FnOnce() -> Shared,
    ) -> Result<Shared, Wrong> {
        if let Some(known) = self.0.get(name) {
            if known.setting != setting {
                let Known { device, setting: other, .. } = known;
                let text = format!(
                    "`{device}` uses {name} as well, and sets it otherwise: {other} there, {setting} here"
                );
                return Err((key, text));
            }
            return Ok(known.line.clone());
        }
        let line = open();
        let known = Known { device: device.to_owned(), setting, line: line.clone() };
        self.0.insert(name.to_owned(), known);
        Ok(line)
    }
}
