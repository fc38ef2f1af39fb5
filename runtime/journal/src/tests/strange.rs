//! Flash that no power cut explains: decay, and bytes of any kind.

use std::{vec, vec::Vec};

use everstep_board_sim::SimFlash;
use proptest::prelude::*;

use super::harness::{Board, Flash, SECTOR, View, recover};
use crate::{Budget, Corruption, RecoverError};

const BUDGET: Budget = Budget { snapshot_bytes_max: 3000, reserve_bytes: 500 };

fn board_with(records: usize) -> Board {
    let mut board: Board = Board::new(12, BUDGET);
    let mut journal = board.boot("first").unwrap();
    for _ in 0..records {
        let item = board.record(300);
        assert!(board.send(&mut journal, &item).unwrap());
    }
    board
}

#[test]
fn a_missing_record_is_corruption_not_a_torn_tail() {
    let board = board_with(30);
    let sectors = [(1_u32, "an older sector"), (3, "the newest sector")];
    for (sector, name) in sectors {
        // Well into the third frame of the sector.
        board.flash.lock().rot(sector * 4096 + 36 + 700, 0x10);
        let found = recover(&board.flash, board.region(), BUDGET);
        assert!(matches!(found, Err(RecoverError::Corrupt { .. })), "{name}: {:?}", found.err());
        board.flash.lock().rot(sector * 4096 + 36 + 700, 0x10);
    }
    recover(&board.flash, board.region(), BUDGET).unwrap();
}

#[test]
fn a_missing_sector_is_corruption() {
    let board = board_with(30);
    let mut image = board.flash.lock().image().to_vec();
    image[2 * SECTOR..3 * SECTOR].fill(0xFF);
    let flash: Flash<4> = Flash::new(SimFlash::from_image(image));
    let found = recover(&flash, board.region(), BUDGET);
    assert!(
        matches!(found, Err(RecoverError::Corrupt { what: Corruption::SectorGone { .. }, .. })),
        "{:?}",
        found.err()
    );
}

#[test]
fn a_damaged_snapshot_is_corruption() {
    let mut board = board_with(10);
    let mut journal = board.boot("again").unwrap();
    let item = board.snapshot(2500);
    assert!(board.send(&mut journal, &item).unwrap());
    for _ in 0..20 {
        let item = board.record(300);
        board.send(&mut journal, &item).unwrap();
    }
    let at = board.flash.lock().image().windows(8).position(|window| window == 11_u64.to_le_bytes()).unwrap();
    board.flash.lock().rot(u32::try_from(at).unwrap() + 900, 1);
    let found = recover(&board.flash, board.region(), BUDGET);
    assert!(matches!(found, Err(RecoverError::Corrupt { .. })), "{:?}", found.err());
}

/// A record that holds a whole frame, for a scan that loses its place.
#[test]
fn a_frame_inside_a_record_is_not_a_record() {
    let mut board: Board = Board::new(12, BUDGET);
    let mut journal = board.boot("first").unwrap();
    let item = board.record(100);
    board.send(&mut journal, &item).unwrap();
    let frame = board.flash.lock().image()[SECTOR + 36..SECTOR + 36 + 120].to_vec();
    let nested: Vec<u8> = frame.iter().copied().cycle().take(2000).collect();
    for cut in [0, 300, 1000, 1900] {
        let mut board = board.fork();
        let mut journal = board.boot("nested").unwrap();
        board.cut_at(everstep_board_sim::PowerCut {
            operation: cut / 256,
            bytes: usize::try_from(cut % 256).unwrap(),
            model: everstep_board_sim::CutModel::PrefixTorn,
            seed: 1,
        });
        let sent = super::harness::Item::Record(nested.clone());
        board.send(&mut journal, &sent).unwrap_err();
        board.power_on();
        board.boot("after the cut").unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_never_make_a_record(seed in any::<u64>(), density in 0_u8..4) {
        let mut state = seed;
        let image: Vec<u8> = (0..12 * SECTOR).map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let [.., byte] = state.to_be_bytes().map(|byte| byte);
            let [high, ..] = state.to_be_bytes();
            if high >> 6 < density { byte } else { 0xFF }
        }).collect();
        let flash: Flash<4> = Flash::new(SimFlash::from_image(image));
        prop_assert!(recover(&flash, 0..12 * 4096, BUDGET).is_err());
    }

    #[test]
    fn decay_never_invents_a_record(at in 0_u32..12 * 4096, mask in 1_u8.., records in 1_usize..40) {
        let mut board: Board = Board::new(12, BUDGET);
        let mut journal = board.boot("first").unwrap();
        for _ in 0..records {
            if journal.needs_snapshot() {
                let item = board.snapshot(2000);
                assert!(board.send(&mut journal, &item).unwrap());
            }
            let item = board.record(300);
            assert!(board.send(&mut journal, &item).unwrap());
        }
        board.flash.lock().rot(at, mask);
        let told = View::of(&board.history);
        // A damaged header of the newest sector makes an older state of it. Nothing is ever made up.
        if let Ok((_, _, view)) = recover(&board.flash, board.region(), BUDGET)
            && view.snapshot == told.snapshot
        {
            prop_assert!(told.records.starts_with(&view.records));
        }
    }
}

#[test]
fn an_image_of_zeros_is_foreign() {
    let flash: Flash<4> = Flash::new(SimFlash::from_image(vec![0; 12 * SECTOR]));
    assert!(matches!(recover(&flash, 0..12 * 4096, BUDGET), Err(RecoverError::Foreign { .. })));
}
