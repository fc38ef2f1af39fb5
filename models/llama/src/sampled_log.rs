//! A count of what was sampled, in a file that outlives the process.
//!
//! A harness reads it to prove that no journaled token is sampled again. Every line is one write to the
//! file, so it survives a SIGKILL; it is not synced, so it need not survive a power cut.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    path::Path,
};

use everstep_core::{GenerationId, TokenId};

/// The file, open for appending. A line reads `generation position token kind`.
pub(crate) struct SampledLog {
    file: Option<File>,
}

/// How a token came about.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Origin {
    /// Drawn from the model's scores.
    Sampled,
    /// The only one the grammar allows; the model was not asked.
    Forced,
    /// Drawn, and ended the reply.
    End,
}

impl SampledLog {
    /// Opens the log at `path`, or none.
    pub(crate) fn open(path: Option<&Path>) -> io::Result<Self> {
        let open = |path| OpenOptions::new().append(true).create(true).open(path);
        Ok(Self { file: path.map(open).transpose()? })
    }

    /// Notes one token before anybody learns of it.
    pub(crate) fn note(
        &mut self,
        generation: GenerationId,
        position: usize,
        token: TokenId,
        origin: Origin,
    ) -> io::Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        let kind = match origin {
            Origin::Sampled => "sampled",
            Origin::Forced => "forced",
            Origin::End => "end",
        };
        // One write each, so that no line is torn by a kill.
        file.write_all(format!("{generation} {position} {token} {kind}\n").as_bytes())
    }
}
