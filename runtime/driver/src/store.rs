//! An agent's records on flash: read back at boot, appended one by one, folded into snapshots.

use std::{error::Error, ops::Range};

use embedded_storage::nor_flash::NorFlash;
use everstep_core::{Agent, DecodeError, Limits, OutOfPlace, RECORD_BYTES_MAX, Record};
use everstep_journal::{
    AppendError, BUFFER_BYTES, Entry, FormatError, Journal, PAYLOAD_BYTES_MAX, RecoverError, SnapshotError,
    Stats,
};

use crate::{config::Budget, shared_flash::SharedFlash};

const _: () = assert!(RECORD_BYTES_MAX <= PAYLOAD_BYTES_MAX, "every record fits a frame");

/// Records that must still fit behind everything else: an intent, its outcome, a limit, the safe
/// states and the end, each as large as a record may be.
#[expect(clippy::cast_possible_truncation, reason = "a few thousand")]
const RESERVE_RECORDS: [u32; 5] = [RECORD_BYTES_MAX as u32; 5];

/// Bytes of [`RESERVE_RECORDS`].
#[expect(clippy::cast_possible_truncation, reason = "a few thousand")]
pub(crate) const RESERVE_BYTES: u32 = (RECORD_BYTES_MAX * RESERVE_RECORDS.len()) as u32;

/// A flash part whose errors can be shown.
pub trait Flash: NorFlash<Error: Error + Send + Sync + 'static> + Send {}

impl<F: NorFlash<Error: Error + Send + Sync + 'static> + Send> Flash for F {}

/// The records of one agent.
#[derive(Debug)]
pub struct Store<F: Flash> {
    journal: Journal<SharedFlash<F>>,
    budget: Budget,
    records_since_snapshot: u32,
    newest: Option<Record>,
    trusted_s: Option<u64>,
}

/// Why records can't be read or kept.
#[derive(Debug, thiserror::Error)]
pub enum StoreError<E: Error + 'static> {
    /// Reading the region back failed.
    #[error(transparent)]
    Recover(RecoverError<E, Stop>),
    /// A new region could not be made ready.
    #[error(transparent)]
    Format(FormatError<E>),
    /// A record could not be kept.
    #[error(transparent)]
    Append(#[from] AppendError<E>),
    /// A snapshot could not be kept; the one before still counts.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError<E>),
    /// Not even a snapshot makes room.
    #[error("journal has no room for {bytes} bytes: enlarge its region")]
    NoRoom {
        /// Bytes needed.
        bytes: u64,
    },
}

impl<E: Error + 'static> StoreError<E> {
    /// The flash driver's own error, where it failed.
    #[must_use]
    pub fn flash(&self) -> Option<&E> {
        match self {
            Self::Recover(RecoverError::Flash(error))
            | Self::Format(FormatError::Flash(error))
            | Self::Append(AppendError::Flash(error))
            | Self::Snapshot(SnapshotError::Flash(error)) => Some(error),
            _ => None,
        }
    }
}

/// Why what a region holds is not read on.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Stop {
    /// A record is of another version, or damaged in a way its checksum does not show.
    #[error(transparent)]
    Record(DecodeError),
    /// The same of the snapshot.
    #[error("snapshot: {0}")]
    Snapshot(DecodeError),
    /// Records are there, but they do not follow from each other.
    #[error(transparent)]
    OutOfPlace(OutOfPlace),
    /// The same of the board's own log.
    #[error("board record {0}")]
    Board(String),
}

impl<F: Flash> Store<F> {
    /// Opens the journal in `region` and replays it. An erased region becomes a new journal.
    ///
    /// # Errors
    ///
    /// The flash failed, or holds something else. Only a failure of the flash may have changed it.
    pub fn open(
        flash: &SharedFlash<F>,
        region: Range<u32>,
        limits: Limits,
        budget: Budget,
    ) -> Result<(Self, Agent), StoreError<F::Error>> {
        let mut replay = Replay::new(limits);
        let journal = open_journal(flash, region, budget.journal(), |entry| replay.take(entry))?;
        let Replay { agent, records, newest, trusted_s, .. } = replay;
        Ok((Self { journal, budget, records_since_snapshot: records, newest, trusted_s }, agent))
    }

    /// The latest time that the records found at the start were made at, where the clock was trusted then;
    /// in seconds since 1970 UTC. What came before the newest snapshot is known by that snapshot alone.
    #[must_use]
    pub const fn trusted_s(&self) -> Option<u64> {
        self.trusted_s
    }

    /// The newest record behind the newest snapshot.
    #[must_use]
    pub fn newest(&self) -> Option<&Record> {
        self.newest.as_ref()
    }

    /// What this boot did to the flash.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.journal.stats()
    }

    /// Appends a record; returns its number and bytes. Once this returns `Ok`, it survives power loss.
    pub(crate) fn append(&mut self, record: &Record) -> Result<(u64, usize), StoreError<F::Error>> {
        let bytes = record.encode();
        let sequence = self.journal.append(&bytes)?;
        self.records_since_snapshot = self.records_since_snapshot.saturating_add(1);
        Ok((sequence, bytes.len()))
    }

    /// Refuses where a write failed before: what is on flash is unknown until the next boot.
    pub(crate) fn check_usable(&self) -> Result<(), StoreError<F::Error>> {
        if self.journal.needs_recovery() { Err(AppendError::NeedsRecovery.into()) } else { Ok(()) }
    }

    /// Whether a snapshot should be taken before anything else is recorded.
    pub(crate) fn is_snapshot_due(&self) -> bool {
        self.records_since_snapshot >= self.budget.snapshot_records || self.journal.needs_snapshot()
    }

    /// Folds everything so far into a snapshot; returns its bytes, or `None` where it is larger than
    /// the board file allows, or than the region has room for.
    pub(crate) fn snapshot(&mut self, agent: &Agent) -> Result<Option<usize>, StoreError<F::Error>> {
        let bytes = agent.state().encode();
        self.records_since_snapshot = 0;
        let fits = u32::try_from(bytes.len()).is_ok_and(|length| length <= self.budget.snapshot_bytes_max);
        if !fits {
            return Ok(None);
        }
        match write_snapshot(&mut self.journal, &bytes) {
            Ok(()) => Ok(Some(bytes.len())),
            Err(SnapshotError::Full { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether the largest intent fits, with its outcome and a safe end behind it.
    pub(crate) fn has_reserve(&self) -> bool {
        self.journal.fits(&RESERVE_RECORDS)
    }

    /// Bytes that [`Self::has_reserve`] asks for, and bytes of those there are.
    pub(crate) fn reserve(&self) -> (u64, u64) {
        let fit = |count: &usize| RESERVE_RECORDS.get(..*count).is_some_and(|some| self.journal.fits(some));
        let there = (1..=RESERVE_RECORDS.len()).take_while(fit).count();
        (RESERVE_BYTES.into(), (there * RECORD_BYTES_MAX) as u64)
    }

    /// Uses a quiet moment: erases what will be needed next.
    pub(crate) fn rest(&mut self) -> Result<(), StoreError<F::Error>> {
        while self.journal.erase_ahead()? {}
        Ok(())
    }
}

/// Puts an agent together again.
struct Replay {
    agent: Agent,
    limits: Limits,
    snapshot: Vec<u8>,
    records: u32,
    newest: Option<Record>,
    trusted_s: Option<u64>,
}

impl Replay {
    fn new(limits: Limits) -> Self {
        let agent = Agent::new(limits);
        Self { agent, limits, snapshot: Vec::new(), records: 0, newest: None, trusted_s: None }
    }

    fn take(&mut self, entry: Entry<'_>) -> Result<(), Stop> {
        match entry {
            Entry::Snapshot { bytes, last, .. } => {
                self.snapshot.extend_from_slice(bytes);
                if last {
                    self.agent = Agent::from_snapshot(&self.snapshot, self.limits).map_err(Stop::Snapshot)?;
                    self.trusted_s = self.trusted_s.max(self.agent.state().timeline.clock);
                }
            }
            Entry::Record { bytes, .. } => {
                let record = Record::decode(bytes).map_err(Stop::Record)?;
                self.agent.apply(&record).map_err(Stop::OutOfPlace)?;
                self.records = self.records.saturating_add(1);
                self.trusted_s = self.trusted_s.max(record.at.clock);
                self.newest = Some(record);
            }
        }
        Ok(())
    }
}

/// Opens the journal in `region`; an erased region becomes a new one.
pub(crate) fn open_journal<F: Flash>(
    flash: &SharedFlash<F>,
    region: Range<u32>,
    budget: everstep_journal::Budget,
    mut visit: impl FnMut(Entry<'_>) -> Result<(), Stop>,
) -> Result<Journal<SharedFlash<F>>, StoreError<F::Error>> {
    let mut buffer = vec![0; BUFFER_BYTES];
    // Each boot of a journal has a seal of its own.
    let recovered =
        Journal::recover(flash.clone(), flash.region(region.clone()), budget, &mut buffer, &mut visit);
    let recovered = match recovered {
        Err(RecoverError::Unformatted) => {
            everstep_journal::format(flash.clone(), flash.region(region.clone()), OWNER_EPOCH)
                .map_err(StoreError::Format)?;
            Journal::recover(flash.clone(), flash.region(region), budget, &mut buffer, visit)
        }
        recovered => recovered,
    };
    recovered.map(|(journal, _)| journal).map_err(StoreError::Recover)
}

/// Writes `bytes` as a snapshot. Once this returns `Ok`, it survives power loss, and what came before
/// may be erased.
pub(crate) fn write_snapshot<F: Flash>(
    journal: &mut Journal<SharedFlash<F>>,
    bytes: &[u8],
) -> Result<(), SnapshotError<F::Error>> {
    let mut writer = journal.snapshot()?;
    writer.write(bytes)?;
    writer.commit().map(drop)
}

/// Epoch of the only owner there is until journals move between gateways.
const OWNER_EPOCH: u32 = 0;
