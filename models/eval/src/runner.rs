//! Plays cases against a model: asks, takes its calls, answers each with a neutral result.
//!
//! Greedy, so that the same model and cases give the same replies. Leaves out whether they were right:
//! `judge` has that.

mod schemas;

use std::time::Duration;

use everstep_model::{
    ActivityId, Constraint, GenerationId, Message, Model, ModelEvent, Reply, Request, Sampling, TokenId,
    ToolDefinition, ToolsRefused,
};
use serde_json::Value;

use self::schemas::Schemas;
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

/// What every call is answered with.
const NEUTRAL_RESULT: &str = "ok";

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
        let mut played = Played { end: End::Called, calls: Vec::new(), timing: Timing::default() };
        let schemas = match self.schemas(case) {
            Ok(schemas) => schemas,
            Err(reason) => return Ok(Played { end: End::Refused(reason), ..played }),
        };
        let mut messages = case.messages.clone();
        let calls_max = case.calls_wanted().max(1);
        while played.calls.len() < calls_max {
            let said = match self.ask(&messages, &case.tools, self.settings, &mut played.timing).await? {
                Ok(said) => said,
                Err(end) => return Ok(Played { end, ..played }),
            };
            let calls = match calls_of(self.model.parse(&said.text, &case.tools)) {
                Ok(calls) => calls,
                Err(NoCall::Answer(text)) => return Ok(Played { end: End::Answered(text), ..played }),
                Err(NoCall::Malformed(why)) => {
                    return Ok(Played { end: End::Malformed { text: said.text, why }, ..played });
                }
            };
            messages.push(Message::Assistant { tokens: said.tokens, text: said.text });
            for (name, arguments) in calls {
                let fault = schemas.fault(&name, &arguments);
                played.calls.push(MadeCall { name, arguments, fault });
                messages.push(Message::Tool(NEUTRAL_RESULT.to_owned()));
            }
        }
        Ok(played)
    }

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
        match self.ask(&ask.messages, &ask.tools, ask.settings, &mut timing).await? {
            Err(End::TooLong { tokens, tokens_max }) => Err(AskError::TooLong { tokens, tokens_max }),
            _ => Ok(timing),
        }
    }

    /// Checks that calls of the case's tools can be enforced and judged.
    fn schemas(&mut self, case: &Case) -> Result<Schemas, String> {
        let schemas = Schemas::compile(&case.tools)?;
        if self.settings.constraint == Constraint::Calls {
            self.model.check_tools(&case.tools).map_err(|refused| refused.to_string())?;
        }
        Ok(schemas)
    }

    /// One reply. What ends the case is the inner error.
    async fn ask(
        &mut self,
        messages: &[Message],
        tools: &[ToolDefinition],
        settings: Settings,
        timing: &mut Timing,
    ) -> Result<Result<Said, End>, Gone> {
        self.asked = self.asked.saturating_add(1);
        let activity = ActivityId(self.asked);
        let begun = (self.now)();
        self.model.submit(request(activity, messages, tools, settings));
        let mut tokens: Vec<TokenId> = Vec::new();
        let mut evaluated_at = None;
        loop {
            match self.model.next_event().await {
                ModelEvent::Progress { activity: whose, evaluated, cached, total }
                    if whose == activity && evaluated >= total && evaluated_at.is_none() =>
                {
                    let at = (self.now)();
                    evaluated_at = Some(at);
                    timing.prompt = timing.prompt.saturating_add(at.saturating_sub(begun));
                    add(&mut timing.prompt_tokens, total.saturating_sub(cached) as usize);
                    add(&mut timing.cached_tokens, cached as usize);
                }
                ModelEvent::Tokens { activity: whose, tokens: run, end } if whose == activity => {
                    add(&mut timing.reply_tokens, run.len());
                    tokens.extend(run);
                    let Some(text) = end else {
                        self.model.accepted(activity, tokens.len());
                        continue;
                    };
                    self.stop_watch(begun, evaluated_at, timing);
                    return Ok(Ok(Said { tokens, text }));
                }
                ModelEvent::PrefixRefused { activity: whose, reason }
                | ModelEvent::Failed { activity: whose, reason }
                    if whose == activity =>
                {
                    self.stop_watch(begun, evaluated_at, timing);
                    return Ok(Err(End::Failed(reason)));
                }
                ModelEvent::ContextFull { activity: whose, tokens, tokens_max } if whose == activity => {
                    return Ok(Err(End::TooLong { tokens, tokens_max }));
                }
                ModelEvent::Gone { reason } => return Err(Gone { reason }),
                // How far the prompt is, and late news of a case before.
                _ => {}
            }
        }
    }

    fn stop_watch(&self, begun: Duration, evaluated_at: Option<Duration>, timing: &mut Timing) {
        let took = (self.now)().saturating_sub(evaluated_at.unwrap_or(begun));
        timing.reply = timing.reply.saturating_add(took);
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

/// A whole reply.
struct Said {
    tokens: Vec<TokenId>,
    text: String,
}

/// A reply without a call.
enum NoCall {
    Answer(String),
    Malformed(String),
}

/// Every call of a reply, in order; at least one.
fn calls_of(reply: Reply) -> Result<Vec<(String, Value)>, NoCall> {
    match reply {
        Reply::Call { tool, arguments } => Ok(vec![(tool, arguments)]),
        Reply::Answer(text) => Err(NoCall::Answer(text)),
        Reply::Malformed(why) => Err(NoCall::Malformed(why)),
    }
}

fn add(sum: &mut u64, count: usize) {
    *sum = sum.saturating_add(count as u64);
}

#[cfg(test)]
mod tests;
