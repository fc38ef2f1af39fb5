//! Records that are committed together.

use std::{format, vec, vec::Vec};

use everstep_board_sim::{CutModel, PowerCut};

use super::harness::{Board, Medium, recover};
use crate::{Budget, Corruption, RecoverError};

const BUDGET: Budget = Budget { snapshot_bytes_max: 3000, reserve_bytes: 500 };
const SECTORS: usize = 12;

fn board(medium: Medium) -> Board<4, 16_384> {
    Board::on(medium, SECTORS, BUDGET)
}

fn records(board: &mut Board<4, 16_384>, bytes: &[usize]) -> Vec<Vec<u8>> {
    bytes.iter().map(|bytes| board.payload(*bytes)).collect()
}

#[test]
fn records_committed_together_share_a_block_and_one_request() {
    let mut board = board(Medium::Blocks(512));
    let mut journal = board.boot("first").unwrap();
    // The first record opens the sector.
    let item = board.record(8);
    board.send(&mut journal, &item).unwrap();
    for (count, bytes, blocks) in [(10, 40, 1), (9, 50, 2), (1, 40, 1)] {
        let (before, room) = (journal.stats(), journal.room().rest_bytes);
        let records = records(&mut board, &vec![bytes; count]);
        board.send_together(&mut journal, &records).unwrap();
        assert_eq!(journal.stats().syncs - before.syncs, 1);
        assert_eq!(room - journal.room().rest_bytes, blocks * 512, "{count} records of {bytes} bytes");
    }
    board.boot("second").unwrap();
}

#[test]
fn staged_records_are_committed_by_whatever_comes_next() {
    for medium in [Medium::Nor, Medium::File, Medium::Blocks(512)] {
        let mut board = board(medium);
        let mut journal = board.boot("first").unwrap();
        let snapshot = board.snapshot(2000);
        for turn in 0..3 {
            let staged = records(&mut board, &[100, 200]);
            for record in &staged {
                journal.stage(record).unwrap();
                board.history.push(super::harness::Item::Record(record.clone()));
            }
            match turn {
                0 => assert!(journal.erase_ahead().is_ok()),
                1 => assert!(board.send(&mut journal, &snapshot).unwrap()),
                _ => {
                    let item = board.record(30);
                    assert!(board.send(&mut journal, &item).unwrap());
                }
            }
            board.flash.lock().power_off();
            board.power_on();
            journal = board.boot(&format!("{medium:?}, turn {turn}")).unwrap();
        }
    }
}

/// Groups over one block and over several, up to more than a sector; each is cut at every
/// operation, and again in the boot that follows.
#[test]
fn a_cut_leaves_the_first_records_of_a_group() {
    let groups: [&[usize]; 6] = [
        &[40, 40, 40],
        &[300, 300, 300],
        &[500, 8, 500, 8],
        &[512 - 6, 100, 1000],
        &[1500, 1500, 1500],
        &[3000; 6],
    ];
    for medium in [Medium::File, Medium::Blocks(512), Medium::Blocks(4096)] {
        for group in groups {
            let mut start = board(medium);
            let mut journal = start.boot("first").unwrap();
            let item = start.record(70);
            start.send(&mut journal, &item).unwrap();
            let group = records(&mut start, group);
            let cuts: u64 = (0..60).map(|seed| cut_group(&start, &group, seed)).sum();
            assert!(cuts > 180, "{medium:?}: only {cuts} cuts");
        }
    }
}

/// Cuts each operation of a group, as `seed` decides; gives how many.
fn cut_group(start: &Board<4, 16_384>, group: &[Vec<u8>], seed: u64) -> u64 {
    for operation in 0.. {
        for model in [CutModel::Clean, CutModel::Killed] {
            let cut = PowerCut { operation, bytes: 0, model, seed };
            let context = format!("{:?}, {cut:?}", start.medium);
            let mut board = start.fork();
            let mut journal = board.boot(&context).unwrap();
            board.cut_at(cut);
            if board.send_together(&mut journal, group).is_ok() {
                return operation;
            }
            board.power_on();
            // The boot that follows is cut, too, before it believed anything for good.
            board.cut_at(PowerCut { operation: seed % 3, bytes: 0, model: CutModel::Clean, seed });
            let _ = board.boot(&context);
            board.power_on();
            let mut journal = board.boot(&context).unwrap();
            board.send_together(&mut journal, &[vec![1; 30], vec![2; 600]]).unwrap();
            board.flash.lock().power_off();
            board.power_on();
            board.boot(&context).unwrap();
        }
    }
    0
}

/// What was written behind a commit proves that everything before was on the medium.
#[test]
fn decay_in_a_group_is_found_by_what_was_committed_later() {
    for medium in [Medium::File, Medium::Blocks(512)] {
        let mut board = board(medium);
        let mut journal = board.boot("first").unwrap();
        let group = records(&mut board, &[40, 40, 40]);
        board.send_together(&mut journal, &group).unwrap();
        let item = board.record(30);
        board.send(&mut journal, &item).unwrap();
        let image = board.flash.lock().image().to_vec();
        for (number, record) in group.iter().enumerate() {
            let at = image.windows(record.len()).position(|window| window == record).unwrap();
            let damaged = board.fork();
            damaged.flash.lock().rot(u32::try_from(at).unwrap() + 20, 4);
            let found = recover(&damaged.flash, damaged.region(), BUDGET).err();
            let corrupt = matches!(found, Some(RecoverError::Corrupt { what: Corruption::DataBehind, .. }));
            assert!(corrupt, "{medium:?}, record {number}: {found:?}");
        }
    }
}
