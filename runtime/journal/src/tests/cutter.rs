//! Tries cuts in operations that were kept, so that a long life takes one pass.

use std::{format, string::String, vec::Vec};

use everstep_board_sim::{CutModel, Moment, PowerCut};

use super::{
    harness::{Board, Cut, Flash, Item, Medium},
    soak::Dice,
};
use crate::Journal;

/// What is done in one go. The board knows what must be true if it is interrupted.
#[derive(Clone, Debug)]
pub(super) enum Action {
    Boot,
    Send(Item),
    /// Records that are committed together.
    Together(Vec<Vec<u8>>),
    EraseAhead,
    /// A snapshot of so many bytes that is never committed.
    GiveUp(usize),
}

/// Which cuts of an operation are tried.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Depth {
    /// In its first, middle and last byte and in one more, each under another model.
    Few,
    /// The same under every model.
    Models,
    /// Every byte wherever that makes a difference, under every model.
    Every,
}

/// Tries cuts and counts them.
pub(super) struct Cutter {
    pub(super) cuts: u64,
    pub(super) operations: u64,
    depth: Depth,
    dice: Dice,
    turn: usize,
}

impl Cutter {
    pub(super) fn new(depth: Depth, seed: u64) -> Self {
        Self { cuts: 0, operations: 0, depth, dice: Dice(seed), turn: 0 }
    }

    /// Performs `action`, then tries cuts in every operation of it. `then` gets each board as the cut
    /// left it, with its power off.
    pub(super) fn perform<const WORD: usize, const SECTOR: usize>(
        &mut self,
        board: &mut Board<WORD, SECTOR>,
        journal: &mut Option<Journal<Flash<WORD, SECTOR>>>,
        action: &Action,
        context: &str,
        then: &mut dyn FnMut(Board<WORD, SECTOR>, &str),
    ) {
        let mut before = board.clone();
        match action {
            Action::Send(item) => before.doubt = [item.clone()].into(),
            Action::Together(records) => before.doubt = records.iter().cloned().map(Item::Record).collect(),
            Action::Boot | Action::EraseAhead | Action::GiveUp(_) => {}
        }
        board.flash.lock().keep_moments();
        let done = perform(board, journal, action, context);
        let moments = board.flash.lock().take_moments();
        assert!(done.is_ok(), "{context}: a cut that was not planned");
        for (operation, moment) in moments.iter().enumerate() {
            self.operations += 1;
            for cut in self.cuts_of(before.medium, moment) {
                self.cuts += 1;
                let context = format!("{context}, operation {operation}, {cut:?}");
                then(before.after(moment, cut), &context);
            }
        }
    }

    fn cuts_of<const WORD: usize, const SECTOR: usize>(
        &mut self,
        medium: Medium,
        moment: &Moment<WORD, SECTOR>,
    ) -> Vec<PowerCut> {
        let bytes = moment.bytes();
        let mut next = |model, bytes| {
            let seed = self.dice.roll(u64::MAX);
            PowerCut { operation: 0, bytes, model, seed }
        };
        if !medium.writes_at_once() {
            // What is left of each block is the seed's choice; a process may also be killed.
            let seeds = match self.depth {
                Depth::Few => 3,
                Depth::Models => 6,
                Depth::Every => 24,
            };
            let cuts = (0..seeds).map(|_| next(CutModel::Clean, 0)).collect::<Vec<_>>();
            return cuts.into_iter().chain([next(CutModel::Killed, 0)]).collect();
        }
        let seeded = usize::try_from(self.dice.roll(bytes.max(1) as u64)).unwrap();
        let positions = [1, bytes / 2, bytes.saturating_sub(1), seeded];
        let mut next = |model, bytes| {
            let seed = self.dice.roll(u64::MAX);
            PowerCut { operation: 0, bytes, model, seed }
        };
        let rotated = CutModel::ALL.into_iter().cycle().skip(self.turn % CutModel::ALL.len());
        self.turn += 1;
        match self.depth {
            Depth::Few => positions.into_iter().zip(rotated).map(|(at, model)| next(model, at)).collect(),
            Depth::Models | Depth::Every => {
                let every = self.depth == Depth::Every;
                let cut = |model| (model, positions_of(model, moment, every, positions));
                let cuts = CutModel::ALL.into_iter().map(cut);
                cuts.flat_map(|(model, at)| at.into_iter().map(move |at| (model, at)))
                    .map(|(model, at)| next(model, at))
                    .collect()
            }
        }
    }
}

/// The bytes at which a model is tried.
fn positions_of<const WORD: usize, const SECTOR: usize>(
    model: CutModel,
    moment: &Moment<WORD, SECTOR>,
    every: bool,
    few: [usize; 4],
) -> Vec<usize> {
    let bytes = moment.bytes();
    let by_byte = match model {
        CutModel::Clean | CutModel::Killed => return [0].into(),
        CutModel::PrefixTorn => true,
        CutModel::ZeroFill => moment.is_erase(),
        // Every bit is the seed's choice; the position only varies it.
        CutModel::BitTorn | CutModel::HalfErasedBits | CutModel::HalfErasedNor | CutModel::Marginal => false,
    };
    if !every {
        return few.into();
    }
    if !by_byte {
        return few.into_iter().chain([bytes / 5, bytes / 3, bytes * 2 / 3, bytes * 4 / 5]).collect();
    }
    // Inside a sector that is erased only the ends tell; between them every 16th byte.
    let tells = |at: &usize| !moment.is_erase() || *at < 64 || *at + 64 > bytes || at.is_multiple_of(16);
    (0..=bytes).filter(tells).collect()
}

/// Performs an action. `Err` where it was interrupted.
pub(super) fn perform<const WORD: usize, const SECTOR: usize>(
    board: &mut Board<WORD, SECTOR>,
    journal: &mut Option<Journal<Flash<WORD, SECTOR>>>,
    action: &Action,
    context: &str,
) -> Result<(), Cut> {
    let cut_or_panic = |error: crate::SnapshotError<_>| match error {
        crate::SnapshotError::Flash(error) if Cut::is_in(error) => Cut,
        error => panic!("{context}: {error}"),
    };
    let journal = match (action, journal) {
        (Action::Boot, journal) => {
            *journal = None;
            *journal = Some(board.boot(context)?);
            return Ok(());
        }
        (_, Some(journal)) => journal,
        (_, None) => panic!("{context}: the first action is no boot"),
    };
    match action {
        Action::Boot => {}
        Action::Send(item) => assert!(board.send(journal, item)?, "{context}: no room for {}", brief(item)),
        Action::Together(records) => board.send_together(journal, records)?,
        Action::EraseAhead => {
            journal.erase_ahead().map_err(|error| cut_or_panic(error.into()))?;
        }
        Action::GiveUp(bytes) => {
            let mut writer = journal.snapshot().map_err(cut_or_panic)?;
            writer.write(&std::vec![9; *bytes]).map_err(cut_or_panic)?;
        }
    }
    Ok(())
}

fn brief(item: &Item) -> String {
    match item {
        Item::Record(bytes) => format!("a record of {} bytes", bytes.len()),
        Item::Snapshot(bytes) => format!("a snapshot of {} bytes", bytes.len()),
    }
}

/// What comes next in a life that the dice decide.
pub(super) fn next_action<const WORD: usize, const SECTOR: usize>(
    board: &mut Board<WORD, SECTOR>,
    journal: Option<&Journal<Flash<WORD, SECTOR>>>,
    dice: &mut Dice,
) -> Action {
    let Some(journal) = journal else { return Action::Boot };
    if journal.needs_snapshot() || dice.roll(64) == 0 {
        return Action::Send(board.snapshot(dice.size(2000, 6000)));
    }
    match dice.roll(64) {
        0 => Action::Boot,
        1 => Action::GiveUp(4100),
        2..=10 => Action::EraseAhead,
        // Up to about a sector.
        11..=14 => {
            let count = dice.size(2, 12);
            let bytes_max = 3800 / count as u64;
            Action::Together((0..count).map(|_| board.payload(dice.size(8, bytes_max))).collect())
        }
        15..=16 => Action::Send(board.record(dice.size(400, 3500))),
        _ => Action::Send(board.record(dice.size(8, 400))),
    }
}

/// After a cut: boots twice, works, and boots again. Everything accepted is there each time.
pub(super) fn must_go_on<const WORD: usize, const SECTOR: usize>(
    mut board: Board<WORD, SECTOR>,
    context: &str,
) {
    board.power_on();
    drop(steady(board.boot(context), context));
    if !board.medium.writes_at_once() {
        // What a killed process left to read is on the medium, once a boot believed it.
        board.flash.lock().power_off();
    }
    board.power_on();
    let mut journal = steady(board.boot(context), context);
    let item = board.record(90);
    assert!(steady(board.send(&mut journal, &item), context), "{context}: no room");
    board.power_on();
    drop(steady(board.boot(context), context));
}

/// What comes of an operation that isn't interrupted.
fn steady<T>(result: Result<T, Cut>, context: &str) -> T {
    result.unwrap_or_else(|Cut| panic!("{context}: a cut that was not planned"))
}
