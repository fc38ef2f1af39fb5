//! Logs in a file, durable at every item or every group of them: Everstep's journal, SQLite and redb.

use std::{fs, path::Path};

use anyhow::{Context, Result, anyhow};
use everstep_board_linux::{clock::uptime, flash::FileFlash};
use everstep_journal::{BUFFER_BYTES, Budget, Journal, Region, format};
use redb::{Database, TableDefinition};
use rusqlite::Connection;

use crate::workload::{Item, SNAPSHOT_BYTES_MAX, Workload};

const FLASH_BYTES: u32 = 1 << 20;
const BUDGET: Budget = Budget { snapshot_bytes_max: SNAPSHOT_BYTES_MAX, reserve_bytes: 4096 };

/// A log in a file.
pub(crate) trait FileLog {
    /// Keeps items together. Once this returns `Ok`, all survive power loss.
    fn keep(&mut self, group: &[Item]) -> Result<()>;
}

fn region() -> Region {
    Region::buffered(0..FLASH_BYTES)
}

pub(crate) struct EverstepFile(Journal<FileFlash>);

impl EverstepFile {
    pub(crate) fn create(folder: &Path) -> Result<Self> {
        let mut flash = FileFlash::open_or_create(&folder.join("flash.img"), FLASH_BYTES)?;
        format(&mut flash, region(), 0).map_err(|error| anyhow!("{error}"))?;
        let mut buffer = [0; BUFFER_BYTES];
        let found = Journal::recover(flash, region(), BUDGET, &mut buffer, |_| {
            Ok::<(), core::convert::Infallible>(())
        });
        Ok(Self(found.map_err(|error| anyhow!("{error}"))?.0))
    }
}

impl FileLog for EverstepFile {
    fn keep(&mut self, group: &[Item]) -> Result<()> {
        for item in group {
            match item {
                Item::Event(bytes) => self.0.stage(bytes).map(drop)?,
                Item::Snapshot(bytes) => {
                    let mut writer = self.0.snapshot()?;
                    writer.write(bytes)?;
                    writer.commit()?;
                }
            }
        }
        self.0.commit()?;
        while self.0.erase_ahead()? {}
        Ok(())
    }
}

pub(crate) struct Sqlite(Connection);

impl Sqlite {
    pub(crate) fn create(folder: &Path) -> Result<Self> {
        let connection = Connection::open(folder.join("log.sqlite"))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.execute_batch(
            "CREATE TABLE log (number INTEGER PRIMARY KEY, snapshot INTEGER NOT NULL, bytes BLOB NOT NULL)",
        )?;
        Ok(Self(connection))
    }
}

impl FileLog for Sqlite {
    fn keep(&mut self, group: &[Item]) -> Result<()> {
        let transaction = self.0.transaction()?;
        for item in group {
            let is_snapshot = matches!(item, Item::Snapshot(_));
            if is_snapshot {
                transaction.execute("DELETE FROM log", ())?;
            }
            let mut insert = transaction.prepare_cached("INSERT INTO log VALUES (?1, ?2, ?3)")?;
            insert.execute((i64::try_from(item.number())?, is_snapshot, item.bytes()))?;
        }
        transaction.commit()?;
        Ok(())
    }
}

const TABLE: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("log");

pub(crate) struct Redb(Database);

impl Redb {
    pub(crate) fn create(folder: &Path) -> Result<Self> {
        Ok(Self(Database::create(folder.join("log.redb"))?))
    }
}

impl FileLog for Redb {
    fn keep(&mut self, group: &[Item]) -> Result<()> {
        // Durable at once is what a transaction is unless told otherwise.
        let transaction = self.0.begin_write()?;
        {
            let mut table = transaction.open_table(TABLE)?;
            for item in group {
                if matches!(item, Item::Snapshot(_)) {
                    table.retain(|_, _| false)?;
                }
                table.insert(item.number(), item.bytes())?;
            }
        }
        transaction.commit()?;
        Ok(())
    }
}

/// What one way of keeping a workload in a file cost.
#[derive(Clone, Debug, Default)]
pub(crate) struct FileCost {
    /// Microseconds a step, one value for each round.
    pub(crate) step_us: Vec<f64>,
    /// Bytes given to the system in a round.
    pub(crate) written_bytes: u64,
    /// Calls that wrote.
    pub(crate) writes: u64,
    pub(crate) steps: u64,
}

const EVERSTEP: &str = "everstep-journal";
pub(crate) const SQLITE: &str = "SQLite, WAL, FULL";
const REDB: &str = "redb";
/// Every way, and how many items are kept together.
pub(crate) const NAMES: [(&str, usize); 6] =
    [(EVERSTEP, 1), (SQLITE, 1), (REDB, 1), (EVERSTEP, 8), (SQLITE, 8), (REDB, 8)];

/// Runs all of them, interleaved: forwards in one round, backwards in the next.
pub(crate) fn measure(folder: &Path, rounds: usize, steps: u64) -> Result<Vec<FileCost>> {
    let mut costs = vec![FileCost::default(); NAMES.len()];
    for round in 0..rounds {
        let mut order: Vec<_> = NAMES.iter().zip(&mut costs).collect();
        if !round.is_multiple_of(2) {
            order.reverse();
        }
        for ((name, group), cost) in order {
            let place = tempfile::tempdir_in(folder)?;
            let mut log: Box<dyn FileLog> = match *name {
                EVERSTEP => Box::new(EverstepFile::create(place.path())?),
                SQLITE => Box::new(Sqlite::create(place.path())?),
                _ => Box::new(Redb::create(place.path())?),
            };
            round_of(log.as_mut(), round as u64, steps, *group, cost)?;
        }
    }
    Ok(costs)
}

fn round_of(log: &mut dyn FileLog, seed: u64, steps: u64, group: usize, cost: &mut FileCost) -> Result<()> {
    let events = |items: &[Item]| items.iter().filter(|item| matches!(item, Item::Event(_))).count() as u64;
    let before = written()?;
    let began = uptime();
    let mut workload = Workload::new(seed);
    let mut done = 0;
    while done < steps {
        let items: Vec<_> = workload.by_ref().take(group).collect();
        log.keep(&items)?;
        done += events(&items);
    }
    cost.step_us.push(uptime().saturating_sub(began).as_secs_f64() * 1e6 / done as f64);
    let after = written()?;
    cost.written_bytes += after.0 - before.0;
    cost.writes += after.1 - before.1;
    cost.steps += done;
    Ok(())
}

/// Bytes this process gave to the system so far, and calls that did, by the kernel's own count.
fn written() -> Result<(u64, u64)> {
    let text =
        fs::read_to_string("/proc/self/io").context("this needs Linux's count of what a process writes")?;
    let field = |name: &str| -> Result<u64> {
        let line =
            text.lines().find_map(|line| line.strip_prefix(name)).context("a field of /proc/self/io")?;
        Ok(line.trim().parse()?)
    };
    Ok((field("wchar:")?, field("syscw:")?))
}
