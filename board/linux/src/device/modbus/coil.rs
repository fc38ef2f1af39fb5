//! `modbus_coil`: two states, read with `read_NAME`, and set with `set_NAME` where they are writable.

use everstep_tool::Device;
use everstep_tools_device::{
    BootPolicy, ReadSensor, Settings, State,
    modbus::{Bit, Coil, CoilTable, ModbusClient},
};

use super::keys::{self, PlaceKeys, SettleMs, Wrong, on_modbus};
use crate::device::{assemble::Assembly, kinds::Section, look::Verdict, machine::Machine};

on_modbus! {
    /// `kind = "modbus_coil"`
    pub struct ModbusCoilSection {
        /// Coils or discrete inputs.
        #[serde(default)]
        pub table: CoilTable,
        /// Its address, from 0.
        pub coil: u16,
        /// The names of 0 and 1; without, they are off and on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub states: Option<[String; 2]>,
        /// Whether it may be set.
        #[serde(default)]
        pub writable: bool,
        /// What a boot does with it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub boot: Option<BootPolicy>,
        /// Its state when a run ends early, and after a boot with `boot = "safe"`; that of 0 without.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub safe: Option<String>,
        /// Milliseconds after which a lost command can act no more.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub settle_ms: Option<SettleMs>,
    }
}

/// Bytes of a state's name.
const STATE_BYTES_MAX: usize = 32;

impl ModbusCoilSection {
    fn names(&self) -> [&str; 2] {
        self.states.as_ref().map_or(["off", "on"], |[zero, one]| [zero, one])
    }

    fn safe(&self) -> State {
        let [zero, one] = self.names();
        let named = self.safe.as_deref().unwrap_or(zero);
        match &self.states {
            Some(_) => State::Named(named.to_owned()),
            None if named == one => State::On,
            None => State::Off,
        }
    }

    fn driver(&self, name: &str, client: ModbusClient) -> Coil {
        let bit = Bit { unit_id: self.place().unit_id(), table: self.table, address: self.coil };
        Coil::new(client, bit, name, self.states.clone())
    }

    fn check_settable(&self) -> Result<(), Wrong> {
        if !self.writable {
            let given = [
                ("boot", self.boot.is_some()),
                ("safe", self.safe.is_some()),
                ("settle_ms", self.settle_ms.is_some()),
            ];
            return given.into_iter().find(|(_, given)| *given).map_or(Ok(()), |(key, _)| {
                Err((key, "only a coil with `writable = true` is set: add that, or remove this key".into()))
            });
        }
        if self.table == CoilTable::Discrete {
            return Err(("writable", "a discrete input can't be written: use `table = \"coil\"`".into()));
        }
        let names = self.names();
        if let Some(safe) = self.safe.as_deref().filter(|safe| !names.contains(safe)) {
            return Err(("safe", format!("`{safe}` is no state: there are {}", names.join(", "))));
        }
        self.place().check_settle(self.settle_ms)
    }
}

impl Section for ModbusCoilSection {
    fn moves(&self) -> bool {
        self.writable
    }

    fn check(&self) -> Result<(), Wrong> {
        self.place().check()?;
        let [zero, one] = self.names();
        for name in [zero, one] {
            if name.is_empty() || name.len() > STATE_BYTES_MAX || name.contains(char::is_control) {
                return Err((
                    "states",
                    format!("a state's name has 1 to {STATE_BYTES_MAX} bytes, on one line"),
                ));
            }
        }
        if zero == one {
            return Err(("states", "the two states have two names, for 0 and for 1".into()));
        }
        self.check_settable()
    }

    fn add<M: Machine>(&self, name: &str, board: &mut Assembly<'_, M>) -> Result<(), Wrong> {
        let client = self.place().client(name, &mut board.lines)?;
        let device = Device::new(name, self.driver(name, client));
        board.parts.tool(ReadSensor::new(device.clone(), &[name.to_owned()]));
        if self.writable {
            let last = board.last(name).map(str::to_owned);
            let is = (self.boot.unwrap_or_default(), self.safe());
            let settings =
                self.states.as_ref().map_or(Settings::Relay, |states| Settings::States(states.to_vec()));
            let class = PlaceKeys::class(self.settle_ms);
            board.parts.settable_over_a_line(device, is, settings, last.as_deref(), class);
        }
        Ok(())
    }

    fn look<M: Machine>(&self, _machine: &M) -> (Verdict, String) {
        let client = self.place().client_alone();
        keys::look(client.map(|client| self.driver("state", client)))
    }
}
