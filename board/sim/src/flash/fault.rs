//! Operations that fail while the power stays on.

use super::{CutModel, ERASED, PowerCut, SimFlash, SimFlashError, cut::Step};

/// An operation that fails while the power stays on. The flash works again behind it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fault {
    /// A read, behind so many that still succeed.
    Read(u64),
    /// A program, an erase or an empty write. The cut says which one, and what is done of it all the
    /// same. A buffered medium does the first bytes, or nothing under [`CutModel::Clean`].
    Change(PowerCut),
}

impl<const WORD: usize, const SECTOR: usize> SimFlash<WORD, SECTOR> {
    /// Plans an operation that fails, counted from now.
    pub fn fail_at(&mut self, fault: Fault) {
        match fault {
            Fault::Read(reads) => self.reads_before_fault = Some(reads),
            Fault::Change(cut) => {
                self.cut_power(cut);
                self.keeps_power = true;
            }
        }
    }

    /// Counts one read.
    pub(super) fn check_read(&mut self) -> Result<(), SimFlashError> {
        match self.reads_before_fault {
            Some(0) => {
                self.reads_before_fault = None;
                return Err(SimFlashError::Failed);
            }
            Some(reads) => self.reads_before_fault = Some(reads - 1),
            None => {}
        }
        Ok(())
    }

    /// Does the first bytes of an operation on a buffered medium; it is kept back like any other.
    pub(super) fn do_part(&mut self, cut: PowerCut, start: usize, after: &[u8], step: Step) {
        if cut.model == CutModel::Clean {
            return;
        }
        if after.is_empty() {
            return self.finish();
        }
        let bytes = cut.bytes.min(after.len()) / WORD * WORD;
        let done = after.get(..bytes).unwrap_or_default();
        self.keep_back(start, done, step == Step::Erase);
        self.set_programmed(start, bytes, step == Step::Program);
        let old = self.bytes.iter_mut().skip(start).zip(done);
        old.for_each(|(to, from)| *to = if step == Step::Erase { ERASED } else { *to & from });
    }
}
