//! `modbus_register`: a number, read with `read_NAME`, and set with `set_NAME` where it is writable.

use everstep_tool::Device;
use everstep_tools_device::{
    BootPolicy, Quantity, ReadSensor, Settings,
    modbus::{ModbusClient, NumberKind, Numeral, Place, Register, RegisterTable, WordOrder},
};

use super::keys::{self, PlaceKeys, SettleMs, Wrong, on_modbus};
use crate::{
    config::Whole,
    device::{assemble::Assembly, kinds::Section, look::Verdict, machine::Machine},
};

on_modbus! {
    /// `kind = "modbus_register"`
    pub struct ModbusRegisterSection {
        /// Holding or input registers.
        #[serde(default)]
        pub table: RegisterTable,
        /// Its address, from 0: what manuals call 40001 is 0.
        pub register: u16,
        /// What the number is made of.
        #[serde(default, rename = "type")]
        pub kind: NumberKind,
        /// Which of two registers comes first.
        #[serde(default)]
        pub order: WordOrder,
        /// Value of one step.
        #[serde(default = "one")]
        pub scale: f64,
        /// Value of 0.
        #[serde(default)]
        pub offset: f64,
        /// Printed after the number; may be empty.
        #[serde(default)]
        pub unit: String,
        /// Decimals that mean something.
        #[serde(default)]
        pub digits: Whole<0, 0, 9>,
        /// Lowest that it can truly be.
        pub min: f64,
        /// Highest that it can truly be.
        pub max: f64,
        /// Whether it may be set.
        #[serde(default)]
        pub writable: bool,
        /// Lowest that it may be set to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub set_min: Option<f64>,
        /// Highest that it may be set to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub set_max: Option<f64>,
        /// What a boot does with it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub boot: Option<BootPolicy>,
        /// What it is set to when a run ends early, and after a boot with `boot = "safe"`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub safe_value: Option<f64>,
        /// Milliseconds after which a lost command can act no more.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub settle_ms: Option<SettleMs>,
    }
}

const fn one() -> f64 {
    1.0
}

/// What a writable register may be set to.
struct Settable {
    min: f64,
    max: f64,
    safe: f64,
}

impl ModbusRegisterSection {
    const fn numeral(&self) -> Numeral {
        Numeral { kind: self.kind, order: self.order, scale: self.scale, offset: self.offset }
    }

    fn quantity(&self, name: &str) -> Quantity {
        let digits = u8::try_from(self.digits.get()).unwrap_or_default();
        Quantity { name: name.to_owned(), unit: self.unit.clone(), digits, range: self.min..=self.max }
    }

    fn driver(&self, name: &str, client: ModbusClient) -> Register {
        let (unit_id, table, register) = (self.place().unit_id(), self.table, self.register);
        Register::new(
            client,
            Place { unit_id, table, register, numeral: self.numeral() },
            self.quantity(name),
        )
    }

    /// The keys of a writable register, or none of them.
    fn settable(&self) -> Result<Option<Settable>, Wrong> {
        if !self.writable {
            let given = [
                ("set_min", self.set_min.is_some()),
                ("set_max", self.set_max.is_some()),
                ("boot", self.boot.is_some()),
                ("safe_value", self.safe_value.is_some()),
                ("settle_ms", self.settle_ms.is_some()),
            ];
            return given.into_iter().find(|(_, given)| *given).map_or(Ok(None), |(key, _)| {
                Err((
                    key,
                    "only a register with `writable = true` is set: add that, or remove this key".into(),
                ))
            });
        }
        if self.table == RegisterTable::Input {
            return Err(("writable", "an input register can't be written: use `table = \"holding\"`".into()));
        }
        let needed = |key, value: Option<f64>| {
            value.ok_or_else(|| (key, format!("a writable register needs `{key}`")))
        };
        let (min, max) = (needed("set_min", self.set_min)?, needed("set_max", self.set_max)?);
        Ok(Some(Settable { min, max, safe: needed("safe_value", self.safe_value)? }))
    }

    fn check_settable(&self, Settable { min, max, safe }: &Settable) -> Result<(), Wrong> {
        below(("set_min", *min), ("set_max", *max))?;
        let numeral = self.numeral();
        for (key, value) in [("set_min", *min), ("set_max", *max), ("safe_value", *safe)] {
            if !(*min..=*max).contains(&value) {
                return Err((key, format!("{value} is not within `set_min` to `set_max`, {min} to {max}")));
            }
            numeral.write(value).map_err(|what| (key, what))?;
        }
        self.place().check_settle(self.settle_ms)
    }
}

fn below((key, low): (&'static str, f64), (name, high): (&'static str, f64)) -> Result<(), Wrong> {
    if low.is_finite() && high.is_finite() && low < high {
        return Ok(());
    }
    Err((key, format!("{low} is not below `{name}`, {high}")))
}

impl Section for ModbusRegisterSection {
    fn moves(&self) -> bool {
        self.writable
    }

    fn check(&self) -> Result<(), Wrong> {
        self.place().check()?;
        if u32::from(self.register) + u32::from(self.kind.words()) > 1 << 16 {
            return Err(("register", format!("{} is the last one, and the number takes two", self.register)));
        }
        if self.scale == 0.0 || !self.scale.is_finite() {
            return Err(("scale", format!("{} is no value of a step", self.scale)));
        }
        if !self.offset.is_finite() {
            return Err(("offset", format!("{} is no value of 0", self.offset)));
        }
        below(("min", self.min), ("max", self.max))?;
        self.settable()?.map_or(Ok(()), |settable| self.check_settable(&settable))
    }

    fn add<M: Machine>(&self, name: &str, board: &mut Assembly<'_, M>) -> Result<(), Wrong> {
        let client = self.place().client(name, &mut board.lines)?;
        let device = Device::new(name, self.driver(name, client));
        board.parts.tool(ReadSensor::new(device.clone(), &[name.to_owned()]));
        if let Some(Settable { min, max, safe }) = self.settable()? {
            let last = board.last(name).map(str::to_owned);
            let is = (self.boot.unwrap_or_default(), self.quantity(name).set_to(safe));
            let settings = Settings::Number { unit: self.unit.clone(), min, max };
            let class = PlaceKeys::class(self.settle_ms);
            board.parts.settable_over_a_line(device, is, settings, last.as_deref(), class);
        }
        Ok(())
    }

    fn look<M: Machine>(&self, _machine: &M) -> (Verdict, String) {
        let client = self.place().client_alone();
        keys::look(client.map(|client| self.driver("value", client)))
    }
}
