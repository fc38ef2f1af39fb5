//! One agent: its state, its limits, and the three functions of a step.

use crate::{
    event::Effect,
    limits::Limits,
    record::DecodeError,
    rules::ToolRules,
    state::{Attempt, Generation, Phase, Run, State},
    words::Class,
};

/// One agent. `decide` and `apply` are in modules of their own; nothing else changes the state.
#[derive(Clone, Debug)]
pub struct Agent {
    pub(crate) state: State,
    pub(crate) limits: Limits,
    pub(crate) rules: ToolRules,
}

impl Agent {
    /// An agent that has never run.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { state: State::default(), limits, rules: ToolRules::default() }
    }

    /// An agent as a snapshot left it. The records behind the snapshot are applied next.
    ///
    /// # Errors
    ///
    /// The bytes are no snapshot of this version.
    pub fn from_snapshot(bytes: &[u8], limits: Limits) -> Result<Self, DecodeError> {
        Ok(Self { state: State::decode(bytes)?, limits, rules: ToolRules::default() })
    }

    /// The same agent, held to what is said about its tools. Nothing that was recorded changes.
    #[must_use]
    pub fn with_rules(self, rules: ToolRules) -> Self {
        Self { rules, ..self }
    }

    /// Everything the agent knows.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The limits it works under.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The run under way, if there is one.
    #[must_use]
    pub fn run(&self) -> Option<&Run> {
        self.state.run.as_ref()
    }

    /// Names the one thing to do next. Comes from applied records alone, so nothing acts before its
    /// reason is on flash.
    #[must_use]
    pub fn effect(&self) -> Effect<'_> {
        let activity = self.state.activity;
        let Some(run) = &self.state.run else { return Effect::AwaitTask };
        match &run.phase {
            Phase::Generating(generation) => match generation.attempt {
                Attempt::Due => Effect::BeginAttempt(activity),
                Attempt::Begun => {
                    let tokens_max = self.reply_tokens_max(run, generation);
                    Effect::Generate { activity, run, generation, tokens_max }
                }
            },
            Phase::Deciding { text } => Effect::Decide { activity, text },
            Phase::Calling(pending) => Effect::CallTool { activity, pending },
            Phase::Probing(pending) => {
                let settle_ms = match pending.call.class {
                    Class::ReadBack { settle_ms } => settle_ms,
                    Class::Observe | Class::Safe | Class::Keyed { .. } | Class::Never => 0,
                };
                Effect::Probe { activity, pending, settle_ms }
            }
            Phase::Sleeping { until, .. } => {
                // After a gap of unknown length the whole rest is waited: too long is safe, too
                // short is not.
                let left_ms = until.elapsed_ms.saturating_sub(self.state.timeline.elapsed_ms);
                Effect::Sleep { activity, left_ms }
            }
            Phase::Asking { .. } if !self.state.is_question_dated() => Effect::AskAgain(activity),
            Phase::Asking { call, reason } => Effect::AwaitApproval { activity, call, reason },
            Phase::SettingSafe { .. } => Effect::SetSafe(activity),
            Phase::Ending { end } => Effect::Finish { activity, end },
        }
    }

    /// Tokens the reply under way may have in all, those on flash included.
    pub(crate) fn reply_tokens_max(&self, run: &Run, generation: &Generation) -> u32 {
        let tokens_left = self.limits.tokens_max.saturating_sub(run.used.tokens);
        let tokens_here = u32::try_from(generation.tokens.len()).unwrap_or(u32::MAX);
        self.limits.reply_tokens_max.min(tokens_left.saturating_add(tokens_here))
    }
}
