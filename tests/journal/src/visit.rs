//! One boot of a journal on some image, and what came of it.

use everstep_board_sim::{SimFlashCounts, SimFlashError, SimFlashHandle};
use everstep_journal::{AppendError, BUFFER_BYTES, Budget, Entry, Journal, RecoverError};

use crate::layout::{Layout, with_geometry};

/// What a recovery hands over.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct View {
    /// The newest snapshot.
    pub snapshot: Option<Vec<u8>>,
    /// The records behind it, with their numbers.
    pub records: Vec<(u64, Vec<u8>)>,
}

impl View {
    /// Sizes and numbers, for a failure.
    #[must_use]
    pub fn brief(&self) -> String {
        let records: Vec<_> = self.records.iter().map(|(number, bytes)| (number, bytes.len())).collect();
        format!("a snapshot of {:?} bytes and records {records:?}", self.snapshot.as_ref().map(Vec::len))
    }
}

/// What a boot found and did.
#[derive(Clone, Debug)]
pub struct Visit {
    /// What was handed over.
    pub recovered: Result<View, RecoverError<SimFlashError>>,
    /// The number of the next record before anything was appended; 0 where nothing was recovered.
    pub next_sequence: u64,
    /// The epoch; 0 where nothing was recovered.
    pub epoch: u32,
    /// What came of each record that was appended.
    pub appended: Vec<Result<u64, AppendError<SimFlashError>>>,
    /// Operations on the flash.
    pub counts: SimFlashCounts,
    /// The flash afterwards.
    pub image: Vec<u8>,
}

/// Boots on `image`, and appends `records` if the journal is recovered. Each boot of a sealed journal
/// needs a number of its own.
///
/// # Panics
///
/// The snapshot comes in the wrong order, or record numbers don't rise.
#[must_use]
pub fn visit(layout: &Layout, image: Vec<u8>, boot: u64, records: &[Vec<u8>]) -> Visit {
    with_geometry!(layout, visit_as(layout, image, boot, records))
}

fn visit_as<const WORD: usize, const SECTOR: usize>(
    layout: &Layout,
    image: Vec<u8>,
    boot: u64,
    records: &[Vec<u8>],
) -> Visit {
    let region = layout.region(u32::try_from(image.len()).unwrap(), boot);
    let flash = SimFlashHandle::<WORD, SECTOR>::new(layout.flash(image));
    let mut view = View::default();
    let mut last_sequence = 0;
    let mut buffer = vec![0; BUFFER_BYTES];
    let recovered = Journal::recover(flash.clone(), region, Budget::default(), &mut buffer, |entry| {
        match entry {
            Entry::Snapshot { offset, bytes, .. } => {
                assert!(view.records.is_empty(), "a snapshot behind a record");
                let snapshot = view.snapshot.get_or_insert_default();
                assert_eq!(snapshot.len(), offset as usize);
                snapshot.extend_from_slice(bytes);
            }
            Entry::Record { sequence, bytes } => {
                assert!(sequence > last_sequence, "record {sequence} after {last_sequence}");
                last_sequence = sequence;
                view.records.push((sequence, bytes.to_vec()));
            }
        }
        Ok(())
    });
    let mut visit = Visit {
        recovered: Ok(view),
        next_sequence: 0,
        epoch: 0,
        appended: Vec::new(),
        counts: SimFlashCounts::default(),
        image: Vec::new(),
    };
    match recovered {
        Ok((mut journal, _)) => {
            (visit.next_sequence, visit.epoch) = (journal.next_sequence(), journal.epoch());
            visit.appended = records.iter().map(|record| journal.append(record)).collect();
        }
        Err(error) => visit.recovered = Err(error),
    }
    let flash = flash.lock();
    visit.counts = flash.counts();
    visit.image = flash.image().to_vec();
    visit
}
