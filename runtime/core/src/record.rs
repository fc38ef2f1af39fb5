//! Records: the durable facts of an agent, and their bytes on flash.
//!
//! A record is one version byte and the postcard form of [`Record`], at most
//! [`RECORD_BYTES_MAX`](crate::RECORD_BYTES_MAX) bytes where [`Agent::decide`](crate::Agent::decide)
//! made it. Variants of [`Kind`] are only ever appended, and the golden bytes in the tests are never
//! edited.

use alloc::{string::String, vec::Vec};

use serde::{Deserialize, Serialize};

use crate::{
    limits::LimitName,
    words::{Call, CallId, GenerationId, Moment, Outcome, RunId, Settlement, TokenId},
};

/// Version of the record form, the first byte of every record.
pub const RECORD_VERSION: u8 = 1;

/// One durable fact and when it became one.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// When it was decided.
    pub at: Moment,
    /// What happened.
    pub kind: Kind,
}

/// What happened. Holds the change, never the history.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub enum Kind {
    /// A run began.
    Started {
        /// Number of the run.
        run: RunId,
        /// The task, in the operator's words.
        task: String,
        /// The operator's own name for this start; the same name never starts twice in a row.
        task_id: Option<String>,
        /// Seed of every draw in the run.
        seed: u64,
        /// What the run was started with.
        digests: Digests,
    },
    /// The process started while a run was under way.
    Booted {
        /// Milliseconds since the last record, where some clock ran on; unknown otherwise.
        away_ms: Option<u64>,
        /// Whether the process before this one left the mark of an abort.
        aborted: bool,
        /// What the boot changed on the board, as the model is told: "compressor set to off".
        changed: Vec<String>,
        /// What is done about the call that was under way, if one was.
        lost: Option<Then>,
    },
    /// The model is about to be asked.
    Attempt {
        /// Which generation.
        generation: GenerationId,
        /// Counts the attempts at this generation, from 1.
        number: u32,
    },
    /// The model sampled a run of tokens.
    Generated {
        /// The tokens, right behind those before them.
        tokens: Vec<TokenId>,
        /// With the last run: the text of the whole reply, so that a journal can be read without
        /// the tokenizer.
        end: Option<String>,
    },
    /// The tokens of this generation on flash were refused; it starts over.
    Discarded {
        /// Why.
        reason: String,
    },
    /// The generation ended without a reply.
    GenerationFailed {
        /// Why.
        reason: String,
    },
    /// The reply is the final answer.
    Answered,
    /// The reply asked for something that can't be done; nothing moved.
    Refused {
        /// What the model reads.
        reason: String,
    },
    /// The intent of a call. Nothing moves before this is on flash.
    Called(Call),
    /// A try of the call under way is over.
    Ended {
        /// What is known of it.
        outcome: Outcome,
        /// What follows.
        then: Then,
    },
    /// A call that had been given up returned after all.
    EndedLate {
        /// Which call.
        call: CallId,
        /// What is known of it now.
        outcome: Outcome,
    },
    /// A device was asked whether a lost call ran.
    Settled {
        /// Its answer.
        found: Settlement,
        /// What follows.
        then: Then,
    },
    /// A durable wait is over.
    Slept,
    /// An operator has to decide whether this call may run.
    ApprovalAsked {
        /// The call.
        call: Call,
        /// Why it is asked.
        reason: String,
    },
    /// The operator agreed. This is the intent of the call that was asked about.
    ApprovalGiven,
    /// The operator refused, or nobody answered in time.
    ApprovalRefused {
        /// What the model reads.
        reason: String,
    },
    /// The operator wants the run to end.
    StopAsked {
        /// Why.
        reason: String,
    },
    /// A limit ends the run.
    LimitReached {
        /// Which.
        limit: LimitName,
        /// What was used or needed.
        used: u64,
        /// What there was.
        max: u64,
    },
    /// The safe states were set at the end of a run that did not end well.
    SafeSet {
        /// What changed, as texts.
        changed: Vec<String>,
        /// What could not be set.
        failed: Vec<String>,
    },
    /// The operator accepts that the run goes on with another model, tool set or board file.
    ChangeAccepted {
        /// What it goes on with.
        digests: Digests,
    },
    /// The run is over.
    Finished {
        /// How it ended.
        how: End,
    },
    /// The conversation no longer fitted the model's context: its oldest part is shortened. What was
    /// left out stays in the journal.
    Pruned {
        /// How many of the leading turns are concerned. The first, the task, counts and stays as it is.
        through: u32,
        /// What became of them.
        what: Prune,
    },
    /// From here on the run may hold text that a stranger wrote: a tool is about to be called whose results
    /// come from outside the board.
    Tainted {
        /// The tool.
        tool: String,
    },
    /// The model goes in circles, and is told so.
    Warned {
        /// The limit that it reached.
        limit: LimitName,
        /// How often.
        count: u32,
    },
    /// The agent had no run, and the process was started anew since.
    Rested {
        /// Milliseconds since the last record, where some clock ran on; unknown otherwise.
        away_ms: Option<u64>,
    },
}

/// What becomes of the oldest part of a conversation.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub enum Prune {
    /// Results shrink to a line that says how much is left out.
    Results,
    /// Replies and results go, and a notice takes their place.
    Steps,
}

/// What follows a try of a call.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub enum Then {
    /// The model is told the outcome.
    Tell,
    /// The same call runs again.
    RunAgain,
    /// The device is asked whether it ran.
    Probe,
    /// It stays unknown: the model is told so, and an equal call needs approval.
    Unknown,
}

/// How a run ended.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub enum End {
    /// The model answered.
    Done,
    /// It can't go on; the text says why.
    Failed(String),
    /// The operator stopped it; the text says why.
    Stopped(String),
    /// A limit was reached.
    Limit(LimitName),
}

/// The first 16 bytes of the BLAKE3 of something large.
pub type Digest = [u8; 16];

/// What a run was started with. A change is refused at resume, by name.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Digests {
    /// The board file's part that the run depends on.
    pub spec: Digest,
    /// The model's file.
    pub model: Digest,
    /// Names, schemas, summaries and classes of the granted tools.
    pub tools: Digest,
    /// The chat template.
    pub template: Digest,
}

impl Digests {
    /// Names the parts in which `other` differs.
    pub fn changed(&self, other: &Self) -> impl Iterator<Item = &'static str> {
        [
            ("board file", self.spec != other.spec),
            ("model", self.model != other.model),
            ("tools", self.tools != other.tools),
            ("chat template", self.template != other.template),
        ]
        .into_iter()
        .filter_map(|(name, differs)| differs.then_some(name))
    }
}

/// Why bytes are no record of this version.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum DecodeError {
    /// There is no byte at all.
    #[error("record is empty")]
    Empty,
    /// Another version wrote it; it is left in place.
    #[error("record has version {found}, this build reads up to {newest}")]
    Version {
        /// The version byte found.
        found: u8,
        /// The newest version that this build reads.
        newest: u8,
    },
    /// The bytes are no record.
    #[error("record does not decode")]
    Malformed,
    /// postcard ignores bytes behind a value; here they mean a newer or foreign record.
    #[error("record has {bytes} bytes left over")]
    Leftover {
        /// How many.
        bytes: usize,
    },
}

impl Kind {
    /// The kind's name, for logs and `everstep journal`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Started { .. } => "started",
            Self::Booted { .. } => "booted",
            Self::Attempt { .. } => "attempt",
            Self::Generated { .. } => "generated",
            Self::Discarded { .. } => "discarded",
            Self::GenerationFailed { .. } => "generation_failed",
            Self::Answered => "answered",
            Self::Refused { .. } => "refused",
            Self::Called(_) => "called",
            Self::Ended { .. } => "ended",
            Self::EndedLate { .. } => "ended_late",
            Self::Settled { .. } => "settled",
            Self::Slept => "slept",
            Self::ApprovalAsked { .. } => "approval_asked",
            Self::ApprovalGiven => "approval_given",
            Self::ApprovalRefused { .. } => "approval_refused",
            Self::StopAsked { .. } => "stop_asked",
            Self::LimitReached { .. } => "limit_reached",
            Self::SafeSet { .. } => "safe_set",
            Self::ChangeAccepted { .. } => "change_accepted",
            Self::Finished { .. } => "finished",
            Self::Pruned { .. } => "pruned",
            Self::Tainted { .. } => "tainted",
            Self::Rested { .. } => "rested",
            Self::Warned { .. } => "warned",
        }
    }
}

impl Record {
    /// The record's bytes on flash.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        encode_behind(alloc::vec![RECORD_VERSION], self)
    }

    /// Reads a record back. Never panics, whatever the bytes.
    ///
    /// # Errors
    ///
    /// See [`DecodeError`]; the bytes belong to another version, or are damaged.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let (&version, body) = bytes.split_first().ok_or(DecodeError::Empty)?;
        if version != RECORD_VERSION {
            return Err(DecodeError::Version { found: version, newest: RECORD_VERSION });
        }
        decode_whole(body)
    }
}

/// The postcard form of `value` behind `before`.
pub(crate) fn encode_behind<T: Serialize>(before: Vec<u8>, value: &T) -> Vec<u8> {
    // A Vec grows, so the encoder has no way to fail on our own plain types.
    postcard::to_extend(value, before).unwrap_or_default()
}

/// Reads a postcard form that ends with its last byte.
pub(crate) fn decode_whole<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, DecodeError> {
    let (value, rest) = postcard::take_from_bytes(bytes).map_err(|_| DecodeError::Malformed)?;
    if rest.is_empty() { Ok(value) } else { Err(DecodeError::Leftover { bytes: rest.len() }) }
}

#[cfg(test)]
mod tests;
