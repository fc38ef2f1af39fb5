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
pub(crate) struct LinePlace {
    pub(crate) chip: PathBuf,
    pub(crate) line: u32,
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
pub(crate) enum Setup {
    /// As it is: neither its direction nor its level changes.
    AsIs,
    /// An output, at once on or off.
    Output { on: bool },
    /// An input whose changes are told.
    Input { bias: Bias, debounce_us: u32 },
}

/// Why a line can't be used.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum GpioError {
    /// The chip can't be opened.
    #[error("{0}")]
    Chip(String),
    /// The chip has fewer lines.
    #[error("{} has no line {}: it has 0 to {}", place.chip.display(), place.line, lines.saturating_sub(1))]
    NoLine { place: LinePlace, lines: u32 },
    /// Somebody has it.
    #[error("{place} is used by `{user}`: stop it or choose another line")]
    Used { place: LinePlace, user: String },
    /// The chip is not there any more.
    #[error("{} is gone: plug it in again", place.chip.display())]
    Gone { place: LinePlace },
    /// The chip, or its driver, can't do what was asked.
    #[error("{place} can't be set up: {why}")]
    Refused { place: LinePlace, why: String },
    /// The kernel says something else.
    #[error("{place}: {why}")]
    Other { place: LinePlace, why: String },
}

/// What is known of a line without having it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct LineInfo {
    /// What the board calls it; may be empty.
    pub(crate) name: String,
    /// Who has it.
    pub(crate) user: Option<String>,
    /// Whether it is an output.
    pub(crate) is_output: bool,
}

/// A line that is ours until it is dropped. On is active, whichever level that is.
pub(crate) trait GpioLine: Send {
    fn is_on(&mut self) -> Result<bool, GpioError>;

    fn set(&mut self, on: bool) -> Result<(), GpioError>;

    /// Sets it up anew.
    fn set_up(&mut self, setup: Setup) -> Result<(), GpioError>;

    /// The oldest change that was not told yet, waited for at most about `wait_max`.
    fn next_change(&mut self, wait_max: Duration) -> Result<Watched, GpioError>;
}

/// All chips of a machine.
pub(crate) trait Gpio: Clone + Send + Sync + 'static {
    type Line: GpioLine + 'static;

    /// Takes a line.
    fn request(&self, place: &LinePlace, active: Active, setup: Setup) -> Result<Self::Line, GpioError>;

    /// Looks at a line without taking it.
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
