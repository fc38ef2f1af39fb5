//! Rules of the file flash. What survives a power cut is the journal's and the simulator's test.

use super::*;
use crate::flash::{FlashImage, FlashPlace, Geometry, is_disk_full};

const BYTES: u32 = SECTORS_MIN * SECTOR_BYTES;

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn place(path: &Path) -> FlashPlace {
    let state_dir = path.parent().unwrap().to_owned();
    FlashPlace { medium: Medium::File, path: path.to_owned(), bytes: BYTES, state_dir }
}

#[test]
fn new_file_is_whole_erased_and_private() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder();
    let path = folder.path().join("flash.bin");
    let mut flash = FileFlash::open_or_create(&path, BYTES).unwrap();
    let mut bytes = vec![0; BYTES as usize];
    flash.read(0, &mut bytes).unwrap();
    assert!(bytes.iter().all(|byte| *byte == ERASED));
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(names(folder.path()), ["flash.bin", "flash.bin.wear"], "nothing else is left");
}

#[test]
fn written_words_are_there_after_opening_again() {
    let folder = folder();
    let path = folder.path().join("flash.bin");
    let mut flash = FileFlash::open_or_create(&path, BYTES).unwrap();
    flash.write(4096, &[1, 2, 3, 4]).unwrap();
    assert_eq!(flash.counts(), FlashCounts { programs: 1, programmed_bytes: 4, erases: 0 });
    drop(flash);
    let mut flash = FileFlash::open_or_create(&path, BYTES).unwrap();
    let mut found = [0; 4];
    flash.read(4096, &mut found).unwrap();
    assert_eq!(found, [1, 2, 3, 4]);
}

#[test]
fn wear_is_counted_over_all_processes() {
    let folder = folder();
    let path = folder.path().join("flash.bin");
    assert_eq!(FlashCounts::read(&path), FlashCounts::default());
    for _ in 0..2 {
        let mut flash = FileFlash::open_or_create(&path, BYTES).unwrap();
        flash.erase(0, 8192).unwrap();
        flash.write(0, &[1; 400]).unwrap();
    }
    assert_eq!(FlashCounts::read(&path), FlashCounts { programs: 2, programmed_bytes: 800, erases: 4 });
    std::fs::write(folder.path().join("flash.bin.wear"), b"short").unwrap();
    assert_eq!(FileFlash::open(&path, BYTES).unwrap().counts(), FlashCounts::default());
}

#[test]
fn program_clears_bits_and_never_sets_them() {
    let folder = folder();
    let mut flash = FileFlash::open_or_create(&folder.path().join("flash.bin"), BYTES).unwrap();
    flash.write(0, &[0xF0, 0xFF, 0xFF, 0xFF]).unwrap();
    flash.write(0, &[0x30, 0xFF, 0xFF, 0xFF]).unwrap();
    let refused = flash.write(0, &[0x30, 0xFF, 0xFF, 0xFF].map(|byte: u8| byte | 0x0F));
    assert!(matches!(refused, Err(FlashError::SetsBits { address: 0 })), "{refused:?}");
    let far = [&[0xFF; 8192][..], &[0; 4]].concat();
    flash.write(8192, &[0xFF; 4]).unwrap();
    flash.write(0x3000, &[0x7F, 0xFF, 0xFF, 0xFF]).unwrap();
    // The byte in the way lies in the second chunk.
    let refused = flash.write(0x2000, &far);
    assert!(matches!(refused, Err(FlashError::SetsBits { address: 0x3000 })), "{refused:?}");
    flash.erase(0, 4096).unwrap();
    flash.write(0, &[0x3F; 4]).unwrap();
    assert_eq!(flash.counts().erases, 1);
}

#[test]
fn unaligned_and_outside_ranges_are_refused() {
    let folder = folder();
    let mut flash = FileFlash::open_or_create(&folder.path().join("flash.bin"), BYTES).unwrap();
    let aligned = |result: Result<(), FlashError>| matches!(result, Err(FlashError::NotAligned { .. }));
    let inside = |result: Result<(), FlashError>| matches!(result, Err(FlashError::OutOfBounds { .. }));
    assert!(aligned(flash.write(2, &[0; 4])));
    assert!(aligned(flash.write(0, &[0; 3])));
    assert!(aligned(flash.erase(0, 100)));
    assert!(aligned(flash.erase(4, 4096)));
    assert!(inside(flash.write(BYTES - 4, &[0; 8])));
    assert!(inside(flash.read(BYTES, &mut [0; 1])));
    assert!(inside(flash.erase(4096, 0)));
    assert!(inside(flash.erase(0, BYTES + SECTOR_BYTES)));
    assert_eq!(flash.counts(), FlashCounts::default());
}

#[test]
fn file_of_another_size_is_refused_with_both_sizes_and_left_alone() {
    let folder = folder();
    let path = folder.path().join("flash.bin");
    std::fs::write(&path, b"precious").unwrap();
    let refused = FileFlash::open_or_create(&path, BYTES).unwrap_err().to_string();
    assert!(refused.contains("has 8 bytes") && refused.contains("says 32768"), "{refused}");
    assert_eq!(std::fs::read(&path).unwrap(), b"precious");
}

#[test]
fn folder_missing_folder_and_odd_sizes_are_refused() {
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    assert!(matches!(FileFlash::open_or_create(folder.path(), BYTES), Err(OpenError::WrongKind { .. })));
    assert!(matches!(FileFlash::open_or_create(&at("none/flash.bin"), BYTES), Err(OpenError::Io { .. })));
    assert!(matches!(FileFlash::open(&at("flash.bin"), BYTES), Err(OpenError::Missing { .. })));
    for bytes in [0, 4096, BYTES + 1, FLASH_BYTES_MAX + SECTOR_BYTES] {
        assert!(matches!(FileFlash::open_or_create(&at("flash.bin"), bytes), Err(OpenError::Size { .. })));
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn second_writer_is_refused_and_a_reader_is_not() {
    let folder = folder();
    let path = folder.path().join("flash.bin");
    let mut flash = FileFlash::open_or_create(&path, BYTES).unwrap();
    flash.write(0, &[9; 4]).unwrap();
    assert!(matches!(FileFlash::open(&path, BYTES), Err(OpenError::InUse { .. })));
    let mut image = FlashImage::load(&place(&path)).unwrap();
    let mut found = [0; 4];
    image.read(0, &mut found).unwrap();
    assert_eq!(found, [9; 4]);
    image.erase(0, 4096).unwrap();
    flash.read(0, &mut found).unwrap();
    assert_eq!(found, [9; 4], "the copy's changes stay in memory");
}

#[test]
fn half_made_file_of_a_cut_is_replaced() {
    let folder = folder();
    let path = folder.path().join("flash.bin");
    std::fs::write(fresh_name(&path), b"half").unwrap();
    FileFlash::open_or_create(&path, BYTES).unwrap();
    assert_eq!(names(folder.path()), ["flash.bin", "flash.bin.wear"]);
}

#[test]
fn full_disk_and_file_limits_are_told_apart_from_other_failures() {
    let full = |code: i32| is_disk_full(&io::Error::from_raw_os_error(code));
    // ENOSPC, EDQUOT, EFBIG; then EIO.
    assert!(full(28) && full(122) && full(27) && !full(5));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(24))]

    /// File and copy are the same flash: every operation gives the same answer and the same bytes.
    #[test]
    fn file_and_image_behave_alike(operations in proptest::collection::vec((0_u8..2, 0_u32..40_000, 0_usize..20, 0_u8..=255), 1..40)) {
        let folder = folder();
        let mut file = FileFlash::open_or_create(&folder.path().join("flash.bin"), BYTES).unwrap();
        let mut image = FlashImage::erased(BYTES, Geometry::FILE);
        for (what, address, length, byte) in operations {
            if what == 0 {
                let (from, to) = (address / 4096 * 4096, address / 4096 * 4096 + 4096);
                proptest::prop_assert_eq!(file.erase(from, to).is_ok(), image.erase(from, to).is_ok());
            } else {
                let bytes = vec![byte; length * 2];
                let (left, right) = (file.write(address / 2 * 2, &bytes), image.write(address / 2 * 2, &bytes));
                proptest::prop_assert_eq!(format!("{left:?}"), format!("{right:?}"));
            }
        }
        let (mut left, mut right) = (vec![0; BYTES as usize], vec![0; BYTES as usize]);
        file.read(0, &mut left).unwrap();
        image.read(0, &mut right).unwrap();
        proptest::prop_assert!(left == right);
    }
}
