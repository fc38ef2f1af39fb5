//! The two requests of `<mtd/mtd-abi.h>` that a flash needs.
#![expect(unsafe_code, reason = "the kernel is handed pointers to structs whose layout only the ABI knows")]

use std::{fs::File, io};

use rustix::ioctl::{self, Getter, Opcode, Setter, opcode};

/// The group of every MTD request.
const GROUP: u8 = b'M';
/// `MEMGETINFO`: what the part is.
pub(super) const MEMGETINFO: Opcode = opcode::read::<MtdInfoUser>(GROUP, 1);
/// `MEMERASE`: erases whole sectors.
pub(super) const MEMERASE: Opcode = opcode::write::<EraseInfoUser>(GROUP, 2);

/// `struct mtd_info_user`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct MtdInfoUser {
    pub(super) kind: u8,
    pub(super) flags: u32,
    pub(super) size: u32,
    pub(super) erasesize: u32,
    pub(super) writesize: u32,
    pub(super) oobsize: u32,
    /// Unused since the ABI grew.
    pub(super) padding: u64,
}

/// `struct erase_info_user`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct EraseInfoUser {
    pub(super) start: u32,
    pub(super) length: u32,
}

/// Asks what the part is.
pub(super) fn info(file: &File) -> io::Result<MtdInfoUser> {
    // SAFETY: `MEMGETINFO` fills one `struct mtd_info_user` and reads nothing; `MtdInfoUser` has its
    // layout, which a test compares with the ABI's, and every bit pattern is a value of it. Another
    // device's driver refuses the number, which has the struct's size in it.
    let info = unsafe { ioctl::ioctl(file, Getter::<MEMGETINFO, MtdInfoUser>::new()) };
    info.map_err(io::Error::from)
}

/// Erases `length` bytes from `start`. Returns once that is done.
pub(super) fn erase(file: &File, start: u32, length: u32) -> io::Result<()> {
    let range = EraseInfoUser { start, length };
    // SAFETY: `MEMERASE` reads one `struct erase_info_user`, whose layout `EraseInfoUser` has, and keeps
    // no pointer to it.
    let erased = unsafe { ioctl::ioctl(file, Setter::<MEMERASE, EraseInfoUser>::new(range)) };
    erased.map_err(io::Error::from)
}

#[cfg(test)]
mod tests {
    use std::mem::{offset_of, size_of};

    use super::*;

    /// From `<mtd/mtd-abi.h>`, as a C compiler lays it out.
    #[test]
    fn structs_are_laid_out_as_the_kernel_s() {
        assert_eq!(size_of::<MtdInfoUser>(), 32);
        let offsets = [
            offset_of!(MtdInfoUser, kind),
            offset_of!(MtdInfoUser, flags),
            offset_of!(MtdInfoUser, size),
            offset_of!(MtdInfoUser, erasesize),
            offset_of!(MtdInfoUser, writesize),
            offset_of!(MtdInfoUser, oobsize),
            offset_of!(MtdInfoUser, padding),
        ];
        assert_eq!(offsets, [0, 4, 8, 12, 16, 20, 24]);
        assert_eq!(size_of::<EraseInfoUser>(), 8);
        assert_eq!([offset_of!(EraseInfoUser, start), offset_of!(EraseInfoUser, length)], [0, 4]);
    }

    /// The numbers `strace` and `mtd-utils` show; powerpc, mips and sparc number requests otherwise.
    #[cfg(any(
        target_arch = "x86_64",
        target_arch = "aarch64",
        target_arch = "arm",
        target_arch = "riscv64"
    ))]
    #[test]
    fn requests_have_their_documented_numbers() {
        assert_eq!((MEMGETINFO, MEMERASE), (0x8020_4D01, 0x4008_4D02));
    }

    #[test]
    fn another_kind_of_file_refuses_the_request() {
        let error = info(&File::open("/dev/null").unwrap()).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ENOTTY));
    }
}
