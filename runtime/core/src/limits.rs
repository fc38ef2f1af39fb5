//! Limits that end a run, and limits on what one record may hold.

use serde::{Deserialize, Serialize};

/// Limits of one agent. Reaching one is an ordinary, recorded end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// Replies of the model in one run.
    pub steps_max: u32,
    /// Tokens sampled in one run.
    pub tokens_max: u32,
    /// Tokens in one reply.
    pub reply_tokens_max: u32,
    /// Seconds that one attempt at a reply may take, the prompt's evaluation included; the attempt fails
    /// then.
    pub reply_s_max: u32,
    /// Calls performed in one run.
    pub calls_max: u32,
    /// Seconds with power on in one run.
    pub powered_s_max: u32,
    /// Bytes of one result that the model reads and the journal keeps; longer ones are cut, visibly.
    pub result_bytes_max: u32,
    /// Tries of one repeatable call.
    pub tries_max: u32,
    /// Age in seconds beyond which no lost call runs again.
    pub rerun_s_max: u32,
    /// Generations in a row that may fail before the run does.
    pub generation_failures_max: u32,
    /// Seconds an operator has to decide about a call; then it counts as refused.
    pub approval_s_max: u32,
    /// Times in a row that the same call may give the same result before the model is told so, and then
    /// before the run ends.
    pub repeats_max: u32,
    /// The same of two calls that take turns, in pairs.
    pub alternations_max: u32,
    /// The same of calls in a row that come to nothing.
    pub errors_max: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            steps_max: 100,
            tokens_max: 50_000,
            reply_tokens_max: 512,
            reply_s_max: 600,
            calls_max: 100,
            powered_s_max: 86_400,
            result_bytes_max: 1_024,
            tries_max: 3,
            rerun_s_max: 600,
            generation_failures_max: 3,
            approval_s_max: 3_600,
            repeats_max: 5,
            alternations_max: 4,
            errors_max: 8,
        }
    }
}

/// Aborts at one step without progress that end a run. The same for every board: an abort is a
/// defect of the engine or the model file, and trying more often wears the flash for nothing.
pub const ABORTS_MAX: u32 = 3;

/// Bytes of a task; longer ones are refused before anything is written.
pub const TASK_BYTES_MAX: usize = 2_048;

/// Bytes of one reply's text; a longer reply fails, because its record would not fit a sector.
pub const REPLY_BYTES_MAX: usize = 2_048;

/// Bytes of the arguments of one call.
pub const ARGUMENTS_BYTES_MAX: usize = 1_024;

/// Bytes of a tool's name; a reply that names a longer one is refused.
pub const TOOL_BYTES_MAX: usize = 64;

/// Bytes of the operator's own name for a run; a longer one is refused before anything is written.
pub const TASK_ID_BYTES_MAX: usize = 128;

/// Bytes of a reason or a baseline.
pub const REASON_BYTES_MAX: usize = 256;

/// Entries of one list of what was changed or could not be set; the last says what is left out.
pub const CHANGES_MAX: usize = 16;

/// Bytes of one such entry.
pub const CHANGE_BYTES_MAX: usize = 96;

/// Tokens in one record; a model that reports more at once fails that generation.
pub const RUN_TOKENS_LIMIT: usize = 128;

/// Bytes of the largest record, whatever is reported. The journal must take records of this size.
pub const RECORD_BYTES_MAX: usize = 3_400;

const _: () = {
    // Moment, lengths, counters and digests, each at its longest.
    let rest = 192;
    let token_bytes_max = 5;
    assert!(TASK_BYTES_MAX + TASK_ID_BYTES_MAX + rest <= RECORD_BYTES_MAX);
    assert!(REPLY_BYTES_MAX + RUN_TOKENS_LIMIT * token_bytes_max + rest <= RECORD_BYTES_MAX);
    assert!(ARGUMENTS_BYTES_MAX + TOOL_BYTES_MAX + 2 * REASON_BYTES_MAX + rest <= RECORD_BYTES_MAX);
    assert!(2 * CHANGES_MAX * (CHANGE_BYTES_MAX + 1) + rest <= RECORD_BYTES_MAX);
    assert!(RESULT_BYTES_LIMIT as usize + rest <= RECORD_BYTES_MAX);
};

/// Calls with an unknown outcome that are remembered. When there are more, every call that is not
/// repeatable needs approval.
pub const UNKNOWN_MAX: usize = 16;

/// Largest `result_bytes_max` a board may ask for, so that every record fits its frame.
pub const RESULT_BYTES_LIMIT: u32 = 2_048;

/// A limit by name.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub enum LimitName {
    /// [`Limits::steps_max`].
    Steps,
    /// [`Limits::tokens_max`].
    Tokens,
    /// [`Limits::calls_max`].
    Calls,
    /// [`Limits::powered_s_max`].
    PoweredSeconds,
    /// The model's context, in tokens.
    Context,
    /// Room in the journal, in bytes.
    JournalBytes,
    /// [`Limits::generation_failures_max`].
    GenerationFailures,
    /// [`Limits::repeats_max`].
    Repeats,
    /// [`Limits::alternations_max`].
    Alternations,
    /// [`Limits::errors_max`].
    Errors,
}

impl LimitName {
    /// The key a user changes in the board file.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Steps => "steps_max",
            Self::Tokens => "tokens_max",
            Self::Calls => "calls_max",
            Self::PoweredSeconds => "powered_s_max",
            Self::Context => "context_tokens_max",
            Self::JournalBytes => "region_bytes",
            Self::GenerationFailures => "generation_failures_max",
            Self::Repeats => "repeats_max",
            Self::Alternations => "alternations_max",
            Self::Errors => "errors_max",
        }
    }
}
