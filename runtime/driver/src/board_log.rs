//! The board region: what outlives every agent. Counts the boots, keeps the board's salt, and knows
//! which clock ran when.

use std::ops::Range;

use everstep_journal::{Budget, Entry, Journal};
use serde::{Deserialize, Serialize};

use crate::{
    shared_flash::SharedFlash,
    store::{Flash, Stop, StoreError, open_journal, write_snapshot},
};

/// Version of the board record's form, its first byte.
const BOARD_RECORD_VERSION: u8 = 1;

/// A board record is far smaller than this, also as a snapshot.
const BUDGET: Budget = Budget { snapshot_bytes_max: 128, reserve_bytes: 256 };

/// One start of the process.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct BoardRecord {
    /// Counts the starts, from 1.
    pub boot: u32,
    /// Names the time line of the monotonic clock. Two boots with the same one share it.
    pub timeline: [u8; 16],
    /// The board's own random bytes, kept from its first boot. Idempotency keys come from them.
    pub salt: [u8; 16],
    /// Seconds since 1970 UTC at the start, where the clock was trusted.
    pub clock: Option<u64>,
}

/// The log of starts, on a region of its own.
pub struct BoardLog<F: Flash> {
    journal: Journal<SharedFlash<F>>,
    newest: Option<BoardRecord>,
}

impl<F: Flash> BoardLog<F> {
    /// Opens the log; an erased region becomes a new one.
    ///
    /// # Errors
    ///
    /// The flash failed, or holds something else.
    pub fn open(flash: &SharedFlash<F>, region: Range<u32>) -> Result<Self, StoreError<F::Error>> {
        let mut newest = None;
        let journal = open_journal(flash, region, BUDGET, |entry| {
            let (Entry::Snapshot { bytes, .. } | Entry::Record { bytes, .. }) = entry;
            newest = Some(decode(bytes)?);
            Ok(())
        })?;
        Ok(Self { journal, newest })
    }

    /// The newest start.
    #[must_use]
    pub fn newest(&self) -> Option<BoardRecord> {
        self.newest.clone()
    }

    /// Keeps a start. Once this returns `Ok`, it survives power loss.
    ///
    /// # Errors
    ///
    /// The flash failed.
    pub fn append(&mut self, record: &BoardRecord) -> Result<(), StoreError<F::Error>> {
        let bytes = encode(record);
        if self.journal.needs_snapshot() {
            // One record is all there is to know.
            write_snapshot(&mut self.journal, &bytes)?;
        } else {
            self.journal.append(&bytes)?;
        }
        self.newest = Some(record.clone());
        Ok(())
    }
}

fn encode(record: &BoardRecord) -> Vec<u8> {
    // A Vec grows, so the encoder has no way to fail on a plain type.
    postcard::to_extend(record, vec![BOARD_RECORD_VERSION]).unwrap_or_default()
}

fn decode(bytes: &[u8]) -> Result<BoardRecord, Stop> {
    let (version, body) = bytes.split_first().ok_or_else(|| Stop::Board("is empty".into()))?;
    if *version != BOARD_RECORD_VERSION {
        let what = format!("has version {version}, this build reads {BOARD_RECORD_VERSION}");
        return Err(Stop::Board(what));
    }
    match postcard::take_from_bytes(body) {
        Ok((record, [])) => Ok(record),
        _ => Err(Stop::Board("does not decode".into())),
    }
}
