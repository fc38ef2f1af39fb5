//! Reads, programs, erases and empty writes that fail while the power stays on.

use std::{format, vec::Vec};

use everstep_board_sim::{CutModel, Fault, PowerCut, SimFlashCounts};

use super::{
    cutter::{Action, next_action, perform},
    harness::{Board, Cut, Flash, Medium},
    soak::{BUDGET, Dice},
};
use crate::{AppendError, Journal, SnapshotError};

const SECTORS: usize = 16;

/// A short life on a used flash: what is done, and the board before.
fn short_life<const SECTOR: usize>(mut board: Board<4, SECTOR>) -> (Board<4, SECTOR>, Vec<Action>) {
    let (mut dice, mut journal) = (Dice(9), None);
    for _ in 0..150 {
        let action = next_action(&mut board, journal.as_ref(), &mut dice);
        perform(&mut board, &mut journal, &action, "used").unwrap();
    }
    let mut actions = [Action::Boot, Action::Send(board.record(100)), Action::GiveUp(4100)].to_vec();
    actions.extend([Action::Send(board.record(3000)), Action::EraseAhead]);
    actions.extend([Action::Send(board.snapshot(5000)), Action::Send(board.record(250)), Action::Boot]);
    (board, actions)
}

/// Lives it, and recovers where an operation failed. `false` where none did.
fn live<const SECTOR: usize>(mut board: Board<4, SECTOR>, actions: &[Action], context: &str) -> bool {
    let mut failed = false;
    let mut journal = None;
    for action in actions {
        if perform(&mut board, &mut journal, action, context).is_ok() {
            continue;
        }
        assert!(!failed, "{context}: failed again");
        failed = true;
        // A boot that failed leaves no journal.
        if let Some(journal) = &mut journal {
            must_want_recovery(journal, context);
        }
        // Without a new start of the flash: everything accepted is there, and it goes on.
        journal = Some(board.boot(context).unwrap_or_else(|Cut| panic!("{context}: failed again")));
    }
    board.boot(context).unwrap();
    failed
}

/// Nothing is tried in place behind a failure.
fn must_want_recovery<const SECTOR: usize>(journal: &mut Journal<Flash<4, SECTOR>>, context: &str) {
    let before = journal.flash().lock().counts();
    assert!(journal.needs_recovery(), "{context}");
    assert_eq!(journal.append(b"no"), Err(AppendError::NeedsRecovery), "{context}");
    assert_eq!(journal.erase_ahead(), Err(AppendError::NeedsRecovery), "{context}");
    assert!(matches!(journal.snapshot(), Err(SnapshotError::NeedsRecovery)), "{context}");
    assert_eq!(journal.flash().lock().counts(), before, "{context}");
}

/// What a life does to the flash without a fault.
fn counts<const SECTOR: usize>(board: &Board<4, SECTOR>, actions: &[Action]) -> SimFlashCounts {
    let mut board = board.fork();
    let before = board.flash.lock().counts();
    let mut journal = None;
    for action in actions {
        perform(&mut board, &mut journal, action, "counts").unwrap();
    }
    let after = board.flash.lock().counts();
    SimFlashCounts {
        reads: after.reads - before.reads,
        programs: after.programs - before.programs + after.erases - before.erases + after.syncs
            - before.syncs,
        ..after
    }
}

fn fail_everywhere<const SECTOR: usize>(board: Board<4, SECTOR>) {
    let (board, actions) = short_life(board);
    let SimFlashCounts { reads, programs: changes, .. } = counts(&board, &actions);
    let changes = (0..changes).flat_map(|operation| {
        let fault = move |(turn, model)| {
            let bytes = [0, 3, 64, 255][(turn + usize::try_from(operation).unwrap()) % 4];
            Fault::Change(PowerCut { operation, bytes, model, seed: operation << 8 | turn as u64 })
        };
        CutModel::ALL.into_iter().enumerate().map(fault)
    });
    for fault in (0..reads).map(Fault::Read).chain(changes) {
        let trial = board.fork();
        trial.flash.lock().fail_at(fault);
        let context = format!("{:?}, {fault:?}", board.medium);
        assert!(live(trial, &actions, &context), "{context}: nothing failed");
    }
}

#[test]
fn whatever_operation_fails_a_recovery_finds_everything_accepted() {
    fail_everywhere(Board::<4>::new(SECTORS, BUDGET));
}

#[test]
fn whatever_operation_fails_on_files_and_block_devices_a_recovery_finds_everything_accepted() {
    fail_everywhere(Board::<4>::on(Medium::File, SECTORS, BUDGET));
    fail_everywhere(Board::<4, 16_384>::on(Medium::Blocks(512), SECTORS, BUDGET));
}

/// A flash that was never used: formatting fails, and is done again.
#[test]
fn whatever_operation_of_formatting_fails_it_is_done_again() {
    let new = || Board::<4>::new(SECTORS, BUDGET);
    let counts = counts(&new(), &[Action::Boot]);
    for fault in (0..counts.reads).map(Fault::Read).chain((0..counts.programs).map(|operation| {
        let model = CutModel::ALL[usize::try_from(operation).unwrap() % CutModel::ALL.len()];
        Fault::Change(PowerCut { operation, bytes: 3, model, seed: operation })
    })) {
        let board = new();
        board.flash.lock().fail_at(fault);
        let context = format!("format, {fault:?}");
        assert!(live(board, &[Action::Boot, Action::EraseAhead], &context), "{context}: nothing failed");
    }
}
