//! What all logs have in common, so that one workload measures them alike.

use std::{
    future::Future,
    panic::{self, AssertUnwindSafe},
    pin::pin,
    task::{Context, Poll, Waker},
};

use anyhow::{Result, bail};
use everstep_board_sim::{SimFlash, SimFlashHandle};

use crate::workload::Item;

pub(crate) const SECTOR: usize = 4096;
/// Sectors of the region.
pub(crate) const SECTORS: usize = 256;
pub(crate) const FLASH_BYTES: u32 = 1 << 20;

const _: () = assert!(FLASH_BYTES as usize == SECTOR * SECTORS);

pub(crate) type Flash = SimFlashHandle<4, SECTOR>;

/// An erased flash.
pub(crate) fn erased() -> Flash {
    Flash::new(SimFlash::new(SECTORS))
}

/// What a log still has: its newest snapshot, and the events behind it.
#[derive(Debug, Default, Eq, PartialEq)]
pub(crate) struct Kept {
    pub(crate) snapshot: Option<Vec<u8>>,
    pub(crate) events: Vec<Vec<u8>>,
}

/// A log on flash.
pub(crate) trait Log: Sized {
    const NAME: &'static str;

    /// Makes an empty one.
    fn create(flash: Flash) -> Result<Self>;

    /// Opens one that exists, and reads back all that counts.
    fn open(flash: Flash) -> Result<(Self, Kept)>;

    /// Keeps an item. Once this returns `Ok`, it has to survive a power cut.
    fn keep(&mut self, item: &Item) -> Result<()>;

    /// The same for a log that may panic: that is a refusal too.
    fn try_keep(&mut self, item: &Item) -> Result<()> {
        let kept = panic::catch_unwind(AssertUnwindSafe(|| self.keep(item)));
        kept.unwrap_or_else(|_| bail!("it panicked"))
    }

    /// [`Log::open`], for one that may panic.
    fn try_open(flash: Flash) -> Result<(Self, Kept)> {
        let opened = panic::catch_unwind(AssertUnwindSafe(|| Self::open(flash)));
        opened.unwrap_or_else(|_| bail!("it panicked"))
    }

    /// What it does while nothing waits.
    fn idle(&mut self) -> Result<()> {
        Ok(())
    }
}

/// The outcome of a future that never waits: flash in memory answers at once.
pub(crate) fn now<T>(future: impl Future<Output = T>) -> Result<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(outcome) => Ok(outcome),
        Poll::Pending => bail!("flash in memory made someone wait"),
    }
}
