//! What a flash is like, and how a journal lies on it.

use everstep_board_sim::SimFlash;
use everstep_journal::{Region, Seal};
use serde::{Deserialize, Serialize};

/// The key of every sealed image. It is no secret.
const KEY: [u8; 32] = *b"the published key of test images";
const DEVICE: &[u8] = b"test images";

/// What a flash is like, and how a journal lies on it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layout {
    /// Bytes of a write word.
    pub word_bytes: u32,
    /// Bytes of a sector.
    pub sector_bytes: u32,
    /// Bytes of a block; 0 where there are none.
    #[serde(default)]
    pub block_bytes: u32,
    /// Whether the medium keeps writes back.
    #[serde(default)]
    pub buffered: bool,
    /// Whether the journal is sealed.
    #[serde(default)]
    pub sealed: bool,
}

impl Layout {
    /// Plain NOR flash.
    pub const NOR: Self =
        Self { word_bytes: 4, sector_bytes: 4096, block_bytes: 0, buffered: false, sealed: false };
    /// NOR flash with words as large as a page.
    pub const NOR_256: Self = Self { word_bytes: 256, sector_bytes: 8192, ..Self::NOR };
    /// A file.
    pub const FILE: Self = Self { buffered: true, ..Self::NOR };
    /// A block device with blocks of 512 bytes.
    pub const BLOCKS_512: Self = Self { block_bytes: 512, sector_bytes: 8192, ..Self::FILE };
    /// A block device with blocks of 4096 bytes.
    pub const BLOCKS_4096: Self = Self { block_bytes: 4096, sector_bytes: 16_384, ..Self::FILE };
    /// NOR flash, sealed.
    pub const SEALED: Self = Self { sealed: true, ..Self::NOR };

    /// Every layout that images and fuzzing have.
    pub const ALL: [Self; 6] =
        [Self::NOR, Self::NOR_256, Self::FILE, Self::BLOCKS_512, Self::BLOCKS_4096, Self::SEALED];

    /// The region that takes all of a flash of `bytes` bytes. `boot` makes the salt of a seal.
    #[must_use]
    pub fn region(&self, bytes: u32, boot: u64) -> Region {
        let region = match (self.buffered, self.block_bytes) {
            (false, _) => (0..bytes).into(),
            (true, 0) => Region::buffered(0..bytes),
            (true, block_bytes) => Region::buffered(0..bytes).blocks(block_bytes),
        };
        if !self.sealed {
            return region;
        }
        let mut salt = [0x5A; 16];
        salt[..8].copy_from_slice(&boot.to_le_bytes());
        region.sealed(Seal::new(&KEY, DEVICE, salt))
    }

    /// A simulated flash that holds `image`.
    pub(crate) fn flash<const WORD: usize, const SECTOR: usize>(
        &self,
        image: Vec<u8>,
    ) -> SimFlash<WORD, SECTOR> {
        let flash = SimFlash::from_image(image);
        match (self.buffered, self.block_bytes as usize) {
            (false, _) => flash,
            (true, 0) => flash.buffered(512, false),
            (true, block_bytes) => flash.buffered(block_bytes, true),
        }
    }
}

/// Calls a function that is generic over word and sector with those of a layout.
macro_rules! with_geometry {
    ($layout:expr, $function:ident($($argument:expr),*)) => {
        match ($layout.word_bytes, $layout.sector_bytes) {
            (4, 4096) => $function::<4, 4096>($($argument),*),
            (256, 8192) => $function::<256, 8192>($($argument),*),
            (4, 8192) => $function::<4, 8192>($($argument),*),
            (4, 16_384) => $function::<4, 16_384>($($argument),*),
            other => panic!("no flash has words and sectors of {other:?} bytes here"),
        }
    };
}
pub(crate) use with_geometry;
