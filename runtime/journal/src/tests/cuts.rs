//! Power cut at every byte of every program and erase of short workloads, under every model, and once
//! more during the recovery that follows.

use std::{format, string::String};

use everstep_board_sim::{CutModel, PowerCut};

use super::harness::{Board, Cut};
use crate::Budget;

const BUDGET: Budget = Budget { snapshot_bytes_max: 6000, reserve_bytes: 500 };
const SECTORS: usize = 13;

/// A boot and a few steps: records that end in mid-page, at its end and in the next sector, sectors
/// erased ahead and on the way, a snapshot over two sectors.
fn short_workload(board: &mut Board, context: &str) -> Result<(), Cut> {
    let mut journal = board.boot(context)?;
    for bytes in [40, 240, 700] {
        let item = board.record(bytes);
        board.send(&mut journal, &item)?;
    }
    erase_ahead(&mut journal)?;
    let item = board.snapshot(5000);
    assert!(board.send(&mut journal, &item)?, "{context}: no room for a snapshot");
    let item = board.record(90);
    board.send(&mut journal, &item)?;
    Ok(())
}

fn erase_ahead<const WORD: usize>(
    journal: &mut crate::Journal<super::harness::Flash<WORD>>,
) -> Result<(), Cut> {
    match journal.erase_ahead() {
        Ok(_) => Ok(()),
        Err(crate::AppendError::Flash(everstep_board_sim::SimFlashError::PowerLoss)) => Err(Cut),
        Err(error) => panic!("{error}"),
    }
}

/// A board that has gone round its ring, so that every sector holds something old.
fn used_board(rounds: usize) -> Board {
    let mut board: Board = Board::new(SECTORS, BUDGET);
    let mut journal = board.boot("used").unwrap();
    for step in 0..rounds {
        if journal.needs_snapshot() {
            let item = board.snapshot(5500);
            assert!(board.send(&mut journal, &item).unwrap());
        }
        let item = board.record(150 + step % 200);
        assert!(board.send(&mut journal, &item).unwrap());
    }
    board
}

/// After a cut: boots, boots once more, works, and boots again. Everything accepted is there each time.
fn must_go_on(board: &mut Board, context: &str) {
    board.power_on();
    board.boot(context).unwrap_or_else(|Cut| panic!("{context}: a cut that was not planned"));
    board.power_on();
    short_workload(board, context).unwrap_or_else(|Cut| panic!("{context}: a cut that was not planned"));
    board.boot(context).unwrap_or_else(|Cut| panic!("{context}: a cut that was not planned"));
}

/// Positions in an operation of `bytes` bytes at which `model` makes a difference.
fn positions(model: CutModel, bytes: usize, every: usize) -> impl Iterator<Item = usize> {
    let step = match model {
        CutModel::Clean => bytes.max(1) + 1,
        // Every bit is decided anew by the seed; the position only varies it.
        CutModel::BitTorn | CutModel::HalfErasedBits | CutModel::HalfErasedNor | CutModel::Marginal
            if bytes == super::harness::SECTOR =>
        {
            every.max(64)
        }
        _ => every,
    };
    (0..=bytes).step_by(step)
}

/// Cuts `start`'s short workload everywhere. `every` thins the positions; 1 takes every byte.
fn cut_everywhere(start: &Board, every: usize, second: bool, name: &str) -> u64 {
    let mut cuts = 0;
    for operation in 0.. {
        // With all its bytes done the cut tells how long the operation is.
        let whole = PowerCut { operation, bytes: usize::MAX, model: CutModel::PrefixTorn, seed: 0 };
        let mut trial = start.fork();
        trial.cut_at(whole);
        if short_workload(&mut trial, name).is_ok() {
            assert!(operation > 20, "{name}: the workload is shorter than it should be");
            return cuts;
        }
        let bytes = trial.flash.lock().interrupted_bytes().unwrap();
        must_go_on(&mut trial, name);
        for model in CutModel::ALL {
            for position in positions(model, bytes, every) {
                let cut =
                    PowerCut { operation, bytes: position, model, seed: operation << 20 | position as u64 };
                let context = format!("{name}: {cut:?}");
                let mut board = start.fork();
                board.cut_at(cut);
                assert!(short_workload(&mut board, &context).is_err(), "{context}: no cut");
                cuts += 1;
                if second {
                    cuts += cut_again(&board, &context);
                }
                must_go_on(&mut board, &context);
            }
        }
    }
    cuts
}

/// Cuts the recovery after a cut, too.
fn cut_again(board: &Board, context: &str) -> u64 {
    let mut cuts = 0;
    for operation in 0.. {
        let mut whole = 0;
        for (turn, model) in CutModel::ALL.into_iter().enumerate() {
            for quarter in 0..5 {
                let bytes = whole * quarter / 4;
                let cut = PowerCut { operation, bytes, model, seed: operation << 8 | turn as u64 };
                let context: String = format!("{context}, then {cut:?}");
                let mut board = board.fork();
                board.power_on();
                board.cut_at(cut);
                if board.boot(&context).is_ok() {
                    return cuts;
                }
                cuts += 1;
                whole = board.flash.lock().interrupted_bytes().unwrap();
                must_go_on(&mut board, &context);
            }
        }
    }
    cuts
}

#[test]
fn cut_at_any_byte_of_a_new_flash() {
    let board: Board = Board::new(SECTORS, BUDGET);
    let cuts = cut_everywhere(&board, 1, false, "new flash");
    assert!(cuts > 20_000, "{cuts}");
}

#[test]
fn cut_at_any_byte_of_a_used_flash() {
    let cuts = cut_everywhere(&used_board(200), 1, false, "used flash");
    assert!(cuts > 20_000, "{cuts}");
}

#[test]
fn cut_in_many_states_of_the_ring() {
    for rounds in (100..180).step_by(10) {
        cut_everywhere(&used_board(rounds), 53, false, &format!("ring after {rounds}"));
    }
}

#[test]
fn cut_again_during_recovery() {
    let cuts = cut_everywhere(&used_board(143), 37, true, "twice");
    assert!(cuts > 10_000, "{cuts}");
}
