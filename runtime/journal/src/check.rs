//! Whether a region is large enough for what its owner wants to keep there.

use embedded_storage::nor_flash::NorFlash;

use crate::{
    error::GeometryError,
    part::Part,
    region::Region,
    room::{MARGIN_SECTORS, Room, SPARE_SECTORS},
};

/// What the owner of a region keeps there.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Budget {
    /// The largest snapshot.
    pub snapshot_bytes_max: u32,
    /// Bytes that must stay free for records behind everything else.
    pub reserve_bytes: u32,
}

/// Checks that `region` holds two of the largest snapshots and the reserve. Reads nothing.
///
/// # Errors
///
/// The geometry of the flash, or the region, doesn't fit; the error has the numbers.
pub fn check<F: NorFlash>(flash: F, region: impl Into<Region>, budget: Budget) -> Result<(), GeometryError> {
    check_part(&Part::new(flash, region)?, budget)
}

pub(crate) fn check_part<F: NorFlash>(part: &Part<F>, budget: Budget) -> Result<(), GeometryError> {
    let sectors_min = sectors_min(part, budget);
    if part.sectors >= sectors_min {
        return Ok(());
    }
    Err(GeometryError::TooSmall {
        sectors: part.sectors,
        sectors_min,
        snapshot_bytes_max: budget.snapshot_bytes_max,
        reserve_bytes: budget.reserve_bytes,
    })
}

/// The old snapshot in sectors of its own, and behind it what [`wanted`] asks for.
fn sectors_min<F: NorFlash>(part: &Part<F>, budget: Budget) -> u32 {
    let all = u32::MAX / part.sector_bytes;
    let mut room = Room::new(part, 0, all);
    let fits = room.take_stream(budget.snapshot_bytes_max) && take_wanted(&mut room, budget);
    // Each of the two snapshots may begin in the rest of a sector.
    if fits { all - room.sectors + 2 + SPARE_SECTORS + MARGIN_SECTORS } else { u32::MAX }
}

/// Takes the next snapshot and the reserve.
pub(crate) fn take_wanted(room: &mut Room, budget: Budget) -> bool {
    room.take_stream(budget.snapshot_bytes_max) && room.take_stream(budget.reserve_bytes)
}
