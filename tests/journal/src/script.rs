//! Short lives of a journal, and everything that was ever written in them.

use std::collections::{BTreeMap, BTreeSet};

use everstep_board_sim::{CutModel, PowerCut, SimFlashHandle};
use everstep_journal::{BUFFER_BYTES, Budget, Journal, SnapshotError, format};

use crate::{
    layout::{Layout, with_geometry},
    visit::View,
};

/// One thing a life does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Act {
    /// So many records of about so many bytes.
    Records(usize, usize),
    /// The same, committed together.
    Together(usize, usize),
    /// A snapshot of so many bytes.
    Snapshot(usize),
    /// A snapshot of so many bytes that is never committed.
    GiveUp(usize),
    /// Another boot.
    Boot,
    /// The power goes at so many operations from here, in the middle of the next one.
    Cut(u64, CutModel),
}

/// A flash after a life, and everything that was written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Life {
    pub(crate) image: Vec<u8>,
    /// Each number's records: one that never counted may come again with other bytes.
    pub(crate) records: BTreeMap<u64, BTreeSet<Vec<u8>>>,
    pub(crate) snapshots: BTreeSet<Vec<u8>>,
}

impl Life {
    /// Panics where something was made up.
    pub(crate) fn must_have_written(&self, view: &View) {
        if let Some(snapshot) = &view.snapshot {
            assert!(self.snapshots.contains(snapshot), "a snapshot was made up: {}", view.brief());
        }
        for (number, record) in &view.records {
            let written = self.records.get(number).is_some_and(|records| records.contains(record));
            assert!(written, "record {number} was made up: {}", view.brief());
        }
    }
}

/// Lives on a new flash of `sectors` sectors. The power stays away after a cut.
pub(crate) fn live(layout: &Layout, sectors: u32, acts: &[Act]) -> Life {
    with_geometry!(layout, live_as(layout, sectors, acts))
}

fn live_as<const WORD: usize, const SECTOR: usize>(layout: &Layout, sectors: u32, acts: &[Act]) -> Life {
    let bytes = sectors * layout.sector_bytes;
    let flash = SimFlashHandle::<WORD, SECTOR>::new(layout.flash(vec![0xFF; bytes as usize]));
    format(flash.clone(), layout.region(bytes, 0), 7).unwrap();
    let mut boots = 0;
    let mut boot = || {
        boots += 1;
        let mut buffer = vec![0; BUFFER_BYTES];
        let region = layout.region(bytes, boots);
        Journal::recover(flash.clone(), region, Budget::default(), &mut buffer, |_| Ok::<_, ()>(()))
            .map(|(journal, _)| journal)
    };
    let mut life = Life::default();
    let mut journal = boot().unwrap();
    let mut sent = 0;
    for act in acts {
        let done: Result<(), SnapshotError<_>> = match *act {
            Act::Boot => {
                journal = boot().unwrap();
                Ok(())
            }
            Act::Cut(operation, model) => {
                let cut = PowerCut { operation, bytes: SECTOR / 3 % 97, model, seed: 3 };
                flash.lock().cut_power(cut);
                Ok(())
            }
            Act::Records(records, bytes) => (0..records).try_for_each(|_| {
                sent += 1;
                let record = payload("record", sent, bytes + sent % 90);
                // The one under way when the power goes may count.
                life.records.entry(journal.next_sequence()).or_default().insert(record.clone());
                let sequence = journal.append(&record)?;
                life.records.entry(sequence).or_default().insert(record);
                Ok(())
            }),
            Act::Together(records, bytes) => (0..records)
                .try_for_each(|_| {
                    sent += 1;
                    let record = payload("record", sent, bytes + sent % 90);
                    let sequence = journal.stage(&record)?;
                    life.records.entry(sequence).or_default().insert(record);
                    Ok(())
                })
                .and_then(|()| journal.commit())
                .map_err(SnapshotError::from),
            Act::Snapshot(bytes) | Act::GiveUp(bytes) => {
                sent += 1;
                let snapshot = payload("snapshot", sent, bytes);
                let written = journal.snapshot().and_then(|mut writer| {
                    writer.write(&snapshot)?;
                    if matches!(act, Act::Snapshot(_)) { writer.commit().map(drop) } else { Ok(()) }
                });
                // The one under way when the power goes may count.
                if matches!(act, Act::Snapshot(_)) {
                    life.snapshots.insert(snapshot);
                }
                written
            }
        };
        if done.is_err() {
            break;
        }
    }
    life.image = flash.lock().image().to_vec();
    life
}

/// Bytes that say what they are.
fn payload(what: &str, number: usize, bytes: usize) -> Vec<u8> {
    std::format!("{what} {number}; ").bytes().cycle().take(bytes).collect()
}
