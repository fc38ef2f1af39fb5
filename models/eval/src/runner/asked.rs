//! One request and its reply, with what it takes.
//!
//! Leaves out what was asked for and what comes after it.

use std::time::Duration;

use everstep_model::{
    ActivityId, Constraint, GenerationId, Message, ModelEvent, Request, Sampling, TokenId, ToolDefinition,
};

use super::{Ask, AskError, End, Runner, Settings, Timing};

/// A request whose reply is awaited.
pub(super) struct Asked {
    pub(super) activity: ActivityId,
    /// The reply so far.
    pub(super) tokens: Vec<TokenId>,
    at: Duration,
    evaluated_at: Option<Duration>,
}

impl Asked {
    pub(super) fn new(
        runner: &mut Runner,
        messages: &[Message],
        tools: &[ToolDefinition],
        settings: Settings,
    ) -> Self {
        runner.asked = runner.asked.saturating_add(1);
        let activity = ActivityId(runner.asked);
        let asked = Self { activity, tokens: Vec::new(), at: (runner.now)(), evaluated_at: None };
        runner.model.submit(request(activity, messages, tools, settings));
        asked
    }

    /// Goes on with what the model says about this request: the text of the whole reply, or why there is
    /// none.
    pub(super) fn take(
        &mut self,
        runner: &mut Runner,
        event: ModelEvent,
        timing: &mut Timing,
    ) -> Option<Result<String, End>> {
        match event {
            ModelEvent::Progress { evaluated, cached, total, .. }
                if evaluated >= total && self.evaluated_at.is_none() =>
            {
                let now = (runner.now)();
                self.evaluated_at = Some(now);
                timing.prompt = timing.prompt.saturating_add(now.saturating_sub(self.at));
                add(&mut timing.prompt_tokens, total.saturating_sub(cached) as usize);
                add(&mut timing.cached_tokens, cached as usize);
                None
            }
            ModelEvent::Tokens { activity, tokens, end } => {
                add(&mut timing.reply_tokens, tokens.len());
                self.tokens.extend(tokens);
                if end.is_none() {
                    runner.model.accepted(activity, self.tokens.len());
                } else {
                    self.stop_watch(runner, timing);
                }
                end.map(Ok)
            }
            ModelEvent::PrefixRefused { reason, .. } | ModelEvent::Failed { reason, .. } => {
                self.stop_watch(runner, timing);
                Some(Err(End::Failed(reason)))
            }
            ModelEvent::ContextFull { tokens, tokens_max, .. } => {
                Some(Err(End::TooLong { tokens, tokens_max }))
            }
            // How far the prompt is.
            ModelEvent::Progress { .. } | ModelEvent::Snapshot(_) | ModelEvent::Gone { .. } => None,
        }
    }

    fn stop_watch(&self, runner: &Runner, timing: &mut Timing) {
        let took = (runner.now)().saturating_sub(self.evaluated_at.unwrap_or(self.at));
        timing.reply = timing.reply.saturating_add(took);
    }
}

impl Runner {
    /// Makes one request and says what it took. A reply that does not end within its tokens counts like any
    /// other.
    ///
    /// # Errors
    ///
    /// See [`AskError`]. After [`AskError::Gone`] nothing can be asked any more.
    pub async fn time(&mut self, ask: &Ask) -> Result<Timing, AskError> {
        if ask.settings.constraint == Constraint::Calls {
            self.model.check_tools(&ask.tools)?;
        }
        let mut timing = Timing::default();
        let mut asked = Asked::new(self, &ask.messages, &ask.tools, ask.settings);
        loop {
            let event = match self.model.next_event().await {
                ModelEvent::Gone { reason } => return Err(super::Gone { reason }.into()),
                event => event,
            };
            if activity_of(&event) != Some(asked.activity) {
                continue;
            }
            match asked.take(self, event, &mut timing) {
                None => {}
                Some(Err(End::TooLong { tokens, tokens_max })) => {
                    return Err(AskError::TooLong { tokens, tokens_max });
                }
                Some(_) => return Ok(timing),
            }
        }
    }
}

fn request(
    activity: ActivityId,
    messages: &[Message],
    tools: &[ToolDefinition],
    settings: Settings,
) -> Request {
    let Settings { constraint, reply_tokens_max } = settings;
    Request {
        activity,
        generation: GenerationId(0),
        redo: 0,
        seed: 0,
        messages: messages.to_vec(),
        tools: tools.to_vec(),
        generated: Vec::new(),
        tokens_max: reply_tokens_max,
        // Nothing is kept, so nothing has to be waited for.
        run_tokens_max: reply_tokens_max,
        constraint,
        sampling: Sampling { temperature: 0.0, top_p: 1.0 },
    }
}

/// The request an event is about.
pub(super) const fn activity_of(event: &ModelEvent) -> Option<ActivityId> {
    match event {
        ModelEvent::Progress { activity, .. }
        | ModelEvent::Tokens { activity, .. }
        | ModelEvent::PrefixRefused { activity, .. }
        | ModelEvent::ContextFull { activity, .. }
        | ModelEvent::Failed { activity, .. } => Some(*activity),
        ModelEvent::Snapshot(_) | ModelEvent::Gone { .. } => None,
    }
}

fn add(sum: &mut u64, count: usize) {
    *sum = sum.saturating_add(count as u64);
}
