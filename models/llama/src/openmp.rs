//! libgomp's trap: its barriers spin, and collapse when threads outnumber free cores.
//!
//! One thread never spins, which is what small models get. For more, libgomp must be told to wait
//! quietly, and it reads that before `main`: the process has to start itself again.

use std::{env, io, os::unix::process::CommandExt, process::Command};

/// What libgomp is told. `GGML_NO_BACKTRACE` keeps an abort from starting a debugger.
const SETTINGS: &[(&str, &str)] =
    &[("OMP_WAIT_POLICY", "passive"), ("GOMP_SPINCOUNT", "0"), ("GGML_NO_BACKTRACE", "1")];

/// Starts this program again, in this process, with libgomp told to wait quietly; returns at once where
/// that was done already. Call it first thing in `main`, before more than one thread is asked for.
///
/// What a user has set stays as it is.
///
/// # Errors
///
/// When the program can't be started again; going on is slow on a busy machine, but right.
pub fn exec_with_passive_openmp() -> io::Result<()> {
    let missing: Vec<_> = SETTINGS.iter().filter(|(name, _)| env::var_os(name).is_none()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let mut arguments = env::args_os();
    let mut again = Command::new(env::current_exe()?);
    if let Some(name) = arguments.next() {
        again.arg0(name);
    }
    again.args(arguments).envs(missing.into_iter().copied());
    // Comes back only when it failed.
    Err(again.exec())
}
