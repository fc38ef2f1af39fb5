//! Plays cases against a model: asks, takes its calls, answers each with a neutral result.
//!
//! Greedy, so that the same model and cases give the same replies. Leaves out whether they were right:
//! `judge` has that.

mod asked;
mod playing;
mod schemas;

use std::time::Duration;

use everstep_model::{Constraint, Message, Model, ToolDefinition, ToolsRefused};
use serde_json::Value;

pub use self::playing::Playing;
use crate::case::Case;

/// Tells the time that has passed since any fixed moment.
pub type Now = Box<dyn Fn() -> Duration + Send>;

/// How cases are played.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Whether calls are held to their schemas while they are sampled.
    pub constraint: Constraint,
    /// Tokens one reply may have.
    pub reply_tokens_max: u32,
}

/// Plays cases against one model.
pub struct Runner {
    model: Box<dyn Model>,
    settings: Settings,
    now: Now,
    asked: u64,
}

/// One request that is only timed.
#[derive(Clone, Debug)]
pub struct Ask {
    /// What was said, up to where the model is asked.
    pub messages: Vec<Message>,
    /// The tools the model may call.
    pub tools: Vec<ToolDefinition>,
    /// How it is asked.
    pub settings: Settings,
}

/// Why a request could not be timed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum AskError {
    /// The engine is gone.
    #[error(transparent)]
    Gone(#[from] Gone),
    /// A tool's schema can't be enforced.
    #[error(transparent)]
    Refused(#[from] ToolsRefused),
    /// Prompt and reply do not fit the context.
    #[error("prompt and reply have {tokens} tokens, and the context holds {tokens_max}")]
    TooLong {
        /// Tokens needed.
        tokens: u32,
        /// Tokens there are.
        tokens_max: u32,
    },
}

/// What came of one case.
#[derive(Clone, Debug, PartialEq)]
pub struct Played {
    /// How it ended.
    pub end: End,
    /// Every call that was made before, in order.
    pub calls: Vec<MadeCall>,
    /// What it took.
    pub timing: Timing,
}

/// How a case ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum End {
    /// With as many calls as were wanted, or with one where none was.
    Called,
    /// With an answer; its text.
    Answered(String),
    /// With a reply that is neither a call nor an answer.
    Malformed {
        /// The reply.
        text: String,
        /// What is wrong with it.
        why: String,
    },
    /// It was not played: a tool's schema can't be enforced or checked.
    Refused(String),
    /// A prompt and its reply do not fit the context.
    TooLong {
        /// Tokens needed.
        tokens: u32,
        /// Tokens there are.
        tokens_max: u32,
    },
    /// A generation failed: no end of the reply, or a constraint that got stuck.
    Failed(String),
}

/// A call the model made.
#[derive(Clone, Debug, PartialEq)]
pub struct MadeCall {
    /// Name as the model wrote it.
    pub name: String,
    /// Arguments as the model wrote them.
    pub arguments: Value,
    /// Why it would not run: no such tool, or arguments that miss its schema.
    pub fault: Option<String>,
}

/// What replies took.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Timing {
    /// Tokens of prompts that were evaluated.
    pub prompt_tokens: u64,
    /// Tokens of prompts that the model's cache served.
    pub cached_tokens: u64,
    /// Time until the prompts were evaluated.
    pub prompt: Duration,
    /// Tokens of replies, forced ones included.
    pub reply_tokens: u64,
    /// Time the replies took.
    pub reply: Duration,
}

/// The engine is gone, so no case can be played any more.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the model is gone: {reason}")]
pub struct Gone {
    /// Why.
    pub reason: String,
}

impl Runner {
    /// Plays against `model`; `now` only measures.
    #[must_use]
    pub fn new(model: Box<dyn Model>, settings: Settings, now: Now) -> Self {
        Self { model, settings, now, asked: 0 }
    }

    /// The model.
    #[must_use]
    pub fn model(&self) -> &dyn Model {
        self.model.as_ref()
    }

    /// Plays one case until the model answers, or has made as many calls as are wanted.
    ///
    /// # Errors
    ///
    /// [`Gone`] once the engine has ended. Everything else that may go wrong is how a case ends.
    pub async fn play(&mut self, case: &Case) -> Result<Played, Gone> {
        let played = self.playing(std::iter::once(case), 1).next().await?;
        played.ok_or_else(|| Gone { reason: "the case has no end".to_owned() })
    }

    /// Plays cases, `at_once` of them at a time or as many as the model can. Each takes longer than alone; all
    /// together take less time where batches are worth it.
    pub fn playing<'c, I: Iterator<Item = &'c Case>>(
        &mut self,
        cases: I,
        at_once: usize,
    ) -> Playing<'_, 'c, I> {
        Playing::new(self, cases, at_once)
    }
}

#[cfg(test)]
mod tests;
