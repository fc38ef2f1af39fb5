//! A model that follows a script, for `--model scripted:FILE`, rehearsals and tests.
//!
//! Leaves out time and chance: what it says is a function of the request alone, so it carries on after
//! a restart like a model that is asked again. Its tokens are the bytes of its replies.

mod script;

use std::{future, task::Poll};

use everstep_core::{ActivityId, TokenId};

use self::script::Line;
pub use self::script::{Script, ScriptError};
use crate::{
    Family, FamilyFrom, Message, Model, ModelCard, ModelEvent, NextEvent, Reply, Request, ThoughtBegin,
    ToolDefinition,
};

/// A model that says what its script says.
#[derive(Debug)]
pub struct ScriptedModel {
    script: Script,
    card: ModelCard,
    work: Option<Work>,
}

/// A generation under way.
#[derive(Debug)]
struct Work {
    activity: ActivityId,
    run_tokens_max: usize,
    tokens_max: usize,
    /// What is owed before any token: progress, or the reason there will be none.
    first: Option<ModelEvent>,
    reply: String,
    sent: usize,
    accepted: usize,
}

impl ScriptedModel {
    /// A model that follows `script`.
    #[must_use]
    pub fn new(script: Script) -> Self {
        let card = ModelCard {
            name: script.name().to_owned(),
            family: FAMILY_NAME.to_owned(),
            family_from: FamilyFrom::Chosen,
            workarounds: Vec::new(),
            digest: script.digest(),
            template_digest: *blake3::hash(TEMPLATE_NAME).as_bytes(),
            context_tokens: script.context_tokens(),
            context_trained: None,
            parameters: None,
            file_bytes: None,
            quantization: "none".to_owned(),
            threads: None,
            memory: None,
        };
        Self { script, card, work: None }
    }

    fn next_now(&mut self) -> Option<ModelEvent> {
        let work = self.work.as_mut()?;
        let event = match work.first.take() {
            Some(event) => event,
            None => work.run()?,
        };
        let over = match &event {
            ModelEvent::Tokens { end, .. } => end.is_some(),
            ModelEvent::Progress { .. } | ModelEvent::Snapshot(_) => false,
            _ => true,
        };
        if over {
            self.work = None;
        }
        Some(event)
    }
}

/// The family name in the card of every script.
const FAMILY_NAME: &str = "scripted";
/// Scripts are written in the Hermes form and have no template; a change of the form changes this.
const TEMPLATE_NAME: &[u8] = b"scripted, hermes";
/// The form scripted calls are written and read in.
const FORM: &str = "hermes";

impl Work {
    /// The next run of tokens, if the ones before are durable.
    fn run(&mut self) -> Option<ModelEvent> {
        let bytes = self.reply.as_bytes();
        let allowed = (self.accepted.saturating_add(self.run_tokens_max)).min(self.tokens_max);
        let ends = bytes.len().min(allowed);
        if self.sent < bytes.len() && ends <= self.sent {
            if self.accepted < self.tokens_max {
                return None; // Waits for `accepted`.
            }
            return Some(ModelEvent::Failed {
                activity: self.activity,
                reason: format!("no end of the reply within {} tokens", self.tokens_max),
            });
        }
        let tokens = bytes.get(self.sent..ends)?.iter().copied().map(TokenId::from).collect();
        self.sent = ends;
        let end = (ends == bytes.len()).then(|| self.reply.clone());
        Some(ModelEvent::Tokens { activity: self.activity, tokens, end })
    }
}

impl Model for ScriptedModel {
    fn card(&self) -> &ModelCard {
        &self.card
    }

    fn submit(&mut self, request: Request) {
        let activity = request.activity;
        let prompt_tokens = request.messages.iter().map(message_bytes).fold(0_usize, usize::saturating_add);
        let total = u32::try_from(prompt_tokens).unwrap_or(u32::MAX);
        let needed = total.saturating_add(request.tokens_max);
        let (reply, first) = if needed > self.card.context_tokens {
            let tokens_max = self.card.context_tokens;
            (String::new(), ModelEvent::ContextFull { activity, tokens: needed, tokens_max })
        } else {
            match self.script.reply_to(&request.messages) {
                Err(reason) => (String::new(), ModelEvent::Failed { activity, reason }),
                Ok(Line::Fail(reason)) => {
                    (String::new(), ModelEvent::Failed { activity, reason: reason.clone() })
                }
                Ok(Line::Say(reply)) => {
                    let first = match refusal(reply, &request.generated) {
                        Some(reason) => ModelEvent::PrefixRefused { activity, reason },
                        // Nothing is evaluated, so all of it counts as served.
                        None => ModelEvent::Progress { activity, evaluated: total, cached: total, total },
                    };
                    (reply.clone(), first)
                }
            }
        };
        self.work = Some(Work {
            activity,
            // At least one, or a reply could never end.
            run_tokens_max: usize::try_from(request.run_tokens_max.max(1)).unwrap_or(usize::MAX),
            tokens_max: usize::try_from(request.tokens_max).unwrap_or(usize::MAX),
            first: Some(first),
            reply,
            sent: request.generated.len(),
            accepted: request.generated.len(),
        });
    }

    fn accepted(&mut self, activity: ActivityId, tokens: usize) {
        if let Some(work) = self.work.as_mut().filter(|work| work.activity == activity) {
            work.accepted = work.accepted.max(tokens.min(work.sent));
        }
    }

    fn cancel(&mut self, activity: ActivityId) {
        self.work.take_if(|work| work.activity == activity);
    }

    fn next_event(&mut self) -> NextEvent<'_> {
        // Whatever could make progress possible needs `&mut self`, so the future is gone by then and
        // no waker has to be kept.
        Box::pin(future::poll_fn(move |_| match self.next_now() {
            Some(event) => Poll::Ready(event),
            None => Poll::Pending,
        }))
    }

    fn text(&self, tokens: &[TokenId]) -> String {
        // An id above 255 is no token of a script; it shows as the replacement character.
        let bytes: Vec<u8> = tokens.iter().map(|&token| u8::try_from(token).unwrap_or(0xFF)).collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn parse(&self, text: &str, tools: &[ToolDefinition]) -> Reply {
        match Family::by_name(FORM) {
            Some(family) => family.parse(text, ThoughtBegin::Never, tools),
            None => Reply::Malformed(format!("the form {FORM} is not built in")),
        }
    }
}

fn message_bytes(message: &Message) -> usize {
    match message {
        Message::System(text) | Message::User(text) | Message::Tool(text) => text.len(),
        Message::Assistant { tokens, .. } => tokens.len(),
    }
}

/// Why `generated` is not how `reply` begins.
fn refusal(reply: &str, generated: &[TokenId]) -> Option<String> {
    if generated.len() > reply.len() {
        return Some(format!(
            "{} tokens were kept, but the script's reply has {}",
            generated.len(),
            reply.len()
        ));
    }
    let at = generated.iter().zip(reply.bytes()).position(|(&token, byte)| token != TokenId::from(byte))?;
    Some(format!("the kept tokens differ from the script's reply at token {at}"))
}

#[cfg(test)]
mod tests;
