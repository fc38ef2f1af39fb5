//! `kind = "spi_register"`: one value of any chip, with the tool `read_NAME`, and `set_NAME` where the
//! section says how it is written.

use std::path::PathBuf;

use everstep_tool::device::Counter;
use everstep_tools_device::SpiRegister;

use super::SpiMode;
use crate::{
    config::Whole,
    device::{
        assemble::{Assembly, Buses},
        kinds::Section,
        look::Verdict,
        machine::Machine,
        register::{Access, register_section},
    },
};

/// Longest command.
const COMMAND_BYTES_MAX: usize = 8;

register_section! {
    /// `kind = "spi_register"`
    SpiRegisterSection {
        /// The chip: `/dev/spidev0.0`.
        bus: PathBuf,
        /// Clock polarity and phase, 0 to 3.
        #[serde(default)]
        mode: Whole<0, 0, 3>,
        /// Clock, in hertz.
        #[serde(default)]
        speed_hz: Whole<1_000_000, 1_000, 100_000_000>,
        /// The bytes that ask for the value.
        read: Vec<u8>,
        /// The bytes that set the value, which stands behind them; without them it is only read.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        write: Vec<u8>,
    }
}

impl SpiRegisterSection {
    const fn access(&self) -> Access {
        if self.write.is_empty() { Access::Read } else { Access::Write }
    }

    fn mode(&self) -> SpiMode {
        SpiMode { mode: self.mode.get(), speed_hz: self.speed_hz.get() }
    }

    fn register<M: Machine>(&self, buses: &mut Buses<M>) -> SpiRegister<M::Spi> {
        SpiRegister::new(buses.spi(&self.bus, self.mode()), &self.read, &self.write)
    }
}

impl Section for SpiRegisterSection {
    fn moves(&self) -> bool {
        !self.write.is_empty()
    }

    fn check(&self) -> Result<(), (&'static str, String)> {
        for (key, command) in [("read", &self.read), ("write", &self.write)] {
            if command.len() > COMMAND_BYTES_MAX {
                return Err((key, format!("a command has at most {COMMAND_BYTES_MAX} bytes")));
            }
        }
        if self.read.is_empty() {
            return Err(("read", "name the bytes that ask for the value".into()));
        }
        self.keys().check(self.access())
    }

    fn add<M: Machine>(&self, name: &str, board: &mut Assembly<'_, M>) -> Result<(), (&'static str, String)> {
        board.one_mode(&self.bus, self.mode(), name)?;
        let register = self.register(&mut board.buses);
        if self.moves() {
            board.claim("write", format!("command {:02x?} of {}", self.write, self.bus.display()), name)?;
        }
        self.keys().add(name, register, self.access(), board)
    }

    fn counter<M: Machine>(&self, name: &str, buses: &mut Buses<M>) -> Option<Box<dyn Counter>> {
        self.keys().counter(name, self.register(buses))
    }

    /// A chip has no answer that says it is there, so that only the bus is looked at.
    fn look<M: Machine>(&self, machine: &M) -> (Verdict, String) {
        match machine.open_spi(&self.bus, self.mode()) {
            Ok(_) => (
                Verdict::Ok,
                format!("{} can be opened; whether its chip answers only a read tells", self.bus.display()),
            ),
            Err(error) => (Verdict::Wrong, error.to_string()),
        }
    }
}
