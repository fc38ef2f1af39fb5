//! Lines of a GPIO chip, behind a seam: the kernel's lines, or a fake's.

mod cdev;
#[cfg(test)]
pub(crate) mod fake;
mod input;
mod output;
mod pulse;

use std::{
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

use everstep_tool::device::Watched;
use everstep_tools_device::Active;
use serde::{Deserialize, Serialize};

use super::look::Verdict;
use crate::config::Whole;

pub(crate) use cdev::KernelGpio;
pub use input::GpioInputSection;
pub use output::GpioOutputSection;
pub use pulse::GpioPulseSection;

/// Who the kernel says has a line of ours.
pub(crate) const CONSUMER: &str = "everstep";

/// A line's number on its chip.
pub type LineNumber = Whole<0, 0, 65_535>;

/// A line: its chip, and its number there.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct LinePlace {
    /// The chip: `/dev/gpiochip0`.
    pub chip: PathBuf,
    /// The line's number on it.
    pub line: u32,
}

impl LinePlace {
    pub(crate) fn new(chip: &Path, line: LineNumber) -> Self {
        Self { chip: chip.to_owned(), line: line.get() }
    }
}

impl fmt::Display for LinePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {} of {}", self.line, self.chip.display())
    }
}

/// What pulls a line that nobody drives.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bias {
    /// Whatever the chip was set to.
    #[default]
    AsIs,
    /// Nothing.
    Disabled,
    /// Up.
    PullUp,
    /// Down.
    PullDown,
}

/// What a line is asked for as.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Setup {
    /// As it is: neither its direction nor its level changes.
    AsIs,
    /// An output, at once on or off.
    Output {
        /// On is active, whichever level that is.
        on: bool,
    },
    /// An input whose changes are told.
    Input {
        /// What pulls it.
        bias: Bias,
        /// Microseconds that a level lasts until it counts.
        debounce_us: u32,
    },
}

/// Why a line can't be used.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum GpioError {
    /// The chip can't be opened.
    #[error("{0}")]
    Chip(String),
    /// The chip has fewer lines.
    #[error("{} has no line {}: it has 0 to {}", place.chip.display(), place.line, lines.saturating_sub(1))]
    NoLine {
        /// The line that was asked for.
        place: LinePlace,
        /// How many the chip has.
        lines: u32,
    },
    /// Somebody has it.
    #[error("{place} is used by `{user}`: stop it or choose another line")]
    Used {
        /// The line.
        place: LinePlace,
        /// Who has it.
        user: String,
    },
    /// The chip is not there any more.
    #[error("{} is gone: plug it in again", place.chip.display())]
    Gone {
        /// The line.
        place: LinePlace,
    },
    /// The chip, or its driver, can't do what was asked.
    #[error("{place} can't be set up: {why}")]
    Refused {
        /// The line.
        place: LinePlace,
        /// What it says.
        why: String,
    },
    /// The kernel says something else.
    #[error("{place}: {why}")]
    Other {
        /// The line.
        place: LinePlace,
        /// What it says.
        why: String,
    },
}

/// What is known of a line without having it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct LineInfo {
    /// What the board calls it; may be empty.
    pub name: String,
    /// Who has it.
    pub user: Option<String>,
    /// Whether it is an output.
    pub is_output: bool,
}

/// A line that is ours until it is dropped. On is active, whichever level that is.
pub trait GpioLine: Send {
    /// Whether it is on.
    ///
    /// # Errors
    ///
    /// Why that can't be told.
    fn is_on(&mut self) -> Result<bool, GpioError>;

    /// Drives it, on or off.
    ///
    /// # Errors
    ///
    /// Why it may not have been driven.
    fn set(&mut self, on: bool) -> Result<(), GpioError>;

    /// Sets it up anew.
    ///
    /// # Errors
    ///
    /// Why it may be as it was.
    fn set_up(&mut self, setup: Setup) -> Result<(), GpioError>;

    /// The oldest change that was not told yet, waited for at most about `wait_max`.
    ///
    /// # Errors
    ///
    /// Why that can't be told.
    fn next_change(&mut self, wait_max: Duration) -> Result<Watched, GpioError>;
}

/// All chips of a machine.
pub trait Gpio: Clone + Send + Sync + 'static {
    /// A line of ours.
    type Line: GpioLine + 'static;

    /// Takes a line.
    ///
    /// # Errors
    ///
    /// Why it can't be had; nothing was driven.
    fn request(&self, place: &LinePlace, active: Active, setup: Setup) -> Result<Self::Line, GpioError>;

    /// Looks at a line without taking it.
    ///
    /// # Errors
    ///
    /// Why there is no such line.
    fn info(&self, place: &LinePlace) -> Result<LineInfo, GpioError>;
}

/// Whether a line can be taken.
pub(crate) fn look<G: Gpio>(gpio: &G, place: &LinePlace) -> (Verdict, String) {
    let LineInfo { name, user, is_output } = match gpio.info(place) {
        Ok(info) => info,
        Err(error) => return (Verdict::Wrong, error.to_string()),
    };
    let named = if name.is_empty() { String::new() } else { format!(", `{name}`,") };
    match user {
        Some(user) if user == CONSUMER => {
            (Verdict::Warn, format!("{place}{named} is used by a running `{CONSUMER}`"))
        }
        Some(user) => (Verdict::Wrong, GpioError::Used { place: place.clone(), user }.to_string()),
        None => {
            let now = if is_output { "an output" } else { "an input" };
            (Verdict::Ok, format!("{place}{named} is free, {now} now"))
        }
    }
}

#[cfg(test)]
mod tests;
