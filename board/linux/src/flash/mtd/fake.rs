//! A raw part in the kernel's stead: the simulated flash behind the seam, as strict as it is, with page
//! bounds, failures of one operation, and power cuts.

use std::{io, sync::Arc, sync::Mutex};

use embedded_storage::nor_flash::{NorFlash, ReadNorFlash};
use everstep_board_sim::{PowerCut, SimFlashHandle};

use super::{MtdDevice, PAGE_BYTES, UnitAndSector};

/// A part that programs `UNIT` bytes at once, each unit once between two erases.
#[derive(Clone, Debug)]
pub(super) struct FakePart<const UNIT: usize, const SECTOR: usize> {
    pub(super) flash: SimFlashHandle<UNIT, SECTOR>,
    /// Operations until one fails.
    failure: Arc<Mutex<Option<u32>>>,
}

impl<const UNIT: usize, const SECTOR: usize> FakePart<UNIT, SECTOR> {
    pub(super) fn new(sectors: usize) -> Self {
        let flash = everstep_board_sim::SimFlash::new(sectors);
        Self { flash: SimFlashHandle::new(flash), failure: Arc::default() }
    }

    /// Lets the program or erase behind `operations` others fail half way, and those behind it succeed.
    pub(super) fn fail_at(&self, operations: u32) {
        *self.failure.lock().unwrap() = Some(operations);
    }

    /// Whether the failure came, or none was planned.
    pub(super) fn has_failed(&self) -> bool {
        self.failure.lock().unwrap().is_none()
    }

    /// Whether this operation fails. Then it is cut half way, and the power stays on.
    fn fails(&self, bytes: usize) -> bool {
        let mut failure = self.failure.lock().unwrap();
        let due = *failure == Some(0);
        *failure = failure.and_then(|left| left.checked_sub(1));
        if due {
            let model = everstep_board_sim::CutModel::BitTorn;
            self.flash.lock().cut_power(PowerCut { operation: 0, bytes: bytes / 2, model, seed: 7 });
        }
        due
    }

    fn answer(&self, fails: bool, result: Result<(), everstep_board_sim::SimFlashError>) -> io::Result<()> {
        if fails {
            self.flash.lock().power_on();
            return Err(io::Error::from_raw_os_error(libc::EIO));
        }
        match result {
            Ok(()) => Ok(()),
            Err(everstep_board_sim::SimFlashError::PowerLoss) => Err(io::Error::other("power is off")),
            Err(error) => panic!("the part was used against its rules: {error}"),
        }
    }
}

impl<const UNIT: usize, const SECTOR: usize> MtdDevice for FakePart<UNIT, SECTOR> {
    fn sizes(&self) -> UnitAndSector {
        UnitAndSector {
            unit_bytes: u32::try_from(UNIT).unwrap(),
            sector_bytes: u32::try_from(SECTOR).unwrap(),
        }
    }

    fn read(&mut self, address: u32, bytes: &mut [u8]) -> io::Result<()> {
        self.answer(false, self.flash.clone().read(address, bytes))
    }

    fn program(&mut self, address: u32, bytes: &[u8]) -> io::Result<()> {
        let page = PAGE_BYTES.max(u32::try_from(UNIT).unwrap());
        let last = address + u32::try_from(bytes.len()).unwrap() - 1;
        assert_eq!(address / page, last / page, "a program crosses a page");
        let fails = self.fails(bytes.len());
        self.answer(fails, self.flash.clone().write(address, bytes))
    }

    fn erase(&mut self, address: u32) -> io::Result<()> {
        let fails = self.fails(SECTOR);
        let end = address + u32::try_from(SECTOR).unwrap();
        self.answer(fails, self.flash.clone().erase(address, end))
    }
}
