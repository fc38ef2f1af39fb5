//! `kind = "gpio_input"`: a line that is looked at, with the tools `read_NAME` and `wait_NAME`.

use std::{path::PathBuf, time::Duration};

use everstep_tool::{
    Device, DeviceError,
    device::{Contact, Watched},
};
use everstep_tools_device::{Active, NamedContact, ReadSensor, WAIT_S_LIMIT, WaitContact};
use serde::{Deserialize, Serialize};

use super::{Bias, Gpio, GpioError, GpioLine, LineNumber, LinePlace, Setup, look};
use crate::{
    config::Whole,
    device::{assemble::Assembly, kinds::Section, look::Verdict, machine::Machine, states},
};

/// `kind = "gpio_input"`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GpioInputSection {
    /// The chip: `/dev/gpiochip0`.
    pub chip: PathBuf,
    /// The line's number on it.
    pub line: LineNumber,
    /// The level at which it is active.
    #[serde(default)]
    pub active: Active,
    /// What pulls the line while nobody drives it.
    #[serde(default)]
    pub bias: Bias,
    /// Microseconds for which a level has to last before it counts.
    #[serde(default)]
    pub debounce_us: Whole<0, 0, 1_000_000>,
    /// Its words for inactive and active.
    #[serde(default = "states::default")]
    pub states: [String; 2],
    /// Longest wait for a state, in seconds.
    #[serde(default)]
    pub wait_s_max: Whole<60, 1, WAIT_S_LIMIT>,
}

impl GpioInputSection {
    fn place(&self) -> LinePlace {
        LinePlace::new(&self.chip, self.line)
    }
}

impl Section for GpioInputSection {
    fn moves(&self) -> bool {
        false
    }

    fn check(&self) -> Result<(), (&'static str, String)> {
        states::check(&self.states)
    }

    fn add<M: Machine>(&self, name: &str, board: &mut Assembly<'_, M>) -> Result<(), (&'static str, String)> {
        board.claim("line", self.place().to_string(), name)?;
        let line = InputLine {
            gpio: board.machine.gpio(),
            place: self.place(),
            active: self.active,
            setup: Setup::Input { bias: self.bias, debounce_us: self.debounce_us.get() },
            taken: None,
        };
        let device = Device::new(name, NamedContact::new(line, name, &self.states));
        board.parts.tool(ReadSensor::new(device.clone(), &[name.to_owned()]));
        board.parts.tool(WaitContact::new(device, &self.states, self.wait_s_max.get()));
        Ok(())
    }

    fn look<M: Machine>(&self, machine: &M) -> (Verdict, String) {
        look(&machine.gpio(), &self.place())
    }
}

/// A line that is looked at, from its first use on.
#[derive(Debug)]
pub(crate) struct InputLine<G: Gpio> {
    gpio: G,
    place: LinePlace,
    active: Active,
    setup: Setup,
    taken: Option<G::Line>,
}

impl<G: Gpio> InputLine<G> {
    /// Does `work` on the line. A line that failed is given back: its chip may be gone, or come back.
    fn with<T>(&mut self, work: impl FnOnce(&mut G::Line) -> Result<T, GpioError>) -> Result<T, DeviceError> {
        // A look changes nothing, however far it came.
        let fail = |error: GpioError| DeviceError::NotSent(error.to_string());
        let mut line = match self.taken.take() {
            Some(line) => line,
            None => self.gpio.request(&self.place, self.active, self.setup).map_err(fail)?,
        };
        let result = work(&mut line).map_err(fail)?;
        self.taken = Some(line);
        Ok(result)
    }
}

/// Changes that are forgotten at once, at most: a line that never stops changing ends no wait.
const FORGOTTEN_MAX: usize = 1_024;

impl<G: Gpio> Contact for InputLine<G> {
    fn is_active(&mut self) -> Result<bool, DeviceError> {
        self.with(GpioLine::is_on)
    }

    fn forget_changes(&mut self) -> Result<(), DeviceError> {
        self.with(|line| {
            for _ in 0..FORGOTTEN_MAX {
                if line.next_change(Duration::ZERO)?.became.is_none() {
                    break;
                }
            }
            Ok(())
        })
    }

    fn next_change(&mut self, wait_max: Duration) -> Result<Watched, DeviceError> {
        self.with(|line| line.next_change(wait_max))
    }
}
