//! The real journal on a medium that loses power or fails: what it accepted is there at every boot.

use embedded_storage::nor_flash::NorFlash;
use everstep_journal::{
    AppendError, BUFFER_BYTES, Budget, Entry, FormatError, Journal, RecoverError, Region, SnapshotError,
    format,
};

use super::{Geometry, Writes};

const BUDGET: Budget = Budget { snapshot_bytes_max: 64, reserve_bytes: 64 };

/// A region of the whole flash, as the binary makes it.
pub(super) fn region(geometry: Geometry, bytes: u32) -> Region {
    let region = match geometry.writes {
        Writes::AtOnce => Region::from(0..bytes),
        Writes::KeptBack => Region::buffered(0..bytes),
    };
    region.blocks(geometry.unit_bytes).sectors(geometry.sector_bytes)
}

/// What was sent, and how much of it was accepted. Each record starts with its number.
#[derive(Debug, Default)]
pub(super) struct Life {
    accepted: u32,
    boots: u32,
}

impl Life {
    pub(super) fn accepted(&self) -> u32 {
        self.accepted
    }

    /// Boots, checks that everything accepted is there and nothing else, and appends `records` records.
    /// `Err` with the medium's own error where it failed.
    pub(super) fn live<F: NorFlash>(
        &mut self,
        flash: F,
        region: &Region,
        records: u32,
    ) -> Result<F, F::Error> {
        self.boots += 1;
        let mut journal = self.boot(flash, region)?;
        for _ in 0..records {
            if journal.needs_snapshot() {
                self.snapshot(&mut journal)?;
            }
            if self.accepted.is_multiple_of(5) {
                map(journal.erase_ahead())?;
            }
            let number = self.accepted + 1;
            map(journal.append(&payload(number)))?;
            self.accepted = number;
        }
        Ok(journal.into_flash())
    }

    fn snapshot<F: NorFlash>(&self, journal: &mut Journal<F>) -> Result<(), F::Error> {
        let mut writer = map_snapshot(journal.snapshot())?;
        map_snapshot(writer.write(&self.accepted.to_le_bytes()))?;
        map_snapshot(writer.commit()).map(|_| ())
    }

    fn boot<F: NorFlash>(&mut self, flash: F, region: &Region) -> Result<Journal<F>, F::Error> {
        let mut flash = flash;
        let mut newest = 0;
        let mut visit = |entry: Entry<'_>| {
            match entry {
                Entry::Snapshot { bytes: [], .. } => {}
                Entry::Snapshot { bytes, .. } => newest = u32::from_le_bytes(bytes.try_into().unwrap()),
                Entry::Record { bytes, .. } => {
                    newest += 1;
                    assert_eq!(bytes, payload(newest), "record {newest}");
                }
            }
            Ok::<(), ()>(())
        };
        let mut buffer = [0; BUFFER_BYTES];
        let mut recover = |flash| Journal::recover(flash, region.clone(), BUDGET, &mut buffer, &mut visit);
        let journal = match recover(&mut flash) {
            Ok((journal, _)) => Ok(journal.into_flash()),
            Err(RecoverError::Unformatted) => {
                assert_eq!(self.accepted, 0, "all is lost at boot {}", self.boots);
                return formatted(flash, region);
            }
            Err(RecoverError::Flash(error)) => Err(error),
            Err(error) => panic!("boot {}, {} accepted: {error}", self.boots, self.accepted),
        };
        journal?;
        // The one under way when the power went may have been kept.
        assert!((self.accepted..=self.accepted + 1).contains(&newest), "{newest} of {}", self.accepted);
        self.accepted = newest;
        // Recovery is done again by the one that goes on: it must find the same.
        let mut buffer = [0; BUFFER_BYTES];
        match Journal::recover(flash, region.clone(), BUDGET, &mut buffer, |_| Ok::<(), ()>(())) {
            Ok((journal, _)) => Ok(journal),
            Err(RecoverError::Flash(error)) => Err(error),
            Err(error) => panic!("second recovery, {} accepted: {error}", self.accepted),
        }
    }
}

fn formatted<F: NorFlash>(mut flash: F, region: &Region) -> Result<Journal<F>, F::Error> {
    match format(&mut flash, region.clone(), 1) {
        Ok(()) => {}
        Err(FormatError::Flash(error)) => return Err(error),
        Err(error) => panic!("{error}"),
    }
    let mut buffer = [0; BUFFER_BYTES];
    match Journal::recover(flash, region.clone(), BUDGET, &mut buffer, |_| Ok::<(), ()>(())) {
        Ok((journal, _)) => Ok(journal),
        Err(RecoverError::Flash(error)) => Err(error),
        Err(error) => panic!("behind a format: {error}"),
    }
}

/// Of all sizes, some of several pages.
fn payload(number: u32) -> Vec<u8> {
    let bytes = if number.is_multiple_of(11) { 3000 } else { 4 + number as usize * 37 % 500 };
    let fill = (0_u8..=255).cycle().skip(number as usize % 256);
    number.to_le_bytes().into_iter().chain(fill).take(bytes).collect()
}

fn map<T, E>(result: Result<T, AppendError<E>>) -> Result<T, E> {
    map_snapshot(result.map_err(SnapshotError::from))
}

fn map_snapshot<T, E>(result: Result<T, SnapshotError<E>>) -> Result<T, E> {
    match result {
        Ok(done) => Ok(done),
        Err(SnapshotError::Flash(error)) => Err(error),
        Err(SnapshotError::Full { bytes_free }) => panic!("full, {bytes_free} bytes left"),
        Err(SnapshotError::Empty | SnapshotError::Incomplete | SnapshotError::NeedsRecovery) => {
            panic!("the journal was used after a failure")
        }
    }
}
