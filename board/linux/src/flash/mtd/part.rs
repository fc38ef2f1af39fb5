//! A raw flash part of the kernel, `/dev/mtdN`.
//!
//! No kernel driver has run this yet: what surrounds it was checked over a fake, what is here over the
//! documented interface.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    os::unix::fs::FileExt,
    path::Path,
};

use super::{
    MtdDevice, UnitAndSector,
    ioctl::{self, MtdInfoUser},
};
use crate::flash::{Geometry, Medium, OpenError, block::Access, file::check_size, open::check_kind};

/// `MTD_WRITEABLE`.
const WRITEABLE: u32 = 0x400;

/// What kind of part it is, from `<mtd/mtd-abi.h>`.
const ABSENT: u8 = 0;
const RAM: u8 = 1;
const ROM: u8 = 2;
const NOR: u8 = 3;
const NAND: u8 = 4;
const DATAFLASH: u8 = 6;
const UBI_VOLUME: u8 = 7;
const MLC_NAND: u8 = 8;

/// A part that is open.
#[derive(Debug)]
pub(crate) struct MtdPart {
    file: File,
    sizes: UnitAndSector,
}

impl MtdPart {
    /// Opens a part that must hold `flash_bytes` bytes.
    ///
    /// # Errors
    ///
    /// See [`OpenError`].
    pub(crate) fn open(path: &Path, flash_bytes: u32, access: Access) -> Result<Self, OpenError> {
        check_size(flash_bytes)?;
        let fail = |source| OpenError::io(path, flash_bytes, source);
        let found = path.metadata().map_err(fail)?;
        check_kind(path, Medium::Mtd, &found)?;
        let file = OpenOptions::new().read(true).write(access == Access::Own).open(path).map_err(fail)?;
        if access == Access::Own {
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(OpenError::InUse { path: path.to_owned() }),
                Err(TryLockError::Error(source)) => return Err(fail(source)),
            }
        }
        let info = ioctl::info(&file).map_err(fail)?;
        let sizes = check_part(path, flash_bytes, &info)?;
        Ok(Self { file, sizes })
    }
}

impl MtdDevice for MtdPart {
    fn sizes(&self) -> UnitAndSector {
        self.sizes
    }

    fn read(&mut self, address: u32, bytes: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(bytes, address.into())
    }

    fn program(&mut self, address: u32, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all_at(bytes, address.into())
    }

    fn erase(&mut self, address: u32) -> io::Result<()> {
        ioctl::erase(&self.file, address, self.sizes.sector_bytes)
    }
}

/// Refuses a part that the journal can't be kept on, and gives its sizes.
fn check_part(path: &Path, flash_bytes: u32, info: &MtdInfoUser) -> Result<UnitAndSector, OpenError> {
    if let Some((found, advice)) = refusal(info) {
        return Err(OpenError::PartKind { path: path.to_owned(), found, advice });
    }
    let sizes = UnitAndSector { unit_bytes: info.writesize, sector_bytes: info.erasesize };
    let Some(Geometry { sector_bytes, .. }) = sizes.geometry() else {
        let UnitAndSector { unit_bytes, sector_bytes } = sizes;
        return Err(OpenError::Part { path: path.to_owned(), sector_bytes, unit_bytes });
    };
    if info.size < flash_bytes {
        let (path, found) = (path.to_owned(), u64::from(info.size));
        return Err(OpenError::TooSmall { path, found, expected: flash_bytes });
    }
    if !flash_bytes.is_multiple_of(sector_bytes) {
        return Err(OpenError::Sectors { path: path.to_owned(), sector_bytes, bytes: flash_bytes });
    }
    Ok(sizes)
}

/// What a part is that can't be served, and what to do instead.
fn refusal(info: &MtdInfoUser) -> Option<(&'static str, &'static str)> {
    let ubi = "its bad blocks need UBI below: attach it with `ubiattach`, and name the part that `gluebi` makes of a volume";
    let other = "name another part in `flash.path`";
    match info.kind {
        NAND => Some(("raw NAND", ubi)),
        MLC_NAND => Some(("raw MLC NAND", ubi)),
        ROM => Some(("read-only memory", other)),
        ABSENT => Some(("absent", other)),
        RAM | NOR | DATAFLASH | UBI_VOLUME if info.flags & WRITEABLE == 0 => {
            Some(("write-protected", "remove `read-only` from its partition in the device tree"))
        }
        RAM | NOR | DATAFLASH | UBI_VOLUME => None,
        _ => Some(("of a kind that is not known", other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(kind: u8, erasesize: u32, writesize: u32) -> MtdInfoUser {
        MtdInfoUser { kind, flags: 0xC00, size: 16 << 20, erasesize, writesize, ..MtdInfoUser::default() }
    }

    fn check(info: &MtdInfoUser, flash_bytes: u32) -> Result<Geometry, String> {
        let sizes = check_part(Path::new("/dev/mtd3"), flash_bytes, info);
        sizes.map(|sizes| sizes.geometry().unwrap()).map_err(|error| error.to_string())
    }

    #[test]
    fn nor_parts_are_taken_with_their_own_sectors() {
        let geometry = check(&info(NOR, 64 << 10, 1), 1 << 20).unwrap();
        assert_eq!((geometry.sector_bytes, geometry.unit_bytes), (64 << 10, 4));
        let geometry = check(&info(UBI_VOLUME, 126_976, 2048), 126_976 * 32).unwrap();
        assert_eq!((geometry.sector_bytes, geometry.unit_bytes), (126_976, 2048));
        // A DataFlash page is a sector of its own.
        let geometry = check(&info(DATAFLASH, 512, 512), 1 << 20).unwrap();
        assert_eq!((geometry.sector_bytes, geometry.unit_bytes), (16_384, 512));
    }

    #[test]
    fn nand_and_read_only_parts_are_refused_by_name() {
        let told = |kind: u8| check(&info(kind, 128 << 10, 2048), 1 << 20).unwrap_err();
        assert!(told(NAND).contains("/dev/mtd3 is raw NAND: its bad blocks need UBI"), "{}", told(NAND));
        assert!(told(MLC_NAND).contains("raw MLC NAND"));
        assert!(told(ROM).contains("is read-only memory: name another part in `flash.path`"));
        assert!(told(ABSENT).contains("is absent") && told(99).contains("not known"));
        let locked = MtdInfoUser { flags: 0x800, ..info(NOR, 4096, 1) };
        assert!(check(&locked, 1 << 20).unwrap_err().contains("write-protected: remove `read-only`"));
    }

    #[test]
    fn sizes_that_do_not_fit_are_refused_with_numbers() {
        let told = |erasesize, writesize, bytes| check(&info(NOR, erasesize, writesize), bytes).unwrap_err();
        assert!(told(512 << 10, 1, 1 << 20).contains("erases 524288 bytes and writes 1 bytes"));
        assert!(told(256 << 10, 8192, 1 << 20).contains("writes 8192 bytes"));
        // DataFlash pages that aren't a power of two.
        assert!(told(528, 528, 1 << 20).contains("a power of two"));
        assert!(
            told(0, 1, 1 << 20).contains("erases 0 bytes") && told(4096, 0, 1 << 20).contains("writes 0")
        );
        assert!(told(4096, 1, 32 << 20).contains("has 16777216 bytes, the board file says 33554432"));
        assert!(told(64 << 10, 1, (1 << 20) + 4096).contains("must be a multiple of that, not 1052672"));
    }

    #[test]
    fn what_is_no_part_is_refused_before_it_is_opened() {
        let told = |path: &str| MtdPart::open(Path::new(path), 1 << 20, Access::Own).unwrap_err().to_string();
        assert!(told("/dev/null").contains("point `flash.path` at /dev/mtdN"), "{}", told("/dev/null"));
        assert!(told(env!("CARGO_MANIFEST_PATH")).contains("is a plain file: set `flash.medium`"));
    }
}
