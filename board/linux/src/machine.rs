//! What this machine has left when a process starts: cores that nobody uses, and memory.
//!
//! Leaves out what is done with it.

use std::{fs, num::NonZeroU16, thread};

/// Cores this process may use, less those that others keep busy; at least one. `None` where the system
/// does not tell.
#[must_use]
pub fn cores_free() -> Option<NonZeroU16> {
    let allowed = thread::available_parallelism().ok()?.get();
    let stat = fs::read_to_string("/proc/stat").ok()?;
    let online = stat.lines().filter(|line| is_core(line)).count();
    free_of(allowed, online, &fs::read_to_string("/proc/loadavg").ok()?)
}

/// Bytes of memory that could be had without swapping; `None` where the system does not tell.
#[must_use]
pub fn memory_available_bytes() -> Option<u64> {
    kibibytes(&fs::read_to_string("/proc/meminfo").ok()?, "MemAvailable")
}

/// Bytes of memory this process has in use; `None` where the system does not tell.
#[must_use]
pub fn memory_resident_bytes() -> Option<u64> {
    kibibytes(&fs::read_to_string("/proc/self/status").ok()?, "VmRSS")
}

/// A line of `/proc/stat` that is about one core.
fn is_core(line: &str) -> bool {
    line.strip_prefix("cpu").is_some_and(|rest| rest.starts_with(|letter: char| letter.is_ascii_digit()))
}

/// `loadavg` is the text of `/proc/loadavg`: `0.72 0.40 0.31 2/321 4711`.
fn free_of(allowed: usize, online: usize, loadavg: &str) -> Option<NonZeroU16> {
    let mut words = loadavg.split_whitespace();
    let minute: f32 = words.next()?.parse().ok()?;
    let running: usize = words.nth(2)?.split_once('/')?.0.parse().ok()?;
    if !minute.is_finite() || online == 0 {
        return None;
    }
    // Whoever was busy for a minute and still runs will go on; one of those that run is this process.
    let busy = running.saturating_sub(1).min(rounded(minute));
    // Others may run on cores this process may not use: they are taken to be spread over all.
    let busy_here = busy.saturating_mul(allowed).div_ceil(online);
    let free = allowed.saturating_sub(busy_here).max(1);
    NonZeroU16::new(u16::try_from(free).unwrap_or(u16::MAX))
}

/// To the next whole number; below none it is none.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast of floats saturates")]
fn rounded(number: f32) -> usize {
    number.round().max(0.0) as usize
}

/// The value of a line `NAME:  123 kB`, in bytes.
fn kibibytes(text: &str, name: &str) -> Option<u64> {
    let mut lines = text.lines().filter_map(|line| line.split_once(':'));
    let (_, value) = lines.find(|(found, _)| *found == name)?;
    value.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn free(allowed: usize, online: usize, loadavg: &str) -> Option<u16> {
        free_of(allowed, online, loadavg).map(u16::from)
    }

    #[test]
    fn busy_cores_are_left_to_whoever_uses_them() {
        assert_eq!(free(4, 4, "0.02 0.40 0.31 1/321 4711"), Some(4));
        assert_eq!(free(4, 4, "1.30 0.40 0.31 3/321 4711"), Some(3));
        assert_eq!(free(4, 4, "2.60 0.40 0.31 9/321 4711"), Some(1));
        assert_eq!(free(4, 4, "99.0 9.40 0.31 80/321 4711"), Some(1));
        assert_eq!(free(1, 1, "0.00 0.00 0.00 1/10 9"), Some(1));
    }

    #[test]
    fn neither_a_burst_nor_the_past_counts_alone() {
        assert_eq!(free(4, 4, "0.10 0.10 0.10 5/321 4711"), Some(4));
        assert_eq!(free(4, 4, "3.90 2.00 1.00 1/321 4711"), Some(4));
    }

    #[test]
    fn load_of_cores_out_of_reach_is_shared_out() {
        // Eight of sixteen are busy: one of two, on average.
        assert_eq!(free(2, 16, "8.00 8.00 8.00 9/900 1"), Some(1));
        assert_eq!(free(8, 16, "8.00 8.00 8.00 9/900 1"), Some(4));
    }

    #[test]
    fn what_is_no_load_tells_nothing() {
        for text in ["", "0.1", "NaN 0 0 1/2 3", "x 0 0 1/2 3", "0.1 0 0 1 3", "0.1 0 0 a/2 3"] {
            assert_eq!(free(4, 4, text), None, "{text:?}");
        }
        assert_eq!(free(4, 0, "0.1 0 0 1/2 3"), None);
    }

    #[test]
    fn amounts_are_read_in_bytes() {
        let text = "Name:\teverstep\nVmRSS:\t  31312 kB\nVmSwap:\t 7 pages\n";
        assert_eq!(kibibytes(text, "VmRSS"), Some(31_312 * 1024));
        assert_eq!((kibibytes(text, "VmSwap"), kibibytes(text, "Rss")), (None, None));
        let lines = ["cpu  1 2 3", "cpu0 1 2", "cpu11 1 2", "cpufreq 1", "intr 5"];
        assert_eq!(lines.iter().filter(|line| is_core(line)).count(), 2);
        // And this machine tells all of it.
        assert!(cores_free().is_some() && memory_available_bytes() > Some(0));
        assert!(memory_resident_bytes() > Some(0));
    }
}
