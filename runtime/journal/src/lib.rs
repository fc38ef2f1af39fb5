//! A log of records on NOR flash: what [`Journal::append`] accepted survives a power cut at any byte.
//!
//! `no_std`, without an allocator, over the `NorFlash` trait of `embedded-storage`. The format is
//! described in `docs/flash-format.md`.
//!
//! Left out on purpose: what a record means, and when to take a snapshot. The journal knows bytes and
//! flash, and nothing of agents.

#![no_std]

mod check;
mod error;
mod format;
mod frame;
mod header;
mod journal;
mod part;
mod recover;
mod region;
mod replay;
mod ring;
mod room;
mod scan;
mod seal;
mod snapshot;
mod window;

pub use self::{
    check::{Budget, check},
    error::{AppendError, Corruption, FormatError, GeometryError, RecoverError, SnapshotError},
    format::format,
    frame::{BUFFER_BYTES, FRAME_BYTES, PAYLOAD_BYTES_MAX},
    header::FORMAT_VERSION,
    journal::{Journal, Usage},
    part::{PAGE_BYTES, Stats},
    recover::{Entry, Recovery},
    region::Region,
    seal::SALT_BYTES,
    snapshot::SnapshotWriter,
};

#[cfg(feature = "seal")]
pub use self::seal::{KEY_BYTES, Seal};

#[cfg(test)]
extern crate std;

#[cfg(test)]
mod tests;
