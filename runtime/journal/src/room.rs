//! How much still fits, counted the careful way: every record may leave a rest of its sector unused.

use embedded_storage::nor_flash::NorFlash;

use crate::{
    frame::{FRAME_BYTES_MAX, PAYLOAD_BYTES_MAX},
    part::{Part, len32},
};

/// Sectors kept free so that a boot can always write the newest record anew, cut after cut.
pub(crate) const SPARE_SECTORS: u32 = 2;

/// Sectors kept back when a snapshot is asked for: one for the record before it, one for the rest of a
/// sector that an interrupted snapshot spoils, one for an opening that a cut tears.
pub(crate) const MARGIN_SECTORS: u32 = 3;

/// What is left: the rest of the newest sector, and whole sectors.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    pub(crate) rest_bytes: u32,
    pub(crate) sectors: u32,
    sector_bytes: u32,
    align: u32,
    /// What a frame may take beside its payload.
    frame_bytes: u32,
}

impl Room {
    pub(crate) fn new<F: NorFlash>(part: &Part<F>, rest_bytes: u32, sectors: u32) -> Self {
        let sector_bytes = part.sector_bytes - part.header_bytes();
        let frame_bytes = FRAME_BYTES_MAX + len32(part.seal_bytes(true));
        Self { rest_bytes, sectors, sector_bytes, align: part.align, frame_bytes }
    }

    /// Takes one record; `false` where it doesn't fit.
    pub(crate) fn take(&mut self, payload_bytes: u32) -> bool {
        let bytes = (payload_bytes + self.frame_bytes).next_multiple_of(self.align);
        if bytes > self.rest_bytes {
            if self.sectors == 0 || bytes > self.sector_bytes {
                return false;
            }
            (self.sectors, self.rest_bytes) = (self.sectors - 1, self.sector_bytes);
        }
        self.rest_bytes -= bytes;
        true
    }

    /// Takes a stream, cut into fragments and a commit.
    pub(crate) fn take_stream(&mut self, stream_bytes: u32) -> bool {
        let mut left = stream_bytes;
        let fragment_max = self.fragment_bytes_max();
        while left > 0 {
            let fragment = left.min(fragment_max);
            if !self.take(fragment) {
                return false;
            }
            left -= fragment;
        }
        self.take(COMMIT_BYTES)
    }

    /// Payload that surely fits, in records of the largest size.
    pub(crate) fn bytes_free(&self) -> u32 {
        let record = len32(PAYLOAD_BYTES_MAX);
        let rest = self.rest_bytes.saturating_sub(self.frame_bytes + self.align).min(record);
        rest + self.sectors * record
    }

    fn fragment_bytes_max(&self) -> u32 {
        len32(PAYLOAD_BYTES_MAX).min(self.sector_bytes.saturating_sub(self.frame_bytes + self.align))
    }
}

/// Payload of a snapshot's commit.
pub(crate) const COMMIT_BYTES: u32 = 12;
