//! `kind = "tmp102"`: a temperature sensor, with the tool `read_NAME`.

use std::path::PathBuf;

use everstep_tool::Device;
use everstep_tools_device::{I2cChip, Level, ReadSensor, Tmp102};
use serde::{Deserialize, Serialize};

use super::Address;
use crate::device::{
    assemble::{Assembly, Buses},
    kinds::Section,
    look::{self, Verdict},
    machine::Machine,
};

/// `kind = "tmp102"`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tmp102Section {
    /// The bus: `/dev/i2c-1`.
    pub bus: PathBuf,
    /// The sensor's address.
    pub address: Address,
    /// Coldest it can truly show here, in degrees Celsius.
    #[serde(default = "coldest")]
    pub temperature_c_min: f64,
    /// Warmest it can truly show here, in degrees Celsius.
    #[serde(default = "warmest")]
    pub temperature_c_max: f64,
}

/// What the sensor is made for.
const fn coldest() -> f64 {
    -40.0
}

const fn warmest() -> f64 {
    125.0
}

impl Tmp102Section {
    fn sensor<M: Machine>(&self, name: &str, buses: &mut Buses<M>) -> Tmp102<M::I2c> {
        let chip = I2cChip::new(buses.i2c(&self.bus), super::narrow(self.address));
        let range = self.temperature_c_min..=self.temperature_c_max;
        Tmp102::new(chip, Level { name: name.into(), unit: "C".into(), digits: 1, range })
    }
}

impl Section for Tmp102Section {
    fn moves(&self) -> bool {
        false
    }

    fn check(&self) -> Result<(), (&'static str, String)> {
        let Self { temperature_c_min: min, temperature_c_max: max, .. } = self;
        if min < max {
            return Ok(());
        }
        Err(("temperature_c_min", format!("{min} is not below temperature_c_max, {max}")))
    }

    fn add<M: Machine>(&self, name: &str, board: &mut Assembly<'_, M>) -> Result<(), (&'static str, String)> {
        let sensor = self.sensor(name, &mut board.buses);
        board.parts.tool(ReadSensor::new(Device::new(name, sensor), &[name.to_owned()]));
        Ok(())
    }

    fn look<M: Machine>(&self, machine: &M) -> (Verdict, String) {
        look::sensor(&mut self.sensor("temperature", &mut Buses::new(machine.clone())))
    }
}
