//! One generation: the prompt is evaluated, tokens are drawn, and never more than one run of them ahead
//! of what is durable.
//!
//! Leaves out where tokens go: a sink takes the events.

use std::io;

use everstep_core::TokenId;
use everstep_model::{Constraint, Message, ModelEvent, Request};
use tokio::sync::mpsc::{Sender, error::TrySendError};
use toktrie::SimpleVob;

use crate::{
    draft::Drafts,
    draws::{Place, Try, pick},
    evaluator::{EvaluateError, Evaluator},
    grammar::{ConstraintError, Grammar, Grammars},
    mailbox::{Interrupt, Mailbox, Watch},
    sampled_log::{Origin, SampledLog},
    snapshots::Snapshots,
    template::Template,
    vocabulary::Vocabulary,
};

/// What every generation of an engine works with.
pub(crate) struct Workshop<'w> {
    pub(crate) template: Template,
    pub(crate) vocabulary: Vocabulary,
    pub(crate) grammars: Grammars,
    pub(crate) evaluator: Evaluator<'w>,
    pub(crate) drafts: Drafts,
    pub(crate) sampled_log: SampledLog,
    /// Where what was evaluated outlives the process.
    pub(crate) snapshots: Option<Snapshots>,
    pub(crate) events: Sender<ModelEvent>,
}

/// Why a generation ends without a reply.
pub(crate) enum Stop {
    Interrupt(Interrupt),
    /// What the caller is told.
    Event(Box<ModelEvent>),
    Failed(String),
}

/// Longest time tokens are held back to fill a run.
const RUN_US_MAX: i64 = 250_000;

/// Most tokens of thought in front of a reply.
const THOUGHT_TOKENS_MAX: usize = 1024;

/// Tokens of thought in a reply of at most `tokens_max`: half of it is left for what the thought is for.
fn thought_tokens_max(tokens_max: u32) -> usize {
    (tokens_max as usize / 2).min(THOUGHT_TOKENS_MAX)
}

/// A generation under way.
struct Generation<'g, 'w> {
    shop: &'g mut Workshop<'w>,
    mailbox: &'g mut Mailbox,
    watch: Watch,
    request: &'g Request,
    grammar: Option<Grammar>,
    /// What may be drawn without a grammar.
    free: Option<SimpleVob>,
    /// The prompt and the reply so far.
    sequence: Vec<TokenId>,
    prompt_tokens: usize,
    /// What of the prompt never changes within a run: the system text and the tools.
    head_tokens: usize,
    /// Tokens of the reply that were sent.
    sent: usize,
    /// When the first token that was not sent came about.
    held_since_us: i64,
}

/// What comes next.
enum Next {
    Tokens(Vec<TokenId>, Origin),
    End,
}

/// Works on `request` until its reply ends, and reports through the workshop's channel.
pub(crate) fn generate(
    shop: &mut Workshop<'_>,
    mailbox: &mut Mailbox,
    request: &Request,
) -> Result<(), Interrupt> {
    let activity = request.activity;
    let events = shop.events.clone();
    let event = match Generation::begin(shop, mailbox, request).and_then(Generation::run) {
        Ok(event) => event,
        Err(Stop::Interrupt(interrupt)) => return Err(interrupt),
        Err(Stop::Event(event)) => *event,
        Err(Stop::Failed(reason)) => ModelEvent::Failed { activity, reason },
    };
    events.blocking_send(event).map_err(|_| Interrupt::Closed)?;
    // Behind the reply, so that nobody waits for it.
    if let Some(snapshots) = &mut shop.snapshots {
        snapshots.take(&shop.evaluator, &request.tools);
    }
    Ok(())
}

impl<'g, 'w> Generation<'g, 'w> {
    fn begin(
        shop: &'g mut Workshop<'w>,
        mailbox: &'g mut Mailbox,
        request: &'g Request,
    ) -> Result<Self, Stop> {
        let activity = request.activity;
        let temperature = request.sampling.temperature;
        if !temperature.is_finite() || temperature < 0.0 || request.sampling.top_p.is_nan() {
            return Err(Stop::Failed("the sampling temperature or top_p is no usable number".to_owned()));
        }
        let (grammar, free) = match request.constraint {
            Constraint::Calls => {
                check_markup(&shop.vocabulary, &request.tools)?;
                let thought_tokens_max = thought_tokens_max(request.tokens_max);
                (Some(shop.grammars.grammar(&request.tools, thought_tokens_max).map_err(failed)?), None)
            }
            Constraint::Off => (None, Some(shop.vocabulary.free_tokens())),
        };
        let pieces = shop.template.render(&request.messages, &request.tools).map_err(failed)?;
        let mut sequence = shop.vocabulary.encode(&pieces).map_err(failed)?;
        let prompt_tokens = sequence.len();
        let head = pieces.get(..head_pieces(&request.messages)).unwrap_or_default();
        let head_tokens = shop.vocabulary.encode(head).map_err(failed)?.len();
        let needed = prompt_tokens.saturating_add(request.tokens_max as usize);
        if needed > shop.evaluator.tokens_max() {
            return Err(Stop::Event(Box::new(ModelEvent::ContextFull {
                activity,
                tokens: saturated(needed),
                tokens_max: saturated(shop.evaluator.tokens_max()),
            })));
        }
        sequence.extend_from_slice(&request.generated);
        let mut generation = Self {
            watch: Watch { activity, accepted: request.generated.len() },
            sent: request.generated.len(),
            shop,
            mailbox,
            request,
            grammar,
            free,
            sequence,
            prompt_tokens,
            head_tokens,
            held_since_us: 0,
        };
        generation.feed_generated()?;
        Ok(generation)
    }

    /// Takes the tokens that were on flash through the constraint.
    fn feed_generated(&mut self) -> Result<(), Stop> {
        let generated = &self.request.generated;
        let refused = |at: usize, why: &str| {
            let reason = format!("the kept tokens are refused at token {at}: {why}");
            Stop::Event(Box::new(ModelEvent::PrefixRefused { activity: self.request.activity, reason }))
        };
        for (at, &token) in generated.iter().enumerate() {
            let allowed = match (&mut self.grammar, &self.free) {
                _ if token as usize >= self.shop.vocabulary.len() => false,
                _ if self.shop.vocabulary.ends_reply(token) => false,
                (Some(grammar), _) => {
                    grammar.allowed_count(&[token]).map_err(|error| refused(at, &error.to_string()))? == 1
                }
                (None, Some(free)) => free.is_allowed(token),
                (None, None) => true,
            };
            if !allowed {
                return Err(refused(at, "the constraint does not allow it"));
            }
            if let Some(grammar) = &mut self.grammar {
                grammar.accept(token).map_err(|error| refused(at, &error.to_string()))?;
            }
        }
        Ok(())
    }

    fn run(mut self) -> Result<ModelEvent, Stop> {
        self.evaluate_prompt()?;
        loop {
            self.mailbox.look(&mut self.watch)?;
            if let Some(grammar) = &mut self.grammar
                && grammar.is_complete()?
            {
                return self.ended();
            }
            if self.reply().len() >= self.request.tokens_max as usize {
                self.send_run()?;
                let reason = format!("no end of the reply within {} tokens", self.request.tokens_max);
                return Err(Stop::Failed(reason));
            }
            let room = self.wait_for_room()?;
            match self.next(room)? {
                Next::End => return self.ended(),
                Next::Tokens(tokens, origin) => {
                    for token in tokens {
                        self.push(token, origin)?;
                    }
                }
            }
            let held = self.reply().len().saturating_sub(self.sent);
            if held >= self.run_tokens_max() || (held > 0 && now_us() - self.held_since_us >= RUN_US_MAX) {
                self.send_run()?;
            }
        }
    }

    /// Evaluates the prompt and what was kept of the reply, in chunks, with a look at the mailbox
    /// between them.
    fn evaluate_prompt(&mut self) -> Result<(), Stop> {
        self.shop.evaluator.mark(self.head_tokens, self.prompt_tokens);
        let shop = &mut *self.shop;
        let facts = match &mut shop.snapshots {
            Some(snapshots) => snapshots.restore(&mut shop.evaluator, &self.sequence, &self.request.tools)?,
            None => Vec::new(),
        };
        for fact in facts {
            self.send(ModelEvent::Snapshot(fact))?;
        }
        let cached = self.shop.evaluator.keep_prefix(&self.sequence)?;
        let total = saturated(self.sequence.len());
        let activity = self.watch.activity;
        loop {
            let evaluated = self.shop.evaluator.len();
            let progress = ModelEvent::Progress {
                activity,
                evaluated: saturated(evaluated),
                cached: saturated(cached),
                total,
            };
            // Progress is for people; where nobody reads it, the prompt does not wait for them. The
            // last one carries the figures and is owed.
            if evaluated == self.sequence.len() {
                return self.send(progress);
            }
            if let Err(TrySendError::Closed(_)) = self.shop.events.try_send(progress) {
                return Err(Interrupt::Closed.into());
            }
            self.mailbox.look(&mut self.watch)?;
            let rest = self.sequence.get(evaluated..).unwrap_or_default();
            self.shop.evaluator.evaluate(rest)?;
        }
    }

    /// Waits until at least one more token may be sampled, and says how many may.
    fn wait_for_room(&mut self) -> Result<usize, Stop> {
        loop {
            let limit = self.watch.accepted.saturating_add(self.run_tokens_max());
            let limit = limit.min(self.request.tokens_max as usize);
            match limit.checked_sub(self.reply().len()) {
                Some(room) if room > 0 => return Ok(room),
                _ => {
                    self.send_run()?;
                    self.mailbox.wait(&mut self.watch)?;
                }
            }
        }
    }

    /// The next tokens: those that are forced, or else one that is drawn.
    fn next(&mut self, room: usize) -> Result<Next, Stop> {
        if let Some(grammar) = &mut self.grammar {
            let mut forced = grammar.forced()?;
            // The tokenizer may cut a forced text otherwise than the grammar asks; only what the
            // grammar takes counts.
            forced.truncate(room);
            let allowed = grammar.allowed_count(&forced)?;
            forced.truncate(allowed);
            if !forced.is_empty() {
                return Ok(Next::Tokens(forced, Origin::Forced));
            }
        }
        if !self.shop.evaluator.has_scores(self.sequence.len()) {
            self.evaluate_rest(room)?;
        }
        let token = self.draw()?;
        if self.shop.vocabulary.ends_reply(token) {
            self.note(token, Origin::End)?;
            return Ok(Next::End);
        }
        Ok(Next::Tokens(vec![token], Origin::Sampled))
    }

    /// Evaluates what of the sequence is not evaluated yet, and with it guesses at what may follow.
    fn evaluate_rest(&mut self, room: usize) -> Result<(), Stop> {
        let start = self.shop.evaluator.len();
        let known = self.sequence.len();
        let guess = self.guess(room)?;
        self.shop.drafts.tried(guess.len());
        let tokens = [self.sequence.get(start..).unwrap_or_default(), &guess].concat();
        loop {
            let done = self.shop.evaluator.len().saturating_sub(start);
            self.shop.evaluator.evaluate_guesses(tokens.get(done..).unwrap_or_default(), known)?;
            self.mailbox.look(&mut self.watch)?;
            if self.shop.evaluator.len() >= known {
                return Ok(());
            }
        }
    }

    /// Tokens that may follow and that the constraint allows, within the `room` there is for drawing.
    fn guess(&mut self, room: usize) -> Result<Vec<TokenId>, Stop> {
        if !self.shop.evaluator.may_guess() {
            return Ok(Vec::new());
        }
        // One more token is drawn than is guessed.
        let left = (self.request.tokens_max as usize).saturating_sub(self.reply().len());
        let room = room.min(left).saturating_sub(1);
        let guess = self.shop.drafts.guess(&self.sequence, room);
        let ends = guess.iter().take_while(|&&token| !self.shop.vocabulary.ends_reply(token)).count();
        let guess = guess.get(..ends).unwrap_or_default();
        let allowed = match (&mut self.grammar, &self.free) {
            (Some(grammar), _) => grammar.allowed_count(guess)?,
            (None, Some(free)) => guess.iter().take_while(|&&token| free.is_allowed(token)).count(),
            (None, None) => guess.len(),
        };
        Ok(guess.get(..allowed).unwrap_or_default().to_vec())
    }

    /// Draws one token: freely first, and among what the grammar allows if it refuses that.
    fn draw(&mut self) -> Result<TokenId, Stop> {
        let scores = self.shop.evaluator.scores(self.sequence.len())?;
        let sampling = self.request.sampling;
        let place = Place {
            seed: self.request.seed,
            generation: self.request.generation,
            redo: self.request.redo,
            position: saturated(self.sequence.len().saturating_sub(self.prompt_tokens)),
        };
        let none = || Stop::Failed("the model gives no usable scores".to_owned());
        let token = pick(scores, self.free.as_ref(), sampling, place, Try::Free).ok_or_else(none)?;
        let Some(grammar) = &mut self.grammar else { return Ok(token) };
        let allowed = if self.shop.vocabulary.ends_reply(token) {
            grammar.may_end()?
        } else {
            grammar.allowed_count(&[token])? == 1
        };
        if allowed {
            return Ok(token);
        }
        let mask = grammar.mask()?;
        pick(scores, Some(&mask), sampling, place, Try::Masked).ok_or_else(none)
    }

    fn push(&mut self, token: TokenId, origin: Origin) -> Result<(), Stop> {
        self.note(token, origin)?;
        if let Some(grammar) = &mut self.grammar {
            grammar.accept(token)?;
        }
        if self.reply().len() == self.sent {
            self.held_since_us = now_us();
        }
        match self.shop.evaluator.tokens().get(self.sequence.len()) {
            Some(&guess) if guess == token => self.shop.drafts.was_right(),
            Some(_) => self.shop.evaluator.cut(self.sequence.len())?,
            None => {}
        }
        self.sequence.push(token);
        Ok(())
    }

    fn note(&mut self, token: TokenId, origin: Origin) -> Result<(), Stop> {
        let position = self.reply().len();
        let noted = self.shop.sampled_log.note(self.request.generation, position, token, origin);
        noted.map_err(|error: io::Error| Stop::Failed(format!("the log of sampled tokens: {error}")))
    }

    fn send_run(&mut self) -> Result<(), Stop> {
        let tokens = self.reply().get(self.sent..).unwrap_or_default().to_vec();
        if tokens.is_empty() {
            return Ok(());
        }
        self.sent = self.reply().len();
        self.send(ModelEvent::Tokens { activity: self.watch.activity, tokens, end: None })
    }

    /// The last event of a whole reply.
    fn ended(&mut self) -> Result<ModelEvent, Stop> {
        // What was guessed behind it is nothing to go on with, and nothing to keep.
        self.shop.evaluator.cut(self.sequence.len())?;
        Ok(ModelEvent::Tokens {
            activity: self.watch.activity,
            tokens: self.reply().get(self.sent..).unwrap_or_default().to_vec(),
            end: Some(self.shop.vocabulary.pieces().text(self.reply())),
        })
    }

    fn send(&self, event: ModelEvent) -> Result<(), Stop> {
        self.shop.events.blocking_send(event).map_err(|_| Interrupt::Closed.into())
    }

    fn reply(&self) -> &[TokenId] {
        self.sequence.get(self.prompt_tokens..).unwrap_or_default()
    }

    /// At least one, or a reply could never end.
    fn run_tokens_max(&self) -> usize {
        self.request.run_tokens_max.max(1) as usize
    }
}

/// Pieces of a prompt before the text of the first message that is not the system's.
fn head_pieces(messages: &[Message]) -> usize {
    let system = messages.iter().take_while(|message| matches!(message, Message::System(_))).count();
    // Each message is a piece of markup and one of its own; the markup before the next one is the head's.
    system.saturating_mul(2).saturating_add(1)
}

/// Refuses tools whose texts would become markup in the prompt.
pub(crate) fn check_markup(
    vocabulary: &Vocabulary,
    tools: &[everstep_model::ToolDefinition],
) -> Result<(), Stop> {
    for tool in tools {
        if let Some((text, markup)) = vocabulary.markup_in(tool) {
            return Err(failed(crate::GrammarError::Markup {
                tool: tool.name.clone(),
                text: text.chars().take(60).collect(),
                markup: markup.to_owned(),
            }));
        }
    }
    Ok(())
}

fn failed(error: impl std::error::Error) -> Stop {
    let mut reason = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        reason = format!("{reason}: {cause}");
        source = cause.source();
    }
    Stop::Failed(reason)
}

impl From<Interrupt> for Stop {
    fn from(interrupt: Interrupt) -> Self {
        Self::Interrupt(interrupt)
    }
}

impl From<ConstraintError> for Stop {
    fn from(error: ConstraintError) -> Self {
        failed(error)
    }
}

impl From<EvaluateError> for Stop {
    fn from(error: EvaluateError) -> Self {
        failed(error)
    }
}

fn saturated(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// llama.cpp's own clock; it only decides how long tokens are held back.
fn now_us() -> i64 {
    llama_cpp_2::ggml_time_us()
}
