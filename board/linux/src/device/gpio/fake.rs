//! Chips in the kernel's stead: lines with a level, a direction and a history, that somebody else may
//! have, and chips that may not be opened or are unplugged.

use std::{
    collections::{BTreeMap, VecDeque},
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use everstep_tool::device::Watched;
use everstep_tools_device::Active;

use super::{CONSUMER, Gpio, GpioError, GpioLine, LineInfo, LinePlace, Setup};
use crate::device::node;

#[derive(Clone, Debug, Default)]
pub(crate) struct FakeGpio(Arc<Mutex<BTreeMap<PathBuf, FakeChip>>>);

#[derive(Debug, Default)]
pub(crate) struct FakeChip {
    pub(crate) lines: Vec<FakePin>,
    pub(crate) denied: bool,
    pub(crate) unplugged: bool,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct FakePin {
    pub(crate) name: String,
    pub(crate) high: bool,
    pub(crate) is_output: bool,
    pub(crate) user: Option<String>,
    /// Refuses to be driven, though it says so only then.
    pub(crate) stuck: bool,
    /// What was asked of it, in order.
    pub(crate) history: Vec<String>,
    /// Levels it changed to that nobody has asked for.
    pub(crate) untold: VecDeque<bool>,
    /// Levels it changes to in the watches to come: one in each.
    pub(crate) to_come: VecDeque<bool>,
}

/// A line that is ours until it is dropped.
#[derive(Debug)]
pub(crate) struct FakeLine {
    gpio: FakeGpio,
    place: LinePlace,
    active: Active,
}

impl FakeGpio {
    /// One chip with this many lines, all low inputs.
    pub(crate) fn with_chip(path: &str, lines: usize) -> Self {
        let fake = Self::default();
        let chip = FakeChip { lines: vec![FakePin::default(); lines], ..FakeChip::default() };
        fake.chips().insert(path.into(), chip);
        fake
    }

    pub(crate) fn chips(&self) -> MutexGuard<'_, BTreeMap<PathBuf, FakeChip>> {
        self.0.lock().unwrap()
    }

    /// Changes, or looks at, one line.
    pub(crate) fn pin<T>(&self, chip: &str, line: usize, work: impl FnOnce(&mut FakePin) -> T) -> T {
        work(&mut self.chips().get_mut(&PathBuf::from(chip)).unwrap().lines[line])
    }

    fn at<T>(&self, place: &LinePlace, work: impl FnOnce(&mut FakePin) -> T) -> Result<T, GpioError> {
        let mut chips = self.chips();
        let Some(chip) = chips.get_mut(&place.chip).filter(|chip| !chip.unplugged) else {
            return Err(GpioError::Chip(node::missing(&place.chip)));
        };
        if chip.denied {
            return Err(GpioError::Chip(node::denied(&place.chip)));
        }
        let lines = u32::try_from(chip.lines.len()).unwrap();
        let pin = chip.lines.get_mut(usize::try_from(place.line).unwrap());
        pin.map(work).ok_or_else(|| GpioError::NoLine { place: place.clone(), lines })
    }
}

impl Gpio for FakeGpio {
    type Line = FakeLine;

    fn request(&self, place: &LinePlace, active: Active, setup: Setup) -> Result<FakeLine, GpioError> {
        self.at(place, |pin| {
            if let Some(user) = pin.user.clone() {
                return Err(GpioError::Used { place: place.clone(), user });
            }
            pin.user = Some(CONSUMER.into());
            pin.history.push(format!("taken as {setup:?}"));
            pin.set_up(active, setup);
            Ok(())
        })??;
        Ok(FakeLine { gpio: self.clone(), place: place.clone(), active })
    }

    fn info(&self, place: &LinePlace) -> Result<LineInfo, GpioError> {
        self.at(place, |pin| LineInfo {
            name: pin.name.clone(),
            user: pin.user.clone(),
            is_output: pin.is_output,
        })
    }
}

impl FakePin {
    fn set_up(&mut self, active: Active, setup: Setup) {
        match setup {
            Setup::AsIs => {}
            Setup::Output { on } => (self.is_output, self.high) = (true, active.of(on)),
            Setup::Input { .. } => self.is_output = false,
        }
    }
}

impl FakeLine {
    /// A line of a chip that is gone answers as the kernel's does.
    fn at<T>(&self, work: impl FnOnce(&mut FakePin) -> T) -> Result<T, GpioError> {
        self.gpio.at(&self.place, work).map_err(|_| GpioError::Gone { place: self.place.clone() })
    }
}

impl GpioLine for FakeLine {
    fn is_on(&mut self) -> Result<bool, GpioError> {
        self.at(|pin| self.active.of(pin.high))
    }

    fn set(&mut self, on: bool) -> Result<(), GpioError> {
        let place = self.place.clone();
        self.at(|pin| {
            assert!(pin.is_output, "an input is driven");
            if pin.stuck {
                return Err(GpioError::Other { place, why: "Input/output error".into() });
            }
            pin.high = self.active.of(on);
            pin.history.push(if pin.high { "high" } else { "low" }.into());
            Ok(())
        })?
    }

    fn set_up(&mut self, setup: Setup) -> Result<(), GpioError> {
        self.at(|pin| {
            pin.history.push(format!("{setup:?}"));
            pin.set_up(self.active, setup);
        })
    }

    fn next_change(&mut self, wait_max: Duration) -> Result<Watched, GpioError> {
        self.at(|pin| {
            let comes = if wait_max.is_zero() { None } else { pin.to_come.pop_front() };
            if let Some(high) = comes {
                pin.high = high;
                pin.untold.push_back(high);
            }
            let became = pin.untold.pop_front().map(|high| self.active.of(high));
            // A change comes half way through the wait.
            let passed = if became.is_some() { wait_max / 2 } else { wait_max };
            Watched { became, passed }
        })
    }
}

impl Drop for FakeLine {
    fn drop(&mut self) {
        // A chip that is gone has nobody left.
        let _ = self.gpio.at(&self.place, |pin| pin.user = None);
    }
}
