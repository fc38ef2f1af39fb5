//! Walks the frames of one sector, past what cuts left between them.
//!
//! A frame with nothing behind it may be the last thing a boot believed, or may have been superseded:
//! a frame on a later page that spells its number out tells which. So such a frame is held back until
//! those pages were looked at.

use embedded_storage::nor_flash::NorFlash;

use crate::{
    error::{Corruption, RecoverError},
    frame::{BLANK_BYTES, Found, Frame, Join, Place, is_begun},
    header::Opening,
    part::Part,
    ring::Sector,
    seal::Salt,
    window::Window,
};

/// Why a walk stopped before the end.
pub(crate) enum ScanError<E> {
    Flash(E),
    Corrupt { sector: u32, sequence: u64, what: Corruption },
}

impl<E> From<E> for ScanError<E> {
    fn from(error: E) -> Self {
        Self::Flash(error)
    }
}

impl<E, V> From<ScanError<E>> for RecoverError<E, V> {
    fn from(error: ScanError<E>) -> Self {
        match error {
            ScanError::Flash(error) => Self::Flash(error),
            ScanError::Corrupt { sector, sequence, what } => Self::Corrupt { sector, sequence, what },
        }
    }
}

/// A place in a sector, and the number the frame there must have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor {
    pub(crate) sector: Sector,
    pub(crate) offset: u32,
    pub(crate) expected: u64,
    /// The salt in force, where the log is sealed.
    pub(crate) salt: Salt,
}

/// A frame that was passed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Passed {
    pub(crate) frame: Frame,
    /// Nothing is programmed behind it in this sector.
    pub(crate) bare: bool,
}

impl Cursor {
    /// The start of a sector.
    pub(crate) fn at_start<F: NorFlash>(sector: Sector, part: &Part<F>) -> Self {
        let Opening { first_sequence, sealed, .. } = sector.opening;
        Self { sector, offset: part.header_bytes(), expected: first_sequence, salt: sealed.salt }
    }

    /// Moves past the next frame and opens it. Its payload is in the window. `None` at the end of the
    /// sector's frames.
    pub(crate) fn next<F: NorFlash>(
        &mut self,
        part: &mut Part<F>,
        window: &mut Window<'_>,
    ) -> Result<Option<Passed>, ScanError<F::Error>> {
        let Some(Passed { frame, bare }) = self.pass(part, window)? else { return Ok(None) };
        let frame = part.unseal(self, frame, window)?;
        Ok(Some(Passed { frame, bare }))
    }

    /// Moves past the next frame, which may still be sealed.
    fn pass<F: NorFlash>(
        &mut self,
        part: &mut Part<F>,
        window: &mut Window<'_>,
    ) -> Result<Option<Passed>, ScanError<F::Error>> {
        // Each turn moves to a later page, so it ends.
        loop {
            if self.offset >= part.sector_bytes {
                return Ok(None);
            }
            let found = part.read_frame(self.place(self.offset), self.expected, window)?;
            let frame = match found {
                Found::Frame(frame) if frame.sequence == self.expected => Some(frame),
                // A whole frame of another number: something between is missing.
                Found::Frame(frame) => return Err(self.gap(frame.sequence)),
                Found::Blank | Found::Torn { .. } => None,
            };
            if let Some(frame) = frame.filter(|frame| frame.followed) {
                (self.offset, self.expected) = (frame.end, frame.sequence + 1);
                return Ok(Some(Passed { frame, bare: false }));
            }
            let from = frame.map_or(self.offset, |frame| frame.end);
            match (frame, self.find_explicit(part, from, window)?) {
                // Superseded: its copy, or what counts in its stead, stands there.
                (Some(frame), Some(next)) if next.sequence == frame.sequence => self.offset = next.offset,
                (Some(frame), Some(next)) if next.sequence == frame.sequence + 1 => {
                    (self.offset, self.expected) = (next.offset, next.sequence);
                    return Ok(Some(Passed { frame, bare: false }));
                }
                // The frame before was passed because something torn stood behind it; then it was
                // copied by a boot that didn't see the torn one.
                (None, Some(next))
                    if next.sequence == self.expected || next.sequence + 1 == self.expected =>
                {
                    (self.offset, self.expected) = (next.offset, next.sequence);
                }
                (_, Some(next)) => return Err(self.gap(next.sequence)),
                (Some(frame), None) => {
                    (self.offset, self.expected) = (frame.end, frame.sequence + 1);
                    return Ok(Some(Passed { frame, bare: true }));
                }
                (None, None) => return Ok(None),
            }
        }
    }

    /// Where the next frame may go behind the last one of the newest sector, so that no word is
    /// programmed twice, not even one that only seems untouched; and whether something torn was found.
    ///
    /// More than interrupted writes can leave behind is corruption.
    pub(crate) fn rest<F: NorFlash>(
        &self,
        part: &mut Part<F>,
        window: &Window<'_>,
    ) -> Result<Rest, ScanError<F::Error>> {
        if self.offset >= part.sector_bytes {
            return Ok(Rest { next_page: part.sector_bytes, torn: false });
        }
        let Some(last) = part.last_programmed(self.sector.index, self.offset, window)? else {
            // A write may have begun here and left no trace.
            return Ok(Rest { next_page: part.page_start(self.offset) + part.page_bytes(), torn: false });
        };
        if self.is_decayed(part)? {
            return Err(self.corrupt(Corruption::DataBehind));
        }
        let mut explained = self.reach(part, self.offset)?;
        let mut page = part.page_start(self.offset) + part.page_bytes();
        // Each turn moves to a later byte, so it ends.
        while let Some(at) = part.first_programmed(self.sector.index, explained)? {
            // Boots go on at the start of a page, each with a write that may be torn again.
            while page <= at {
                explained = explained.max(self.reach(part, page)?);
                page += part.page_bytes();
            }
            if explained <= at {
                return Err(self.corrupt(Corruption::DataBehind));
            }
        }
        // A write behind the last visible byte may have begun in the next page.
        Ok(Rest { next_page: part.page_start(last) + 2 * part.page_bytes(), torn: true })
    }

    /// Whether the record here was whole once: one of a later number follows that was only written when
    /// this one was on the medium.
    fn is_decayed<F: NorFlash>(&self, part: &mut Part<F>) -> Result<bool, F::Error> {
        let found = part.look_at_frame(self.place(self.offset), self.expected)?;
        let Found::Torn { mut end, .. } = found else { return Ok(false) };
        let mut number = self.expected + 1;
        // Each turn moves to a later frame, so it ends.
        while end < part.sector_bytes {
            let mut next = part.look_at_frame(self.place(end), number)?;
            let next_block = part.aligned(end);
            if matches!(next, Found::Blank) && next_block < part.sector_bytes {
                next = part.look_at_frame(self.place(next_block), number)?;
            }
            match next {
                Found::Frame(next) if next.sequence != number => return Ok(false),
                Found::Frame(next) if next.join == Join::Joined => (end, number) = (next.end, number + 1),
                Found::Frame(_) => return Ok(true),
                Found::Blank | Found::Torn { .. } => return Ok(false),
            }
        }
        Ok(false)
    }

    /// The furthest byte that a torn frame at `offset` can have programmed.
    fn reach<F: NorFlash>(&self, part: &mut Part<F>, offset: u32) -> Result<u32, F::Error> {
        Ok(match part.look_at_frame(self.place(offset), self.expected)? {
            Found::Frame(frame) => frame.end,
            // Any part of it may be there, and of what was to be committed with it.
            _ if part.buffered => part.sector_bytes,
            Found::Torn { end_max, .. } => end_max,
            // Pages are programmed one by one: without its first bytes it got no further.
            Found::Blank => part.page_start(offset) + part.page_bytes(),
        })
    }

    pub(crate) fn place(&self, offset: u32) -> Place {
        let Sector { index, opening } = self.sector;
        Place { sector: index, epoch: opening.epoch, opening: opening.number, offset }
    }

    pub(crate) fn gap<E>(&self, found: u64) -> ScanError<E> {
        self.corrupt(Corruption::Gap { found })
    }

    pub(crate) fn corrupt<E>(&self, what: Corruption) -> ScanError<E> {
        ScanError::Corrupt { sector: self.sector.index, sequence: self.expected, what }
    }

    /// The next frame that starts a page and spells its number out.
    fn find_explicit<F: NorFlash>(
        &self,
        part: &mut Part<F>,
        from: u32,
        window: &Window<'_>,
    ) -> Result<Option<Frame>, F::Error> {
        let sector = self.sector.index;
        let next_page = part.page_start(from) + part.page_bytes();
        for offset in (next_page..part.sector_bytes).step_by(part.page_bytes() as usize) {
            if window.held(sector, offset, offset + BLANK_BYTES).is_some_and(|bytes| !is_begun(bytes)) {
                continue;
            }
            let found = part.look_at_frame(self.place(offset), self.expected)?;
            if let Found::Frame(frame) = found
                && frame.explicit
            {
                return Ok(Some(frame));
            }
        }
        Ok(None)
    }
}

/// What stands behind the last frame.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rest {
    /// Offset of the first page that no interrupted write can have touched.
    pub(crate) next_page: u32,
    /// Something torn is there.
    pub(crate) torn: bool,
}
