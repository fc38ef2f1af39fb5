//! Rules of a raw part, and the real journal on one that fails and loses power.

use everstep_board_sim::{CutModel, PowerCut};

use super::{fake::FakePart, *};
use crate::flash::life::{Life, region};

const SECTORS: usize = 12;

fn flash<const UNIT: usize, const SECTOR: usize>(
    part: &FakePart<UNIT, SECTOR>,
) -> MtdFlash<FakePart<UNIT, SECTOR>> {
    let folder = tempfile::tempdir().unwrap();
    let wear = Wear::open(&folder.path().join("mtd0")).unwrap();
    let bytes = u32::try_from(part.flash.lock().image().len()).unwrap();
    MtdFlash::new(part.clone(), bytes, wear)
}

fn part<const UNIT: usize, const SECTOR: usize>() -> FakePart<UNIT, SECTOR> {
    let unit_bytes = u32::try_from(UNIT).unwrap();
    let sizes = UnitAndSector { unit_bytes, sector_bytes: u32::try_from(SECTOR).unwrap() };
    FakePart::new(SECTORS * sizes.geometry().unwrap().sector_bytes as usize / SECTOR)
}

#[test]
fn pages_are_programmed_one_by_one_and_padded_to_units() {
    let part = part::<16, 4096>();
    let mut flash = flash(&part);
    // Half a page, two whole ones and a word: the fake refuses a program over a page's end.
    let bytes = vec![0x5A; 128 + 512 + 4];
    flash.write(128, &bytes).unwrap();
    assert_eq!(flash.counts(), FlashCounts { programs: 4, programmed_bytes: 128 + 512 + 16, erases: 0 });
    let mut found = vec![0; bytes.len() + 12];
    flash.read(128, &mut found).unwrap();
    assert_eq!(found, [bytes, vec![0xFF; 12]].concat());
}

#[test]
fn a_unit_larger_than_a_page_is_programmed_once_and_read_before() {
    let part = part::<2048, 16_384>();
    let mut flash = flash(&part);
    for page in 0..3 {
        flash.write(page * 256, &[u8::try_from(page).unwrap(); 256]).unwrap();
    }
    assert_eq!(part.flash.lock().counts().programs, 0, "nothing is programmed before it is asked for");
    let mut found = [0; 4];
    flash.read(510, &mut found).unwrap();
    assert_eq!(found, [1, 1, 2, 2]);
    flash.write(0, &[]).unwrap();
    assert_eq!(part.flash.lock().counts().programs, 1);
    // A unit that is left is programmed on its own.
    flash.write(2048, &[1; 256]).unwrap();
    flash.write(4096, &[2; 256]).unwrap();
    assert_eq!(part.flash.lock().counts().programs, 2);
    flash.erase(65_536, 131_072).unwrap();
    assert_eq!(part.flash.lock().counts().programs, 3, "an erase comes behind what was given before");
    let refused = flash.write(4096 + 1024, &[0; 4]);
    assert!(matches!(refused, Err(FlashError::Reprogram { address: 4096, unit: 2048 })), "{refused:?}");
}

#[test]
fn small_sectors_are_erased_together() {
    let part = part::<16, 512>();
    let mut flash = flash(&part);
    assert_eq!(flash.geometry().sector_bytes, 4096);
    flash.erase(4096, 12_288).unwrap();
    assert_eq!(part.flash.lock().counts().erases, 16);
    assert!(matches!(flash.erase(512, 1024), Err(FlashError::NotAligned { unit: 4096, .. })));
}

#[test]
fn bits_are_never_set_and_ranges_are_checked() {
    let part = part::<1, 4096>();
    let mut flash = flash(&part);
    flash.write(0, &[0xF0; 4]).unwrap();
    assert!(matches!(flash.write(0, &[0x0F; 4]), Err(FlashError::SetsBits { address: 0 })));
    assert!(matches!(flash.write(2, &[0; 4]), Err(FlashError::NotAligned { unit: 4, .. })));
    assert!(matches!(flash.write(12 * 4096, &[0; 4]), Err(FlashError::OutOfBounds { .. })));
    let part = self::part::<16, 4096>();
    assert!(matches!(self::flash(&part).write(4, &[0; 4]), Err(FlashError::NotAligned { unit: 16, .. })));
}

/// A failed program or erase at every operation of a short life: the error tells where, and the next boot
/// goes on with everything accepted.
fn failures_everywhere<const UNIT: usize, const SECTOR: usize>() {
    let mut told = (0, 0);
    for operation in 0.. {
        let part = part::<UNIT, SECTOR>();
        let opened = flash(&part);
        let region = region(opened.geometry(), u32::try_from(opened.capacity()).unwrap());
        let (mut life, sector_bytes) = (Life::default(), opened.geometry().sector_bytes);
        part.fail_at(operation);
        let failed = life.live(opened, &region, 60);
        if !part.has_failed() {
            assert!(failed.is_ok() && operation > 100, "{operation}");
            break;
        }
        let error = failed.unwrap_err();
        let message = error.to_string();
        match error {
            FlashError::Program { address, sector, .. } => {
                assert_eq!(address / sector_bytes, sector);
                assert!(message.contains(&format!("at {address}, in sector {sector}")), "{message}");
                told.0 += 1;
            }
            FlashError::Erase { address, sector, .. } => {
                assert_eq!(address / sector_bytes, sector);
                assert!(message.contains(&format!("erase sector {sector} at {address}")), "{message}");
                told.1 += 1;
            }
            error => panic!("{operation}: {error}"),
        }
        life.live(flash(&part), &region, 40).unwrap_or_else(|error| panic!("{operation}: {error}"));
        life.live(flash(&part), &region, 0).unwrap_or_else(|error| panic!("{operation}: {error}"));
    }
    assert!(told.0 > 50 && told.1 > 5, "{told:?}");
}

#[test]
fn a_failed_program_or_erase_is_told_and_the_next_boot_goes_on() {
    failures_everywhere::<1, 4096>();
    failures_everywhere::<16, 16_384>();
    failures_everywhere::<2048, 16_384>();
    failures_everywhere::<512, 512>();
}

/// Power cuts at random operations and bytes, under every model, decided by one seed each.
fn cuts<const UNIT: usize, const SECTOR: usize>(seed: u64) {
    let part = part::<UNIT, SECTOR>();
    let opened = flash(&part);
    let region = region(opened.geometry(), u32::try_from(opened.capacity()).unwrap());
    drop(opened);
    let mut life = Life::default();
    let mut state = seed;
    let mut roll = |sides: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % sides
    };
    for turn in 0..60 {
        let far = if turn % 4 == 0 { 300 } else { 20 };
        let cut = PowerCut {
            operation: roll(far),
            bytes: usize::try_from(roll(4096) >> roll(12)).unwrap(),
            model: CutModel::ALL[usize::try_from(roll(CutModel::ALL.len() as u64)).unwrap()],
            seed: roll(u64::MAX),
        };
        part.flash.lock().cut_power(cut);
        let ended = life.live(flash(&part), &region, 1000);
        assert!(ended.is_err() && !part.flash.lock().is_powered(), "seed {seed}, turn {turn}: {ended:?}");
        part.flash.lock().power_on();
    }
    assert!(life.accepted() > 200, "seed {seed}: {}", life.accepted());
}

#[test]
fn power_cuts_lose_nothing_that_was_accepted() {
    for seed in 0..6 {
        cuts::<1, 4096>(seed);
        cuts::<16, 16_384>(seed);
        cuts::<256, 65_536>(seed);
        cuts::<256, 512>(seed);
        cuts::<512, 512>(seed);
        cuts::<2048, 16_384>(seed);
    }
}
