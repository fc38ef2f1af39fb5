//! Sealed journals: cuts lose nothing, strangers are told from owners, and no key stream is used twice.

use std::{collections::BTreeMap, vec, vec::Vec};

use everstep_board_sim::SimFlash;

use super::{
    harness::{Board, Flash, Item, Medium, SECTOR, recover},
    soak::{BUDGET, CUTS_PER_SEED, Dice, soak_all, soak_board},
};
use crate::{
    Corruption, RecoverError, Region, Seal,
    frame::{Found, Frame, Place, digest},
    header::Header,
    part::Part,
    ring::Sector,
    scan::Cursor,
};

const KEY: [u8; 32] = [7; 32];
const DEVICE: &[u8] = b"pump house 3";
const SECTORS: usize = 14;

/// The seal of one boot.
pub(super) fn seal(boot: u64) -> Seal {
    Seal::new(&KEY, DEVICE, salt(boot))
}

fn salt(boot: u64) -> [u8; 16] {
    let mut salt = [0; 16];
    salt[..8].copy_from_slice(&boot.to_le_bytes());
    salt
}

pub(super) fn sealed_board<const SECTOR: usize>(medium: Medium, sectors: usize) -> Board<4, SECTOR> {
    Board { sealed: Some(core::cell::Cell::new(0)), ..Board::on(medium, sectors, BUDGET) }
}

/// Opened sectors, newest first, with a walk over the frames of each.
fn frames(image: &[u8], region: Region) -> Vec<(Place, Frame, [u8; 16])> {
    let flash: Flash<4> = Flash::new(SimFlash::from_image(image.to_vec()));
    let mut part = Part::new(flash, region).unwrap();
    let mut found = Vec::new();
    for index in 0..part.sectors {
        let Header::Opened(opening) = part.header(index).unwrap() else { continue };
        let mut cursor = Cursor::at_start(Sector { index, opening }, &part);
        while cursor.offset < part.sector_bytes {
            let place = cursor.place(cursor.offset);
            let Found::Frame(frame) = part.look_at_frame(place, cursor.expected).unwrap() else { break };
            if frame.explicit {
                let at = at(place, frame);
                cursor.salt = image[at..at + 16].try_into().unwrap();
            }
            found.push((place, frame, cursor.salt));
            (cursor.offset, cursor.expected) = (frame.end, frame.sequence + 1);
        }
    }
    found
}

/// Where a frame's payload starts in the image.
fn at(place: Place, frame: Frame) -> usize {
    place.sector as usize * SECTOR + frame.payload_offset as usize
}

/// Makes the checksum of a frame fit whatever its payload is now: whoever writes to the flash can.
fn fix_checksum(image: &mut [u8], place: Place, frame: Frame) {
    let payload = at(place, frame)..at(place, frame) + frame.payload_bytes;
    let mut digest = digest(place, frame.sequence, frame.word);
    digest.update(&image[payload]);
    let head = place.sector as usize * SECTOR + place.offset as usize;
    image[head + 2..head + 6].copy_from_slice(&digest.finalize().to_le_bytes());
}

/// A board with a snapshot and records, and its image.
fn used() -> (Board, Vec<u8>) {
    let mut board: Board = sealed_board(Medium::Nor, SECTORS);
    let mut journal = board.boot("used").unwrap();
    let snapshot = board.snapshot(5000);
    assert!(board.send(&mut journal, &snapshot).unwrap());
    for _ in 0..30 {
        let item = board.record(100);
        assert!(board.send(&mut journal, &item).unwrap());
    }
    let image = board.flash.lock().image().to_vec();
    (board, image)
}

fn found(image: Vec<u8>, region: Region) -> Result<(), RecoverError<everstep_board_sim::SimFlashError>> {
    let flash: Flash<4> = Flash::new(SimFlash::from_image(image));
    recover(&flash, region, BUDGET).map(drop)
}

fn range() -> core::ops::Range<u32> {
    0..u32::try_from(SECTORS * SECTOR).unwrap()
}

#[test]
fn cuts_lose_nothing_and_no_key_stream_is_used_twice() {
    soak_all("soak, sealed", CUTS_PER_SEED / 5, |seed| {
        let mut seen = BTreeMap::new();
        let mut dice = Dice(seed);
        let board: Board = sealed_board(Medium::Nor, dice.size(14, 24));
        let board = soak_board(board, dice, seed, CUTS_PER_SEED / 5, |board| {
            let image = board.flash.lock().image().to_vec();
            let range = 0..u32::try_from(image.len()).unwrap();
            for (place, frame, salt) in frames(&image, Region::from(range).sealed(seal(0))) {
                let payload = image[at(place, frame)..][..frame.payload_bytes].to_vec();
                let before = seen.insert((salt, place.opening, place.offset), payload.clone());
                assert!(before.is_none_or(|before| before == payload), "seed {seed}: {place:?}");
            }
        });
        assert!(seen.len() > 100, "seed {seed}: {}", seen.len());
        board.sent
    });
}

#[test]
fn cuts_lose_nothing_on_sealed_files_and_block_devices() {
    soak_all("soak, sealed files and block devices", CUTS_PER_SEED / 5, |seed| {
        let (dice, cuts) = (Dice(seed), CUTS_PER_SEED / 5);
        if seed % 2 == 0 {
            soak_board(sealed_board::<4096>(Medium::File, 16), dice, seed, cuts, |_| {}).sent
        } else {
            soak_board(sealed_board::<16_384>(Medium::Blocks(512), 16), dice, seed, cuts, |_| {}).sent
        }
    });
}

#[test]
fn the_largest_records_come_back_sealed() {
    let mut board: Board = sealed_board(Medium::Nor, 40);
    let mut journal = board.boot("first").unwrap();
    for bytes in [0, 1, 250, 3500, crate::PAYLOAD_BYTES_MAX - 5, 3] {
        let item = board.record(bytes);
        assert!(board.send(&mut journal, &item).unwrap());
        journal = board.boot("again").unwrap();
    }
}

#[test]
fn nothing_of_a_record_is_on_flash() {
    let mut board: Board = sealed_board(Medium::Nor, SECTORS);
    let mut journal = board.boot("first").unwrap();
    let secret = b"open the sluice at noon".repeat(20);
    assert!(board.send(&mut journal, &Item::Record(secret.clone())).unwrap());
    assert!(board.send(&mut journal, &Item::Snapshot(secret.repeat(10))).unwrap());
    let image = board.flash.lock().image().to_vec();
    assert!(!image.windows(8).any(|bytes| secret.starts_with(bytes)));
    board.boot("again").unwrap();
}

/// One key stream used twice would make equal records equal on flash: in one sector, in another, by
/// another boot, and in a journal that was formatted anew.
#[test]
fn equal_records_never_look_alike() {
    let record = Item::Record(vec![0; 300]);
    let mut seen = BTreeMap::new();
    let mut board: Board = sealed_board(Medium::Nor, SECTORS);
    for life in 0..2 {
        crate::format(board.flash.clone(), board.region(), 7).unwrap();
        board.history.clear();
        for boot in 0..3 {
            let mut journal = board.boot("equal records").unwrap();
            for _ in 0..15 {
                assert!(board.send(&mut journal, &record).unwrap());
            }
            let image = board.flash.lock().image().to_vec();
            for (place, frame, _) in frames(&image, board.region()) {
                // The tag is behind, a salt in front.
                let end = at(place, frame) + frame.payload_bytes - 16;
                let here = (life, place.opening, place.offset);
                let before = seen.insert(image[end - 16..end].to_vec(), here);
                assert!(before.is_none_or(|before| before == here), "boot {boot}: {before:?}, {here:?}");
            }
        }
    }
    assert!(seen.len() > 60, "{}", seen.len());
}

#[test]
fn strangers_are_told_apart() {
    let (board, image) = used();
    found(image.clone(), board.region()).unwrap();
    let with = |seal| found(image.clone(), Region::from(range()).sealed(seal));
    assert_eq!(with(Seal::new(&[8; 32], DEVICE, salt(99))), Err(RecoverError::WrongKey));
    assert_eq!(with(Seal::new(&KEY, b"pump house 4", salt(99))), Err(RecoverError::OtherDevice));
    assert_eq!(found(image.clone(), range().into()), Err(RecoverError::Sealed));

    let mut open: Board = Board::new(SECTORS, BUDGET);
    let mut journal = open.boot("open").unwrap();
    let item = open.record(50);
    assert!(open.send(&mut journal, &item).unwrap());
    let image = open.flash.lock().image().to_vec();
    assert!(matches!(found(image, board.region()), Err(RecoverError::NotSealed { .. })));
}

#[test]
fn a_forged_record_is_told_from_a_torn_one() {
    let (board, image) = used();
    for (place, frame, _) in frames(&image, board.region()) {
        let mut forged = image.clone();
        forged[at(place, frame) + frame.payload_bytes / 2] ^= 1;
        fix_checksum(&mut forged, place, frame);
        let told = found(forged, board.region());
        assert!(
            matches!(told, Err(RecoverError::Corrupt { what: Corruption::Forged, .. })),
            "{place:?}: {told:?}"
        );
    }
}

#[test]
fn a_moved_record_is_told_from_a_forged_one() {
    let (board, image) = used();
    let all = frames(&image, board.region());
    let like = |one: &Frame, other: &Frame| one.word == other.word;
    let mut moved = 0;
    for (place, frame, _) in &all {
        let Some((from, other, _)) =
            all.iter().find(|(from, other, _)| like(frame, other) && from.offset != place.offset)
        else {
            continue;
        };
        // Once as a copy, once as an exchange.
        for exchange in [false, true] {
            let mut image = image.clone();
            let (here, there) = (at(*place, *frame), at(*from, *other));
            let payload = image[here..here + frame.payload_bytes].to_vec();
            image.copy_within(there..there + frame.payload_bytes, here);
            fix_checksum(&mut image, *place, *frame);
            if exchange {
                image[there..there + payload.len()].copy_from_slice(&payload);
                fix_checksum(&mut image, *from, *other);
            }
            let told = found(image, board.region());
            let is_told = matches!(told, Err(RecoverError::Corrupt { what: Corruption::Moved { .. }, .. }));
            assert!(is_told, "{place:?} from {from:?}: {told:?}");
            moved += 1;
        }
    }
    assert!(moved > 20, "{moved}");
}

#[test]
fn a_sector_of_another_device_is_refused() {
    let (board, mut image) = used();
    let mut other: Board = Board::new(SECTORS, BUDGET);
    let region = Region::from(range()).sealed(Seal::new(&KEY, b"pump house 4", salt(1)));
    crate::format(other.flash.clone(), region.clone(), 7).unwrap();
    let (mut journal, ..) = recover(&other.flash, region, BUDGET).unwrap();
    for _ in 0..60 {
        let item = other.record(300);
        journal
            .append(match &item {
                Item::Record(bytes) | Item::Snapshot(bytes) => bytes,
            })
            .unwrap();
    }
    let theirs = other.flash.lock().image().to_vec();
    let newest =
        frames(&image, board.region()).iter().map(|(place, ..)| place.sector).max().unwrap() as usize;
    let sector = newest * SECTOR..(newest + 1) * SECTOR;
    image[sector.clone()].copy_from_slice(&theirs[sector]);
    let told = found(image, board.region());
    assert!(matches!(told, Err(RecoverError::OtherDevice)), "{told:?}");
}

#[test]
fn a_seal_shows_nothing_of_its_key() {
    assert_eq!(std::format!("{:?}", seal(1)), "Seal");
    assert_eq!(vec![seal(1).owner()], [Seal::new(&KEY, DEVICE, salt(2)).owner()]);
}
