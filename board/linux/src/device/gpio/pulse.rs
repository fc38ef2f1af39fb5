//! `kind = "gpio_pulse"`: a line that is pulsed, with the tool `pulse_NAME`.

use std::path::PathBuf;

use embedded_hal::delay::DelayNs;
use everstep_tool::{Device, device::spoken};
use everstep_tools_device::{
    Active, Actuate, BootPolicy, CountedBy, CountedPulses, PulseOutput, PulseWords, Pulses, State,
};
use serde::{Deserialize, Serialize};

use super::{LineNumber, LinePlace, look, output::OutputLine};
use crate::{
    config::Whole,
    device::{assemble::Assembly, kinds::Section, look::Verdict, machine::Machine},
};

/// Longest that all pulses of one call may take, in milliseconds: a stop waits for a pulse, not for this,
/// but the device is busy for as long.
const TRAIN_MS_MAX: u64 = 60_000;
/// Milliseconds that a call takes beyond its pulses, before it counts as timed out.
const SPARE_MS: u32 = 5_000;

/// `kind = "gpio_pulse"`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GpioPulseSection {
    /// The chip: `/dev/gpiochip0`.
    pub chip: PathBuf,
    /// The line's number on it.
    pub line: LineNumber,
    /// The level of a pulse.
    #[serde(default)]
    pub active: Active,
    /// Milliseconds of one pulse.
    pub pulse_ms: Whole<200, 1, 10_000>,
    /// Milliseconds of rest behind each pulse, at least.
    pub gap_ms: Whole<200, 1, 60_000>,
    /// Most pulses of one call.
    pub pulses_max: Whole<1, 1, 1_000>,
    /// The device that counts the pulses, and nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counter: Option<String>,
    /// Milliseconds after the last pulse until the counter shows it.
    #[serde(default)]
    pub settle_ms: Whole<2_000, 0, 60_000>,
}

impl GpioPulseSection {
    fn place(&self) -> LinePlace {
        LinePlace::new(&self.chip, self.line)
    }

    /// Milliseconds that all pulses of one call take.
    fn train_ms(&self) -> u64 {
        u64::from(self.pulses_max.get()) * (u64::from(self.pulse_ms.get()) + u64::from(self.gap_ms.get()))
    }

    fn words(&self, name: &str) -> PulseWords {
        let train_ms = u32::try_from(self.train_ms()).unwrap_or(u32::MAX);
        PulseWords {
            tool: format!("pulse_{name}"),
            summary: format!("give pulses to the {}", spoken(name)),
            gave: format!("{} got", spoken(name)),
            pulses_max: self.pulses_max.get(),
            // A call may wait for its device for half of its time, and has the other half for itself.
            run_ms_max: train_ms.saturating_mul(2).saturating_add(SPARE_MS),
        }
    }
}

impl Section for GpioPulseSection {
    fn moves(&self) -> bool {
        true
    }

    fn check(&self) -> Result<(), (&'static str, String)> {
        let train_ms = self.train_ms();
        if train_ms > TRAIN_MS_MAX {
            let message =
                format!("all pulses of one call take {train_ms} ms, at most {TRAIN_MS_MAX} are allowed");
            return Err(("pulses_max", message));
        }
        Ok(())
    }

    fn add<M: Machine>(&self, name: &str, board: &mut Assembly<'_, M>) -> Result<(), (&'static str, String)> {
        board.claim("line", self.place().to_string(), name)?;
        let line = OutputLine::new(board.machine.gpio(), self.place(), self.active);
        let output = PulseOutput::new(line, Sleep, self.pulse_ms.get(), self.gap_ms.get());
        let words = self.words(name);
        match &self.counter {
            None => {
                let device = Device::new(name, output);
                off_at_rest(board, &device);
                board.parts.tool(Pulses::new(device, words));
            }
            Some(counter) => {
                let counts = format!("the {}", spoken(counter));
                let count = board.counter(counter)?;
                // As many as that would leave it where it was, as if there had been none.
                if let Some(wraps_at) = count.wraps_at().filter(|at| u64::from(words.pulses_max) >= *at) {
                    let most = wraps_at - 1;
                    let message = format!(
                        "the counter `{counter}` begins anew after {most}: a call may give {most} pulses at most"
                    );
                    return Err(("pulses_max", message));
                }
                let device = Device::new(name, CountedBy::new(output, count));
                off_at_rest(board, &device);
                // A call that a cut left under way is no longer so; one of this process may be.
                let train_ms = u32::try_from(self.train_ms()).unwrap_or(u32::MAX);
                let settle_ms = self.settle_ms.get().saturating_add(train_ms);
                board.parts.tool(CountedPulses::new(device, words, &counts, settle_ms));
            }
        }
        Ok(())
    }

    fn look<M: Machine>(&self, machine: &M) -> (Verdict, String) {
        look(&machine.gpio(), &self.place())
    }
}

/// A cut may leave the line on in the middle of a pulse: every boot and every early end sets it to off.
fn off_at_rest<M: Machine, D: Actuate + 'static>(board: &mut Assembly<'_, M>, device: &Device<D>) {
    board.parts.actuators.add(device, BootPolicy::Safe, State::Off, None);
}

/// Real time.
#[derive(Clone, Copy, Debug)]
struct Sleep;

impl DelayNs for Sleep {
    #[expect(clippy::disallowed_methods, reason = "a pulse is as long in the real world")]
    fn delay_ns(&mut self, ns: u32) {
        std::thread::sleep(std::time::Duration::from_nanos(ns.into()));
    }

    #[expect(clippy::disallowed_methods, reason = "a pulse is as long in the real world")]
    fn delay_ms(&mut self, ms: u32) {
        std::thread::sleep(std::time::Duration::from_millis(ms.into()));
    }
}
