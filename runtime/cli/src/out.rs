//! Standard output for results, standard error for everything else.

use std::io::{self, IsTerminal, Write};

use serde::Serialize;

use crate::exit::{Failure, Outcome};

/// Prints one line of a result.
pub(crate) fn line(text: &str) -> Outcome<()> {
    let mut out = io::stdout().lock();
    keep_quiet_when_closed(writeln!(out, "{text}"))
}

/// Prints one object on one line.
pub(crate) fn json(value: &impl Serialize) -> Outcome<()> {
    let text = serde_json::to_string(value).map_err(Failure::failed)?;
    line(&text)
}

/// Prints text as it is.
pub(crate) fn text(text: &str) -> Outcome<()> {
    let mut out = io::stdout().lock();
    keep_quiet_when_closed(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
}

/// A reader such as `head` may have read enough: that is no failure.
fn keep_quiet_when_closed(written: io::Result<()>) -> Outcome<()> {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::failed(error)),
        _ => Ok(()),
    }
}

/// Tells people something beside the result.
pub(crate) fn note(text: &str) {
    // There is nobody left to tell when standard error is closed.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Whether standard error is a terminal where progress can be shown and erased again.
pub(crate) fn shows_progress() -> bool {
    io::stderr().is_terminal()
}

/// Whether colour is wanted: on a terminal, and without `NO_COLOR`.
pub(crate) fn shows_colour() -> bool {
    shows_progress() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
