//! Regions whose sectors are several of the flash's own, as on a part that is known at run time only.

use everstep_board_sim::SimFlash;

use super::{
    harness::{Board, Flash, Medium, recover},
    soak::{BUDGET, CUTS_PER_SEED, Dice, seeds, soak_all, soak_board, soak_lives},
};
use crate::{GeometryError, PAYLOAD_BYTES_MAX, RecoverError, Region, check};

/// The flash erases a quarter, or less, of what the journal takes as a sector.
fn soak(medium: Medium, sector_bytes: usize, seed: u64) -> u64 {
    let mut dice = Dice(seed);
    let sectors = dice.size(13, 24);
    let board: Board<4, 1024> = Board::with_sectors(medium, sectors, sector_bytes, BUDGET);
    soak_board(board, dice, seed, CUTS_PER_SEED, |_| {}).sent
}

#[test]
fn sectors_of_several_erases_lose_nothing() {
    soak_all("soak, sectors of several erases", CUTS_PER_SEED, |seed| soak(Medium::Nor, 4096, seed));
}

#[test]
fn units_of_several_words_lose_nothing() {
    soak_lives("soak, units of several words", seeds().div_ceil(2), CUTS_PER_SEED, |seed| {
        soak(Medium::Units(if seed % 2 == 0 { 16 } else { 256 }), 16_384, seed)
    });
}

#[test]
fn blocks_in_sectors_of_several_erases_lose_nothing() {
    soak_lives("soak, blocks in sectors of several erases", seeds().div_ceil(2), CUTS_PER_SEED, |seed| {
        let (block_bytes, sector_bytes) = if seed % 2 == 0 { (512, 8192) } else { (4096, 32_768) };
        soak(Medium::Blocks(block_bytes), sector_bytes, seed)
    });
}

/// An erase that a cut ended between two of the flash's sectors looks erased, and has old data behind.
#[test]
fn an_erase_that_stopped_between_two_of_the_flash_s_sectors_is_done_again() {
    let mut board: Board<4, 1024> = Board::with_sectors(Medium::Nor, 13, 4096, BUDGET);
    let mut journal = board.boot("first").unwrap();
    for step in 0..1000 {
        if journal.needs_snapshot() {
            let item = board.snapshot(3000);
            assert!(board.send(&mut journal, &item).unwrap());
        }
        let item = board.record(200);
        // Each erase takes four operations of the flash, and is cut behind the first, second and third.
        let cut = everstep_board_sim::PowerCut {
            operation: step % 12,
            bytes: 0,
            model: everstep_board_sim::CutModel::Clean,
            seed: 0,
        };
        if step % 3 == 0 {
            board.cut_at(cut);
        }
        if board.send(&mut journal, &item).is_err() {
            board.power_on();
            journal = board.boot("after a cut").unwrap();
        }
        board.power_on();
    }
    assert!(board.flash.lock().counts().erases > 200);
}

#[test]
fn the_largest_sectors_hold_the_largest_records() {
    let mut board: Board<4, 1024> = Board::with_sectors(Medium::Blocks(4096), 13, 256 << 10, BUDGET);
    let mut journal = board.boot("first").unwrap();
    for _ in 0..1000 {
        if journal.needs_snapshot() {
            let item = board.snapshot(5000);
            assert!(board.send(&mut journal, &item).unwrap());
        }
        let item = board.record(PAYLOAD_BYTES_MAX - 5);
        assert!(board.send(&mut journal, &item).unwrap());
    }
    board.boot("second").unwrap();
}

#[test]
fn sectors_that_do_not_fit_the_flash_are_refused() {
    let flash = || Flash::<4, 1024>::new(SimFlash::new(1024));
    let refused = |region: Region| matches!(check(flash(), region, BUDGET), Err(GeometryError::Part { .. }));
    let region = || Region::from(0..1 << 20);
    // Too small, too large, not what the flash erases, not whole blocks.
    assert!(refused(region()) && refused(region().sectors(2048)));
    assert!(refused(region().sectors(512 << 10)));
    assert!(refused(region().sectors(4096 + 512)));
    assert!(refused(region().sectors(9 * 1024).blocks(4096)));
    assert!(check(flash(), region().sectors(16 << 10), BUDGET).is_ok());
    let odd = Region::from(0..(1 << 20) - 4096).sectors(16 << 10);
    assert!(matches!(check(flash(), odd, BUDGET), Err(GeometryError::Region { .. })));
}

#[test]
fn a_journal_of_other_units_is_refused_and_left_alone() {
    let mut board: Board<4, 1024> = Board::with_sectors(Medium::Units(16), 13, 4096, BUDGET);
    let mut journal = board.boot("first").unwrap();
    let item = board.record(100);
    assert!(board.send(&mut journal, &item).unwrap());
    let before = board.flash.lock().image().to_vec();
    let found = recover(&board.flash, Region::from(0..13 * 4096).sectors(4096), BUDGET);
    assert!(matches!(found, Err(RecoverError::WordBytes { found: 16, expected: 4 })), "{:?}", found.err());
    assert_eq!(board.flash.lock().image(), before);
}
