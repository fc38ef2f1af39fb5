//! Hands over what counts: the newest snapshot, then every record behind it.

use embedded_storage::nor_flash::NorFlash;

use crate::{
    error::{Corruption, RecoverError},
    frame::{Found, Frame, Kind},
    header::SnapshotAt,
    journal::OpenSnapshot,
    part::{Part, len32},
    recover::{Entry, Recovery},
    ring::Sector,
    scan::{Cursor, Passed, Rest},
    snapshot::decode_commit,
    window::Window,
};

/// What a replay found.
pub(crate) struct Replay {
    pub(crate) recovery: Recovery,
    pub(crate) oldest: u32,
    pub(crate) sectors: u32,
    pub(crate) open: Option<OpenSnapshot>,
    /// The newest sector holds nothing that counts.
    pub(crate) unused: bool,
    pub(crate) tail: Tail,
}

/// The end of the log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tail {
    /// Behind the last frame.
    pub(crate) cursor: Cursor,
    /// The last frame, if nothing is programmed right behind it. Its payload is in the window.
    pub(crate) frame: Option<Frame>,
    pub(crate) rest: Rest,
}

/// What was handed over so far.
struct Progress<'v, E> {
    recovery: Recovery,
    /// The snapshot that is being handed over, until its commit.
    snapshot: Option<SnapshotAt>,
    snapshot_bytes: u32,
    last_record: u64,
    open: Option<OpenSnapshot>,
    /// This sector held nothing that counts so far.
    unused: bool,
    visit: &'v mut dyn FnMut(Entry<'_>) -> Result<(), E>,
}

impl Replay {
    pub(crate) fn run<F: NorFlash, V>(
        part: &mut Part<F>,
        newest: Sector,
        snapshot: Option<SnapshotAt>,
        window: &mut Window<'_>,
        mut visit: impl FnMut(Entry<'_>) -> Result<(), V>,
    ) -> Result<Self, RecoverError<F::Error, V>> {
        let mut cursor = start(part, newest, snapshot, window)?;
        let mut progress = Progress {
            recovery: Recovery::default(),
            snapshot,
            snapshot_bytes: 0,
            last_record: 0,
            open: None,
            unused: snapshot.is_none(),
            visit: &mut visit,
        };
        let oldest = cursor.sector.opening.number;
        let mut sectors = 1;
        let mut held = None;
        loop {
            match cursor.next(part, window)? {
                Some(Passed { frame, bare: false }) => {
                    progress.take(&cursor, frame, window)?;
                    continue;
                }
                // The last frame of its sector: the next sector may hold its copy.
                Some(Passed { frame, bare: true }) => held = Some(frame),
                None => {}
            }
            if cursor.sector.index == newest.index {
                break;
            }
            let following = part.following(cursor.sector, newest).map_err(RecoverError::Flash)?;
            let opening = cursor.sector.opening.number;
            let Some(following) = following.filter(|_| sectors < part.sectors) else {
                return Err(cursor.corrupt(Corruption::SectorGone { opening }).into());
            };
            let first_sequence = following.opening.first_sequence;
            match held.take() {
                // Its copy is the next sector's first frame.
                Some(frame) if frame.sequence == first_sequence => {}
                Some(frame) => progress.take(&cursor, frame, window)?,
                None => {}
            }
            if first_sequence != cursor.expected && first_sequence + 1 != cursor.expected {
                return Err(cursor.gap(first_sequence).into());
            }
            if let Some(open) = progress.open.as_mut() {
                open.resume = open.resume.or(Some(first_sequence));
            }
            cursor = Cursor::at_start(following, part);
            progress.unused = true;
            sectors += 1;
        }
        if let Some(frame) = held {
            progress.take(&cursor, frame, window)?;
        }
        if progress.snapshot.is_some() {
            return Err(cursor.corrupt(Corruption::Snapshot).into());
        }
        let rest = cursor.rest(part, window)?;
        let mut recovery = progress.recovery;
        recovery.torn = rest.torn;
        recovery.snapshot_abandoned = progress.open.is_some();
        let tail = Tail { cursor, frame: held, rest };
        Ok(Self { recovery, oldest, sectors, open: progress.open, unused: progress.unused, tail })
    }
}

/// Where to begin: at the snapshot's first fragment, or at the first record ever.
fn start<F: NorFlash, V>(
    part: &mut Part<F>,
    newest: Sector,
    snapshot: Option<SnapshotAt>,
    window: &mut Window<'_>,
) -> Result<Cursor, RecoverError<F::Error, V>> {
    let near = Cursor::at_start(newest, part);
    let gone = |opening| near.corrupt(Corruption::SectorGone { opening });
    let Some(at) = snapshot else {
        return match part.chain(newest, None).map_err(RecoverError::Flash)? {
            Ok((sector, _)) => Ok(Cursor::at_start(sector, part)),
            Err(opening) => Err(gone(opening).into()),
        };
    };
    let sector = part.find(at.opening, newest.index).map_err(RecoverError::Flash)?;
    let Some(sector) = sector else { return Err(gone(at.opening).into()) };
    let mut cursor = Cursor { sector, offset: at.offset, expected: 0, salt: sector.opening.sealed.salt };
    let fits = at.offset >= part.header_bytes() && at.offset < part.sector_bytes;
    if !fits || !at.offset.is_multiple_of(part.align) {
        return Err(cursor.corrupt(Corruption::Snapshot).into());
    }
    let place = cursor.place(at.offset);
    match part.read_frame(place, 0, window).map_err(RecoverError::Flash)? {
        Found::Frame(frame) if frame.kind == Kind::First && frame.explicit => {
            cursor.expected = frame.sequence;
            Ok(cursor)
        }
        _ => Err(cursor.corrupt(Corruption::Snapshot).into()),
    }
}

impl<E> Progress<'_, E> {
    /// Takes a frame that counts. Its payload is in the window.
    fn take<F>(
        &mut self,
        cursor: &Cursor,
        frame: Frame,
        window: &Window<'_>,
    ) -> Result<(), RecoverError<F, E>> {
        let bytes = window.payload(&frame);
        self.unused &= self.snapshot.is_none() && matches!(frame.kind, Kind::First | Kind::Fragment);
        match (frame.kind, self.snapshot) {
            (Kind::First | Kind::Fragment, Some(_)) => self.take_fragment(bytes),
            (Kind::Commit, Some(expected)) => {
                if decode_commit(bytes) != Some((expected, self.snapshot_bytes)) {
                    return Err(cursor.corrupt(Corruption::Snapshot).into());
                }
                self.snapshot = None;
                self.recovery.snapshot_bytes = self.snapshot_bytes;
                let (offset, bytes) = (self.snapshot_bytes, &[]);
                (self.visit)(Entry::Snapshot { offset, bytes, last: true }).map_err(RecoverError::Stopped)
            }
            (Kind::Record, Some(_)) => Err(cursor.corrupt(Corruption::Snapshot).into()),
            (Kind::Record, None) => {
                self.open = None;
                // A copy of a record that was already handed over.
                if frame.sequence <= self.last_record {
                    return Ok(());
                }
                self.last_record = frame.sequence;
                self.recovery.records += 1;
                let sequence = frame.sequence;
                (self.visit)(Entry::Record { sequence, bytes }).map_err(RecoverError::Stopped)
            }
            (Kind::First, None) => {
                let Cursor { sector, .. } = *cursor;
                let alone = self.unused;
                let offset = frame.offset;
                self.open = Some(OpenSnapshot { sector, offset, alone, resume: None });
                Ok(())
            }
            (Kind::Fragment | Kind::Commit, None) => Ok(()),
        }
    }

    fn take_fragment<F>(&mut self, bytes: &[u8]) -> Result<(), RecoverError<F, E>> {
        let offset = self.snapshot_bytes;
        self.snapshot_bytes = self.snapshot_bytes.saturating_add(len32(bytes.len()));
        (self.visit)(Entry::Snapshot { offset, bytes, last: false }).map_err(RecoverError::Stopped)
    }
}
