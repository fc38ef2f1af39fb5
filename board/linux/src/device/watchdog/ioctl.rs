//! The requests of `<linux/watchdog.h>` that a runtime needs.
#![expect(unsafe_code, reason = "the kernel is handed pointers to numbers whose meaning only the ABI knows")]

use std::{ffi::c_int, fs::File, io};

use rustix::ioctl::{self, Getter, Opcode, Updater, opcode};

/// The group of every watchdog request.
const GROUP: u8 = b'W';
/// `WDIOC_GETSUPPORT`: what it is.
pub(super) const GET_SUPPORT: Opcode = opcode::read::<WatchdogInfo>(GROUP, 0);
/// `WDIOC_SETTIMEOUT`: how long it is to run; the driver writes back how long it does.
pub(super) const SET_TIMEOUT: Opcode = opcode::read_write::<c_int>(GROUP, 6);
/// `WDIOC_GETTIMEOUT`: how long it runs.
pub(super) const GET_TIMEOUT: Opcode = opcode::read::<c_int>(GROUP, 7);

/// `WDIOF_SETTIMEOUT`: it can be told how long to run.
pub(super) const CAN_SET_TIMEOUT: u32 = 0x80;
/// `WDIOF_MAGICCLOSE`: it can be stopped.
pub(super) const CAN_STOP: u32 = 0x100;

/// `struct watchdog_info`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct WatchdogInfo {
    pub(super) options: u32,
    pub(super) firmware_version: u32,
    pub(super) identity: [u8; 32],
}

/// Asks what it is.
pub(super) fn support(file: &File) -> io::Result<WatchdogInfo> {
    // SAFETY: `WDIOC_GETSUPPORT` fills one `struct watchdog_info` and reads nothing; `WatchdogInfo` has its
    // layout, which a test compares with the ABI's, and every bit pattern is a value of it. Another
    // device's driver refuses the number, which has the struct's size in it.
    let info = unsafe { ioctl::ioctl(file, Getter::<GET_SUPPORT, WatchdogInfo>::new()) };
    info.map_err(io::Error::from)
}

/// Asks for `seconds`; the seconds it runs from now on.
pub(super) fn set_timeout(file: &File, seconds: c_int) -> io::Result<c_int> {
    let mut value = seconds;
    // SAFETY: `WDIOC_SETTIMEOUT` reads one `int` and writes one back, and keeps no pointer to it.
    let set = unsafe { ioctl::ioctl(file, Updater::<SET_TIMEOUT, c_int>::new(&mut value)) };
    set.map(|()| value).map_err(io::Error::from)
}

/// The seconds it runs.
pub(super) fn timeout(file: &File) -> io::Result<c_int> {
    // SAFETY: `WDIOC_GETTIMEOUT` fills one `int` and reads nothing.
    let seconds = unsafe { ioctl::ioctl(file, Getter::<GET_TIMEOUT, c_int>::new()) };
    seconds.map_err(io::Error::from)
}

#[cfg(test)]
mod tests {
    use std::mem::{offset_of, size_of};

    use super::*;

    /// From `<linux/watchdog.h>`, as a C compiler lays it out.
    #[test]
    fn struct_is_laid_out_as_the_kernel_s() {
        assert_eq!(size_of::<WatchdogInfo>(), 40);
        let offsets = [
            offset_of!(WatchdogInfo, options),
            offset_of!(WatchdogInfo, firmware_version),
            offset_of!(WatchdogInfo, identity),
        ];
        assert_eq!(offsets, [0, 4, 8]);
    }

    /// The numbers `strace` shows; powerpc, mips and sparc number requests otherwise.
    #[cfg(any(
        target_arch = "x86_64",
        target_arch = "aarch64",
        target_arch = "arm",
        target_arch = "riscv64"
    ))]
    #[test]
    fn requests_have_their_documented_numbers() {
        assert_eq!((GET_SUPPORT, SET_TIMEOUT, GET_TIMEOUT), (0x8028_5700, 0xC004_5706, 0x8004_5707));
    }

    #[test]
    fn another_kind_of_file_refuses_the_requests() {
        let file = File::open("/dev/null").unwrap();
        for error in
            [support(&file).unwrap_err(), set_timeout(&file, 9).unwrap_err(), timeout(&file).unwrap_err()]
        {
            assert_eq!(error.raw_os_error(), Some(libc::ENOTTY));
        }
    }
}
