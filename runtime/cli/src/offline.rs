//! Reads an agent from a copy of the flash: nothing is written, and its owner may go on meanwhile.

use everstep_board_linux::flash::{FlashImage, LoadError, OpenError};
use everstep_core::{Agent, DecodeError, Record};
use everstep_driver::{SharedFlash, Store};
use everstep_journal::{Budget, Entry, Journal, PAYLOAD_BYTES_MAX, RecoverError, Recovery};

use crate::{
    exit::{Failure, Outcome},
    site::Site,
};

/// A copy of the board's flash, or none where it has never run.
pub(crate) fn image(site: &Site) -> Outcome<Option<FlashImage>> {
    match FlashImage::load(&site.flash_path(), site.file.board.flash.bytes.get()) {
        Ok(image) => Ok(Some(image)),
        Err(LoadError::Open(OpenError::Missing { .. })) => Ok(None),
        Err(error) => Err(Failure::flash(error)),
    }
}

/// The agent as its records on flash make it.
pub(crate) fn read(site: &Site) -> Outcome<Agent> {
    let Some(image) = image(site)? else { return Ok(Agent::new(site.limits())) };
    let opened = Store::open(SharedFlash::new(image), site.agent_region(), site.limits(), site.budget());
    opened.map(|(_, agent)| agent).map_err(|error| site.flash_needs_attention(error))
}

/// What is on flash, in order: the newest snapshot, then the records behind it.
#[derive(Debug, Default)]
pub(crate) struct Records {
    pub(crate) snapshot_bytes: u32,
    pub(crate) behind: Vec<(u64, Record)>,
    pub(crate) found: Recovery,
    pub(crate) bytes_free: Option<u32>,
}

/// Reads the agent's records without applying them.
pub(crate) fn records(site: &Site) -> Outcome<Records> {
    let mut all = Records::default();
    let Some(image) = image(site)? else { return Ok(all) };
    let mut buffer = vec![0; PAYLOAD_BYTES_MAX];
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
    match Journal::recover(image, site.agent_region(), Budget::default(), &mut buffer, visit) {
        Ok((journal, found)) => {
            all.found = found;
            all.bytes_free = Some(journal.bytes_free());
            Ok(all)
        }
        // The process ended before its first record.
        Err(RecoverError::Unformatted) => Ok(all),
        Err(RecoverError::Stopped(error)) => Err(site.flash_needs_attention(error)),
        Err(error) => Err(site.flash_needs_attention(error)),
    }
}
