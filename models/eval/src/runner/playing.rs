//! Cases under way: what each has said so far, and what comes next.
//!
//! Leaves out whether replies were right.

use std::collections::BTreeMap;

use everstep_model::{Constraint, Message, ModelEvent, Reply};
use serde_json::Value;

use super::{
    End, Gone, MadeCall, Played, Runner, Timing,
    asked::{Asked, activity_of},
    schemas::Schemas,
};
use crate::case::Case;

/// What every call is answered with.
const NEUTRAL_RESULT: &str = "ok";

/// Cases that are played one after another, some of them at once; made by [`Runner::playing`].
pub struct Playing<'r, 'c, I> {
    runner: &'r mut Runner,
    cases: I,
    at_once: usize,
    under_way: Vec<Play<'c>>,
    /// Cases that were begun, and that were handed out.
    begun: usize,
    handed_out: usize,
    /// Came to their end before one that was begun earlier.
    done: BTreeMap<usize, Played>,
}

/// One case under way.
struct Play<'c> {
    number: usize,
    case: &'c Case,
    schemas: Schemas,
    messages: Vec<Message>,
    played: Played,
    asked: Asked,
}

/// A reply without a call.
enum NoCall {
    Answer(String),
    Malformed(String),
}

impl<'r, 'c, I: Iterator<Item = &'c Case>> Playing<'r, 'c, I> {
    pub(super) fn new(runner: &'r mut Runner, cases: I, at_once: usize) -> Self {
        let at_once = at_once.clamp(1, runner.model.generations_max().max(1));
        let (under_way, done) = (Vec::new(), BTreeMap::new());
        Self { runner, cases, at_once, under_way, begun: 0, handed_out: 0, done }
    }

    /// What came of the next case, in the order of the cases; `None` behind the last one.
    ///
    /// # Errors
    ///
    /// [`Gone`] once the engine has ended. Everything else that may go wrong is how a case ends.
    pub async fn next(&mut self) -> Result<Option<Played>, Gone> {
        loop {
            self.begin_more();
            if let Some(played) = self.done.remove(&self.handed_out) {
                self.handed_out = self.handed_out.saturating_add(1);
                return Ok(Some(played));
            }
            if self.under_way.is_empty() {
                return Ok(None);
            }
            match self.runner.model.next_event().await {
                ModelEvent::Gone { reason } => return Err(Gone { reason }),
                event => self.take(event),
            }
        }
    }

    fn begin_more(&mut self) {
        while self.under_way.len() < self.at_once
            && let Some(case) = self.cases.next()
        {
            let number = self.begun;
            self.begun = self.begun.saturating_add(1);
            let mut played = Played { end: End::Called, calls: Vec::new(), timing: Timing::default() };
            match self.runner.schemas(case) {
                Ok(schemas) => {
                    let messages = case.messages.clone();
                    let settings = self.runner.settings;
                    let asked = Asked::new(self.runner, &messages, &case.tools, settings);
                    self.under_way.push(Play { number, case, schemas, messages, played, asked });
                }
                Err(reason) => {
                    played.end = End::Refused(reason);
                    self.done.insert(number, played);
                }
            }
        }
    }

    /// Hands an event to the case it is about. Late news of a case before are about none.
    fn take(&mut self, event: ModelEvent) {
        let Some(activity) = activity_of(&event) else { return };
        let Some(at) = self.under_way.iter().position(|play| play.asked.activity == activity) else { return };
        let Some(play) = self.under_way.get_mut(at) else { return };
        if let Some(end) = play.take(self.runner, event) {
            let Play { number, mut played, .. } = self.under_way.remove(at);
            played.end = end;
            self.done.insert(number, played);
        }
    }
}

impl<I> Drop for Playing<'_, '_, I> {
    /// Leaves the model free for what comes next.
    fn drop(&mut self) {
        for play in &self.under_way {
            self.runner.model.cancel(play.asked.activity);
        }
    }
}

impl Play<'_> {
    /// Goes on with what the model said, and says how the case ended, if it did.
    fn take(&mut self, runner: &mut Runner, event: ModelEvent) -> Option<End> {
        match self.asked.take(runner, event, &mut self.played.timing)? {
            Ok(text) => self.take_reply(runner, text),
            Err(end) => Some(end),
        }
    }

    /// Answers each call of a reply and asks again, until there are as many as are wanted.
    fn take_reply(&mut self, runner: &mut Runner, text: String) -> Option<End> {
        let calls = match calls_of(runner.model.parse(&text, &self.case.tools)) {
            Ok(calls) => calls,
            Err(NoCall::Answer(text)) => return Some(End::Answered(text)),
            Err(NoCall::Malformed(why)) => return Some(End::Malformed { text, why }),
        };
        self.messages.push(Message::Assistant { tokens: std::mem::take(&mut self.asked.tokens), text });
        for (name, arguments) in calls {
            let fault = self.schemas.fault(&name, &arguments);
            self.played.calls.push(MadeCall { name, arguments, fault });
            self.messages.push(Message::Tool(NEUTRAL_RESULT.to_owned()));
        }
        if self.played.calls.len() >= self.case.calls_wanted() {
            return Some(End::Called);
        }
        self.asked = Asked::new(runner, &self.messages, &self.case.tools, runner.settings);
        None
    }
}

impl Runner {
    /// Checks that calls of the case's tools can be enforced and judged.
    fn schemas(&mut self, case: &Case) -> Result<Schemas, String> {
        let schemas = Schemas::compile(&case.tools)?;
        if self.settings.constraint == Constraint::Calls {
            self.model.check_tools(&case.tools).map_err(|refused| refused.to_string())?;
        }
        Ok(schemas)
    }
}

/// Every call of a reply, in order; at least one.
fn calls_of(reply: Reply) -> Result<Vec<(String, Value)>, NoCall> {
    match reply {
        Reply::Call { tool, arguments } => Ok(vec![(tool, arguments)]),
        Reply::Answer(text) => Err(NoCall::Answer(text)),
        Reply::Malformed(why) => Err(NoCall::Malformed(why)),
    }
}
