//! `kind = "gpio_output"`: a line that is switched, with the tool `set_NAME`.

use std::path::PathBuf;

use embedded_hal::digital::{ErrorType, OutputPin, StatefulOutputPin};
use everstep_tool::{Device, DeviceError};
use everstep_tools_device::{Active, BootPolicy, PinError, Relay, Settings, State, Switch};
use serde::{Deserialize, Serialize};

use super::{Gpio, GpioError, GpioLine, LineNumber, LinePlace, Setup, look};
use crate::device::{assemble::Assembly, kinds::Section, look::Verdict, machine::Machine};

/// `kind = "gpio_output"`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GpioOutputSection {
    /// The chip: `/dev/gpiochip0`.
    pub chip: PathBuf,
    /// The line's number on it.
    pub line: LineNumber,
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

impl GpioOutputSection {
    fn place(&self) -> LinePlace {
        LinePlace::new(&self.chip, self.line)
    }
}

impl Section for GpioOutputSection {
    fn moves(&self) -> bool {
        true
    }

    fn check(&self) -> Result<(), (&'static str, String)> {
        Ok(())
    }

    fn add<M: Machine>(&self, name: &str, board: &mut Assembly<'_, M>) -> Result<(), (&'static str, String)> {
        board.claim("line", self.place().to_string(), name)?;
        let line = OutputLine::new(board.machine.gpio(), self.place(), self.active);
        let safe = match self.safe {
            Switch::Off => State::Off,
            Switch::On => State::On,
        };
        let last = board.last(name);
        let device = Device::new(name, Relay::new(line));
        board.parts.settable(device, (self.boot, safe), Settings::Relay, last);
        Ok(())
    }

    fn look<M: Machine>(&self, machine: &M) -> (Verdict, String) {
        look(&machine.gpio(), &self.place())
    }
}

/// A line that is driven, from its first use on. It is taken as it is and driven to the level it has, so
/// that taking it moves nothing.
#[derive(Debug)]
pub(crate) struct OutputLine<G: Gpio> {
    gpio: G,
    place: LinePlace,
    active: Active,
    taken: Option<G::Line>,
}

impl<G: Gpio> OutputLine<G> {
    pub(crate) const fn new(gpio: G, place: LinePlace, active: Active) -> Self {
        Self { gpio, place, active, taken: None }
    }

    fn take(&self) -> Result<G::Line, GpioError> {
        let mut line = self.gpio.request(&self.place, self.active, Setup::AsIs)?;
        let on = line.is_on()?;
        line.set_up(Setup::Output { on })?;
        Ok(line)
    }

    /// Does `work` on the line; `failed` says what it means that it did not succeed. A line whose chip is
    /// gone is taken anew; any other stays ours, because giving it back could change its level.
    fn with<T>(
        &mut self,
        work: impl FnOnce(&mut G::Line) -> Result<T, GpioError>,
        failed: fn(String) -> DeviceError,
    ) -> Result<T, PinError> {
        let mut line = match self.taken.take() {
            Some(line) => line,
            // Nothing was commanded yet.
            None => self.take().map_err(|error| PinError(DeviceError::NotSent(error.to_string())))?,
        };
        let result = work(&mut line);
        if !matches!(result, Err(GpioError::Gone { .. })) {
            self.taken = Some(line);
        }
        result.map_err(|error| PinError(failed(error.to_string())))
    }

    fn set(&mut self, on: bool) -> Result<(), PinError> {
        self.with(|line| line.set(on), DeviceError::Unknown)
    }
}

impl<G: Gpio> ErrorType for OutputLine<G> {
    type Error = PinError;
}

impl<G: Gpio> OutputPin for OutputLine<G> {
    fn set_low(&mut self) -> Result<(), PinError> {
        self.set(false)
    }

    fn set_high(&mut self) -> Result<(), PinError> {
        self.set(true)
    }
}

impl<G: Gpio> StatefulOutputPin for OutputLine<G> {
    fn is_set_high(&mut self) -> Result<bool, PinError> {
        self.with(GpioLine::is_on, DeviceError::NotSent)
    }

    fn is_set_low(&mut self) -> Result<bool, PinError> {
        self.is_set_high().map(|on| !on)
    }
}
