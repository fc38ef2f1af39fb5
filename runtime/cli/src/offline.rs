//! Reads an agent from a copy of the flash: nothing is written, and its owner may go on meanwhile.

use std::path::{Path, PathBuf};

use everstep_board_linux::flash::{
    FlashError, FlashImage, FlashPlace, Geometry, LoadError, Medium, OpenError,
};
use everstep_core::{Agent, DecodeError, Record};
use everstep_driver::{BoardLog, Store, StoreError};
use everstep_journal::{BUFFER_BYTES, Budget, Entry, FormatError, Journal, RecoverError, Recovery, Usage};

use crate::{
    exit::{Failure, Outcome},
    site::Site,
};

/// Where the flash is read from.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// The board's own flash.
    Board(FlashPlace),
    /// A copy of it.
    Image(PathBuf),
}

impl Source {
    /// The copy in `image`, or the board's own flash.
    pub(crate) fn of(site: &Site, image: Option<&Path>) -> Self {
        match image {
            Some(path) => Self::Image(path.to_owned()),
            None => Self::Board(site.flash_place()),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        let (Self::Board(FlashPlace { path, .. }) | Self::Image(path)) = self;
        path
    }
}

/// A copy of the flash in memory, or none where the board has never run.
pub(crate) fn image(site: &Site, source: &Source) -> Outcome<Option<FlashImage>> {
    let loaded = match source {
        Source::Board(place) => FlashImage::load(place),
        Source::Image(path) => {
            FlashImage::from_copy(path, site.file.board.flash.bytes.get(), new_geometry(site))
        }
    };
    match (loaded, source) {
        (Ok(image), _) => Ok(Some(image)),
        (Err(LoadError::Open(OpenError::Missing { .. })), Source::Board(_)) => Ok(None),
        (Err(LoadError::Open(OpenError::Missing { path })), Source::Image(_)) => {
            Err(Failure::usage(anyhow::anyhow!("there is no image {}", path.display())))
        }
        (Err(LoadError::Open(error)), _) => Err(site.not_opened(error)),
        (Err(error), _) => Err(Failure::flash(error)),
    }
}

/// What the flash of the first run will write and erase at once. A raw part is never made.
fn new_geometry(site: &Site) -> Geometry {
    match site.file.board.flash.medium() {
        Medium::Block(bytes) => Geometry::block(bytes),
        Medium::File | Medium::Mtd => Geometry::FILE,
    }
}

/// The agent as its records on flash make it.
pub(crate) fn read(site: &Site, source: &Source) -> Outcome<Agent> {
    open(site, source).map(|Kept { agent, .. }| agent)
}

/// The latest time that the board trusted and kept, in seconds since 1970 UTC, unless the board file says
/// that its records are not to be believed in this.
pub(crate) fn trusted_s(site: &Site) -> Outcome<Option<u64>> {
    let board = &site.file.board;
    if board.network.is_none() || board.clock.forget_trusted {
        return Ok(None);
    }
    open(site, &Source::of(site, None)).map(|Kept { trusted_s, .. }| trusted_s)
}

/// What is on flash.
struct Kept {
    agent: Agent,
    trusted_s: Option<u64>,
}

fn open(site: &Site, source: &Source) -> Outcome<Kept> {
    // Where there is no flash yet, an erased copy still shows whether the regions are large enough.
    let erased = || FlashImage::erased(site.file.board.flash.bytes.get(), new_geometry(site));
    let image = image(site, source)?.unwrap_or_else(erased);
    let geometry = image.geometry();
    let flash = site.shared(image, geometry)?;
    let log = BoardLog::open(&flash, site.file.layout().board)
        .map_err(|error| store_failure(site, "flash.board_bytes", error))?;
    let (store, agent) = Store::open(&flash, site.agent_region(), site.limits(), site.budget())
        .map_err(|error| store_failure(site, "flash.region_bytes", error))?;
    let trusted_s = log.newest().and_then(|newest| newest.trusted_s).max(store.trusted_s());
    Ok(Kept { agent, trusted_s })
}

/// A region that is too small is the board file's fault, anything else is the flash's.
fn store_failure(site: &Site, key: &str, error: StoreError<FlashError>) -> Failure {
    match error {
        StoreError::Recover(RecoverError::Geometry(error))
        | StoreError::Format(FormatError::Geometry(error)) => {
            Failure::usage(site.file.wrong(key, error.to_string()))
        }
        error => site.flash_needs_attention(error),
    }
}

/// What is on flash, in order: the newest snapshot, then the records behind it.
#[derive(Debug, Default)]
pub(crate) struct Records {
    pub(crate) snapshot_bytes: u32,
    pub(crate) behind: Vec<(u64, Record)>,
    pub(crate) found: Recovery,
    pub(crate) bytes_free: Option<u32>,
    /// Frames written so far.
    pub(crate) frames: u64,
    pub(crate) usage: Option<Usage>,
    /// Bytes that the flash erases at once.
    pub(crate) sector_bytes: u32,
}

/// Reads the agent's records without applying them.
pub(crate) fn records(site: &Site, source: &Source) -> Outcome<Records> {
    let image = image(site, source)?;
    let geometry = image.as_ref().map_or_else(|| new_geometry(site), FlashImage::geometry);
    let mut all = Records { sector_bytes: geometry.sector_bytes, ..Records::default() };
    let Some(image) = image else { return Ok(all) };
    let flash = site.shared(image, geometry)?;
    let region = flash.region(site.agent_region());
    let mut buffer = vec![0; BUFFER_BYTES];
    let visit = |entry: Entry<'_>| {
        match entry {
            Entry::Snapshot { offset, bytes, .. } => {
                let bytes = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
                all.snapshot_bytes = offset.saturating_add(bytes);
            }
            Entry::Record { sequence, bytes } => all.behind.push((sequence, Record::decode(bytes)?)),
        }
        Ok::<(), DecodeError>(())
    };
    match Journal::recover(flash, region, Budget::default(), &mut buffer, visit) {
        Ok((journal, found)) => {
            all.found = found;
            all.bytes_free = Some(journal.bytes_free());
            all.frames = journal.next_sequence().saturating_sub(1);
            all.usage = Some(journal.usage());
            Ok(all)
        }
        // The process ended before its first record.
        Err(RecoverError::Unformatted) => Ok(all),
        Err(RecoverError::Stopped(error)) => Err(site.flash_needs_attention(error)),
        Err(error) => Err(site.flash_needs_attention(error)),
    }
}
