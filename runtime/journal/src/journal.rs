//! The journal: appends records behind the newest one, and opens sectors for them.

use embedded_storage::nor_flash::NorFlash;

use crate::{
    check::{Budget, take_wanted},
    error::{AppendError, RecoverError},
    frame::{FRAME_BYTES_MAX, Join, Kind, Label, PAYLOAD_BYTES_MAX, Place, Sequence, frame_bytes},
    header::{Opening, SnapshotAt},
    part::{Part, Stats, len32},
    recover::{Entry, Recovery, recover},
    region::Region,
    ring::{Live, Sector},
    room::{MARGIN_SECTORS, Room, SPARE_SECTORS},
};

/// Sectors that [`Journal::erase_ahead`] keeps ready.
const READY_SECTORS_MAX: u32 = 4;

/// How full and how worn a region is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Usage {
    /// Sectors of the region.
    pub sectors: u32,
    /// Bytes of one.
    pub sector_bytes: u32,
    /// Sectors that hold something that counts.
    pub sectors_used: u32,
    /// Sectors opened since the region was formatted, each after an erase. Divided by the sectors, it is
    /// how often each was erased.
    pub openings: u32,
    /// Bytes of the newest sector that are still free.
    pub rest_bytes: u32,
}

/// An append-only log of records in one region of a flash.
#[derive(Debug)]
pub struct Journal<F> {
    pub(crate) part: Part<F>,
    pub(crate) log: Log,
    pub(crate) budget: Budget,
    /// A write failed: what is on flash is unknown.
    pub(crate) broken: bool,
}

/// What is known about the log beside what is on flash.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Log {
    pub(crate) epoch: u32,
    /// The sector the log goes on in. `None` while nothing was ever appended.
    pub(crate) newest: Option<Sector>,
    /// The opening with the highest number: `newest`, or one whose first frame was torn. It is never
    /// erased, because a boot reads it first.
    pub(crate) head: Sector,
    /// Where the next frame goes.
    pub(crate) end: End,
    /// The next frame's number.
    pub(crate) sequence: u64,
    pub(crate) snapshot: Option<SnapshotAt>,
    /// Number of the first opening that counts.
    pub(crate) oldest: u32,
    /// How many sectors count.
    pub(crate) sectors: u32,
    /// Sectors behind `head` known to be ready.
    pub(crate) ready: u32,
    /// A snapshot that was begun and isn't committed.
    pub(crate) open: Option<OpenSnapshot>,
    /// `newest` holds nothing that counts yet, at most fragments.
    pub(crate) unused: bool,
    /// Some frames aren't committed yet.
    pub(crate) staged: bool,
}

/// Where the next frame goes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum End {
    /// Right behind the newest one.
    Next(u32),
    /// At a later page, behind what a cut left; it spells its number out.
    Page(u32),
    /// Into a sector of its own.
    Sector,
}

/// A snapshot that was begun and isn't committed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OpenSnapshot {
    /// Where it starts.
    pub(crate) sector: Sector,
    pub(crate) offset: u32,
    /// The sector holds nothing before it that counts.
    pub(crate) alone: bool,
    /// The number behind the sector's last frame, once the snapshot went on in another one.
    pub(crate) resume: Option<u64>,
}

impl<F: NorFlash> Journal<F> {
    /// Finds the records in `region` and hands them to `visit`: the fragments of the newest committed
    /// snapshot first, then every record behind it. `buffer` must hold [`BUFFER_BYTES`](crate::BUFFER_BYTES).
    ///
    /// The newest record may have been read from a write that was cut short. It is written anew before
    /// this returns, so that every later boot finds it too: act on nothing before.
    ///
    /// # Errors
    ///
    /// The region, its content, the flash or the visitor stand in the way; only
    /// [`RecoverError::Flash`] may have changed the flash.
    pub fn recover<V>(
        flash: F,
        region: impl Into<Region>,
        budget: Budget,
        buffer: &mut [u8],
        visit: impl FnMut(Entry<'_>) -> Result<(), V>,
    ) -> Result<(Self, Recovery), RecoverError<F::Error, V>> {
        recover(flash, region.into(), budget, buffer, visit)
    }

    /// Appends one record and returns its number. Once this returns `Ok`, the record survives power
    /// loss.
    ///
    /// # Errors
    ///
    /// [`AppendError::TooBig`] and [`AppendError::Full`] leave the journal usable. After
    /// [`AppendError::Flash`] it answers [`AppendError::NeedsRecovery`].
    pub fn append(&mut self, payload: &[u8]) -> Result<u64, AppendError<F::Error>> {
        self.close_snapshot()?;
        self.put(Kind::Record, payload, SPARE_SECTORS)
    }

    /// Appends one record that need not survive power loss before [`Journal::commit`] returned `Ok`, and
    /// returns its number. Records staged one behind the other cost one request to a buffered medium,
    /// and share blocks. A cut leaves any number of them, from the first on. On a NOR part it is an
    /// append.
    ///
    /// Where one needs a new sector, those before it are committed first.
    ///
    /// # Errors
    ///
    /// As for [`Journal::append`].
    pub fn stage(&mut self, payload: &[u8]) -> Result<u64, AppendError<F::Error>> {
        self.close_snapshot()?;
        self.stage_frame(Kind::Record, payload, SPARE_SECTORS)
    }

    /// Once this returns `Ok`, everything staged survives power loss.
    ///
    /// # Errors
    ///
    /// As for [`Journal::append`].
    pub fn commit(&mut self) -> Result<(), AppendError<F::Error>> {
        if self.broken {
            return Err(AppendError::NeedsRecovery);
        }
        if !self.log.staged {
            return Ok(());
        }
        self.guard(|journal| journal.part.sync())?;
        self.log.staged = false;
        if let End::Next(offset) = self.log.end {
            self.log.end = End::Next(self.part.aligned(offset));
        }
        Ok(())
    }

    /// Erases a sector that will be needed, if there is one; call it while idle. `false` once there is
    /// nothing left to do. On a buffered medium it waits until several are needed, and erases them
    /// together.
    ///
    /// # Errors
    ///
    /// [`AppendError::NeedsRecovery`] and [`AppendError::Flash`], as for an append.
    pub fn erase_ahead(&mut self) -> Result<bool, AppendError<F::Error>> {
        if self.broken {
            return Err(AppendError::NeedsRecovery);
        }
        self.commit()?;
        let wanted = READY_SECTORS_MAX.min(self.sectors_free());
        if self.part.buffered {
            return self.erase_together(wanted);
        }
        while self.log.ready < wanted {
            let Some(index) = self.guard(|journal| journal.candidate(journal.log.ready))? else { break };
            if !self.guard(|journal| journal.part.is_ready(index))? {
                self.guard(|journal| journal.part.make_ready(index))?;
                self.log.ready += 1;
                return Ok(self.log.ready < wanted);
            }
            self.log.ready += 1;
        }
        Ok(false)
    }

    /// Erases sectors until `wanted` are ready, with one request to the medium for all.
    fn erase_together(&mut self, wanted: u32) -> Result<bool, AppendError<F::Error>> {
        if self.log.ready > wanted / 2 {
            return Ok(false);
        }
        let mut erased = heapless::Vec::<u32, { READY_SECTORS_MAX as usize }>::new();
        let mut ready = self.log.ready;
        while ready < wanted {
            let Some(index) = self.guard(|journal| journal.candidate(ready))? else { break };
            if !self.guard(|journal| journal.part.is_ready(index))? {
                self.guard(|journal| journal.part.erase(index))?;
                // There are no more than it holds.
                let _ = erased.push(index);
            }
            ready += 1;
        }
        if !erased.is_empty() {
            self.guard(|journal| journal.part.sync())?;
        }
        for index in erased {
            self.guard(|journal| journal.part.write_mark(index))?;
        }
        self.log.ready = ready;
        Ok(false)
    }

    /// Payload bytes that surely fit, beside what is kept free for boots.
    #[must_use]
    pub fn bytes_free(&self) -> u32 {
        self.room().bytes_free()
    }

    /// Whether records of these sizes fit, one behind the other.
    #[must_use]
    pub fn fits(&self, payload_bytes: &[u32]) -> bool {
        let mut room = self.room();
        payload_bytes.iter().all(|bytes| room.take(*bytes))
    }

    /// Whether it is time for a snapshot: soon the next one and the reserve of the [`Budget`] would no
    /// longer fit behind what a few more cuts may cost.
    #[must_use]
    pub fn needs_snapshot(&self) -> bool {
        let mut room = self.room();
        let Some(sectors) = room.sectors.checked_sub(MARGIN_SECTORS) else { return true };
        room.sectors = sectors;
        !take_wanted(&mut room, self.budget)
    }

    /// How full and how worn the region is.
    #[must_use]
    pub fn usage(&self) -> Usage {
        Usage {
            sectors: self.part.sectors,
            sector_bytes: self.part.sector_bytes,
            sectors_used: self.log.sectors,
            openings: self.log.head.opening.number,
            rest_bytes: self.room().rest_bytes,
        }
    }

    /// Whether a write failed, so that nothing can be kept until the next recovery.
    #[must_use]
    pub fn needs_recovery(&self) -> bool {
        self.broken
    }

    /// The number the next record gets. Numbers never restart.
    #[must_use]
    pub fn next_sequence(&self) -> u64 {
        self.log.sequence
    }

    /// What was done to the flash since recovery began.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.part.stats
    }

    /// The epoch the journal was formatted with.
    #[must_use]
    pub fn epoch(&self) -> u32 {
        self.log.epoch
    }

    /// The flash below.
    #[must_use]
    pub fn flash(&self) -> &F {
        &self.part.flash
    }

    /// Gives the flash back.
    #[must_use]
    pub fn into_flash(self) -> F {
        self.part.flash
    }

    /// Gives up a snapshot that wasn't committed, with the sectors it alone took.
    pub(crate) fn close_snapshot(&mut self) -> Result<(), AppendError<F::Error>> {
        if self.broken {
            return Err(AppendError::NeedsRecovery);
        }
        let (Some(open), Some(newest)) = (self.log.open, self.log.newest) else { return Ok(()) };
        if open.sector.index != newest.index || open.sector.opening.number != newest.opening.number {
            let start = open.sector.opening;
            // A sector with nothing but fragments is given up as well, with its numbers.
            let (sequence, previous) = if open.alone {
                (start.first_sequence, start.previous)
            } else {
                (open.resume.unwrap_or(self.log.sequence), start.number)
            };
            self.open_sector(sequence, previous, 0)?;
            self.guard(Self::recount)?;
        }
        self.log.open = None;
        Ok(())
    }

    /// Stages one frame and commits.
    pub(crate) fn put(
        &mut self,
        kind: Kind,
        payload: &[u8],
        spare: u32,
    ) -> Result<u64, AppendError<F::Error>> {
        let sequence = self.stage_frame(kind, payload, spare)?;
        self.commit()?;
        Ok(sequence)
    }

    /// Programs one frame behind the newest one, in a new sector where this one is full. That leaves
    /// at least `spare` sectors free. It isn't committed yet.
    pub(crate) fn stage_frame(
        &mut self,
        kind: Kind,
        payload: &[u8],
        spare: u32,
    ) -> Result<u64, AppendError<F::Error>> {
        if self.broken {
            return Err(AppendError::NeedsRecovery);
        }
        if payload.len() > PAYLOAD_BYTES_MAX {
            return Err(AppendError::TooBig { bytes: payload.len() });
        }
        let mut sequence = self.log.sequence;
        let (mut offset, mut explicit) = self.end(kind);
        let bytes =
            frame_bytes(Sequence::new(sequence, explicit), payload.len() + self.part.seal_bytes(explicit));
        if self.part.packed(offset + bytes) > self.part.sector_bytes {
            let (first_sequence, previous) = self.successor(sequence);
            self.open_sector(first_sequence, previous, spare)?;
            sequence = first_sequence;
            (offset, explicit) = (self.part.header_bytes(), kind == Kind::First);
        }
        // There is a newest sector now: the end of a log without one is `End::Sector`.
        let newest = self.log.newest.unwrap_or(self.log.head);
        let place =
            Place { sector: newest.index, epoch: self.log.epoch, opening: newest.opening.number, offset };
        let join = if self.part.buffered && self.log.staged { Join::Joined } else { Join::Alone };
        let label = Label { kind, join, sequence: Sequence::new(sequence, explicit) };
        let end = self.guard(|journal| journal.part.write_frame(place, label, payload))?;
        self.log.staged = true;
        self.log.end = End::Next(end);
        self.log.sequence = sequence + 1;
        self.log.unused &= matches!(kind, Kind::First | Kind::Fragment);
        if kind == Kind::First {
            let alone = self.log.unused;
            self.log.open = Some(OpenSnapshot { sector: newest, offset, alone, resume: None });
        }
        Ok(sequence)
    }

    /// Where a frame would go, and whether it would spell its number out.
    fn end(&self, kind: Kind) -> (u32, bool) {
        match self.log.end {
            End::Next(offset) => (offset, kind == Kind::First),
            End::Page(offset) => (offset, true),
            End::Sector => (self.part.sector_bytes, false),
        }
    }

    /// The first number of a new sector, and what it follows: the newest one, unless nothing in that
    /// counts, or all of it is written anew.
    fn successor(&self, sequence: u64) -> (u64, u32) {
        let Some(Sector { opening, .. }) = self.log.newest else { return (sequence, 0) };
        if self.log.unused && self.log.open.is_none() {
            return (opening.first_sequence, opening.previous);
        }
        if opening.first_sequence >= sequence {
            return (sequence, opening.previous);
        }
        (sequence, opening.number)
    }

    /// Opens the next free sector. Only an erased one becomes part of the log.
    fn open_sector(
        &mut self,
        first_sequence: u64,
        previous: u32,
        spare: u32,
    ) -> Result<(), AppendError<F::Error>> {
        // A boot may fall back to the sector before: what it begins with has to be there.
        self.commit()?;
        let full = AppendError::Full { bytes_free: self.bytes_free() };
        let head = self.log.head;
        let Some(number) = head.opening.number.checked_add(1) else { return Err(full) };
        let fallback = self.log.newest.map_or(0, |newest| newest.opening.number);
        let opening = Opening {
            number,
            first_sequence,
            epoch: self.log.epoch,
            previous,
            fallback,
            snapshot: self.log.snapshot,
            sealed: self.part.sealed(),
        };
        if self.sectors_free() <= spare || !opening.links_fit() {
            return Err(full);
        }
        let Some(index) = self.guard(|journal| journal.candidate(0))? else { return Err(full) };
        if self.log.ready == 0 && !self.guard(|journal| journal.part.is_ready(index))? {
            self.guard(|journal| journal.part.make_ready(index))?;
            self.part.stats.hot_erases += 1;
        }
        self.guard(|journal| journal.part.write_opening(index, &opening))?;

        if let Some(open) = self.log.open.as_mut() {
            open.resume = open.resume.or(Some(first_sequence));
        }
        let sector = Sector { index, opening };
        self.log.ready = self.log.ready.saturating_sub(1);
        self.log.head = sector;
        if self.log.newest.is_some_and(|newest| newest.opening.number == previous) {
            self.log.newest = Some(sector);
            self.log.sectors += 1;
        } else {
            self.log.newest = Some(sector);
            self.guard(Self::recount)?;
        }
        self.log.sequence = first_sequence;
        self.log.end = End::Next(self.part.header_bytes());
        self.log.unused = true;
        Ok(())
    }

    /// Counts the sectors that count, after some stopped to.
    pub(crate) fn recount(&mut self) -> Result<(), F::Error> {
        self.log.ready = 0;
        let Some(newest) = self.log.newest else { return Ok(()) };
        let oldest = self.log.snapshot.map(|snapshot| snapshot.opening);
        // A sector that can't be read back keeps all others from being erased.
        let chain = self.part.chain(newest, oldest)?;
        (self.log.oldest, self.log.sectors) =
            chain.map_or((1, self.part.sectors), |(sector, sectors)| (sector.opening.number, sectors));
        Ok(())
    }

    /// Sectors that may be erased.
    fn sectors_free(&self) -> u32 {
        let head_alone = self.log.newest.is_none_or(|newest| newest.index != self.log.head.index);
        self.part.sectors.saturating_sub(self.log.sectors + u32::from(head_alone))
    }

    /// The sector that is opened next, behind `skip` others: the first behind the head that may be
    /// erased.
    fn candidate(&mut self, skip: u32) -> Result<Option<u32>, F::Error> {
        let head = self.log.head.index;
        let live =
            self.log.newest.map(|newest| Live { newest, oldest: self.log.oldest, sectors: self.log.sectors });
        let mut skip = skip;
        for step in 1..self.part.sectors {
            let index = (head + step) % self.part.sectors;
            if let Some(live) = live
                && self.part.is_live(index, live)?
            {
                continue;
            }
            if skip == 0 {
                return Ok(Some(index));
            }
            skip -= 1;
        }
        Ok(None)
    }

    pub(crate) fn room(&self) -> Room {
        let rest = match self.log.end {
            End::Next(offset) | End::Page(offset) => self.part.sector_bytes.saturating_sub(offset),
            End::Sector => 0,
        };
        Room::new(&self.part, rest, self.sectors_free().saturating_sub(SPARE_SECTORS))
    }

    /// The largest fragment that goes into the rest of this sector, or into the next one.
    pub(crate) fn fragment_bytes_max(&self) -> usize {
        let rest_bytes = self.room().rest_bytes;
        let header = self.part.header_bytes();
        let frame_bytes = FRAME_BYTES_MAX + len32(self.part.seal_bytes(true)) + self.part.align;
        let worth_it = FRAGMENT_BYTES_MIN + frame_bytes;
        let room = if rest_bytes < worth_it { self.part.sector_bytes - header } else { rest_bytes };
        // Padding may need up to a word.
        let fragment = room - frame_bytes;
        (fragment as usize).min(PAYLOAD_BYTES_MAX)
    }

    /// Runs a flash operation. If it fails, the journal is done until the next recovery.
    pub(crate) fn guard<T>(
        &mut self,
        operation: impl FnOnce(&mut Self) -> Result<T, F::Error>,
    ) -> Result<T, AppendError<F::Error>> {
        let result = operation(self);
        if result.is_err() {
            self.broken = true;
        }
        result.map_err(AppendError::Flash)
    }
}

/// A smaller rest of a sector isn't worth a fragment.
const FRAGMENT_BYTES_MIN: u32 = 64;
