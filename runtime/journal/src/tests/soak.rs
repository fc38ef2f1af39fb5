//! Long lives with power cuts at random, decided by one seed each.

use std::{format, string::String, vec::Vec};

use everstep_board_sim::{CutModel, PowerCut, SimFlashError};

use super::{
    harness::{Board, Cut, Medium},
    scale::{cuts, progress},
};
use crate::{AppendError, Budget};

pub(super) const CUTS_PER_SEED: u64 = 500;

/// `SplitMix64`.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ mixed >> 31) % sides
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[usize::try_from(self.roll(from.len() as u64)).unwrap()]
    }

    pub(super) fn size(&mut self, min: u64, max: u64) -> usize {
        usize::try_from(min + self.roll(max - min + 1)).unwrap()
    }
}

pub(super) const BUDGET: Budget = Budget { snapshot_bytes_max: 6100, reserve_bytes: 1000 };

/// Works until the power goes. Takes a snapshot when asked to, and now and then.
fn live<const SECTOR: usize>(
    board: &mut Board<4, SECTOR>,
    dice: &mut Dice,
    context: &str,
) -> Result<(), Cut> {
    let mut journal = board.boot(context)?;
    loop {
        if dice.roll(4) == 0 {
            match journal.erase_ahead() {
                Ok(_) => {}
                Err(AppendError::Flash(SimFlashError::PowerLoss)) => return Err(Cut),
                Err(error) => panic!("{context}: {error}"),
            }
        }
        if journal.needs_snapshot() || dice.roll(64) == 0 {
            let item = board.snapshot(dice.size(2000, 6000));
            assert!(board.send(&mut journal, &item)?, "{context}: no room for a snapshot");
        } else if dice.roll(50) == 0 {
            let mut writer = journal.snapshot().map_err(|_| Cut)?;
            writer.write(&[9; 4100]).map_err(|_| Cut)?;
        }
        // Only there it makes a difference.
        if board.medium != Medium::Nor && dice.roll(3) == 0 {
            // Together they may be larger than the largest record, and no larger than a sector.
            let count = dice.size(2, 12);
            let bytes_max = 3800 / count as u64;
            let records: Vec<_> = (0..count).map(|_| board.payload(dice.size(8, bytes_max))).collect();
            board.send_together(&mut journal, &records)?;
        }
        let bytes = if dice.roll(40) == 0 { dice.size(400, 3500) } else { dice.size(8, 400) };
        let item = board.record(bytes);
        assert!(board.send(&mut journal, &item)?, "{context}: no room for a record");
    }
}

/// A life with so many cuts; how much was sent.
fn soak<const SECTOR: usize>(medium: Medium, seed: u64) -> u64 {
    let mut dice = Dice(seed);
    let sectors = dice.size(13, 24);
    let board: Board<4, SECTOR> = Board::on(medium, sectors, BUDGET);
    soak_board(board, dice, seed, CUTS_PER_SEED, |_| {}).sent
}

/// As many lives as are asked for, with so many cuts each.
pub(super) fn soak_all(name: &str, cuts: u64, life: impl FnMut(u64) -> u64) {
    soak_lives(name, seeds(), cuts, life);
}

/// So many lives, with so many cuts each.
pub(super) fn soak_lives(name: &str, lives: u64, cuts: u64, mut life: impl FnMut(u64) -> u64) {
    let mut sent = 0;
    for seed in 0..lives {
        sent += life(seed);
        let figures = format!("{sent} records and snapshots, {} cuts", (seed + 1) * cuts);
        progress(name, seed + 1, lives, &figures);
    }
}

/// A life with so many cuts; `look` is called behind each.
pub(super) fn soak_board<const SECTOR: usize>(
    mut board: Board<4, SECTOR>,
    mut dice: Dice,
    seed: u64,
    cuts: u64,
    mut look: impl FnMut(&Board<4, SECTOR>),
) -> Board<4, SECTOR> {
    let medium = board.medium;
    let models: Vec<CutModel> = match dice.roll(3) {
        _ if !medium.writes_at_once() => [CutModel::Clean, CutModel::Killed].into(),
        0 => [dice.pick(&CutModel::ALL)].into(),
        _ => CutModel::ALL.into(),
    };
    // Cuts that come thick prevent progress by themselves, so most lives last longer.
    let operations = dice.pick(&[4, 40, 200]);
    for turn in 0..cuts {
        let far = if turn % 4 == 0 { 200 } else { operations };
        let cut = PowerCut {
            operation: dice.roll(far),
            bytes: dice.size(0, 4096) >> dice.roll(12),
            model: dice.pick(&models),
            seed: dice.roll(u64::MAX),
        };
        let context: String = format!("{medium:?}, seed {seed}, turn {turn}, {cut:?}");
        board.power_on();
        board.cut_at(cut);
        assert!(live(&mut board, &mut dice, &context).is_err());
        look(&board);
    }
    board
}

#[test]
fn nothing_accepted_is_lost_over_many_cuts() {
    soak_all("soak, NOR flash", CUTS_PER_SEED, |seed| soak::<4096>(Medium::Nor, seed));
}

#[test]
fn a_file_that_writes_in_any_order_loses_nothing() {
    soak_all("soak, a file", CUTS_PER_SEED, |seed| soak::<4096>(Medium::File, seed));
}

#[test]
fn a_block_device_that_loses_blocks_loses_nothing() {
    soak_all("soak, a block device", CUTS_PER_SEED, |seed| {
        let block_bytes = if seed % 4 == 3 { 4096 } else { 512 };
        soak::<16_384>(Medium::Blocks(block_bytes), seed)
    });
}

/// Lives that once failed: a torn write of a later boot was taken as proof that the newest record was
/// whole, and snapshots that were given up ate the room.
#[test]
fn lives_that_once_failed_go_on() {
    for seed in [71, 253, 828] {
        soak::<4096>(Medium::Nor, seed);
    }
}

/// Lives that once failed: a killed process left an opening that read as written. The next one relied on
/// it, and a power cut took it.
#[test]
fn what_a_killed_process_left_to_read_is_not_relied_on_before_it_is_kept() {
    for seed in [182, 190] {
        soak::<4096>(Medium::File, seed);
    }
    for seed in [41, 81] {
        soak::<8192>(Medium::Blocks(512), seed);
    }
}

pub(super) fn seeds() -> u64 {
    cuts().div_ceil(CUTS_PER_SEED)
}
