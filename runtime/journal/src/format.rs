//! Makes an empty journal.

use core::ops::Range;

use embedded_storage::nor_flash::NorFlash;

use crate::{
    error::FormatError,
    header::{Header, Opening},
    part::Part,
};

/// Makes an empty journal in `region` of `flash`. **What was there is lost.** `epoch` is kept in every
/// header, reserved for a takeover by another owner.
///
/// A cut on the way leaves a region that recovery calls unformatted, if it was erased before.
///
/// # Errors
///
/// [`FormatError::Geometry`] changes nothing. After [`FormatError::Flash`], format again.
pub fn format<F: NorFlash>(flash: F, region: Range<u32>, epoch: u32) -> Result<(), FormatError<F::Error>> {
    let mut part = Part::new(flash, region)?;
    format_part(&mut part, epoch).map_err(FormatError::Flash)
}

fn format_part<F: NorFlash>(part: &mut Part<F>, epoch: u32) -> Result<(), F::Error> {
    let marked = mark(part)?;
    // Blank sectors may be half erased, but nothing on them looks like a header; they are erased
    // before they are used.
    for sector in (1..part.sectors).rev().filter(|sector| *sector != marked) {
        if part.first_programmed(sector, 0)?.is_some() {
            part.erase(sector)?;
        }
    }
    part.make_ready(0)?;
    let opening = Opening { number: 1, first_sequence: 1, epoch, previous: 0, fallback: 0, snapshot: None };
    part.write_opening(0, &opening)
}

/// Says on one sector that nothing in the region counts yet, and returns which. The mark goes onto a
/// blank sector, where there is one: an earlier mark may be torn, and erasing it could be cut, too.
fn mark<F: NorFlash>(part: &mut Part<F>) -> Result<u32, F::Error> {
    let last = part.sectors - 1;
    for sector in (1..=last).rev() {
        if part.first_programmed(sector, 0)?.is_none() {
            part.write_format_mark(sector)?;
            return Ok(sector);
        }
    }
    for sector in (1..=last).rev() {
        if part.header(sector)? == Header::Formatting {
            return Ok(sector);
        }
    }
    part.erase(last)?;
    part.write_format_mark(last)?;
    Ok(last)
}
