//! A trace of an abort: llama.cpp aborts on some errors, and no guard in the process can stop it.
//!
//! A marker file tells the next start that the step under way ended the process, not a power cut: a cut
//! loses the marker. Leaves out what is done about it; attempts are counted by the core.

use std::{ffi::CString, fs, io, os::unix::ffi::OsStrExt, path::Path};

use rustix::fs::{Mode, OFlags};
use signal_hook::consts::SIGABRT;

/// Leaves a file at `path` when the process aborts (SIGABRT); the abort then takes its course.
///
/// Call it once, at the start. The file is not synced, so a power cut right after loses it.
///
/// # Errors
///
/// When the path holds a zero byte, or the handler can't be installed.
pub fn install_abort_marker(path: &Path) -> io::Result<()> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    let handler = move || {
        let flags = OFlags::CREATE | OFlags::WRONLY | OFlags::CLOEXEC;
        // Dropping the descriptor closes it; what fails here can't be told to anybody.
        drop(rustix::fs::open(path.as_c_str(), flags, Mode::RUSR | Mode::WUSR));
    };
    // SAFETY: the handler opens and closes a file by a path made before, which are plain system calls;
    // it neither allocates nor locks nor panics.
    #[expect(unsafe_code, reason = "a signal handler can't be installed otherwise")]
    let installed = unsafe { signal_hook::low_level::register(SIGABRT, handler) };
    installed.map(drop)
}

/// Whether the last process aborted. Removes the marker.
///
/// # Errors
///
/// When the marker is there and can't be removed: the next start would count it again.
pub fn take_abort_marker(path: &Path) -> io::Result<bool> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::{
        env,
        os::unix::process::ExitStatusExt,
        path::PathBuf,
        process::{self, Command},
    };

    use super::*;

    /// Set for the child process that aborts, to the marker's path.
    const CHILD: &str = "EVERSTEP_TEST_ABORT_MARKER";

    #[test]
    fn abort_leaves_a_marker_and_still_aborts() {
        if let Some(path) = env::var_os(CHILD) {
            install_abort_marker(&PathBuf::from(path)).unwrap();
            process::abort();
        }
        let folder = tempfile::tempdir().unwrap();
        let marker = folder.path().join("aborted");
        assert!(!take_abort_marker(&marker).unwrap());
        let name = "abort::tests::abort_leaves_a_marker_and_still_aborts";
        let status = Command::new(env::current_exe().unwrap())
            .args(["--exact", name])
            .env(CHILD, &marker)
            .output()
            .unwrap()
            .status;
        assert_eq!(status.signal(), Some(SIGABRT));
        assert!(take_abort_marker(&marker).unwrap());
        assert!(!take_abort_marker(&marker).unwrap());
    }
}
