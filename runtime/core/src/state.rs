//! What an agent knows: everything that replaying its records gives back.

use alloc::{string::String, vec::Vec};

use serde::{Deserialize, Serialize};

use crate::{
    ledger::Ledger,
    record::{DecodeError, Digests, End, decode_whole, encode_behind},
    timeline::{Mark, Timeline},
    words::{ActivityId, Call, CallId, GenerationId, RunId, StepId, TokenId},
};

/// Version of a snapshot's form, its first byte. Version 1 ended before [`State::ledger`].
pub const SNAPSHOT_VERSION: u8 = 2;

/// Everything an agent knows. A snapshot is its bytes.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// The time line the records span.
    pub timeline: Timeline,
    /// The activity that is or should be under way.
    pub activity: ActivityId,
    /// Runs begun so far.
    pub runs: RunId,
    /// Calls recorded so far.
    pub calls: CallId,
    /// Generations begun so far.
    pub generations: GenerationId,
    /// The run under way.
    pub run: Option<Run>,
    /// How the run before ended.
    pub last: Option<Finished>,
    /// Calls whose outcome is unknown; an equal one needs approval.
    pub unknown: Vec<Call>,
    /// Set when more calls were unknown than are remembered.
    pub unknown_overflowed: bool,
    /// What calls have used up and brought in.
    pub ledger: Ledger,
}

impl State {
    /// What each tool was called with last, as far as that still holds: nothing of one whose call is under
    /// way, since it may have acted.
    pub fn commanded(&self) -> impl Iterator<Item = (&str, &str)> {
        let under_way = self.run.as_ref().and_then(|run| match &run.phase {
            Phase::Calling(pending) | Phase::Probing(pending) => Some(pending.call.tool.as_str()),
            _ => None,
        });
        let used = self.ledger.tools.iter().filter(move |used| Some(used.tool.as_str()) != under_way);
        used.filter_map(|used| Some((used.tool.as_str(), used.commanded.as_deref()?)))
    }
}

/// One run: a task on its way to an answer.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Its number.
    pub id: RunId,
    /// The operator's own name for it.
    pub task_id: Option<String>,
    /// Seed of every draw.
    pub seed: u64,
    /// What it was started with, or goes on with by the operator's word.
    pub digests: Digests,
    /// The step under way.
    pub step: StepId,
    /// What the model was told and said, in order.
    pub turns: Vec<Turn>,
    /// What the model will be told with the next results.
    pub notices: Vec<Notice>,
    /// What is under way.
    pub phase: Phase,
    /// What was used up.
    pub used: Used,
    /// Aborts of the process since the last progress.
    pub aborts: u32,
    /// Generations that failed since the last reply.
    pub generation_failures: u32,
    /// Milliseconds without power since the first token of the reply at hand, where they are known.
    pub outage_ms: Option<u64>,
}

/// What a run has used up.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Used {
    /// Tokens on flash.
    pub tokens: u32,
    /// Calls recorded.
    pub calls: u32,
    /// Milliseconds with power on.
    pub powered_ms: u64,
}

/// One entry of the conversation.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub enum Turn {
    /// The task.
    Task(String),
    /// A whole reply.
    Reply {
        /// Its tokens.
        tokens: Vec<TokenId>,
        /// Its text.
        text: String,
    },
    /// What came of a call or of a refused reply.
    Result(String),
    /// What the runtime tells the model besides.
    Notice(String),
}

/// Something the model has yet to be told.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub enum Notice {
    /// The process was restarted.
    Restarted {
        /// What boots changed since the model was told last.
        changed: Vec<String>,
    },
    /// A call that had been given up returned.
    Late(String),
}

/// What the run waits for.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub enum Phase {
    /// For the model's reply.
    Generating(Generation),
    /// For a reply, now on flash, to be read and checked.
    Deciding {
        /// The reply.
        text: String,
    },
    /// For a call to end.
    Calling(Pending),
    /// For a device to tell whether a lost call ran.
    Probing(Pending),
    /// For a durable wait to pass.
    Sleeping {
        /// The call of `wait`.
        call: Call,
        /// When it is over.
        until: Mark,
    },
    /// For an operator's decision.
    Asking {
        /// The call it is about.
        call: Call,
        /// Why it is asked.
        reason: String,
    },
    /// For the safe states to be set, after which the run ends.
    SettingSafe {
        /// How it will end.
        end: End,
    },
    /// For the end to be recorded.
    Ending {
        /// How it ends.
        end: End,
    },
}

/// A reply under way.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Generation {
    /// Its number.
    pub id: GenerationId,
    /// How often it started over; goes into the draws.
    pub redo: u32,
    /// Attempts so far.
    pub attempts: u32,
    /// Whether this boot has recorded its attempt.
    pub attempt: Attempt,
    /// Tokens on flash.
    pub tokens: Vec<TokenId>,
}

/// Whether the model may be asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub enum Attempt {
    /// The attempt has yet to be recorded.
    Due,
    /// The attempt is on flash.
    Begun,
}

/// A call whose intent is on flash and whose outcome is not.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Pending {
    /// The call.
    pub call: Call,
    /// Counts its tries, from 1.
    pub tries: u32,
    /// When the intent was recorded.
    pub since: Mark,
}

/// How a run ended.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Finished {
    /// Which run.
    pub run: RunId,
    /// The operator's own name for it.
    pub task_id: Option<String>,
    /// The task.
    pub task: String,
    /// How it ended.
    pub how: End,
    /// The last answer, where there is one.
    pub answer: Option<String>,
    /// Steps it took.
    pub steps: StepId,
    /// What it used up.
    pub used: Used,
}

impl State {
    /// Whether it is known how long the newest question to the operator has waited. An outage of unknown
    /// length ends that: answers no longer count, and the question is put anew.
    #[must_use]
    pub fn is_question_dated(&self) -> bool {
        self.ledger.asked.is_some_and(|asked| asked.gaps == self.timeline.gaps)
    }

    /// The bytes of a snapshot: a version byte and the postcard form.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        encode_behind(alloc::vec![SNAPSHOT_VERSION], self)
    }

    /// Reads a snapshot back. Never panics, whatever the bytes.
    ///
    /// # Errors
    ///
    /// See [`DecodeError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let (&version, body) = bytes.split_first().ok_or(DecodeError::Empty)?;
        match version {
            // Nothing was counted then.
            1 => decode_whole(&encode_behind(body.into(), &Ledger::default())),
            SNAPSHOT_VERSION => decode_whole(body),
            found => Err(DecodeError::Version { found, newest: SNAPSHOT_VERSION }),
        }
    }
}

impl Notice {
    /// What the model reads.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Restarted { changed } if changed.is_empty() => "notice: restarted".into(),
            Self::Restarted { changed } => alloc::format!("notice: restarted; {}", changed.join("; ")),
            Self::Late(text) => alloc::format!("notice: {text}"),
        }
    }
}

impl Phase {
    /// Whether the run's end is settled and only has to be carried out.
    #[must_use]
    pub const fn is_last(&self) -> bool {
        matches!(self, Self::SettingSafe { .. } | Self::Ending { .. })
    }

    /// The phase's name, for logs and errors.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Generating(_) => "generating",
            Self::Deciding { .. } => "deciding",
            Self::Calling(_) => "calling",
            Self::Probing(_) => "probing",
            Self::Sleeping { .. } => "sleeping",
            Self::Asking { .. } => "asking",
            Self::SettingSafe { .. } => "setting_safe",
            Self::Ending { .. } => "ending",
        }
    }
}

#[cfg(test)]
mod tests;
