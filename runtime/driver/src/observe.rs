//! What the driver shows while it works. Everything shown is on flash already.

use everstep_core::{Agent, Record};
use everstep_model::SnapshotFact;

/// Something worth showing.
#[derive(Debug)]
pub enum Report<'a> {
    /// A record is on flash and applied.
    Recorded {
        /// Its number in the journal.
        sequence: u64,
        /// The record.
        record: &'a Record,
        /// The agent after it.
        agent: &'a Agent,
        /// Text of its tokens, for `Generated`.
        text: Option<&'a str>,
        /// Bytes of the record.
        bytes: usize,
    },
    /// Part of a prompt is evaluated.
    Evaluating {
        /// Tokens evaluated or taken from the cache.
        evaluated: u32,
        /// Tokens the cache served.
        cached: u32,
        /// Tokens of the whole prompt.
        total: u32,
    },
    /// What became of a snapshot of the model's cache.
    KvSnapshot(&'a SnapshotFact),
    /// A snapshot is about to be written.
    SnapshotBegins,
    /// A snapshot is on flash.
    Snapshot {
        /// Its bytes.
        bytes: usize,
    },
}

/// Takes reports: a terminal, a log, a test.
pub trait Observer: Send {
    /// Takes one report. Must not block for long.
    fn report(&mut self, report: Report<'_>);
}

/// Shows nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Observer for Silent {
    fn report(&mut self, _report: Report<'_>) {}
}
