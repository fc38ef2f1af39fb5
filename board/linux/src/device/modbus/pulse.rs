//! `modbus_pulse`: a register that gives as many pulses as are written to it, with `pulse_NAME`.

use everstep_tool::{
    Device,
    device::{Counter, spoken},
};
use everstep_tools_device::{
    CountedPulses, PulseWords, Pulses,
    modbus::{CommandRegister, ModbusClient, NumberKind, Numeral, Place, RegisterTable, WordOrder},
};
use serde::{Deserialize, Serialize};

use super::keys::{SettleMs, Wrong, on_modbus};
use crate::{
    config::Whole,
    device::{assemble::Assembly, kinds::Section, look::Verdict, machine::Machine},
};

on_modbus! {
    /// `kind = "modbus_pulse"`
    pub struct ModbusPulseSection {
        /// Address of the holding register that the number of pulses is written to, from 0.
        pub register: u16,
        /// Most pulses of one call.
        #[serde(default)]
        pub pulses_max: Whole<1, 1, 65_535>,
        /// Where the pulses are counted. Without it nobody can tell whether a lost command acted.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub counter: Option<CounterSection>,
        /// Milliseconds after which a lost command can act no more.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub settle_ms: Option<SettleMs>,
    }
}

/// `counter = { register = 8, type = "u32" }`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CounterSection {
    /// Holding or input registers.
    #[serde(default)]
    pub table: RegisterTable,
    /// Its address, from 0.
    pub register: u16,
    /// What the number is made of: `u16` or `u32`.
    #[serde(default, rename = "type")]
    pub kind: NumberKind,
    /// Which of two registers comes first.
    #[serde(default)]
    pub order: WordOrder,
}

/// How long a call, or a look at the counter, may take: the line's turn, a connection, two answers.
const RUN_MS_MAX: u32 = 5_000;

impl ModbusPulseSection {
    fn driver(&self, client: ModbusClient) -> CommandRegister {
        CommandRegister::new(client, self.place().unit_id(), self.register)
    }

    fn counter_at(&self, counter: &CounterSection) -> Place {
        let CounterSection { table, register, kind, order } = *counter;
        let numeral = Numeral { kind, order, scale: 1.0, offset: 0.0 };
        Place { unit_id: self.place().unit_id(), table, register, numeral }
    }
}

impl Section for ModbusPulseSection {
    fn moves(&self) -> bool {
        true
    }

    fn check(&self) -> Result<(), Wrong> {
        self.place().check()?;
        let Some(counter) = &self.counter else {
            return self.settle_ms.map_or(Ok(()), |_| {
                Err((
                    "settle_ms",
                    "only pulses with a `counter` are read back: add one, or remove this key".into(),
                ))
            });
        };
        if !matches!(counter.kind, NumberKind::U16 | NumberKind::U32) {
            return Err(("counter", "a counter is of type `u16` or `u32`".into()));
        }
        if u32::from(counter.register) + u32::from(counter.kind.words()) > 1 << 16 {
            let text = format!("register {} is the last one, and the number takes two", counter.register);
            return Err(("counter", text));
        }
        if counter.table == RegisterTable::Holding && counter.register == self.register {
            return Err(("counter", "the counter is another register than the command".into()));
        }
        self.place().check_settle(self.settle_ms)
    }

    fn add<M: Machine>(&self, name: &str, board: &mut Assembly<'_, M>) -> Result<(), Wrong> {
        let driver = self.driver(self.place().client(name, &mut board.lines)?);
        let words = PulseWords {
            tool: format!("pulse_{name}"),
            summary: format!("give pulses to the {}", spoken(name)),
            gave: format!("{} got", spoken(name)),
            pulses_max: self.pulses_max.get(),
            run_ms_max: RUN_MS_MAX,
        };
        match &self.counter {
            Some(counter) => {
                let device = Device::new(name, driver.counted(self.counter_at(counter)));
                let settle_ms = self.settle_ms.unwrap_or_default().get();
                board.parts.tool(CountedPulses::new(
                    device,
                    words,
                    &format!("the {}", spoken(name)),
                    settle_ms,
                ));
            }
            None => board.parts.tool(Pulses::new(Device::new(name, driver), words)),
        }
        Ok(())
    }

    fn look<M: Machine>(&self, _machine: &M) -> (Verdict, String) {
        let client = match self.place().client_alone() {
            Ok(client) => client,
            Err(what) => return (Verdict::Wrong, what),
        };
        let found = match &self.counter {
            Some(counter) => {
                let shown = self.driver(client).counted(self.counter_at(counter)).count();
                shown.map(|count| (Verdict::Ok, format!("it answers: the counter shows {count}")))
            }
            // Nothing is asked of a register that may act on it.
            None => client.reach().map(|()| {
                (Verdict::Warn, "it is reached; without a `counter`, lost pulses stay unknown".to_owned())
            }),
        };
        found.unwrap_or_else(|error| (Verdict::Wrong, error.to_string()))
    }
}
