//! Processes that end when this one does.
//!
//! Leaves out starting and ending them: whoever uses them does.

#![expect(unsafe_code, reason = "what a new process does before its program begins is unsafe to choose")]

use std::{io, os::unix::process::CommandExt as _, process::Command};

use rustix::process::{Signal, getpid, getppid, set_parent_process_death_signal};

/// Makes the kernel end what `command` starts, by SIGKILL, when the *thread* that starts it ends: so that
/// thread has to stay for as long as the process does. Where the process ends, all of its threads do.
///
/// What the process itself starts isn't covered, nor is a program that changes its user: a service manager
/// ends those with the group that it keeps.
pub fn end_with_us(command: &mut Command) {
    let us = getpid();
    let bind = move || {
        set_parent_process_death_signal(Some(Signal::KILL))?;
        // We may have ended before the kernel was told.
        if getppid() == Some(us) { Ok(()) } else { Err(io::ErrorKind::BrokenPipe.into()) }
    };
    // SAFETY: between fork and exec only functions that are safe in a signal handler may run. The closure
    // makes two system calls, allocates nothing, takes no lock, and its errors hold no allocation.
    unsafe {
        command.pre_exec(bind);
    }
}
