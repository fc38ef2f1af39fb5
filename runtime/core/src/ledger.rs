//! What calls have used up and brought in: budgets, taint, repetitions, and questions that wait.
//!
//! Facts alone, kept by `apply` whatever the board file says. What they lead to is decided elsewhere,
//! from the [rules](crate::ToolRule) and limits.

use alloc::{string::String, vec::Vec};

use serde::{Deserialize, Serialize};

use crate::{
    limits::{LimitName, Limits},
    timeline::{Mark, Timeline},
    words::{Call, Class},
};

/// Tools whose use is counted one by one. What comes beyond is counted together, for all of them.
pub const TOOLS_COUNTED_MAX: usize = 64;
/// Bytes of the arguments that are remembered as a tool's newest command.
pub const COMMAND_BYTES_MAX: usize = 128;
/// Results that are compared with each other.
pub const RECENT_MAX: usize = 64;
/// A day of a budget: 24 hours from its first call, as far as the time line knows. An outage of unknown
/// length counts as none, so that pulling the plug never gives a fresh budget.
pub const DAY_MS: u64 = 86_400_000;

/// What calls have used up and brought in.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Ledger {
    /// The tool whose results first brought text from outside into this run.
    pub tainted: Option<String>,
    /// Every tool that was called.
    pub tools: Vec<ToolUse>,
    /// When the newest question was put to the operator.
    pub asked: Option<Mark>,
    /// Fingerprints of the newest calls with their results, the newest last.
    recent: Vec<u32>,
    /// Calls in a row that came to nothing.
    errors: u32,
    /// Whether the model was told already that it goes in circles.
    pub warned: bool,
}

/// How much one tool was used.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct ToolUse {
    /// The tool; empty for all that are not listed.
    pub tool: String,
    /// Calls in this run.
    pub run_calls: u32,
    /// Calls since `day_since`.
    pub day_calls: u32,
    /// When the day of its budget began.
    pub day_since: Mark,
    /// When it was called last.
    pub last: Mark,
    /// The arguments of the newest call that is known to have changed the device, and that nothing has
    /// put in doubt since.
    pub commanded: Option<String>,
}

/// A model that goes in circles.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Runaway {
    /// The limit that says how many are too many.
    pub(crate) limit: LimitName,
    pub(crate) count: u32,
    pub(crate) max: u32,
}

impl Ledger {
    /// How much `tool` was used; nothing yet where it isn't listed.
    #[must_use]
    pub fn tool(&self, tool: &str) -> Option<&ToolUse> {
        self.tools.iter().find(|used| used.tool == tool).or_else(|| {
            // Too many tools to tell apart: what is unlisted may have been this one.
            self.tools.iter().find(|used| used.tool.is_empty())
        })
    }

    /// Calls of `tool` in the day of its budget, when the time line stands at `elapsed_ms`.
    pub(crate) fn day_calls(&self, tool: &str, elapsed_ms: u64) -> u32 {
        let current = self.tool(tool).filter(|used| !used.is_day_over(elapsed_ms));
        current.map_or(0, |used| used.day_calls)
    }

    /// A new run begins: what the model reads begins anew, too.
    pub(crate) fn start(&mut self) {
        self.tainted = None;
        self.recent.clear();
        (self.errors, self.warned) = (0, false);
        for used in &mut self.tools {
            used.run_calls = 0;
        }
    }

    /// Counts an intent.
    pub(crate) fn called(&mut self, call: &Call, timeline: &Timeline) {
        let now = timeline.mark();
        let used = self.entry(&call.tool);
        if used.is_day_over(now.elapsed_ms) || used.day_calls == 0 {
            (used.day_since, used.day_calls) = (now, 0);
        }
        used.run_calls = used.run_calls.saturating_add(1);
        used.day_calls = used.day_calls.saturating_add(1);
        used.last = now;
    }

    fn entry(&mut self, tool: &str) -> &mut ToolUse {
        let known = self.tools.iter().position(|used| used.tool == tool);
        let index = known.unwrap_or_else(|| {
            let is_full = self.tools.len() >= TOOLS_COUNTED_MAX;
            let name = if is_full { "" } else { tool };
            self.tools.iter().position(|used| used.tool == name).unwrap_or_else(|| {
                self.tools.push(ToolUse { tool: name.into(), ..ToolUse::default() });
                self.tools.len() - 1
            })
        });
        #[expect(clippy::indexing_slicing, reason = "found or pushed above")]
        &mut self.tools[index]
    }

    /// The device was brought to where `call` wanted it.
    pub(crate) fn commanded(&mut self, call: &Call) {
        let fits = call.arguments.len() <= COMMAND_BYTES_MAX;
        if call.class != Class::Observe && fits {
            self.entry(&call.tool).commanded = Some(call.arguments.clone());
        } else {
            self.doubted(call);
        }
    }

    /// Nobody knows where `call` left the device.
    pub(crate) fn doubted(&mut self, call: &Call) {
        if call.class != Class::Observe {
            self.entry(&call.tool).commanded = None;
        }
    }

    /// The safe states were set over whatever was commanded.
    pub(crate) fn made_safe(&mut self) {
        for used in &mut self.tools {
            used.commanded = None;
        }
    }

    /// What came of one step, for finding circles.
    pub(crate) fn came_of(&mut self, what: &[&str], is_error: bool) {
        if self.recent.len() >= RECENT_MAX {
            self.recent.remove(0);
        }
        self.recent.push(fingerprint(what));
        self.errors = if is_error { self.errors.saturating_add(1) } else { 0 };
    }

    /// Time has passed on purpose, so that looking again is no circle.
    pub(crate) fn waited(&mut self) {
        self.recent.clear();
    }

    /// The model is told, and begins to count anew.
    pub(crate) fn warn(&mut self) {
        self.warned = true;
        self.recent.clear();
        self.errors = 0;
    }

    /// Whether the model goes in circles, by `limits`.
    pub(crate) fn runaway(&self, limits: &Limits) -> Option<Runaway> {
        let pairs = self.repetitions(2);
        // A pair of two equal results is the same call over and over, which is counted on its own.
        let pairs = if self.repetitions(1) > 1 { 0 } else { pairs };
        [
            (LimitName::Repeats, self.repetitions(1), limits.repeats_max),
            (LimitName::Alternations, pairs, limits.alternations_max),
            (LimitName::Errors, self.errors, limits.errors_max),
        ]
        .into_iter()
        .find(|(_, count, max)| count >= max)
        .map(|(limit, count, max)| Runaway { limit, count, max })
    }

    /// How often the newest `length` results came one after the other.
    fn repetitions(&self, length: usize) -> u32 {
        let mut blocks = self.recent.rchunks_exact(length);
        let Some(newest) = blocks.next() else { return 0 };
        let earlier = blocks.take_while(|block| *block == newest).count();
        u32::try_from(earlier).unwrap_or(u32::MAX).saturating_add(1)
    }
}

impl ToolUse {
    fn is_day_over(&self, elapsed_ms: u64) -> bool {
        elapsed_ms.saturating_sub(self.day_since.elapsed_ms) >= DAY_MS
    }
}

/// FNV-1a over the parts and where they end. Two different results that share one, by a chance of one in
/// four thousand million, are taken for a repetition: it takes several of them in a row to matter.
fn fingerprint(parts: &[&str]) -> u32 {
    let bytes = parts.iter().flat_map(|part| part.bytes().chain([0xFF]));
    bytes.fold(0x811C_9DC5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// What the model is told, once, when it goes in circles.
pub(crate) fn warning(limit: LimitName, count: u32) -> String {
    match limit {
        LimitName::Repeats => {
            alloc::format!(
                "notice: the same call gave the same result {count} times; do something else, or answer"
            )
        }
        LimitName::Alternations => {
            alloc::format!(
                "notice: the same two calls gave the same results {count} times; do something else, or answer"
            )
        }
        _ => alloc::format!("notice: {count} calls in a row failed; do something else, or say what is wrong"),
    }
}

#[cfg(test)]
mod tests;
