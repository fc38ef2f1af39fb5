//! The model of a life: says anything a model might say, under a seed, and counts every position it
//! samples in a tally that outlives it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use everstep_core::{ActivityId, GenerationId, TokenId, steps_left_out};
use everstep_model::{
    Family, FamilyFrom, Message, Model, ModelCard, ModelEvent, NextEvent, Reply, Request, ThoughtBegin,
    ToolDefinition,
};
use tokio::time::{Duration, sleep};

use super::{chance::Chance, home::Home};

/// A position: which generation, which start of it, which token.
pub(super) type Position = (GenerationId, u32, usize);

/// How often each position was sampled, over all boots.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally(Arc<Mutex<HashMap<Position, u32>>>);

impl Tally {
    fn count(&self, position: Position) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(position).or_default() += 1;
    }

    /// Positions sampled so far, with how often.
    #[must_use]
    pub(super) fn snapshot(&self) -> HashMap<Position, u32> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A model that says anything.
pub(super) struct ChaosModel {
    seed: u64,
    boot: u32,
    steps_min: usize,
    context_bytes: usize,
    card: ModelCard,
    tally: Tally,
    work: Option<Work>,
}

struct Work {
    activity: ActivityId,
    generation: GenerationId,
    redo: u32,
    reply: Vec<u8>,
    sent: usize,
    accepted: usize,
    run_tokens_max: usize,
    fate: Fate,
    chance: Chance,
}

enum Fate {
    Well,
    Fails,
    RefusesPrefix,
    /// The conversation has so many bytes.
    IsFull(usize),
}

impl ChaosModel {
    /// A model under `seed`, in its `boot`-th process, that answers after the home's `steps_min` replies or
    /// later, and holds conversations of its `context_bytes`.
    #[must_use]
    pub(super) fn new(seed: u64, boot: u32, home: &Home, tally: Tally) -> Self {
        let card = ModelCard {
            name: "chaos".into(),
            family: "hermes".into(),
            family_from: FamilyFrom::Chosen,
            workarounds: Vec::new(),
            digest: [1; 32],
            template_digest: [2; 32],
            context_tokens: 1 << 20,
            context_trained: None,
            parameters: None,
            file_bytes: None,
            quantization: "none".into(),
            threads: None,
            memory: None,
        };
        let Home { steps_min, context_bytes, .. } = *home;
        Self { seed, boot, steps_min, context_bytes, card, tally, work: None }
    }

    fn next(work: &mut Work, context_bytes: usize, tally: &Tally) -> Option<ModelEvent> {
        let activity = work.activity;
        let saturated = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX);
        match work.fate {
            Fate::Well => {}
            Fate::Fails => return Some(ModelEvent::Failed { activity, reason: "stuck grammar".into() }),
            Fate::RefusesPrefix => {
                return Some(ModelEvent::PrefixRefused { activity, reason: "not in the grammar".into() });
            }
            Fate::IsFull(bytes) => {
                let (tokens, tokens_max) = (saturated(bytes), saturated(context_bytes));
                return Some(ModelEvent::ContextFull { activity, tokens, tokens_max });
            }
        }
        let room = (work.accepted + work.run_tokens_max).min(work.reply.len());
        if room <= work.sent && work.sent < work.reply.len() {
            return None;
        }
        let left = room - work.sent;
        // A run may end early, by time.
        let count = if left > 1 && work.chance.percent(30) {
            1 + usize::try_from(work.chance.below(left as u64 - 1)).unwrap_or(0)
        } else {
            left
        };
        let tokens: Vec<TokenId> =
            work.reply.iter().skip(work.sent).take(count).copied().map(TokenId::from).collect();
        for position in work.sent..work.sent + count {
            tally.count((work.generation, work.redo, position));
        }
        work.sent += count;
        let end = (work.sent == work.reply.len()).then(|| String::from_utf8_lossy(&work.reply).into_owned());
        Some(ModelEvent::Tokens { activity, tokens, end })
    }
}

impl Model for ChaosModel {
    fn card(&self) -> &ModelCard {
        &self.card
    }

    fn submit(&mut self, request: Request) {
        let mut hasher = blake3::Hasher::new();
        for message in &request.messages {
            hasher.update(format!("{message:?}").as_bytes());
        }
        let asked = hasher.finalize();
        // What is said depends on the request alone, as with a model under a seed.
        let mut chance = Chance::of(self.seed, &[asked.as_bytes(), &request.redo.to_le_bytes()]);
        let steps: usize = request.messages.iter().map(steps_of).sum();
        let bytes: usize = request.messages.iter().map(bytes_of).sum();
        let reply = reply(&mut chance, steps >= self.steps_min).into_bytes();
        // What goes wrong depends on the process, too: a fault may go away with a restart.
        let mut chance = Chance::of(self.seed, &[asked.as_bytes(), &self.boot.to_le_bytes()]);
        let fate = match chance.below(100) {
            _ if bytes > self.context_bytes => Fate::IsFull(bytes),
            0..2 => Fate::Fails,
            2..7 if !request.generated.is_empty() => Fate::RefusesPrefix,
            _ => Fate::Well,
        };
        let prefix: Vec<u8> =
            request.generated.iter().filter_map(|&token| u8::try_from(token).ok()).collect();
        assert!(reply.starts_with(&prefix), "the tokens on flash are not what this model said");
        self.work = Some(Work {
            activity: request.activity,
            generation: request.generation,
            redo: request.redo,
            reply,
            sent: request.generated.len(),
            accepted: request.generated.len(),
            run_tokens_max: usize::try_from(request.run_tokens_max).unwrap_or(usize::MAX),
            fate,
            chance,
        });
    }

    fn accepted(&mut self, activity: ActivityId, tokens: usize) {
        if let Some(work) = self.work.as_mut().filter(|work| work.activity == activity) {
            work.accepted = tokens;
        }
    }

    fn cancel(&mut self, activity: ActivityId) {
        self.work.take_if(|work| work.activity == activity);
    }

    fn next_event(&mut self) -> NextEvent<'_> {
        Box::pin(async move {
            sleep(Duration::from_millis(1)).await;
            let tally = self.tally.clone();
            match self.work.as_mut().and_then(|work| Self::next(work, self.context_bytes, &tally)) {
                Some(event) => {
                    let over = !matches!(&event, ModelEvent::Tokens { end: None, .. });
                    if over {
                        self.work = None;
                    }
                    event
                }
                None => std::future::pending().await,
            }
        })
    }

    fn text(&self, tokens: &[TokenId]) -> String {
        let bytes: Vec<u8> = tokens.iter().filter_map(|&token| u8::try_from(token).ok()).collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn parse(&self, text: &str, tools: &[ToolDefinition]) -> Reply {
        match Family::by_name("hermes") {
            Some(family) => family.parse(text, ThoughtBegin::Never, tools),
            None => Reply::Malformed("no family".into()),
        }
    }
}

/// Replies that a message stands for.
fn steps_of(message: &Message) -> usize {
    match message {
        Message::Assistant { .. } => 1,
        Message::User(text) => {
            steps_left_out(text).and_then(|steps| usize::try_from(steps).ok()).unwrap_or(0)
        }
        Message::System(_) | Message::Tool(_) => 0,
    }
}

fn bytes_of(message: &Message) -> usize {
    match message {
        Message::System(text)
        | Message::User(text)
        | Message::Tool(text)
        | Message::Assistant { text, .. } => text.len(),
    }
}

fn reply(chance: &mut Chance, may_answer: bool) -> String {
    let call = |tool: &str, arguments: &str| {
        Family::by_name("hermes").map(|family| family.write_call(tool, arguments)).unwrap_or_default()
    };
    // Few values, so that the same call is asked for again and again.
    let value = 1 + chance.below(3);
    match chance.below(100) {
        0..15 => call("look", "{}"),
        15..30 => call("set_level", &format!("{{\"level\": {value}}}")),
        30..45 => call("pay", &format!("{{\"amount\": {value}}}")),
        45..60 => call("dose", &format!("{{\"pulses\": {value}}}")),
        60..75 => call("pulse", &format!("{{\"seconds\": {value}}}")),
        75..79 => call("wait", &format!("{{\"seconds\": {}}}", value * 20)),
        79..81 => call("pulse", "{\"seconds\": 99}"),
        81..83 => call("launch", "{}"),
        83..85 => "<tool_call>\n{\"name\": \"pulse\"".into(),
        _ if !may_answer => call("look", "{}"),
        _ => "That is all.".into(),
    }
}
