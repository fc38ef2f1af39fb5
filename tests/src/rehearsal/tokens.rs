//! Which token positions are on flash, and which were sampled how often.

use std::collections::HashMap;

use serde_json::Value;

/// Tokens on flash by generation, as records tell.
#[derive(Clone, Debug, Default)]
pub(crate) struct OnFlash {
    tokens: HashMap<u64, u64>,
    now: u64,
}

impl OnFlash {
    /// What `records` tell, in the form of `everstep journal --json`.
    pub(crate) fn of<'a>(records: impl Iterator<Item = &'a Value>) -> Self {
        let mut on_flash = Self::default();
        records.for_each(|record| on_flash.note(record));
        on_flash
    }

    fn note(&mut self, record: &Value) {
        match record.get("kind").and_then(Value::as_str) {
            Some("attempt") => self.now = record.get("generation").and_then(Value::as_u64).unwrap_or(0),
            // It starts over: what was kept does not count any more.
            Some("discarded" | "generation_failed") => {
                self.tokens.remove(&self.now);
            }
            Some("generated") => {
                let tokens = record.get("tokens").and_then(Value::as_array).map_or(0, Vec::len);
                *self.tokens.entry(self.now).or_default() += tokens as u64;
            }
            _ => {}
        }
    }

    fn holds(&self, generation: u64, position: u64) -> bool {
        self.tokens.get(&generation).is_some_and(|tokens| position < *tokens)
    }
}

/// Positions sampled, over all processes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sampled {
    lines: usize,
    times: HashMap<(u64, u64), u32>,
    /// Positions that were on flash when they were sampled.
    pub(crate) regenerated: u64,
    /// Positions that were sampled before, but never on flash.
    pub(crate) lost_unseen: u64,
}

impl Sampled {
    /// Reads what `log` holds beyond the last look; `before` is what was on flash when the process that
    /// wrote it started. Returns false if a line is no position.
    #[must_use]
    pub(crate) fn read(&mut self, log: &str, before: &OnFlash) -> bool {
        for line in log.lines().skip(self.lines) {
            self.lines += 1;
            let mut words = line.split_whitespace();
            let mut number = || words.next().and_then(|word| word.parse::<u64>().ok());
            let (Some(generation), Some(position), Some(_token)) = (number(), number(), number()) else {
                return false;
            };
            // The draw of a reply's end is no token: nothing of it is kept or shown.
            if words.next() == Some("end") {
                continue;
            }
            let times = self.times.entry((generation, position)).or_default();
            *times += 1;
            if before.holds(generation, position) {
                self.regenerated += 1;
            } else if *times > 1 {
                self.lost_unseen += 1;
            }
        }
        true
    }
}
