//! Everstep's journal.

use anyhow::{Result, anyhow};
use everstep_journal::{BUFFER_BYTES, Budget, Entry, Journal, format};

use crate::{
    log::{FLASH_BYTES, Flash, Kept, Log},
    workload::{Item, SNAPSHOT_BYTES_MAX},
};

const BUDGET: Budget = Budget { snapshot_bytes_max: SNAPSHOT_BYTES_MAX, reserve_bytes: 4096 };

pub(crate) struct Everstep(Journal<Flash>);

impl Log for Everstep {
    const NAME: &'static str = "everstep-journal";

    fn create(flash: Flash) -> Result<Self> {
        format(flash.clone(), 0..FLASH_BYTES, 0)?;
        Ok(Self::open(flash)?.0)
    }

    fn open(flash: Flash) -> Result<(Self, Kept)> {
        let mut kept = Kept::default();
        let mut buffer = [0; BUFFER_BYTES];
        let recovered = Journal::recover(flash, 0..FLASH_BYTES, BUDGET, &mut buffer, |entry| {
            match entry {
                Entry::Snapshot { bytes, .. } => {
                    kept.snapshot.get_or_insert_default().extend_from_slice(bytes);
                }
                Entry::Record { bytes, .. } => kept.events.push(bytes.to_vec()),
            }
            Ok::<(), core::convert::Infallible>(())
        });
        let (journal, _) = recovered.map_err(|error| anyhow!("{error}"))?;
        Ok((Self(journal), kept))
    }

    fn keep(&mut self, item: &Item) -> Result<()> {
        match item {
            Item::Event(bytes) => self.0.append(bytes).map(drop)?,
            Item::Snapshot(bytes) => {
                let mut writer = self.0.snapshot()?;
                writer.write(bytes)?;
                writer.commit()?;
            }
        }
        Ok(())
    }

    fn idle(&mut self) -> Result<()> {
        while self.0.erase_ahead()? {}
        Ok(())
    }
}
