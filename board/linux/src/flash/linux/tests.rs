//! The flash of a board on each medium that this machine has.

use std::path::{Path, PathBuf};

use super::*;
use crate::flash::{
    FlashImage,
    life::{Life, region},
};

const BYTES: u32 = 12 * 32_768;

fn folder() -> tempfile::TempDir {
    let program = std::env::current_exe().unwrap();
    tempfile::tempdir_in(program.parent().unwrap()).unwrap()
}

fn place(medium: Medium, path: PathBuf) -> FlashPlace {
    let state_dir = path.parent().unwrap().to_owned();
    FlashPlace { medium, path, bytes: BYTES, state_dir }
}

const BLOCKS: [Medium; 2] = [Medium::Block(BlockBytes::B512), Medium::Block(BlockBytes::B4096)];

fn bytes_of(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap()
}

/// Erases, writes, reads over pages, sectors and the end: every answer is the file's.
#[test]
fn every_medium_that_keeps_writes_back_behaves_as_a_file_does() {
    let folder = folder();
    let mut file = LinuxFlash::open_or_create(&place(Medium::File, folder.path().join("file.bin"))).unwrap();
    for medium in BLOCKS {
        file.erase(0, BYTES).unwrap();
        let place = place(medium, folder.path().join(format!("{medium:?}.img")));
        let mut blocks = LinuxFlash::open_or_create(&place).unwrap();
        let mut state = 1_u64;
        for _ in 0..400 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let [what, byte, length, page, ..] = state.to_be_bytes();
            let address = u32::from(page) * 1540;
            let same = match what % 8 {
                0 => {
                    let sector = blocks.geometry().sector_bytes;
                    let from = address - address % sector;
                    let answers = [file.erase(from, from + sector), blocks.erase(from, from + sector)];
                    answers.map(|answer| format!("{answer:?}"))
                }
                1 => [file.write(0, &[]), blocks.write(0, &[])].map(|answer| format!("{answer:?}")),
                _ => {
                    let bytes = vec![byte; usize::from(length) * 4];
                    [file.write(address, &bytes), blocks.write(address, &bytes)]
                        .map(|answer| format!("{answer:?}"))
                }
            };
            assert_eq!(same[0], same[1], "{medium:?}");
        }
        let (mut left, mut right) = (vec![0; BYTES as usize], vec![0; BYTES as usize]);
        file.read(0, &mut left).unwrap();
        blocks.read(0, &mut right).unwrap();
        assert!(left == right, "{medium:?}");
        blocks.write(0, &[]).unwrap();
        assert!(bytes_of(&place.path) == left, "{medium:?}");
    }
}

#[test]
fn a_journal_goes_on_and_is_read_from_a_copy_while_its_owner_writes() {
    let folder = folder();
    for medium in BLOCKS {
        let place = place(medium, folder.path().join(format!("{medium:?}.img")));
        let mut life = Life::default();
        for _ in 0..5 {
            let flash = LinuxFlash::open_or_create(&place).unwrap();
            let region = region(flash.geometry(), BYTES);
            let flash = life.live(flash, &region, 40).unwrap();
            let image = FlashImage::load(&place).unwrap();
            assert_eq!(image.geometry(), flash.geometry());
            life.live(image, &region, 0).unwrap();
        }
        assert_eq!(life.accepted(), 200);
        let counts = FlashCounts::read(&place.counts_path());
        assert!(counts.programs > 200 && counts.erases > 10, "{counts:?}");
    }
}

#[test]
fn a_blank_image_becomes_a_flash_and_any_other_is_left_alone() {
    let folder = folder();
    for (name, fill) in [("zeros.img", 0), ("ones.img", 0xFF)] {
        let place = place(BLOCKS[1], folder.path().join(name));
        std::fs::write(&place.path, vec![fill; BYTES as usize]).unwrap();
        // A look changes nothing, and sees what will be there.
        let mut image = FlashImage::load(&place).unwrap();
        let mut found = [0; 8];
        image.read(4096, &mut found).unwrap();
        assert_eq!(found, [0xFF; 8]);
        assert!(bytes_of(&place.path).iter().all(|byte| *byte == fill));
        LinuxFlash::open_or_create(&place).unwrap();
        assert!(bytes_of(&place.path).iter().all(|byte| *byte == 0xFF));
    }
    let place = place(BLOCKS[1], folder.path().join("ext4.img"));
    let mut used = vec![0; BYTES as usize];
    used[1080..1082].copy_from_slice(&[0x53, 0xEF]);
    std::fs::write(&place.path, &used).unwrap();
    let mut flash = LinuxFlash::open_or_create(&place).unwrap();
    assert!(bytes_of(&place.path) == used);
    let mut found = [0xFF; 8];
    flash.read(0, &mut found).unwrap();
    assert_eq!(found, [0; 8], "the journal sees that something is there, and refuses it");
}

#[test]
fn a_device_that_is_missing_is_not_made() {
    for medium in [Medium::File, BLOCKS[0], Medium::Mtd] {
        let missing = place(medium, "/dev/everstep-none".into());
        let error = LinuxFlash::open_or_create(&missing).unwrap_err();
        assert!(matches!(error, OpenError::NoDevice { .. }), "{error}");
        assert!(!missing.path.exists());
    }
    let error = FlashImage::load(&place(Medium::Mtd, "/tmp/everstep-none".into())).unwrap_err();
    assert!(error.to_string().contains("there is no flash device"), "{error}");
}

#[test]
fn the_wear_of_a_device_is_counted_in_the_state_folder() {
    let device = FlashPlace { state_dir: "/var/lib/board".into(), ..place(Medium::Mtd, "/dev/null".into()) };
    assert_eq!(device.counts_path(), Path::new("/var/lib/board/null"));
    let file = FlashPlace { state_dir: "/var/lib/board".into(), ..place(Medium::File, "/mnt/a.bin".into()) };
    assert_eq!(file.counts_path(), Path::new("/mnt/a.bin"));
}
