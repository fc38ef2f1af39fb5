//! Images that each version of the format wrote, and what each must give.

use std::{collections::BTreeMap, fmt::Write, fs, path::Path};

use anyhow::{Context, Result, ensure};
use everstep_board_sim::CutModel;
use everstep_journal::FORMAT_VERSION;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    layout::Layout,
    script::{Act, live},
    visit::{View, visit},
};

/// The file in each version's folder that says what its images must give.
const MANIFEST: &str = "manifest.toml";
/// Boots of a test, so that no salt of a life is used again.
const BOOTS_FROM: u64 = 1000;

/// What the images of one version must give.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version of the format.
    pub format_version: u8,
    /// Each image by its file's name.
    pub image: BTreeMap<String, Expected>,
}

/// What one image must give.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// What it shows.
    pub what: String,
    /// What the flash is like.
    pub layout: Layout,
    /// The epoch it was formatted with.
    pub epoch: u32,
    /// The number of the next record.
    pub next_sequence: u64,
    /// The newest snapshot.
    pub snapshot: Option<Content>,
    /// The records behind it, by number.
    pub record: BTreeMap<String, Content>,
}

/// Some bytes.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Content {
    /// How many.
    pub bytes: usize,
    /// Their SHA-256.
    pub sha256: String,
}

impl Content {
    fn of(bytes: &[u8]) -> Self {
        let mut sha256 = String::new();
        for byte in Sha256::digest(bytes) {
            write!(sha256, "{byte:02x}").unwrap();
        }
        Self { bytes: bytes.len(), sha256 }
    }
}

impl Expected {
    /// What a boot on `image` gives now.
    ///
    /// # Errors
    ///
    /// It isn't recovered.
    pub fn of(what: &str, layout: Layout, image: &[u8]) -> Result<Self> {
        let visit = visit(&layout, image.to_vec(), BOOTS_FROM, &[]);
        let View { snapshot, records } = visit.recovered?;
        Ok(Self {
            what: what.into(),
            layout,
            epoch: visit.epoch,
            next_sequence: visit.next_sequence,
            snapshot: snapshot.as_deref().map(Content::of),
            // With zeros in front, so that they are in order.
            record: records
                .iter()
                .map(|(number, bytes)| (format!("{number:06}"), Content::of(bytes)))
                .collect(),
        })
    }
}

/// Reads a version's manifest and its images, by name.
///
/// # Errors
///
/// A file is missing or malformed.
pub fn read(folder: &Path) -> Result<(Manifest, BTreeMap<String, Vec<u8>>)> {
    let path = folder.join(MANIFEST);
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let manifest: Manifest = toml::from_str(&text).with_context(|| path.display().to_string())?;
    let read = |name: &String| Ok((name.clone(), fs::read(folder.join(name)).with_context(|| name.clone())?));
    let images = manifest.image.keys().map(read).collect::<Result<_>>()?;
    Ok((manifest, images))
}

/// Writes the images of this build's version into a new folder below `images`.
///
/// # Errors
///
/// The folder exists: what a released version wrote is never written again.
pub fn write(images: &Path) -> Result<()> {
    let folder = images.join(format!("v{FORMAT_VERSION}"));
    ensure!(!folder.exists(), "{} exists: images are never written again", folder.display());
    fs::create_dir_all(&folder)?;
    let mut manifest = Manifest { format_version: FORMAT_VERSION, image: BTreeMap::new() };
    for (name, layout, what, acts) in scripts() {
        let life = live(&layout, 9, acts);
        let found = visit(&layout, life.image.clone(), BOOTS_FROM, &[]).recovered?;
        life.must_have_written(&found);
        let name = format!("{name}.img");
        fs::write(folder.join(&name), &life.image)?;
        manifest.image.insert(name, Expected::of(what, layout, &life.image)?);
    }
    fs::write(folder.join(MANIFEST), toml::to_string(&manifest)?)?;
    Ok(())
}

type Script = (&'static str, Layout, &'static str, &'static [Act]);

/// What each image shows.
fn scripts() -> [Script; 13] {
    const USUAL: &[Act] =
        &[Act::Records(8, 200), Act::Snapshot(2500), Act::Records(3, 150), Act::Boot, Act::Records(5, 300)];
    // Every frame takes a block.
    const FEW: &[Act] =
        &[Act::Records(3, 200), Act::Snapshot(2500), Act::Records(1, 150), Act::Boot, Act::Records(2, 300)];
    const ROUND: &[Act] = &[
        Act::Records(40, 300),
        Act::Snapshot(4000),
        Act::Records(40, 300),
        Act::Snapshot(4000),
        Act::Boot,
        Act::Records(20, 300),
    ];
    const TORN: &[Act] = &[Act::Records(9, 250), Act::Cut(1, CutModel::PrefixTorn), Act::Records(1, 700)];
    const TORN_THEN_ON: &[Act] = &[
        Act::Records(3, 250),
        Act::GiveUp(300),
        Act::Boot,
        Act::Records(2, 50),
        Act::Boot,
        Act::Boot,
        Act::Records(4, 900),
    ];
    const TOGETHER: &[Act] = &[
        Act::Together(5, 60),
        Act::Snapshot(1500),
        Act::Together(7, 30),
        Act::Records(2, 40),
        Act::Together(4, 500),
    ];
    const NOT_COMMITTED: &[Act] =
        &[Act::Records(4, 250), Act::Snapshot(1500), Act::Records(2, 90), Act::GiveUp(6000)];
    const ERASE: &[Act] = &[
        Act::Records(40, 300),
        Act::Snapshot(4000),
        Act::Records(40, 300),
        Act::Snapshot(4000),
        Act::Cut(49, CutModel::HalfErasedNor),
        Act::Records(60, 300),
    ];
    [
        ("nor", Layout::NOR, "a snapshot, records and two boots", USUAL),
        ("nor-words-of-256", Layout::NOR_256, "the same with large words", USUAL),
        ("file", Layout::FILE, "the same in a file", USUAL),
        ("blocks-of-512", Layout::BLOCKS_512, "the same on a block device", USUAL),
        (
            "blocks-of-4096",
            Layout::BLOCKS_4096,
            "a snapshot, few records and two boots with large blocks",
            FEW,
        ),
        ("sealed", Layout::SEALED, "the same, sealed", USUAL),
        ("together", Layout::BLOCKS_512, "records committed together", TOGETHER),
        ("empty", Layout::NOR, "nothing was ever appended", &[]),
        ("round", Layout::NOR, "the ring has gone round", ROUND),
        ("torn", Layout::NOR, "the last record is torn", TORN),
        ("copies", Layout::NOR, "boots that wrote the newest record anew", TORN_THEN_ON),
        ("not-committed", Layout::NOR, "the last snapshot isn't committed", NOT_COMMITTED),
        ("half-erased", Layout::NOR, "an erase was interrupted", ERASE),
    ]
}
