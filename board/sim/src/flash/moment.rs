//! The flash before each operation, so that every cut of a long life is tried in one pass.

use embedded_storage::nor_flash::NorFlash;

use super::{PowerCut, SimFlash};

/// The flash as it was before one operation, and that operation.
#[derive(Clone, Debug)]
pub struct Moment<const WORD: usize = 4, const SECTOR: usize = 4096> {
    flash: SimFlash<WORD, SECTOR>,
    operation: Operation,
}

#[derive(Clone, Debug)]
pub(super) enum Operation {
    Erase(usize),
    Write(u32, Vec<u8>),
}

impl<const WORD: usize, const SECTOR: usize> Moment<WORD, SECTOR> {
    /// Bytes that the operation changes; 0 for an empty write.
    #[must_use]
    pub fn bytes(&self) -> usize {
        match &self.operation {
            Operation::Erase(_) => SECTOR,
            Operation::Write(_, bytes) => bytes.len(),
        }
    }

    /// Whether it is an erase.
    #[must_use]
    pub fn is_erase(&self) -> bool {
        matches!(self.operation, Operation::Erase(_))
    }

    /// The flash after `cut` came in this operation, without power; which operation the cut names doesn't
    /// matter.
    #[must_use]
    pub fn cut(&self, cut: PowerCut) -> SimFlash<WORD, SECTOR> {
        let mut flash = self.flash.clone();
        flash.cut_power(PowerCut { operation: 0, ..cut });
        let ended = match &self.operation {
            Operation::Erase(start) => flash.erase_sector(*start),
            Operation::Write(offset, bytes) => flash.write(*offset, bytes),
        };
        debug_assert!(ended.is_err());
        flash
    }
}

impl<const WORD: usize, const SECTOR: usize> SimFlash<WORD, SECTOR> {
    /// Keeps what was before each operation from now on, for [`SimFlash::take_moments`].
    pub fn keep_moments(&mut self) {
        self.moments = Some(Vec::new());
    }

    /// What was before each operation since the last call, oldest first. Nothing is kept any more.
    pub fn take_moments(&mut self) -> Vec<Moment<WORD, SECTOR>> {
        self.moments.take().unwrap_or_default()
    }

    pub(super) fn remember(&mut self, operation: impl FnOnce() -> Operation) {
        let Some(mut moments) = self.moments.take() else { return };
        moments.push(Moment { flash: self.clone(), operation: operation() });
        self.moments = Some(moments);
    }
}
