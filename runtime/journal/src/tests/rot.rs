//! Decay of any byte: it is found, or changes nothing, or the log ends earlier where the format says so.

use std::{format, vec::Vec};

use super::{
    harness::{Board, Item, Medium, View, recover},
    scale::{is_exhaustive, progress},
};
use crate::{Budget, part::Part};

const BUDGET: Budget = Budget { snapshot_bytes_max: 1500, reserve_bytes: 300 };
const SECTORS: usize = 9;

/// A board that has gone round its ring, and everything it was sent.
fn used<const WORD: usize, const SECTOR: usize>(
    mut board: Board<WORD, SECTOR>,
    steps: usize,
) -> (Board<WORD, SECTOR>, Vec<Item>) {
    let mut journal = board.boot("used").unwrap();
    let mut all = Vec::new();
    for step in 0..steps {
        // Some records spell their numbers out, in the newest sector, too.
        if (steps - step) % 50 == 5 {
            journal = board.boot("on the way").unwrap();
        }
        let snapshot = journal.needs_snapshot().then(|| board.snapshot(1400));
        for item in snapshot.into_iter().chain([board.record(40 + step % 300)]) {
            assert!(board.send(&mut journal, &item).unwrap());
            all.push(item);
        }
    }
    assert!(board.flash.lock().counts().erases > u64::try_from(board.sectors).unwrap());
    (board, all)
}

/// Lets each byte decay in turn. Whatever a boot then hands over was there once, and it is there again
/// at the next boot. Gives the bytes that made the log end earlier.
fn rot_everywhere<const WORD: usize, const SECTOR: usize>(
    board: Board<WORD, SECTOR>,
    steps: usize,
    name: &str,
) -> Vec<usize> {
    let (board, all) = used(board, steps);
    let truth = View::of(&board.history);
    let image = board.flash.lock().image().to_vec();
    let (mut found, mut harmless, mut earlier) = (0, 0, Vec::new());
    for (at, byte) in image.iter().copied().enumerate() {
        for mask in masks(at, byte) {
            let trial = board.fork();
            trial.flash.lock().rot(u32::try_from(at).unwrap(), mask);
            let Ok((_, _, view)) = recover(&trial.flash, trial.region(), BUDGET) else {
                found += 1;
                continue;
            };
            if view == truth {
                harmless += 1;
            } else {
                let was_there = (0..all.len()).rev().any(|sent| View::of(&all[..sent]) == view);
                assert!(was_there, "{name}, byte {at} ^ {mask:#x}: made up");
                earlier.push(at);
            }
            let again = recover(&trial.flash, trial.region(), BUDGET).map(|(_, _, view)| view);
            assert_eq!(again, Ok(view), "{name}, byte {at} ^ {mask:#x}: another boot, another state");
        }
        let figures = format!("{found} found, {harmless} harmless, {} end the log earlier", earlier.len());
        progress(name, at as u64 + 1, image.len() as u64, &figures);
    }
    assert!(found > 1000 && harmless > found, "{name}: {found}, {harmless}");
    let mut part = Part::new(board.flash.clone(), board.region()).unwrap();
    let newest = part.survey().unwrap().highest.unwrap().index as usize * SECTOR;
    let outside = earlier.iter().find(|at| !(newest..newest + SECTOR).contains(*at));
    assert_eq!(outside, None, "{name}: lost outside the newest sector");
    earlier
}

/// What decay does to the byte at `at`: one bit, all ones or all zeros; each of them in long runs.
fn masks(at: usize, byte: u8) -> Vec<u8> {
    let all = [1 << (at / 3 % 8), byte, !byte];
    if is_exhaustive() {
        return (0..8).map(|bit| 1 << bit).chain([byte, !byte]).filter(|mask| *mask != 0).collect();
    }
    // An erased byte has no bit left to rise.
    [all[at % 3], all[(at + 1) % 3]].into_iter().find(|mask| *mask != 0).into_iter().collect()
}

#[test]
fn rot_in_any_byte_is_found_or_harmless_but_for_the_newest_sector() {
    rot_everywhere(Board::<4>::new(SECTORS, BUDGET), 190, "rot, words of 4");
    rot_everywhere(Board::<256, 8192>::new(SECTORS, BUDGET), 380, "rot, words of 256");
}

#[test]
fn rot_in_any_byte_of_a_file_is_found_or_harmless_but_for_the_newest_sector() {
    rot_everywhere(Board::<4>::on(Medium::File, SECTORS, BUDGET), 190, "rot, a file");
}

#[cfg(feature = "seal")]
#[test]
fn rot_in_any_byte_of_a_sealed_journal_is_found_or_harmless_but_for_the_newest_sector() {
    let board = Board { budget: BUDGET, ..super::seal::sealed_board::<4096>(Medium::Nor, SECTORS) };
    rot_everywhere(board, 190, "rot, sealed");
}
