//! A cut in every operation of long lives, and every pair of cuts over short ones.

use std::format;

use super::{
    cutter::{Action, Cutter, Depth, must_go_on, next_action, perform},
    harness::{Board, Medium},
    scale::{is_exhaustive, progress},
    soak::{BUDGET, Dice},
};

/// Records and snapshots of a long life.
const STEPS: u64 = 2000;
/// The same of a life under every pair of cuts.
const PAIR_STEPS: u64 = 20;
const SECTORS: usize = 16;
/// How closely a life is cut in every run of the tests, and by `make soak-journal`.
const FEW: (Depth, Depth) = (Depth::Few, Depth::Every);
const MODELS: (Depth, Depth) = (Depth::Models, Depth::Every);

/// One life on a new flash, cut in each of its operations.
fn cut_a_life<const WORD: usize, const SECTOR: usize>(
    mut board: Board<WORD, SECTOR>,
    name: &str,
    steps: u64,
    (depth, deepest): (Depth, Depth),
) {
    let steps = if is_exhaustive() { STEPS } else { steps };
    let mut cutter = Cutter::new(if is_exhaustive() { deepest } else { depth }, 11);
    let (mut dice, mut journal, mut done) = (Dice(steps), None, 0);
    while done < steps {
        let action = next_action(&mut board, journal.as_ref(), &mut dice);
        let context = format!("{name}, step {done}");
        cutter.perform(&mut board, &mut journal, &action, &context, &mut |board, context| {
            must_go_on(board, context);
        });
        if matches!(action, Action::Send(_)) {
            done += 1;
            let figures = format!("{} operations, {} cuts", cutter.operations, cutter.cuts);
            progress(name, done, steps, &figures);
        }
    }
    assert!(cutter.operations > steps && cutter.cuts >= 2 * cutter.operations, "{name}: {}", cutter.cuts);
}

/// Two cuts: one in each operation of a short life on a used flash, and one in each operation of the
/// boot behind it, of the boot behind that, and of the work that follows.
fn cut_pairs<const WORD: usize, const SECTOR: usize>(mut board: Board<WORD, SECTOR>, name: &str, steps: u64) {
    let (mut dice, mut journal) = (Dice(5), None);
    for _ in 0..180 {
        let action = next_action(&mut board, journal.as_ref(), &mut dice);
        perform(&mut board, &mut journal, &action, name).unwrap();
    }
    let steps = if is_exhaustive() { PAIR_STEPS } else { steps };
    let depth = if is_exhaustive() { Depth::Models } else { Depth::Few };
    let (mut outer, mut inner) = (Cutter::new(depth, 12), Cutter::new(depth, 13));
    let mut done = 0;
    while done < steps {
        let action = next_action(&mut board, journal.as_ref(), &mut dice);
        let context = format!("{name}, step {done}");
        outer.perform(&mut board, &mut journal, &action, &context, &mut |mut board, context| {
            board.power_on();
            let mut journal = None;
            let record = Action::Send(board.record(120));
            for action in [Action::Boot, Action::Boot, record, Action::EraseAhead] {
                inner.perform(&mut board, &mut journal, &action, context, &mut |board, context| {
                    must_go_on(board, context);
                });
            }
        });
        if matches!(action, Action::Send(_)) {
            done += 1;
            let figures = format!("{} cuts, {} pairs of cuts", outer.cuts, inner.cuts);
            progress(name, done, steps, &figures);
        }
    }
    assert!(inner.cuts > outer.cuts && outer.cuts > steps, "{name}: {} {}", outer.cuts, inner.cuts);
}

#[test]
fn a_cut_in_any_operation_of_a_long_life_loses_nothing() {
    cut_a_life(Board::<4>::new(SECTORS, BUDGET), "every cut, words of 4", STEPS, MODELS);
}

#[test]
fn a_cut_in_any_operation_loses_nothing_with_other_words() {
    cut_a_life(Board::<1>::new(SECTORS, BUDGET), "every cut, words of 1", 400, FEW);
    cut_a_life(Board::<16>::new(SECTORS, BUDGET), "every cut, words of 16", 400, FEW);
    cut_a_life(Board::<256, 8192>::new(SECTORS, BUDGET), "every cut, words of 256", 400, FEW);
}

#[test]
fn a_cut_in_any_operation_loses_nothing_on_files_and_block_devices() {
    let board = |medium| Board::<4, 16_384>::on(medium, SECTORS, BUDGET);
    cut_a_life(Board::<4>::on(Medium::File, SECTORS, BUDGET), "every cut, a file", 400, FEW);
    cut_a_life(board(Medium::Blocks(512)), "every cut, blocks of 512", 200, FEW);
    cut_a_life(board(Medium::Blocks(4096)), "every cut, blocks of 4096", 200, FEW);
}

#[test]
fn any_pair_of_cuts_loses_nothing() {
    cut_pairs(Board::<4>::new(SECTORS, BUDGET), "pairs of cuts, words of 4", PAIR_STEPS);
    cut_pairs(Board::<256, 8192>::new(SECTORS, BUDGET), "pairs of cuts, words of 256", 5);
}

#[test]
fn any_pair_of_cuts_loses_nothing_on_files_and_block_devices() {
    let board = |medium| Board::<4, 16_384>::on(medium, SECTORS, BUDGET);
    cut_pairs(Board::<4>::on(Medium::File, SECTORS, BUDGET), "pairs of cuts, a file", 10);
    cut_pairs(board(Medium::Blocks(512)), "pairs of cuts, blocks of 512", 5);
    cut_pairs(board(Medium::Blocks(4096)), "pairs of cuts, blocks of 4096", 5);
}

#[cfg(feature = "seal")]
#[test]
fn a_cut_in_any_operation_of_a_sealed_journal_loses_nothing() {
    use super::seal::sealed_board;
    // A sealed boot takes ten times as long.
    const SEALED: (Depth, Depth) = (Depth::Few, Depth::Models);
    cut_a_life(sealed_board::<4096>(Medium::Nor, SECTORS), "every cut, sealed", 400, SEALED);
    cut_a_life(sealed_board::<4096>(Medium::File, SECTORS), "every cut, a sealed file", 200, SEALED);
    cut_pairs(sealed_board::<4096>(Medium::Nor, SECTORS), "pairs of cuts, sealed", 10);
}
