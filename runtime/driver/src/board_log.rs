//! The board region: what outlives every agent. Counts the boots, keeps the board's salt, and knows
//! which clock ran when.

use std::ops::Range;

use everstep_journal::{Budget, Entry, Journal};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    shared_flash::SharedFlash,
    store::{Flash, Stop, StoreError, open_journal, write_snapshot},
};

/// Version of the board record's form, its first byte. Version 1 ended before [`BoardRecord::trusted_s`].
const BOARD_RECORD_VERSION: u8 = 2;

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
    /// The latest time that any start so far has trusted, in seconds since 1970 UTC: whatever the clock
    /// shows later, it is not earlier than that.
    pub trusted_s: Option<u64>,
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
    let record = match *version {
        1 => whole::<First>(body).map(BoardRecord::from),
        BOARD_RECORD_VERSION => whole(body),
        _ => {
            let what = format!("has version {version}, this build reads 1 to {BOARD_RECORD_VERSION}");
            return Err(Stop::Board(what));
        }
    };
    record.ok_or_else(|| Stop::Board("does not decode".into()))
}

/// Leftover bytes are an error.
fn whole<T: DeserializeOwned>(body: &[u8]) -> Option<T> {
    match postcard::take_from_bytes(body) {
        Ok((record, [])) => Some(record),
        _ => None,
    }
}

/// A board record of version 1.
#[derive(Deserialize)]
struct First {
    boot: u32,
    timeline: [u8; 16],
    salt: [u8; 16],
    clock: Option<u64>,
}

impl From<First> for BoardRecord {
    fn from(First { boot, timeline, salt, clock }: First) -> Self {
        Self { boot, timeline, salt, clock, trusted_s: clock }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(trusted_s: Option<u64>) -> BoardRecord {
        BoardRecord { boot: 3, timeline: [7; 16], salt: [9; 16], clock: Some(300), trusted_s }
    }

    #[test]
    fn board_records_keep_their_bytes_and_the_first_version_is_read() {
        let first = [&[1, 3][..], &[7; 16], &[9; 16], &[1, 0xAC, 0x02]].concat();
        assert_eq!(decode(&first).unwrap(), record(Some(300)));
        let second = [&[2, 3][..], &[7; 16], &[9; 16], &[1, 0xAC, 0x02, 1, 0xF4, 0x03]].concat();
        assert_eq!(encode(&record(Some(500))), second);
        assert_eq!(decode(&second).unwrap(), record(Some(500)));
        for wrong in [&first[..first.len() - 1], &second[..second.len() - 1], &[&second[..], &[0]].concat()] {
            assert_eq!(decode(wrong), Err(Stop::Board("does not decode".into())));
        }
        let told = decode(&[3, 3]).unwrap_err().to_string();
        assert_eq!(told, "board record has version 3, this build reads 1 to 2");
    }
}
