//! Sectors by what their headers say: which is newest, which follows which, which is free.

use embedded_storage::nor_flash::NorFlash;

use crate::{
    header::{Header, MARK_BYTES, Opening},
    part::Part,
};

/// An opened sector.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Sector {
    /// Its place in the region.
    pub(crate) index: u32,
    pub(crate) opening: Opening,
}

/// What all headers together say.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Survey {
    pub(crate) highest: Option<Sector>,
    pub(crate) version: Option<u8>,
    pub(crate) word_bytes: Option<u32>,
    pub(crate) formatting: bool,
    /// A sector that is sealed where the journal isn't, or the other way round.
    pub(crate) sealed_otherwise: Option<u32>,
}

impl<F: NorFlash> Part<F> {
    /// Reads every header once.
    pub(crate) fn survey(&mut self) -> Result<Survey, F::Error> {
        let mut survey = Survey::default();
        for index in 0..self.sectors {
            match self.header(index)? {
                Header::Blank | Header::Ready | Header::Other => {}
                Header::Opened(opening) => {
                    // Of two equal numbers one was torn when the other was opened, and so is older.
                    let rank = |sector: &Sector| (sector.opening.number, sector.opening.first_sequence);
                    let sector = Sector { index, opening };
                    if survey.highest.as_ref().is_none_or(|highest| rank(&sector) > rank(highest)) {
                        survey.highest = Some(sector);
                    }
                }
                Header::Version(version) => survey.version = Some(version),
                Header::WordBytes(bytes) => survey.word_bytes = Some(bytes),
                Header::SealedOtherwise => survey.sealed_otherwise = Some(index),
                Header::Formatting => survey.formatting = true,
            }
        }
        Ok(survey)
    }

    /// The sector of an opening. `near` is where to look first, then backwards.
    pub(crate) fn find(&mut self, number: u32, near: u32) -> Result<Option<Sector>, F::Error> {
        for back in 0..self.sectors {
            let index = (near + self.sectors - back) % self.sectors;
            if let Header::Opened(opening) = self.header(index)?
                && opening.number == number
            {
                return Ok(Some(Sector { index, opening }));
            }
        }
        Ok(None)
    }

    /// The sector the log goes on in behind `sector`, in the log that ends in `newest`: the newest of
    /// those that name it. Others were given up.
    pub(crate) fn following(&mut self, sector: Sector, newest: Sector) -> Result<Option<Sector>, F::Error> {
        let mut following: Option<Sector> = None;
        // Mostly each opening stands right behind the one before; then the others need no look.
        let mut in_a_row = true;
        for step in 1..self.sectors {
            let index = (sector.index + step) % self.sectors;
            let Header::Opened(opening) = self.header(index)? else {
                in_a_row = false;
                continue;
            };
            let follows =
                opening.previous == sector.opening.number && opening.number <= newest.opening.number;
            if follows && following.is_none_or(|found| found.opening.number < opening.number) {
                following = Some(Sector { index, opening });
            }
            in_a_row = in_a_row && opening.number == sector.opening.number.saturating_add(step);
            if in_a_row && opening.number == newest.opening.number {
                break;
            }
        }
        Ok(following)
    }

    /// Counts the sectors from `newest` back to `oldest`, or to the start of the log where `oldest` is
    /// `None`; gives the last one reached. `Err` with its number if one is gone.
    pub(crate) fn chain(
        &mut self,
        newest: Sector,
        oldest: Option<u32>,
    ) -> Result<Result<(Sector, u32), u32>, F::Error> {
        let mut sector = newest;
        for sectors in 1..=self.sectors {
            let previous = sector.opening.previous;
            if oldest.is_some_and(|oldest| sector.opening.number <= oldest) || previous == 0 {
                return Ok(Ok((sector, sectors)));
            }
            let near = (sector.index + self.sectors - 1) % self.sectors;
            match self.find(previous, near)? {
                Some(found) => sector = found,
                None => return Ok(Err(previous)),
            }
        }
        Ok(Err(sector.opening.number))
    }

    /// Whether a sector belongs to the log from `newest` back to `oldest`.
    pub(crate) fn is_live(&mut self, index: u32, live: Live) -> Result<bool, F::Error> {
        let Header::Opened(opening) = self.header(index)? else { return Ok(false) };
        let (newest, oldest) = (live.newest, live.oldest);
        if !(oldest..=newest.opening.number).contains(&opening.number) {
            return Ok(false);
        }
        let mut sector = newest;
        for _ in 0..live.sectors {
            if sector.opening.number == opening.number {
                return Ok(sector.index == index);
            }
            if sector.opening.number < opening.number || sector.opening.previous == 0 {
                return Ok(false);
            }
            let near = (sector.index + self.sectors - 1) % self.sectors;
            match self.find(sector.opening.previous, near)? {
                Some(found) => sector = found,
                // Unreadable: keep everything.
                None => return Ok(true),
            }
        }
        Ok(false)
    }

    /// Whether a sector is erased in full and marked so.
    pub(crate) fn is_ready(&mut self, index: u32) -> Result<bool, F::Error> {
        if self.header(index)? != Header::Ready {
            return Ok(false);
        }
        Ok(self.first_programmed(index, MARK_BYTES)?.is_none())
    }

    /// Erases a sector in full, then says so on it.
    pub(crate) fn make_ready(&mut self, index: u32) -> Result<(), F::Error> {
        self.erase(index)?;
        self.sync()?;
        self.write_mark(index)
    }
}

/// The sectors that may not be erased.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Live {
    pub(crate) newest: Sector,
    /// Number of the first opening that counts.
    pub(crate) oldest: u32,
    /// How many there are.
    pub(crate) sectors: u32,
}
