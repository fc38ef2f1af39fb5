//! Exit codes, and failures that carry theirs.

use std::process::ExitCode;

/// What the exit code says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Exit {
    /// The command did what it was asked.
    Done,
    /// It failed, or the run did.
    Failed,
    /// The command line, the board file or a refused change.
    Usage,
    /// The flash needs attention.
    Flash,
    /// A limit ended the run.
    Limit,
    /// A call waits for an operator.
    Approval,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Flash => 3,
            Exit::Limit => 4,
            Exit::Approval => 5,
        })
    }
}

/// Why a command ended early, and the code it ends with.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    pub(crate) error: anyhow::Error,
}

/// What a command comes to.
pub(crate) type Outcome<T = Exit> = Result<T, Failure>;

impl Failure {
    pub(crate) fn usage(error: impl Into<anyhow::Error>) -> Self {
        Self { exit: Exit::Usage, error: error.into() }
    }

    pub(crate) fn flash(error: impl Into<anyhow::Error>) -> Self {
        Self { exit: Exit::Flash, error: error.into() }
    }

    pub(crate) fn failed(error: impl Into<anyhow::Error>) -> Self {
        Self { exit: Exit::Failed, error: error.into() }
    }

    /// The one line people read: what went wrong, then its causes.
    pub(crate) fn line(&self) -> String {
        let mut line = String::new();
        for cause in self.error.chain().map(ToString::to_string) {
            // Some messages end in their cause already.
            if line.ends_with(&cause) {
                continue;
            }
            if !line.is_empty() {
                line.push_str(": ");
            }
            line.push_str(&cause);
        }
        line.replace('\n', ", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failure_is_one_line_and_names_each_cause_once() {
        let inner = std::io::Error::other("disk\ngone");
        let error = anyhow::Error::new(inner).context("flash failed: disk\ngone").context("can't run");
        assert_eq!(Failure::flash(error).line(), "can't run: flash failed: disk, gone");
    }
}
