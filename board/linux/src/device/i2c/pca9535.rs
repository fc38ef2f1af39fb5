//! `kind = "pca9535_output"` and `kind = "pca9535_input"`: lines of a 16-line expander. Several devices may
//! be on one chip.

use std::path::PathBuf;

use everstep_tool::Device;
use everstep_tools_device::{
    Active, Actuate, BootPolicy, ExpanderInput, ExpanderLine, ExpanderOutput, I2cChip, ReadSensor, Settings,
    State, Switch,
};
use serde::{Deserialize, Serialize};

use super::Address;
use crate::{
    config::Whole,
    device::{
        assemble::{Assembly, Buses},
        kinds::Section,
        look::{self, Verdict},
        machine::Machine,
        states,
    },
};

/// A line's number on the expander: the second eight follow the first.
pub type ExpanderLineNumber = Whole<0, 0, 15>;

/// `kind = "pca9535_output"`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pca9535OutputSection {
    /// The bus: `/dev/i2c-1`.
    pub bus: PathBuf,
    /// The chip's address.
    pub address: Address,
    /// The line's number.
    pub line: ExpanderLineNumber,
    /// The level at which the device is on.
    #[serde(default)]
    pub active: Active,
    /// What a boot does with it.
    #[serde(default)]
    pub boot: BootPolicy,
    /// Its state when a run ends early, and after a boot with `boot = "safe"`.
    #[serde(default)]
    pub safe: Switch,
}

/// `kind = "pca9535_input"`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pca9535InputSection {
    /// The bus: `/dev/i2c-1`.
    pub bus: PathBuf,
    /// The chip's address.
    pub address: Address,
    /// The line's number.
    pub line: ExpanderLineNumber,
    /// The level at which it is active.
    #[serde(default)]
    pub active: Active,
    /// Its words for inactive and active.
    #[serde(default = "states::default")]
    pub states: [String; 2],
}

/// A line: its bus, the chip's address, its number, and which level is active.
struct Place<'a>(&'a PathBuf, Address, ExpanderLineNumber, Active);

impl Place<'_> {
    fn line<M: Machine>(&self, buses: &mut Buses<M>) -> ExpanderLine<M::I2c> {
        let Self(bus, address, line, active) = *self;
        let chip = I2cChip::new(buses.i2c(bus), super::narrow(address));
        ExpanderLine::new(chip, u8::try_from(line.get()).unwrap_or(u8::MAX), active)
    }

    fn text(&self) -> String {
        let Self(bus, address, line, _) = self;
        format!("line {} of 0x{:02x} on {}", line.get(), address.get(), bus.display())
    }
}

impl Pca9535OutputSection {
    fn place(&self) -> Place<'_> {
        Place(&self.bus, self.address, self.line, self.active)
    }
}

impl Section for Pca9535OutputSection {
    fn moves(&self) -> bool {
        true
    }

    fn check(&self) -> Result<(), (&'static str, String)> {
        Ok(())
    }

    fn add<M: Machine>(&self, name: &str, board: &mut Assembly<'_, M>) -> Result<(), (&'static str, String)> {
        board.claim("line", self.place().text(), name)?;
        let output = ExpanderOutput::new(self.place().line(&mut board.buses));
        let safe = match self.safe {
            Switch::Off => State::Off,
            Switch::On => State::On,
        };
        let last = board.last(name);
        board.parts.settable(Device::new(name, output), (self.boot, safe), Settings::Relay, last);
        Ok(())
    }

    fn look<M: Machine>(&self, machine: &M) -> (Verdict, String) {
        let mut output = ExpanderOutput::new(self.place().line(&mut Buses::new(machine.clone())));
        match output.state() {
            Ok(Some(state)) => (Verdict::Ok, format!("{} is {state}", self.place().text())),
            Ok(None) => (Verdict::Ok, format!("{} is not driven yet", self.place().text())),
            Err(error) => (Verdict::Wrong, error.to_string()),
        }
    }
}

impl Pca9535InputSection {
    fn place(&self) -> Place<'_> {
        Place(&self.bus, self.address, self.line, self.active)
    }

    fn input<M: Machine>(&self, name: &str, buses: &mut Buses<M>) -> ExpanderInput<M::I2c> {
        ExpanderInput::new(self.place().line(buses), name, &self.states)
    }
}

impl Section for Pca9535InputSection {
    fn moves(&self) -> bool {
        false
    }

    fn check(&self) -> Result<(), (&'static str, String)> {
        states::check(&self.states)
    }

    fn add<M: Machine>(&self, name: &str, board: &mut Assembly<'_, M>) -> Result<(), (&'static str, String)> {
        board.claim("line", self.place().text(), name)?;
        let input = self.input(name, &mut board.buses);
        board.parts.tool(ReadSensor::new(Device::new(name, input), &[name.to_owned()]));
        Ok(())
    }

    fn look<M: Machine>(&self, machine: &M) -> (Verdict, String) {
        look::sensor(&mut self.input("input", &mut Buses::new(machine.clone())))
    }
}
