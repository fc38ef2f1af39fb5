//! The time line: how long ago something was, as far as the records know.

use serde::{Deserialize, Serialize};

use crate::{
    record::{Kind, Record},
    words::Moment,
};

/// Time as far as the records know it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Timeline {
    /// Boot of the newest record.
    pub boot: u32,
    /// Its monotonic time.
    pub mono_ms: u64,
    /// Its wall-clock time, where that was trusted.
    pub clock: Option<u64>,
    /// Milliseconds since the first record, gaps of known length included.
    pub elapsed_ms: u64,
    /// Gaps of unknown length so far. Two moments compare only within one value.
    pub gaps: u32,
}

/// A moment on the time line.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Mark {
    /// [`Timeline::elapsed_ms`] then.
    pub elapsed_ms: u64,
    /// [`Timeline::gaps`] then.
    pub gaps: u32,
}

impl Timeline {
    /// The newest moment.
    #[must_use]
    pub fn mark(&self) -> Mark {
        Mark { elapsed_ms: self.elapsed_ms, gaps: self.gaps }
    }

    /// Milliseconds from `mark` to the monotonic time `mono_ms` of the present boot, or `None`
    /// where a gap of unknown length lies between.
    #[must_use]
    pub fn age_ms(&self, mark: Mark, mono_ms: u64) -> Option<u64> {
        let now = self.elapsed_ms.saturating_add(mono_ms.saturating_sub(self.mono_ms));
        (mark.gaps == self.gaps).then(|| now.saturating_sub(mark.elapsed_ms))
    }

    /// [`Self::elapsed_ms`] at `now`, which is of this boot or counts as the newest record's time.
    pub(crate) fn elapsed_at(&self, now: Moment) -> u64 {
        let since_ms = if now.boot == self.boot { now.mono_ms.saturating_sub(self.mono_ms) } else { 0 };
        self.elapsed_ms.saturating_add(since_ms)
    }

    /// Moves to `record` and returns how many milliseconds passed with power on, or `None` where
    /// the gaps can't be counted any more: a gap that isn't counted would make old calls look young.
    pub(crate) fn pass(&mut self, record: &Record) -> Option<u64> {
        let Moment { boot, mono_ms, clock } = record.at;
        let passed_ms = if boot == self.boot { mono_ms.saturating_sub(self.mono_ms) } else { 0 };
        self.elapsed_ms = self.elapsed_ms.saturating_add(passed_ms);
        match &record.kind {
            Kind::Booted { away_ms: Some(away_ms), .. } | Kind::Rested { away_ms: Some(away_ms) } => {
                self.elapsed_ms = self.elapsed_ms.saturating_add(*away_ms);
            }
            Kind::Booted { away_ms: None, .. } | Kind::Rested { away_ms: None } => {
                self.gaps = self.gaps.checked_add(1)?;
            }
            _ if boot != self.boot => self.gaps = self.gaps.checked_add(1)?,
            _ => {}
        }
        (self.boot, self.mono_ms, self.clock) = (boot, mono_ms, clock);
        Some(passed_ms)
    }
}

#[cfg(test)]
mod tests;
