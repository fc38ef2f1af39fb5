//! A board that loses power, and what must be true afterwards.

use std::{format, string::String, vec, vec::Vec};

use everstep_board_sim::{Moment, PowerCut, SimFlash, SimFlashError, SimFlashHandle};

use crate::{
    AppendError, BUFFER_BYTES, Budget, Entry, Journal, RecoverError, Recovery, Region, SnapshotError,
};

pub(crate) const SECTOR: usize = 4096;

/// One thing sent to the journal.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Item {
    Record(Vec<u8>),
    Snapshot(Vec<u8>),
}

/// What a recovery hands over.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct View {
    pub(crate) snapshot: Option<Vec<u8>>,
    pub(crate) records: Vec<Vec<u8>>,
}

impl View {
    pub(crate) fn of(items: &[Item]) -> Self {
        items.iter().fold(Self::default(), |mut view, item| {
            match item {
                Item::Record(bytes) => view.records.push(bytes.clone()),
                Item::Snapshot(bytes) => {
                    view = Self { snapshot: Some(bytes.clone()), records: Vec::new() };
                }
            }
            view
        })
    }

    fn brief(&self) -> String {
        let head = |bytes: &Vec<u8>| bytes.iter().take(8).copied().collect::<Vec<u8>>();
        let records = self.records.iter().map(|bytes| (bytes.len(), head(bytes))).collect::<Vec<_>>();
        let last = records.iter().rev().take(3).collect::<Vec<_>>();
        let snapshot = self.snapshot.as_ref().map(|bytes| (bytes.len(), head(bytes)));
        format!("snapshot {snapshot:?}, {} records, last {last:?}", records.len())
    }
}

pub(crate) type Flash<const WORD: usize, const SECTOR_BYTES: usize = SECTOR> =
    SimFlashHandle<WORD, SECTOR_BYTES>;

/// What the flash is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Medium {
    Nor,
    /// A file: writes reach 512-byte blocks in any order.
    File,
    /// A block device with blocks of so many bytes; those under way may be lost.
    Blocks(u32),
    /// A NOR part that programs so many bytes together, known at run time only.
    Units(u32),
}

impl Medium {
    /// Whether each write is done when it returns.
    pub(crate) fn writes_at_once(self) -> bool {
        matches!(self, Self::Nor | Self::Units(_))
    }
}

/// The operation under way ended early: the power went, or the flash failed.
#[derive(Debug)]
pub(crate) struct Cut;

impl Cut {
    /// Whether that is what an error says.
    pub(crate) fn is_in(error: SimFlashError) -> bool {
        matches!(error, SimFlashError::PowerLoss | SimFlashError::Failed)
    }
}

/// A board whose flash is all it remembers, and the truth about what was sent.
#[derive(Clone)]
pub(crate) struct Board<const WORD: usize = 4, const SECTOR_BYTES: usize = SECTOR> {
    pub(crate) flash: Flash<WORD, SECTOR_BYTES>,
    pub(crate) medium: Medium,
    /// Boots so far, where the journal is sealed: each has a salt of its own.
    #[cfg(feature = "seal")]
    pub(crate) sealed: Option<core::cell::Cell<u64>>,
    pub(crate) sectors: usize,
    /// What the journal takes as a sector; the flash erases `SECTOR_BYTES` at once.
    pub(crate) sector_bytes: usize,
    pub(crate) budget: Budget,
    /// Every item a boot believed or the journal accepted.
    pub(crate) history: Vec<Item>,
    /// Sent, and neither accepted nor refused. Some of them may be found, from the first on.
    pub(crate) doubt: Vec<Item>,
    pub(crate) sent: u64,
    /// What a failure is reported with.
    pub(crate) context: String,
}

impl<const WORD: usize, const SECTOR_BYTES: usize> Board<WORD, SECTOR_BYTES> {
    pub(crate) fn new(sectors: usize, budget: Budget) -> Self {
        Self::on(Medium::Nor, sectors, budget)
    }

    pub(crate) fn on(medium: Medium, sectors: usize, budget: Budget) -> Self {
        Self::with_sectors(medium, sectors, SECTOR_BYTES, budget)
    }

    /// A board whose journal takes several of the flash's sectors as one.
    pub(crate) fn with_sectors(medium: Medium, sectors: usize, sector_bytes: usize, budget: Budget) -> Self {
        let flash = SimFlash::new(sectors * sector_bytes / SECTOR_BYTES);
        let flash = match medium {
            Medium::Nor | Medium::Units(_) => flash,
            Medium::File => flash.buffered(512, false),
            Medium::Blocks(bytes) => flash.buffered(bytes as usize, true),
        };
        Self {
            flash: Flash::new(flash),
            medium,
            #[cfg(feature = "seal")]
            sealed: None,
            sectors,
            sector_bytes,
            budget,
            history: Vec::new(),
            doubt: Vec::new(),
            sent: 0,
            context: String::new(),
        }
    }

    /// The same board with a flash of its own.
    pub(crate) fn fork(&self) -> Self {
        let flash = Flash::new(self.flash.lock().clone());
        Self { flash, ..self.clone() }
    }

    /// The same board, had `cut` come in an operation that was kept. Its power is off.
    pub(crate) fn after(&self, moment: &Moment<WORD, SECTOR_BYTES>, cut: PowerCut) -> Self {
        Self { flash: Flash::new(moment.cut(cut)), ..self.clone() }
    }

    pub(crate) fn cut_at(&self, cut: PowerCut) {
        self.flash.lock().cut_power(cut);
    }

    pub(crate) fn power_on(&self) {
        self.flash.lock().power_on();
    }

    pub(crate) fn region(&self) -> Region {
        let range = 0..u32::try_from(self.sectors * self.sector_bytes).unwrap();
        let region = match self.medium {
            Medium::Nor => range.into(),
            Medium::Units(bytes) => Region::from(range).blocks(bytes),
            Medium::File => Region::buffered(range),
            Medium::Blocks(bytes) => Region::buffered(range).blocks(bytes),
        };
        let several = u32::try_from(self.sector_bytes).unwrap();
        let region = if self.sector_bytes == SECTOR_BYTES { region } else { region.sectors(several) };
        #[cfg(feature = "seal")]
        if let Some(boots) = &self.sealed {
            boots.set(boots.get() + 1);
            return region.sealed(super::seal::seal(boots.get()));
        }
        region
    }

    /// Boots: formats a new flash, recovers, and checks that everything accepted is there and nothing
    /// else.
    pub(crate) fn boot(&mut self, context: &str) -> Result<Journal<Flash<WORD, SECTOR_BYTES>>, Cut> {
        self.context = context.into();
        let (journal, _, view) = match recover(&self.flash, self.region(), self.budget) {
            Ok(found) => found,
            Err(RecoverError::Flash(error)) if Cut::is_in(error) => return Err(Cut),
            Err(RecoverError::Unformatted) => {
                assert!(self.history.is_empty(), "{context}: all is lost");
                match crate::format(self.flash.clone(), self.region(), 7) {
                    Ok(()) => {}
                    Err(crate::FormatError::Flash(error)) if Cut::is_in(error) => return Err(Cut),
                    Err(error) => panic!("{context}: {error}"),
                }
                recover(&self.flash, self.region(), self.budget).map_err(|error| match error {
                    RecoverError::Flash(error) if Cut::is_in(error) => Cut,
                    error => panic!("{context}: after format: {error}"),
                })?
            }
            Err(error) => panic!("{context}: {error}"),
        };
        self.believe(&view, context);
        Ok(journal)
    }

    fn believe(&mut self, view: &View, context: &str) {
        let without = View::of(&self.history);
        let told = self.history.len();
        self.history.append(&mut self.doubt);
        // Bits on the edge may read as whole at the next boot, as long as nothing else was sent: what
        // isn't found stays in doubt.
        while self.history.len() > told && *view != View::of(&self.history) {
            self.doubt.insert(0, self.history.remove(self.history.len() - 1));
        }
        if self.history.len() > told {
            return self.forget_covered();
        }
        assert!(*view == without, "{context}: found {}, but was told {}", view.brief(), without.brief());
    }

    /// Sends one item. `Ok(false)` where the journal is full.
    pub(crate) fn send(
        &mut self,
        journal: &mut Journal<Flash<WORD, SECTOR_BYTES>>,
        item: &Item,
    ) -> Result<bool, Cut> {
        self.doubt = vec![item.clone()];
        let result = match item {
            Item::Record(bytes) => journal.append(bytes).map_err(SnapshotError::from),
            Item::Snapshot(bytes) => snapshot(journal, bytes),
        };
        match result {
            Ok(_) => {
                self.history.append(&mut self.doubt);
                self.forget_covered();
                Ok(true)
            }
            Err(SnapshotError::Flash(error)) if Cut::is_in(error) => Err(Cut),
            Err(SnapshotError::Full { .. }) => {
                self.doubt.clear();
                Ok(false)
            }
            Err(error) => panic!("{}: {error}", self.context),
        }
    }

    /// Stages records, and commits them together.
    pub(crate) fn send_together(
        &mut self,
        journal: &mut Journal<Flash<WORD, SECTOR_BYTES>>,
        records: &[Vec<u8>],
    ) -> Result<(), Cut> {
        self.doubt.clear();
        let mut commit = || {
            for record in records {
                self.doubt.push(Item::Record(record.clone()));
                journal.stage(record)?;
            }
            journal.commit()
        };
        match commit() {
            Ok(()) => {}
            Err(AppendError::Flash(error)) if Cut::is_in(error) => return Err(Cut),
            Err(error) => panic!("{}: {error}", self.context),
        }
        self.history.append(&mut self.doubt);
        Ok(())
    }

    /// A record of its own, of about so many bytes.
    pub(crate) fn record(&mut self, bytes: usize) -> Item {
        Item::Record(self.payload(bytes))
    }

    pub(crate) fn snapshot(&mut self, bytes: usize) -> Item {
        Item::Snapshot(self.payload(bytes))
    }

    pub(crate) fn payload(&mut self, bytes: usize) -> Vec<u8> {
        self.sent += 1;
        let mut payload = self.sent.to_le_bytes().to_vec();
        // Bytes of all kinds, erased-looking ones at the end among them.
        let fill = (0_u8..=255).cycle().skip(usize::try_from(self.sent * 31 % 256).unwrap());
        payload.extend(fill.take(bytes.saturating_sub(8)));
        if self.sent.is_multiple_of(3) {
            payload.extend([0xFF; 5]);
        }
        payload
    }

    fn forget_covered(&mut self) {
        let newest = self.history.iter().rposition(|item| matches!(item, Item::Snapshot(_)));
        self.history.drain(..newest.unwrap_or(0));
    }
}

pub(crate) fn snapshot<const WORD: usize, const SECTOR_BYTES: usize>(
    journal: &mut Journal<Flash<WORD, SECTOR_BYTES>>,
    bytes: &[u8],
) -> Result<u64, SnapshotError<SimFlashError>> {
    let mut writer = journal.snapshot()?;
    // Two calls, so that a fragment ends where no sector does.
    let (first, second) = bytes.split_at(bytes.len() / 3);
    writer.write(first)?;
    writer.write(second)?;
    writer.commit()
}

pub(crate) type Found<const WORD: usize, const SECTOR_BYTES: usize> =
    (Journal<Flash<WORD, SECTOR_BYTES>>, Recovery, View);

pub(crate) fn recover<const WORD: usize, const SECTOR_BYTES: usize>(
    flash: &Flash<WORD, SECTOR_BYTES>,
    region: impl Into<Region>,
    budget: Budget,
) -> Result<Found<WORD, SECTOR_BYTES>, RecoverError<SimFlashError>> {
    let mut view = View::default();
    let mut last_sequence = 0;
    let mut buffer = vec![0; BUFFER_BYTES];
    let (journal, recovery) = Journal::recover(flash.clone(), region, budget, &mut buffer, |entry| {
        match entry {
            Entry::Snapshot { offset, bytes, .. } => {
                let snapshot = view.snapshot.get_or_insert_default();
                assert_eq!(snapshot.len(), offset as usize);
                snapshot.extend_from_slice(bytes);
            }
            Entry::Record { sequence, bytes } => {
                assert!(sequence > last_sequence, "record {sequence} after {last_sequence}");
                last_sequence = sequence;
                view.records.push(bytes.to_vec());
            }
        }
        Ok(())
    })?;
    assert_eq!(recovery.records, view.records.len() as u64);
    Ok((journal, recovery, view))
}

/// Says that the journal is full where a test expects it.
pub(crate) fn is_full<T: core::fmt::Debug>(result: &Result<T, AppendError<SimFlashError>>) -> bool {
    matches!(result, Err(AppendError::Full { .. }))
}
