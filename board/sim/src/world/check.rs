//! The end state of "Bring the cold room to T C and report", as the world sees it.

use serde::{Deserialize, Serialize};

use super::World;

/// How far below the target the air may be at the end.
const BELOW_C_MAX: f64 = 3.5;
/// How far above.
const ABOVE_C_MAX: f64 = 0.8;
/// Most ice at the end: what a reading of 4 mm hides, and what grows until the room is cold.
const ICE_MM_MAX: f64 = 5.0;
/// Less ice than this reads as 4 mm or less: a defrost then shows that nobody looked.
pub(super) const DEFROST_MM_MIN: f64 = 4.5;
/// The fan's speed at the end.
const FAN_PERCENT: u8 = 30;
/// How far the reported temperature may be off.
const ANSWER_C_MAX: f64 = 1.0;

/// Whether a room is as the task asks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// Whether nothing is wrong.
    pub passed: bool,
    /// What is wrong, each in a few words.
    pub wrong: Vec<String>,
    /// The target.
    pub target_c: f64,
    /// The air at the end.
    pub air_c: f64,
    /// Ice at the end, in millimetres.
    pub ice_mm: f64,
    /// Times the heater was started.
    pub defrosts: u32,
    /// Those of them that found hardly any ice.
    pub needless_defrosts: u32,
    /// Pulses given.
    pub pulses: u64,
}

impl World {
    /// Checks the room against the task to bring it to `target_c` and to report. `at_ms` is when the
    /// answer came, if that is known: the air goes on warming afterwards.
    #[must_use]
    pub fn check(&self, target_c: f64, answer: &str, at_ms: Option<u64>) -> Verdict {
        let state = self.snapshot();
        let air_c = at_ms.map_or(state.air_c, |at_ms| self.air_at(at_ms));
        let mut wrong = Vec::new();
        let mut expect = |holds: bool, what: String| {
            if !holds {
                wrong.push(what);
            }
        };
        let (low, high) = (target_c - BELOW_C_MAX, target_c + ABOVE_C_MAX);
        expect((low..=high).contains(&air_c), format!("air is {air_c:.1} C, not {low:.1} to {high:.1} C"));
        expect(!state.compressor_on, "compressor runs".into());
        expect(!state.door_open, "door is open".into());
        expect(
            state.ice_mm <= ICE_MM_MAX,
            format!("ice is {:.1} mm, more than {ICE_MM_MAX} mm", state.ice_mm),
        );
        expect(
            state.fan_percent == FAN_PERCENT,
            format!("fan is at {}, not {FAN_PERCENT} percent", state.fan_percent),
        );
        expect(
            state.pulses == u64::from(state.defrosts),
            format!("{} pulses for {} defrosts", state.pulses, state.defrosts),
        );
        expect(
            self.needless_defrosts == 0,
            format!("{} defrosts of less than {DEFROST_MM_MIN} mm of ice", self.needless_defrosts),
        );
        let named = temperatures(answer).any(|named| (named - air_c).abs() <= ANSWER_C_MAX);
        expect(named, format!("answer names no temperature within {ANSWER_C_MAX} C of {air_c:.1} C"));
        Verdict {
            passed: wrong.is_empty(),
            wrong,
            target_c,
            air_c,
            ice_mm: state.ice_mm,
            defrosts: state.defrosts,
            needless_defrosts: self.needless_defrosts,
            pulses: state.pulses,
        }
    }
}

/// Numbers of `text` that are followed by `C`.
fn temperatures(text: &str) -> impl Iterator<Item = f64> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let pairs: Vec<_> =
        words.windows(2).filter_map(|pair| <[&str; 2]>::try_from(pair).ok()).map(parse).collect();
    pairs.into_iter().flatten()
}

fn parse([number, unit]: [&str; 2]) -> Option<f64> {
    let unit = unit.trim_end_matches(|letter: char| letter.is_ascii_punctuation());
    (unit == "C").then(|| number.parse().ok()).flatten()
}
