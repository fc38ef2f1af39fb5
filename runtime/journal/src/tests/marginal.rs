//! Bits that a cut left on the edge, and that read one way at one boot and another way at the next.

use std::{vec, vec::Vec};

use everstep_board_sim::{CutModel, PowerCut, SimFlash};

use super::harness::{Flash, SECTOR, recover};
use crate::{Budget, format};

const BUDGET: Budget = Budget { snapshot_bytes_max: 3000, reserve_bytes: 500 };
const REGION: core::ops::Range<u32> = 0..12 * 4096;

fn new_journal() -> Flash<4> {
    let flash = Flash::new(SimFlash::new(12));
    format(flash.clone(), REGION, 1).unwrap();
    flash
}

fn boot(flash: &Flash<4>) -> Vec<Vec<u8>> {
    recover(flash, REGION, BUDGET).unwrap().2.records
}

fn boot_and_append(flash: &Flash<4>, records: &[Vec<u8>]) {
    let mut journal = recover(flash, REGION, BUDGET).unwrap().0;
    for record in records {
        journal.append(record).unwrap();
    }
}

/// Where a payload stands for the first time.
fn find(flash: &Flash<4>, payload: &[u8]) -> u32 {
    let flash = flash.lock();
    let at = flash.image().windows(payload.len()).position(|window| window == payload).unwrap();
    u32::try_from(at).unwrap()
}

#[test]
fn a_torn_write_of_a_later_boot_does_not_prove_an_edgy_record() {
    let flash = new_journal();
    boot_and_append(&flash, &[vec![1; 100], vec![2; 100]]);
    let edge = find(&flash, &[2; 100]) + 99;
    // One boot reads the second record as torn, and its own record is cut.
    flash.lock().rot(edge, 0x40);
    let mut journal = recover(&flash, REGION, BUDGET).unwrap().0;
    let cut = PowerCut { operation: 0, bytes: 60, model: CutModel::PrefixTorn, seed: 1 };
    flash.lock().cut_power(cut);
    journal.append(&[3; 100]).unwrap_err();
    flash.lock().power_on();
    // The next one reads it as whole, believes it, and goes on.
    flash.lock().rot(edge, 0x40);
    assert_eq!(boot(&flash), [vec![1; 100], vec![2; 100]]);
    boot_and_append(&flash, &[vec![4; 100]]);
    // From then on it must be there, whatever its first copy reads as.
    let whole = [vec![1; 100], vec![2; 100], vec![4; 100]];
    flash.lock().rot(edge, 0x40);
    assert_eq!(boot(&flash), whole);
    flash.lock().rot(edge, 0x40);
    assert_eq!(boot(&flash), whole);
}

#[test]
fn a_sector_whose_first_frame_comes_back_hides_nothing() {
    let flash = new_journal();
    // The second record needs a sector of its own; the first leaves most of one free.
    boot_and_append(&flash, &[vec![1; 900], vec![2; 3400]]);
    let edge = find(&flash, &[2; 3400]);
    assert_eq!(edge as usize / SECTOR, 2);
    flash.lock().rot(edge, 0x40);
    assert_eq!(boot(&flash), [vec![1; 900]]);
    boot_and_append(&flash, &[vec![3; 100]]);
    flash.lock().rot(edge, 0x40);
    assert_eq!(boot(&flash), [vec![1; 900], vec![3; 100]]);
}

#[test]
fn an_edgy_newest_record_is_there_for_good_once_a_boot_saw_it() {
    let flash = new_journal();
    boot_and_append(&flash, &[vec![1; 100], vec![2; 100]]);
    assert_eq!(boot(&flash), [vec![1; 100], vec![2; 100]]);
    let edge = find(&flash, &[2; 100]) + 99;
    flash.lock().rot(edge, 0x40);
    assert_eq!(boot(&flash), [vec![1; 100], vec![2; 100]]);
    boot_and_append(&flash, &[vec![3; 100]]);
    flash.lock().rot(edge, 0x40);
    assert_eq!(boot(&flash), [vec![1; 100], vec![2; 100], vec![3; 100]]);
}

#[test]
fn a_frame_counts_only_where_and_as_what_it_was_written() {
    use crate::{
        frame::{Found, Join, Kind, Label, Place, Sequence},
        part::Part,
    };
    let mut part = Part::new(Flash::<4>::new(SimFlash::new(12)), REGION).unwrap();
    let place = Place { sector: 3, epoch: 1, opening: 9, offset: 64 };
    let label = Label { kind: Kind::Record, join: Join::Alone, sequence: Sequence::Implied(70) };
    part.write_frame(place, label, b"open").unwrap();
    let mut found = |place, expected| {
        let found = part.look_at_frame(place, expected).unwrap();
        matches!(found, Found::Frame(_))
    };
    assert!(found(place, 70));
    assert!(!found(place, 71), "another number");
    assert!(!found(Place { opening: 8, ..place }, 70), "another opening");
    assert!(!found(Place { epoch: 2, ..place }, 70), "another epoch");
}

#[test]
fn a_failed_write_is_never_tried_again_in_place() {
    let flash = new_journal();
    let mut journal = recover(&flash, REGION, BUDGET).unwrap().0;
    journal.append(&[1; 100]).unwrap();
    flash.lock().cut_power(PowerCut { operation: 0, bytes: 0, model: CutModel::Clean, seed: 1 });
    assert!(matches!(journal.append(&[2; 100]), Err(crate::AppendError::Flash(_))));
    flash.lock().power_on();
    assert_eq!(journal.append(&[3; 100]), Err(crate::AppendError::NeedsRecovery));
    assert_eq!(journal.erase_ahead(), Err(crate::AppendError::NeedsRecovery));
    assert!(matches!(journal.snapshot(), Err(crate::SnapshotError::NeedsRecovery)));
    assert_eq!(boot(&flash), [vec![1; 100]]);
}

#[test]
fn snapshots_given_up_again_and_again_take_no_room() {
    let flash = new_journal();
    let mut journal = recover(&flash, REGION, BUDGET).unwrap().0;
    journal.append(&[1; 100]).unwrap();
    for round in 0..50 {
        journal.snapshot().unwrap().write(&[5; 9000]).unwrap();
        if round % 5 == 0 {
            journal = recover(&flash, REGION, BUDGET).unwrap().0;
        }
    }
    journal.append(&[2; 100]).unwrap();
    assert!(journal.bytes_free() > 5 * 3500, "{}", journal.bytes_free());
    assert_eq!(boot(&flash), [vec![1; 100], vec![2; 100]]);
}
