//! Images that every version of the format wrote still give what they gave, and what isn't of this
//! version is refused with no byte changed.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test's set-up may fail")]

use std::{fs, path::PathBuf};

use everstep_journal::{FORMAT_VERSION, RecoverError};
use journal_proof::{
    Layout,
    image::{Expected, Manifest, read},
    visit,
};

fn folders() -> Vec<PathBuf> {
    let images = concat!(env!("CARGO_MANIFEST_DIR"), "/../images");
    let mut folders: Vec<_> = fs::read_dir(images).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.retain(|path| path.is_dir());
    assert!(folders.iter().any(|path| path.ends_with(format!("v{FORMAT_VERSION}"))));
    folders
}

/// Each image with what it must give.
fn each(mut look: impl FnMut(&str, &Expected, &[u8])) {
    for folder in folders() {
        let (manifest, images) = read(&folder).unwrap();
        let Manifest { format_version, image } = manifest;
        assert!(folder.ends_with(format!("v{format_version}")));
        let files = fs::read_dir(&folder).unwrap().count();
        assert_eq!(files, images.len() + 1, "{}: an image without a word about it", folder.display());
        for (name, expected) in &image {
            look(&format!("v{format_version}/{name}"), expected, &images[name]);
        }
    }
}

#[test]
fn images_of_every_version_give_what_they_gave() {
    each(|name, expected, image| {
        let found = Expected::of(&expected.what, expected.layout, image).unwrap();
        assert_eq!(found, *expected, "{name}");
    });
}

#[test]
fn images_of_every_version_take_new_records() {
    each(|name, expected, image| {
        let records: Vec<Vec<u8>> = (0..3).map(|number| vec![number; 700]).collect();
        let first = visit(&expected.layout, image.to_vec(), 2000, &records);
        let mut view = first.recovered.unwrap_or_else(|error| panic!("{name}: {error}"));
        let numbers =
            first.appended.into_iter().map(|kept| kept.unwrap_or_else(|error| panic!("{name}: {error}")));
        view.records.extend(numbers.zip(records));
        let second = visit(&expected.layout, first.image, 2001, &[]);
        assert_eq!(second.recovered, Ok(view), "{name}");
    });
}

/// The image with the start of each header changed, and its checksum made to fit.
fn changed(image: &[u8], layout: &Layout, change: impl Fn(&mut [u8])) -> Vec<u8> {
    let crc = crc::Crc::<u32>::new(&crc::CRC_32_ISCSI);
    let mut image = image.to_vec();
    for sector in image.chunks_mut(layout.sector_bytes as usize) {
        let sound = crc.checksum(&sector[..4]).to_le_bytes() == sector[4..8];
        if sound {
            change(&mut sector[..4]);
            let checksum = crc.checksum(&sector[..4]).to_le_bytes();
            sector[4..8].copy_from_slice(&checksum);
        }
    }
    image
}

/// Refused for the reason that `told` looks for, with nothing written and nothing erased.
fn must_refuse(
    name: &str,
    layout: &Layout,
    image: &[u8],
    told: impl Fn(&RecoverError<everstep_board_sim::SimFlashError>) -> bool,
) {
    let visit = visit(layout, image.to_vec(), 3000, &[vec![1; 10]]);
    let error = visit.recovered.expect_err(name);
    assert!(told(&error), "{name}: {error}");
    let counts = visit.counts;
    assert_eq!((counts.programs, counts.erases), (0, 0), "{name}");
    assert!(visit.image == *image, "{name}: changed");
}

#[test]
fn another_version_is_refused_with_no_byte_changed() {
    each(|name, Expected { layout, .. }, image| {
        for version in [0, FORMAT_VERSION + 1, 255] {
            must_refuse(
                name,
                layout,
                &changed(image, layout, |head| head[2] = version),
                |error| matches!(error, RecoverError::Version { found } if *found == version),
            );
        }
    });
}

#[test]
fn an_unknown_flag_is_refused_with_no_byte_changed() {
    each(|name, Expected { layout, .. }, image| {
        for flag in [0x20, 0x40, 0x80] {
            must_refuse(name, layout, &changed(image, layout, |head| head[3] |= flag), |error| {
                matches!(error, RecoverError::Version { .. })
            });
        }
    });
}

#[test]
fn another_word_is_refused_with_no_byte_changed() {
    each(|name, Expected { layout, .. }, image| {
        must_refuse(
            name,
            layout,
            &changed(image, layout, |head| head[3] = head[3] & 0xF0 | (head[3] & 0x0F ^ 1)),
            |error| matches!(error, RecoverError::WordBytes { .. }),
        );
    });
}

#[test]
fn a_key_too_many_or_too_few_is_refused_with_no_byte_changed() {
    each(|name, Expected { layout, .. }, image| {
        let other = Layout { sealed: !layout.sealed, ..*layout };
        must_refuse(name, &other, image, |error| {
            matches!(error, RecoverError::Sealed | RecoverError::NotSealed { .. })
        });
    });
}
