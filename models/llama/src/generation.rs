//! One generation: the prompt is evaluated, tokens are drawn, and never more than one run of them ahead
//! of what is durable.
//!
//! It says what it wants evaluated, and goes on once that is done, so that several share a batch. Leaves
//! out that batch, and whose turn it is.

mod begin;

use std::io;

use everstep_core::{ActivityId, TokenId};
use everstep_model::{ModelEvent, Request};
use toktrie::SimpleVob;

pub(crate) use self::begin::check_markup;
use crate::{
    batch::{Purpose, Want},
    draft::Source,
    draws::{Place, Try, pick},
    evaluator::Evaluator,
    grammar::Grammar,
    sampled_log::Origin,
    sequence::SequenceId,
    workshop::{Stop, Workshop},
};

/// Longest time tokens are held back to fill a run.
const RUN_US_MAX: i64 = 250_000;

/// A generation under way.
pub(crate) struct Generation {
    request: Box<Request>,
    /// Where its tokens are evaluated.
    sequence: SequenceId,
    phase: Phase,
    grammar: Option<Grammar>,
    /// What may be drawn without a grammar.
    free: Option<SimpleVob>,
    /// The prompt and the reply so far.
    tokens: Vec<TokenId>,
    prompt_tokens: usize,
    /// What of the prompt never changes within a run: the system text and the tools.
    head_tokens: usize,
    /// Tokens of the reply that are durable.
    accepted: usize,
    /// Tokens of the reply that were sent.
    sent: usize,
    /// When the first token that was not sent came about.
    held_since_us: i64,
    /// Where the newest guess came from.
    guessed_from: Source,
}

/// How far a generation is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Phase {
    /// Its sequence may hold anything.
    Begun,
    /// What its sequence holds begins the prompt; so many tokens of it did from the start.
    Prompt {
        cached: usize,
    },
    Reply,
}

/// What a generation does next.
pub(crate) enum Step {
    /// These tokens must be evaluated.
    Wants(Want),
    /// Nothing, until more tokens are durable.
    Waits,
    /// It is over; this is its last event.
    Over(ModelEvent),
}

/// What comes next in a reply.
enum Next {
    Wants(Want),
    Tokens(Vec<TokenId>, Origin),
    End,
}

impl Generation {
    pub(crate) const fn activity(&self) -> ActivityId {
        self.request.activity
    }

    pub(crate) const fn sequence(&self) -> SequenceId {
        self.sequence
    }

    pub(crate) const fn request(&self) -> &Request {
        &self.request
    }

    /// Takes note that `tokens` tokens of the reply are durable.
    pub(crate) fn accepted(&mut self, tokens: usize) {
        self.accepted = self.accepted.max(tokens);
    }

    /// Whether it should let `other`, which was begun before it, evaluate the head they share first.
    pub(crate) fn waits_for_head_of(&self, other: &Self, evaluator: &Evaluator<'_>) -> bool {
        let head = self.tokens.get(..self.head_tokens).unwrap_or_default();
        let is_coming = match other.phase {
            Phase::Begun => true,
            Phase::Prompt { .. } => evaluator.len(other.sequence) < self.head_tokens,
            Phase::Reply => false,
        };
        self.phase == Phase::Begun
            && is_coming
            && other.tokens.starts_with(head)
            && evaluator.usable(self.sequence, &self.tokens) < self.head_tokens
    }

    /// Goes on as far as it can without an evaluation.
    pub(crate) fn step(&mut self, shop: &mut Workshop<'_>) -> Result<Step, Stop> {
        if self.phase == Phase::Begun {
            let cached = self.take_prefix(shop)?;
            self.phase = Phase::Prompt { cached };
            self.send_progress(shop, cached)?;
        }
        if self.phase != Phase::Reply {
            if shop.evaluator.len(self.sequence) < self.tokens.len() {
                return Ok(Step::Wants(self.want(&shop.evaluator, &[], Purpose::Prompt)));
            }
            self.phase = Phase::Reply;
        }
        loop {
            if let Some(grammar) = &mut self.grammar
                && grammar.is_complete()?
            {
                return self.ended(shop).map(Step::Over);
            }
            if self.reply().len() >= self.request.tokens_max as usize {
                self.send_run(shop)?;
                let reason = format!("no end of the reply within {} tokens", self.request.tokens_max);
                return Err(Stop::Failed(reason));
            }
            let room = self.room();
            if room == 0 {
                self.send_run(shop)?;
                return Ok(Step::Waits);
            }
            match self.next(shop, room)? {
                Next::Wants(want) => return Ok(Step::Wants(want)),
                Next::End => return self.ended(shop).map(Step::Over),
                Next::Tokens(tokens, origin) => {
                    for token in tokens {
                        self.push(shop, token, origin)?;
                    }
                }
            }
            let held = self.reply().len().saturating_sub(self.sent);
            if held >= self.run_tokens_max() || (held > 0 && now_us() - self.held_since_us >= RUN_US_MAX) {
                self.send_run(shop)?;
            }
        }
    }

    /// Takes note that what it wanted, or the first part of it, is evaluated.
    pub(crate) fn evaluated(&mut self, shop: &mut Workshop<'_>) -> Result<(), Stop> {
        match self.phase {
            Phase::Begun => Ok(()),
            Phase::Prompt { cached } => self.send_progress(shop, cached),
            Phase::Reply => {
                let guessed = shop.evaluator.len(self.sequence).saturating_sub(self.tokens.len());
                shop.drafts.tried(self.guessed_from, guessed);
                Ok(())
            }
        }
    }

    /// Brings the sequence to where it holds as much as there is of the prompt and the kept reply, and says
    /// how much.
    fn take_prefix(&self, shop: &mut Workshop<'_>) -> Result<usize, Stop> {
        shop.evaluator.mark(self.sequence, self.head_tokens, self.prompt_tokens);
        if let Some(snapshots) = &mut shop.snapshots {
            let tools = &self.request.tools;
            for fact in snapshots.restore(&mut shop.evaluator, self.sequence, &self.tokens, tools)? {
                shop.send(ModelEvent::Snapshot(fact))?;
            }
        }
        Ok(shop.evaluator.begin(self.sequence, &self.tokens)?)
    }

    /// What is not evaluated yet, and `guess` behind it, as far as it goes at once.
    fn want(&self, evaluator: &Evaluator<'_>, guess: &[TokenId], purpose: Purpose) -> Want {
        let start = evaluator.len(self.sequence);
        let mut tokens = [self.tokens.get(start..).unwrap_or_default(), guess].concat();
        tokens.truncate(evaluator.room(self.sequence));
        Want { sequence: self.sequence, start, tokens, known: self.tokens.len(), purpose }
    }

    /// Tokens that may be sampled now.
    fn room(&self) -> usize {
        let limit = self.accepted.saturating_add(self.run_tokens_max());
        limit.min(self.request.tokens_max as usize).saturating_sub(self.reply().len())
    }

    /// The next tokens: those that are forced, or else one that is drawn.
    fn next(&mut self, shop: &mut Workshop<'_>, room: usize) -> Result<Next, Stop> {
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
        if !shop.evaluator.has_scores(self.sequence, self.tokens.len()) {
            if shop.evaluator.len(self.sequence) >= self.tokens.len() {
                // The scores are gone, so the last token is evaluated again.
                shop.evaluator.begin(self.sequence, &self.tokens)?;
            }
            let guess = self.guess(shop, room)?;
            return Ok(Next::Wants(self.want(&shop.evaluator, &guess, Purpose::Reply)));
        }
        let token = self.draw(shop)?;
        if shop.vocabulary.ends_reply(token) {
            self.note(shop, token, Origin::End)?;
            return Ok(Next::End);
        }
        Ok(Next::Tokens(vec![token], Origin::Sampled))
    }

    /// Tokens that may follow and that the constraint allows, within the `room` there is for drawing.
    fn guess(&mut self, shop: &mut Workshop<'_>, room: usize) -> Result<Vec<TokenId>, Stop> {
        if !shop.evaluator.may_guess(self.sequence) {
            return Ok(Vec::new());
        }
        // One more token is drawn than is guessed.
        let left = (self.request.tokens_max as usize).saturating_sub(self.reply().len());
        let room = room.min(left).saturating_sub(1);
        let likely = match &mut self.grammar {
            Some(grammar) if shop.drafts.are_on() => grammar.likely()?,
            _ => Vec::new(),
        };
        let guess = if likely.is_empty() {
            self.guessed_from = Source::Lookup;
            shop.drafts.guess(&self.tokens, room)
        } else {
            self.guessed_from = Source::Grammar;
            likely.get(..room).unwrap_or(&likely)
        };
        let ends = guess.iter().take_while(|&&token| !shop.vocabulary.ends_reply(token)).count();
        let guess = guess.get(..ends).unwrap_or_default();
        let allowed = match (&mut self.grammar, &self.free) {
            (Some(grammar), _) => grammar.allowed_count(guess)?,
            (None, Some(free)) => guess.iter().take_while(|&&token| free.is_allowed(token)).count(),
            (None, None) => guess.len(),
        };
        Ok(guess.get(..allowed).unwrap_or_default().to_vec())
    }

    /// Draws one token: freely first, and among what the grammar allows if it refuses that.
    fn draw(&mut self, shop: &Workshop<'_>) -> Result<TokenId, Stop> {
        let scores = shop.evaluator.scores(self.sequence, self.tokens.len())?;
        let sampling = self.request.sampling;
        let place = Place {
            seed: self.request.seed,
            generation: self.request.generation,
            redo: self.request.redo,
            position: saturated(self.tokens.len().saturating_sub(self.prompt_tokens)),
        };
        let none = || Stop::Failed("the model gives no usable scores".to_owned());
        let token = pick(scores, self.free.as_ref(), sampling, place, Try::Free).ok_or_else(none)?;
        let Some(grammar) = &mut self.grammar else { return Ok(token) };
        let allowed = if shop.vocabulary.ends_reply(token) {
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

    fn push(&mut self, shop: &mut Workshop<'_>, token: TokenId, origin: Origin) -> Result<(), Stop> {
        self.note(shop, token, origin)?;
        if let Some(grammar) = &mut self.grammar {
            grammar.accept(token)?;
        }
        if self.reply().len() == self.sent {
            self.held_since_us = now_us();
        }
        match shop.evaluator.tokens(self.sequence).get(self.tokens.len()) {
            Some(&guess) if guess == token => shop.drafts.was_right(self.guessed_from),
            Some(_) => shop.evaluator.cut(self.sequence, self.tokens.len())?,
            None => {}
        }
        self.tokens.push(token);
        Ok(())
    }

    fn note(&self, shop: &mut Workshop<'_>, token: TokenId, origin: Origin) -> Result<(), Stop> {
        let position = self.reply().len();
        let noted = shop.sampled_log.note(self.request.generation, position, token, origin);
        noted.map_err(|error: io::Error| Stop::Failed(format!("the log of sampled tokens: {error}")))
    }

    fn send_run(&mut self, shop: &Workshop<'_>) -> Result<(), Stop> {
        let tokens = self.reply().get(self.sent..).unwrap_or_default().to_vec();
        if tokens.is_empty() {
            return Ok(());
        }
        self.sent = self.reply().len();
        shop.send(ModelEvent::Tokens { activity: self.activity(), tokens, end: None })
    }

    /// The last event of a whole reply.
    fn ended(&self, shop: &mut Workshop<'_>) -> Result<ModelEvent, Stop> {
        // What was guessed behind it is nothing to go on with, and nothing to keep.
        shop.evaluator.cut(self.sequence, self.tokens.len())?;
        Ok(ModelEvent::Tokens {
            activity: self.activity(),
            tokens: self.reply().get(self.sent..).unwrap_or_default().to_vec(),
            end: Some(shop.vocabulary.pieces().text(self.reply())),
        })
    }

    /// Progress is for people; the last one carries the figures and is owed.
    fn send_progress(&self, shop: &Workshop<'_>, cached: usize) -> Result<(), Stop> {
        let evaluated = saturated(shop.evaluator.len(self.sequence));
        let (cached, total) = (saturated(cached), saturated(self.tokens.len()));
        shop.send(ModelEvent::Progress { activity: self.activity(), evaluated, cached, total })
    }

    fn reply(&self) -> &[TokenId] {
        self.tokens.get(self.prompt_tokens..).unwrap_or_default()
    }

    /// At least one, or a reply could never end.
    fn run_tokens_max(&self) -> usize {
        self.request.run_tokens_max.max(1) as usize
    }
}

fn saturated(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// llama.cpp's own clock; it only decides how long tokens are held back.
fn now_us() -> i64 {
    llama_cpp_2::ggml_time_us()
}
