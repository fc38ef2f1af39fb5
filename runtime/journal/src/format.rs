//! Makes an empty journal.

use embedded_storage::nor_flash::NorFlash;

use crate::{
    error::FormatError,
    header::{Header, Opening},
    part::Part,
    region::Region,
};

/// Makes an empty journal in `region` of `flash`. **What was there is lost.** `epoch` is kept in every
/// header, reserved for a takeover by another owner.
///
/// A cut on the way leaves a region that recovery calls unformatted, if it was erased before.
///
/// # Errors
///
/// [`FormatError::Geometry`] changes nothing. After [`FormatError::Flash`], format again.
pub fn format<F: NorFlash>(
    flash: F,
    region: impl Into<Region>,
    epoch: u32,
) -> Result<(), FormatError<F::Error>> {
    let mut part = Part::new(flash, region)?;
    format_part(&mut part, epoch).map_err(FormatError::Flash)
}

fn format_part<F: NorFlash>(part: &mut Part<F>, epoch: u32) -> Result<(), F::Error> {
    // As in recovery: what is read here must be on the medium.
    part.sync()?;
    let last = part.sectors - 1;
    // The others are only touched once the mark is whole; before that, it may be one that a cut left
    // on the edge.
    let mut mark_is_whole = false;
    if part.header(last)? == Header::Formatting {
        for sector in 0..last {
            mark_is_whole = mark_is_whole || part.first_programmed(sector, 0)?.is_some();
        }
    }
    if !mark_is_whole {
        // Even where the sector looks blank: an earlier mark may have left a trace that shows later.
        part.erase(last)?;
        part.sync()?;
        part.write_format_mark(last)?;
        part.sync()?;
    }
    // Blank sectors may be half erased, but nothing on them looks like a header; they are erased
    // before they are used.
    for sector in (1..last).rev() {
        if part.first_programmed(sector, 0)?.is_some() {
            part.erase(sector)?;
        }
    }
    part.make_ready(0)?;
    let opening = Opening {
        number: 1,
        first_sequence: 1,
        epoch,
        previous: 0,
        fallback: 0,
        snapshot: None,
        sealed: part.sealed(),
    };
    part.write_opening(0, &opening)?;
    part.sync()
}
