//! `dose_antifreeze`: pulses of a pump that counts them itself.

use everstep_tool::{
    Device,
    device::{Counter, Pulser},
};

use crate::pulse::{CountedPulses, PulseWords};

/// Most pulses of one dose.
pub const PULSES_MAX: u32 = 5;
/// Milliseconds after which no pulse asked for earlier can still come: the pump takes one command at
/// a time, and a new connection shuts out the one before.
pub const SETTLE_MS: u32 = 2_000;
/// How long a dose, or a look at the counter, may take.
const RUN_MS_MAX: u32 = 5_000;

/// The tool that doses antifreeze into the drain pan, so that melt water does not freeze there.
#[must_use]
pub fn dose_antifreeze<P: Pulser + Counter + 'static>(device: Device<P>) -> CountedPulses<P> {
    let words = PulseWords {
        tool: "dose_antifreeze".into(),
        summary: "dose antifreeze into the drain pan".into(),
        gave: "dosed".into(),
        pulses_max: PULSES_MAX,
        run_ms_max: RUN_MS_MAX,
    };
    CountedPulses::new(device, words, "the pump", SETTLE_MS)
}
