//! `kind = "i2c_register"`: one register of any chip, with the tool `read_NAME`, and `set_NAME` where it is
//! written.

use std::path::PathBuf;

use everstep_tool::device::Counter;
use everstep_tools_device::{I2cChip, I2cRegister};

use super::Address;
use crate::{
    config::Whole,
    device::{
        assemble::{Assembly, Buses},
        kinds::Section,
        look::{self, Verdict},
        machine::Machine,
        register::{Access, is_not, register_section},
    },
};

register_section! {
    /// `kind = "i2c_register"`
    I2cRegisterSection {
        /// The bus: `/dev/i2c-1`.
        bus: PathBuf,
        /// The chip's address.
        address: Address,
        /// The register's number.
        register: Whole<0, 0, 255>,
        /// Whether it may be set.
        #[serde(default, skip_serializing_if = "is_not")]
        writable: bool,
    }
}

impl I2cRegisterSection {
    const fn access(&self) -> Access {
        if self.writable { Access::Write } else { Access::Read }
    }

    fn register<M: Machine>(&self, buses: &mut Buses<M>) -> I2cRegister<M::I2c> {
        let chip = I2cChip::new(buses.i2c(&self.bus), super::narrow(self.address));
        I2cRegister::new(chip, u8::try_from(self.register.get()).unwrap_or(u8::MAX))
    }
}

impl Section for I2cRegisterSection {
    fn moves(&self) -> bool {
        self.writable
    }

    fn check(&self) -> Result<(), (&'static str, String)> {
        self.keys().check(self.access())
    }

    fn add<M: Machine>(&self, name: &str, board: &mut Assembly<'_, M>) -> Result<(), (&'static str, String)> {
        let register = self.register(&mut board.buses);
        if self.writable {
            let (number, address) = (self.register.get(), self.address.get());
            board.claim(
                "register",
                format!("register {number} of 0x{address:02x} on {}", self.bus.display()),
                name,
            )?;
        }
        self.keys().add(name, register, self.access(), board)
    }

    fn counter<M: Machine>(&self, name: &str, buses: &mut Buses<M>) -> Option<Box<dyn Counter>> {
        self.keys().counter(name, self.register(buses))
    }

    fn look<M: Machine>(&self, machine: &M) -> (Verdict, String) {
        let register = self.register(&mut Buses::new(machine.clone()));
        look::sensor(&mut self.keys().scaled("register", register))
    }
}
