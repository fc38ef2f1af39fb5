//! Asks the kernel whether a time service keeps the clock.

/// Whether the kernel counts the clock as synchronised. An unknown state counts as not.
#[expect(unsafe_code, reason = "no safe wrapper of adjtimex is among our dependencies")]
pub(super) fn is_synchronised() -> bool {
    // SAFETY: all-zero bytes are a valid `timex`: it holds integers only. `modes` 0 asks and sets
    // nothing.
    let mut state: libc::timex = unsafe { std::mem::zeroed() };
    // SAFETY: `state` is a live, writable `timex`, which is all the call needs.
    let answer = unsafe { libc::adjtimex(&raw mut state) };
    answer >= 0 && answer != libc::TIME_ERROR && state.status & libc::STA_UNSYNC == 0
}
