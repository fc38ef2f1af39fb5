//! The journal with steady power.

use std::{vec, vec::Vec};

use everstep_board_sim::SimFlash;

use super::harness::{Board, Flash, Item, SECTOR, View, is_full, recover};
use crate::{
    AppendError, BUFFER_BYTES, Budget, GeometryError, PAYLOAD_BYTES_MAX, RecoverError, check, format,
};

const BUDGET: Budget = Budget { snapshot_bytes_max: 3000, reserve_bytes: 1000 };

#[test]
fn records_come_back_in_order() {
    let mut board: Board = Board::new(12, BUDGET);
    let mut journal = board.boot("first").unwrap();
    for bytes in [0, 1, 7, 250, 251, 252, 3000, PAYLOAD_BYTES_MAX - 5] {
        let item = board.record(bytes);
        assert!(board.send(&mut journal, &item).unwrap());
        // A boot now and then changes nothing.
        journal = board.boot("again").unwrap();
    }
    assert_eq!(board.history.len(), 8);
}

#[test]
fn too_big_a_record_is_refused_and_leaves_the_journal_usable() {
    let mut board: Board = Board::new(12, BUDGET);
    let mut journal = board.boot("first").unwrap();
    let refused = journal.append(&vec![1; PAYLOAD_BYTES_MAX + 1]);
    assert_eq!(refused, Err(AppendError::TooBig { bytes: PAYLOAD_BYTES_MAX + 1 }));
    assert!(board.send(&mut journal, &Item::Record(vec![1; PAYLOAD_BYTES_MAX])).unwrap());
    board.boot("second").unwrap();
}

#[test]
fn empty_records_are_records() {
    let mut board: Board = Board::new(12, BUDGET);
    let mut journal = board.boot("first").unwrap();
    for _ in 0..3 {
        assert!(board.send(&mut journal, &Item::Record(Vec::new())).unwrap());
    }
    board.boot("second").unwrap();
}

#[test]
fn the_ring_wraps_and_the_newest_snapshot_stays() {
    let mut board: Board = Board::new(12, BUDGET);
    let mut journal = board.boot("first").unwrap();
    for step in 0..2000 {
        if journal.needs_snapshot() {
            let item = board.snapshot(2900);
            assert!(board.send(&mut journal, &item).unwrap(), "step {step}");
        }
        let item = board.record(200 + step % 100);
        assert!(board.send(&mut journal, &item).unwrap(), "step {step}");
        if step % 97 == 0 {
            journal = board.boot("on the way").unwrap();
        }
    }
    assert!(journal.next_sequence() > 2000);
    assert!(board.flash.lock().counts().erases > 100);
}

#[test]
fn a_full_journal_says_so_and_a_snapshot_makes_room() {
    let mut board: Board = Board::new(12, BUDGET);
    let mut journal = board.boot("first").unwrap();
    loop {
        let wanted = journal.needs_snapshot();
        let fits = journal.fits(&[3000]);
        let item = board.record(3000);
        let kept = board.send(&mut journal, &item).unwrap();
        assert!(kept || !fits, "what fits is kept");
        if !kept {
            assert!(wanted, "it was asked for in time");
            break;
        }
    }
    assert!(is_full(&journal.append(&[0; 3000])));
    // No room for a snapshot either: its caller ignored `needs_snapshot`. Boots still work.
    for _ in 0..100 {
        journal = board.boot("full").unwrap();
    }
    assert!(is_full(&journal.append(&[0; 3000])));
}

#[test]
fn a_dropped_snapshot_leaves_the_one_before_and_gives_its_sectors_back() {
    let mut board: Board = Board::new(16, Budget { snapshot_bytes_max: 9000, ..BUDGET });
    let mut journal = board.boot("first").unwrap();
    let item = board.snapshot(9000);
    assert!(board.send(&mut journal, &item).unwrap());
    for round in 0..100 {
        let mut writer = journal.snapshot().unwrap();
        writer.write(&[5; 8000]).unwrap();
        // Never committed.
        if round % 3 == 0 {
            journal = board.boot("after a snapshot was dropped").unwrap();
        }
        if journal.needs_snapshot() {
            let item = board.snapshot(9000);
            assert!(board.send(&mut journal, &item).unwrap(), "round {round}");
        }
        let item = board.record(20);
        assert!(board.send(&mut journal, &item).unwrap(), "round {round}");
    }
    board.boot("last").unwrap();
}

#[test]
fn sectors_erased_ahead_are_not_erased_again() {
    let mut board: Board = Board::new(16, BUDGET);
    let mut journal = board.boot("first").unwrap();
    let item = board.record(10);
    board.send(&mut journal, &item).unwrap();
    let before = journal.stats().hot_erases;
    for step in 0..400 {
        while journal.erase_ahead().unwrap() {}
        if journal.needs_snapshot() {
            let item = board.snapshot(2000);
            board.send(&mut journal, &item).unwrap();
            while journal.erase_ahead().unwrap() {}
        }
        let item = board.record(250);
        assert!(board.send(&mut journal, &item).unwrap(), "step {step}");
    }
    assert_eq!(journal.stats().hot_erases, before);
    let erases = board.flash.lock().counts().erases;
    // 400 records and about 10 snapshots fill about 32 sectors.
    assert!(erases < 45, "{erases}");
    board.boot("last").unwrap();
}

#[test]
fn journals_share_a_flash_without_touching_each_other() {
    let flash: Flash<4> = Flash::new(SimFlash::new(24));
    let sector = u32::try_from(SECTOR).unwrap();
    let regions = [0..12 * sector, 12 * sector..24 * sector];
    for region in &regions {
        format(flash.clone(), region.clone(), 1).unwrap();
    }
    for round in 0..300_u32 {
        for region in &regions {
            let (mut journal, _, view) = recover(&flash, region.clone(), BUDGET).unwrap();
            let mut found = view.records.len();
            if let Some(snapshot) = &view.snapshot {
                found += usize::try_from(u32::from_le_bytes(*snapshot.first_chunk().unwrap())).unwrap();
            }
            assert_eq!(found, usize::try_from(round).unwrap());
            if journal.needs_snapshot() {
                let mut writer = journal.snapshot().unwrap();
                writer.write(&round.to_le_bytes()).unwrap();
                writer.commit().unwrap();
            }
            journal.append(&[region.start.to_le_bytes()[1]; 300]).unwrap();
        }
    }
}

#[test]
fn large_words_work_too() {
    let mut board: Board<256, 8192> = Board::new(12, BUDGET);
    let mut journal = board.boot("first").unwrap();
    for step in 0..300 {
        if journal.needs_snapshot() {
            let item = board.snapshot(2900);
            assert!(board.send(&mut journal, &item).unwrap(), "step {step}");
        }
        let item = board.record(if step % 50 == 0 { PAYLOAD_BYTES_MAX - 5 } else { step });
        assert!(board.send(&mut journal, &item).unwrap(), "step {step}");
        if step % 7 == 0 {
            journal = board.boot("large words").unwrap();
        }
    }
}

#[test]
fn byte_words_work_too() {
    let mut board: Board<1> = Board::new(12, BUDGET);
    let mut journal = board.boot("first").unwrap();
    for step in 0..300 {
        if journal.needs_snapshot() {
            let item = board.snapshot(2900);
            assert!(board.send(&mut journal, &item).unwrap(), "step {step}");
        }
        let item = board.record(step);
        assert!(board.send(&mut journal, &item).unwrap(), "step {step}");
        if step % 7 == 0 {
            journal = board.boot("byte words").unwrap();
        }
    }
}

#[test]
fn geometry_that_does_not_fit_is_refused_with_numbers() {
    let flash = || Flash::<4>::new(SimFlash::new(12));
    let error = check(flash(), 0..5 * 4096, Budget { snapshot_bytes_max: 9000, reserve_bytes: 9000 });
    assert!(matches!(error, Err(GeometryError::TooSmall { sectors: 5, sectors_min: 16, .. })), "{error:?}");
    assert!(matches!(check(flash(), 0..100, BUDGET), Err(GeometryError::Region { .. })));
    assert!(matches!(check(flash(), 0..13 * 4096, BUDGET), Err(GeometryError::Region { .. })));
    assert!(matches!(
        check(Flash::<512>::new(SimFlash::new(12)), 0..12 * 4096, BUDGET),
        Err(GeometryError::Part { word_bytes: 512, .. })
    ));
    // Header and largest frame, each padded to words, are more than a sector.
    assert!(matches!(
        check(Flash::<256>::new(SimFlash::new(12)), 0..12 * 4096, BUDGET),
        Err(GeometryError::Part { word_bytes: 256, sector_bytes: 4096 })
    ));
}

#[test]
fn an_erased_region_holds_no_journal_and_a_foreign_one_is_left_alone() {
    let flash: Flash<4> = Flash::new(SimFlash::new(12));
    let region = 0..12 * 4096;
    assert!(matches!(recover(&flash, region.clone(), BUDGET), Err(RecoverError::Unformatted)));

    for at in [0, 5 * SECTOR, 5 * SECTOR + 2000, 11 * SECTOR - 1] {
        let mut image = vec![0xFF; 12 * SECTOR];
        image[at] = 0x11;
        let flash: Flash<4> = Flash::new(SimFlash::from_image(image.clone()));
        let found = recover(&flash, region.clone(), BUDGET);
        assert!(matches!(found, Err(RecoverError::Foreign { .. })), "{at}");
        assert_eq!(flash.lock().image(), image);
    }
}

#[test]
fn another_version_is_refused_and_left_alone() {
    let mut board: Board = Board::new(12, BUDGET);
    let mut journal = board.boot("first").unwrap();
    let item = board.record(100);
    board.send(&mut journal, &item).unwrap();
    let mut image = board.flash.lock().image().to_vec();
    for sector in image.chunks_mut(SECTOR).filter(|sector| sector[0] == 0x45 && sector[1] == 0x4A) {
        sector[2] = 2;
        let checksum = crate::frame::CRC.checksum(&sector[..4]).to_le_bytes();
        sector[4..8].copy_from_slice(&checksum);
    }
    let flash: Flash<4> = Flash::new(SimFlash::from_image(image.clone()));
    let found = recover(&flash, board.region(), BUDGET);
    assert!(matches!(found, Err(RecoverError::Version { found: 2 })), "{:?}", found.err());
    assert_eq!(flash.lock().image(), image);

    let image = board.flash.lock().image().to_vec();
    let flash: Flash<8> = Flash::new(SimFlash::from_image(image.clone()));
    let found = recover(&flash, board.region(), BUDGET);
    assert!(matches!(found, Err(RecoverError::WordBytes { found: 4, expected: 8 })), "{:?}", found.err());
    assert_eq!(flash.lock().image(), image);
}

#[test]
fn formatting_again_makes_an_empty_journal() {
    let mut board: Board = Board::new(12, BUDGET);
    let mut journal = board.boot("first").unwrap();
    for _ in 0..60 {
        let item = board.record(300);
        board.send(&mut journal, &item).unwrap();
    }
    format(board.flash.clone(), board.region(), 3).unwrap();
    let (journal, _, view) = recover(&board.flash, board.region(), BUDGET).unwrap();
    assert_eq!(view, View::default());
    assert_eq!((journal.epoch(), journal.next_sequence()), (3, 1));
}

#[test]
fn a_visitor_may_stop_the_recovery() {
    let mut board: Board = Board::new(12, BUDGET);
    let mut journal = board.boot("first").unwrap();
    let item = board.record(100);
    board.send(&mut journal, &item).unwrap();
    let mut buffer = [0; BUFFER_BYTES];
    let stopped =
        crate::Journal::recover(board.flash.clone(), board.region(), BUDGET, &mut buffer, |_| Err("enough"));
    assert!(matches!(stopped, Err(RecoverError::Stopped("enough"))));
}
