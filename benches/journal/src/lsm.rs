//! `ekv`: a key-value store on NOR flash. A key is the item's number; what a snapshot covers is
//! deleted in the snapshot's own transaction.

use anyhow::{Result, anyhow};
use ekv::{
    Config, Database,
    flash::{Flash as EkvFlash, PageID},
};
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embedded_storage::nor_flash::{NorFlash as _, ReadNorFlash as _};
use everstep_board_sim::SimFlashError;

use crate::{
    log::{Flash, Kept, Log, SECTOR, SECTORS, now},
    parts::{PART_BYTES_MAX, Parts, parts},
    workload::Item,
};

struct Pages(Flash);

fn address(page: PageID, offset: usize) -> u32 {
    u32::try_from(page.index() * SECTOR + offset).unwrap_or(u32::MAX)
}

impl EkvFlash for Pages {
    type Error = SimFlashError;

    fn page_count(&self) -> usize {
        SECTORS
    }

    async fn erase(&mut self, page: PageID) -> Result<(), SimFlashError> {
        self.0.erase(address(page, 0), address(page, SECTOR))
    }

    async fn read(&mut self, page: PageID, offset: usize, bytes: &mut [u8]) -> Result<(), SimFlashError> {
        self.0.read(address(page, offset), bytes)
    }

    async fn write(&mut self, page: PageID, offset: usize, bytes: &[u8]) -> Result<(), SimFlashError> {
        self.0.write(address(page, offset), bytes)
    }
}

pub(crate) struct Ekv {
    database: Database<Pages, NoopRawMutex>,
    /// The first key that counts, and the next one.
    first: u64,
    next: u64,
}

impl Ekv {
    fn new(flash: Flash) -> Self {
        Self { database: Database::new(Pages(flash), Config::default()), first: 0, next: 0 }
    }
}

impl Log for Ekv {
    const NAME: &'static str = "ekv";

    fn create(flash: Flash) -> Result<Self> {
        let log = Self::new(flash);
        now(log.database.format())?.map_err(|error| anyhow!("{error:?}"))?;
        Ok(log)
    }

    fn open(flash: Flash) -> Result<(Self, Kept)> {
        let mut log = Self::new(flash);
        now(log.database.mount())?.map_err(|error| anyhow!("{error:?}"))?;
        let mut found = Parts::default();
        let (mut key, mut value) = ([0; 8], [0; PART_BYTES_MAX]);
        {
            let read = now(log.database.read_transaction())?;
            let mut cursor = now(read.read_all())?.map_err(|error| anyhow!("{error:?}"))?;
            let mut first = None;
            while let Some((_, bytes)) =
                now(cursor.next(&mut key, &mut value))?.map_err(|error| anyhow!("{error:?}"))?
            {
                let number = u64::from_be_bytes(key);
                log.first = *first.get_or_insert(number);
                log.next = number + 1;
                found.take(value.get(..bytes).unwrap_or_default());
            }
        }
        Ok((log, found.kept()))
    }

    fn keep(&mut self, item: &Item) -> Result<()> {
        let mut write = now(self.database.write_transaction())?;
        // Keys have to come in their order: the old ones are smaller.
        if matches!(item, Item::Snapshot(_)) {
            for key in self.first..self.next {
                now(write.delete(&key.to_be_bytes()))?.map_err(|error| anyhow!("{error:?}"))?;
            }
        }
        let begun = self.next;
        for part in parts(item) {
            now(write.write(&self.next.to_be_bytes(), &part))?.map_err(|error| anyhow!("{error:?}"))?;
            self.next += 1;
        }
        now(write.commit())?.map_err(|error| anyhow!("{error:?}"))?;
        if matches!(item, Item::Snapshot(_)) {
            self.first = begun;
        }
        Ok(())
    }
}
