//! Recovery: finds where the log starts and ends, and settles its newest record.

use embedded_storage::nor_flash::NorFlash;

use crate::{
    check::{Budget, check_part},
    error::{Corruption, GeometryError, RecoverError},
    frame::{BUFFER_BYTES, Kind},
    header::SnapshotAt,
    journal::{End, Journal, Log},
    part::Part,
    region::Region,
    replay::{Replay, Tail},
    ring::{Sector, Survey},
    scan::Cursor,
    seal::Owner,
    snapshot::decode_commit,
    window::Window,
};

/// What recovery hands over, in the order it was written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Entry<'a> {
    /// The next part of the newest committed snapshot.
    Snapshot {
        /// Bytes of the stream before this part.
        offset: u32,
        /// The part.
        bytes: &'a [u8],
        /// This is the last part.
        last: bool,
    },
    /// A record that the snapshot doesn't cover.
    Record {
        /// Its number.
        sequence: u64,
        /// Its payload.
        bytes: &'a [u8],
    },
}

/// What recovery found.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Recovery {
    /// Records handed over.
    pub records: u64,
    /// Bytes of the newest snapshot; 0 without one.
    pub snapshot_bytes: u32,
    /// A write was cut short, and left something that isn't a whole frame.
    pub torn: bool,
    /// A snapshot was begun and not committed; it is given up.
    pub snapshot_abandoned: bool,
}

pub(crate) fn recover<F: NorFlash, V>(
    flash: F,
    region: Region,
    budget: Budget,
    buffer: &mut [u8],
    visit: impl FnMut(Entry<'_>) -> Result<(), V>,
) -> Result<(Journal<F>, Recovery), RecoverError<F::Error, V>> {
    let mut part = Part::new(flash, region)?;
    check_part(&part, budget)?;
    if buffer.len() < BUFFER_BYTES {
        return Err(GeometryError::Buffer { bytes: buffer.len() }.into());
    }
    // A killed process may have left what reads as written and isn't on the medium yet.
    part.sync().map_err(RecoverError::Flash)?;
    let window = &mut Window::new(buffer);
    let survey = part.survey().map_err(RecoverError::Flash)?;
    if let Some(found) = survey.version {
        return Err(RecoverError::Version { found });
    }
    if let Some(found) = survey.word_bytes {
        return Err(RecoverError::WordBytes { found, expected: part.unit });
    }
    if let Some(sector) = survey.sealed_otherwise {
        return Err(if part.seal.is_some() {
            RecoverError::NotSealed { sector }
        } else {
            RecoverError::Sealed
        });
    }
    let Some(head) = survey.highest else { return Err(no_journal(&mut part, survey)) };
    check_owner(&part, head.opening.sealed.owner)?;
    let mut log = Log {
        epoch: head.opening.epoch,
        newest: None,
        head,
        end: End::Sector,
        sequence: head.opening.first_sequence,
        snapshot: head.opening.snapshot,
        oldest: head.opening.number,
        sectors: 0,
        ready: 0,
        open: None,
        unused: true,
        staged: false,
    };
    let Some(newest) = believed(&mut part, head, window)? else {
        return Ok((Journal { part, log, budget, broken: false }, Recovery::default()));
    };
    log.newest = Some(newest);
    log.snapshot = newest_snapshot(&mut part, newest, window)?;

    let replay = Replay::run(&mut part, newest, log.snapshot, window, visit)?;
    log.oldest = replay.oldest;
    log.sectors = replay.sectors;
    log.open = replay.open;
    log.unused = replay.unused;
    let recovery = replay.recovery;
    let tail = replay.tail;
    let mut journal = Journal { part, log, budget, broken: false };
    settle(&mut journal, &tail, window)?;
    Ok((journal, recovery))
}

/// Whether the log was sealed with this key and for this device.
fn check_owner<F: NorFlash, V>(part: &Part<F>, found: Owner) -> Result<(), RecoverError<F::Error, V>> {
    let owner = part.sealed().owner;
    if found.key != owner.key {
        return Err(RecoverError::WrongKey);
    }
    if found.device != owner.device {
        return Err(RecoverError::OtherDevice);
    }
    Ok(())
}

/// No sector was ever opened: a region that may be formatted, or one that holds something else.
/// Formatting begins in the last sector, so that whatever stands in it alone is the trace of a cut.
fn no_journal<F: NorFlash, V>(part: &mut Part<F>, survey: Survey) -> RecoverError<F::Error, V> {
    if survey.formatting {
        return RecoverError::Unformatted;
    }
    for sector in 0..part.sectors - 1 {
        match part.first_programmed(sector, 0) {
            Ok(None) => {}
            Ok(Some(_)) => return RecoverError::Foreign { sector },
            Err(error) => return RecoverError::Flash(error),
        }
    }
    RecoverError::Unformatted
}

/// The newest sector whose first frame is whole. Where the newest opening has none, its header may
/// itself be half programmed: then the sector counts that was newest before. `None` where nothing was
/// ever appended.
fn believed<F: NorFlash, V>(
    part: &mut Part<F>,
    head: Sector,
    window: &mut Window<'_>,
) -> Result<Option<Sector>, RecoverError<F::Error, V>> {
    let mut start = Cursor::at_start(head, part);
    if start.next(part, window)?.is_some() {
        return Ok(Some(head));
    }
    start.rest(part, window)?;
    let fallback = head.opening.fallback;
    if fallback == 0 {
        return Ok(None);
    }
    let gone = start.corrupt(Corruption::SectorGone { opening: fallback });
    let Some(sector) = part.find(fallback, head.index).map_err(RecoverError::Flash)? else {
        return Err(gone.into());
    };
    match Cursor::at_start(sector, part).next(part, window)? {
        Some(_) => Ok(Some(sector)),
        None => Err(gone.into()),
    }
}

/// The newest committed snapshot: the last one committed in the newest sector, or the one its header
/// names.
fn newest_snapshot<F: NorFlash, V>(
    part: &mut Part<F>,
    newest: Sector,
    window: &mut Window<'_>,
) -> Result<Option<SnapshotAt>, RecoverError<F::Error, V>> {
    let mut snapshot = newest.opening.snapshot;
    let mut cursor = Cursor::at_start(newest, part);
    while let Some(passed) = cursor.next(part, window)? {
        if passed.frame.kind == Kind::Commit {
            let Some((at, _)) = decode_commit(window.payload(&passed.frame)) else {
                return Err(cursor.corrupt(Corruption::Snapshot).into());
            };
            snapshot = Some(at);
        }
    }
    Ok(snapshot)
}

/// Makes sure that the newest record is found by every later boot: if nothing was programmed behind
/// it, its own programming may have been cut short, so it is written anew on fresh pages.
fn settle<F: NorFlash, V>(
    journal: &mut Journal<F>,
    tail: &Tail,
    window: &mut Window<'_>,
) -> Result<(), RecoverError<F::Error, V>> {
    let Tail { cursor, frame, rest } = *tail;
    let log = &mut journal.log;
    let elsewhere = log.head.opening.number != cursor.sector.opening.number;
    log.end = match rest.next_page {
        // A sector opened later exists. Going on in this one would hide behind it.
        _ if elsewhere => End::Sector,
        offset if offset < journal.part.sector_bytes => End::Page(offset),
        _ => End::Sector,
    };
    log.sequence = cursor.expected;
    // Something torn further behind proves nothing: it may be from a boot that read this frame as torn.
    let Some(frame) = frame else { return Ok(()) };
    log.sequence = frame.sequence;
    if matches!(frame.kind, Kind::First | Kind::Fragment) {
        // Not committed, so nobody believed it. Whatever comes next takes its number.
        return Ok(());
    }
    match journal.put(frame.kind, window.payload(&frame), 0) {
        Ok(_) => {}
        Err(crate::AppendError::Flash(error)) => return Err(RecoverError::Flash(error)),
        Err(_) => return Err(RecoverError::NoRoom),
    }
    Ok(())
}
