//! `sequential-storage`: its queue, and its map used as a ring.
//!
//! Snapshots are cut into parts that fit its items. The queue overwrites its oldest sector when it is
//! full; the map has one key for each place of a ring.

use anyhow::{Result, anyhow};
use embedded_storage::nor_flash::{ErrorType, NorFlash as _, ReadNorFlash as _};
use embedded_storage_async::nor_flash::{NorFlash, ReadNorFlash};
use sequential_storage::{
    cache::{Cache, Uncached, page_pointers::ArrayPagePointers, page_states::ArrayPageStates},
    map::{MapConfig, MapStorage},
    queue::{QueueConfig, QueueStorage},
};

use crate::{
    log::{FLASH_BYTES, Flash, Kept, Log, SECTOR, SECTORS, now},
    parts::{PART_BYTES_MAX, Parts, parts},
    workload::Item,
};

/// The blocking flash behind the trait that the crate wants.
pub(crate) struct Async(Flash);

impl ErrorType for Async {
    type Error = <Flash as ErrorType>::Error;
}

impl ReadNorFlash for Async {
    const READ_SIZE: usize = 1;

    async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Self::Error> {
        self.0.read(offset, bytes)
    }

    fn capacity(&self) -> usize {
        self.0.capacity()
    }
}

impl NorFlash for Async {
    const WRITE_SIZE: usize = 4;
    const ERASE_SIZE: usize = SECTOR;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), Self::Error> {
        self.0.erase(from, to)
    }

    async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Self::Error> {
        self.0.write(offset, bytes)
    }
}

type QueueCache = Cache<ArrayPageStates<SECTORS>, ArrayPagePointers<SECTORS>, Uncached>;

pub(crate) struct Queue(QueueStorage<Async, QueueCache>);

impl Log for Queue {
    const NAME: &'static str = "sequential-storage queue";

    fn create(flash: Flash) -> Result<Self> {
        let cache = Cache::new(ArrayPageStates::new(), ArrayPagePointers::new(), Uncached);
        Ok(Self(QueueStorage::new(Async(flash), QueueConfig::new(0..FLASH_BYTES), cache)))
    }

    fn open(flash: Flash) -> Result<(Self, Kept)> {
        let mut log = Self::create(flash)?;
        let mut found = Parts::default();
        let mut buffer = [0; PART_BYTES_MAX];
        let mut items = now(log.0.iter())?.map_err(|error| anyhow!("{error:?}"))?;
        while let Some(item) = now(items.next(&mut buffer))?.map_err(|error| anyhow!("{error:?}"))? {
            found.take(&item);
        }
        Ok((log, found.kept()))
    }

    fn keep(&mut self, item: &Item) -> Result<()> {
        for part in parts(item) {
            now(self.0.push(&part, true))?.map_err(|error| anyhow!("{error:?}"))?;
        }
        Ok(())
    }
}

/// Places of the map's ring: more than the items behind one snapshot.
const RING: u64 = 512;

pub(crate) struct Map {
    map: MapStorage<u32, Async, MapCache>,
    next: u64,
}

type MapCache = Cache<ArrayPageStates<SECTORS>, ArrayPagePointers<SECTORS>, Uncached, u32>;

impl Log for Map {
    const NAME: &'static str = "sequential-storage map";

    fn create(flash: Flash) -> Result<Self> {
        let cache = Cache::new(ArrayPageStates::new(), ArrayPagePointers::new(), Uncached);
        let map = MapStorage::new(Async(flash), MapConfig::new(0..FLASH_BYTES), cache);
        Ok(Self { map, next: 0 })
    }

    fn open(flash: Flash) -> Result<(Self, Kept)> {
        let mut log = Self::create(flash)?;
        // Items come in the order of the flash; the newest of a key is the last.
        let mut ring = std::collections::BTreeMap::new();
        let mut buffer = [0; PART_BYTES_MAX + 64];
        let mut items = now(log.map.fetch_all_items(&mut buffer))?.map_err(|error| anyhow!("{error:?}"))?;
        let mut buffer = [0; PART_BYTES_MAX + 64];
        while let Some((key, value)) =
            now(items.next::<&[u8]>(&mut buffer))?.map_err(|error| anyhow!("{error:?}"))?
        {
            let (number, part) = value
                .split_first_chunk()
                .map_or((0, value), |(number, part)| (u64::from_le_bytes(*number), part));
            ring.insert(key, (number, part.to_vec()));
        }
        let mut found: Vec<_> = ring.into_values().collect();
        found.sort();
        log.next = found.last().map_or(0, |(number, _)| number + 1);
        let mut parts = Parts::default();
        for (_, part) in &found {
            parts.take(part);
        }
        Ok((log, parts.kept()))
    }

    fn keep(&mut self, item: &Item) -> Result<()> {
        let mut buffer = [0; PART_BYTES_MAX + 64];
        for part in parts(item) {
            let value = [self.next.to_le_bytes().as_slice(), &part].concat();
            let key = u32::try_from(self.next % RING)?;
            now(self.map.store_item(&mut buffer, &key, &value.as_slice()))?
                .map_err(|error| anyhow!("{error:?}"))?;
            self.next += 1;
        }
        Ok(())
    }
}
