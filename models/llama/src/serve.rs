//! Whose turn it is: several generations go on together, one batch after another.
//!
//! Leaves out what a generation does with its turn.

use std::sync::mpsc::Receiver;

use everstep_core::{ActivityId, TokenId};
use everstep_model::{ModelEvent, ToolDefinition};

use crate::{
    batch::{Want, fit},
    evaluator::{CHUNK_TOKENS, Evaluator},
    generation::{Generation, Step, check_markup},
    mailbox::{Closed, Command, Mailbox, News, REQUESTS_WAITING_MAX},
    sequence::SequenceId,
    workshop::{Stop, Workshop},
};

/// The generations under way, in the order they were begun.
struct Desk<'w> {
    shop: Workshop<'w>,
    mailbox: Mailbox,
    running: Vec<Generation>,
    /// Sequences nobody works with, the one that has been idle longest first.
    idle: Vec<SequenceId>,
}

/// Serves until the handle is gone.
pub(crate) fn serve(shop: Workshop<'_>, commands: Receiver<Command>) {
    let idle = shop.evaluator.sequences().collect();
    let mut desk = Desk { shop, mailbox: Mailbox::new(commands), running: Vec::new(), idle };
    while let Ok(()) = desk.turn() {}
}

impl Desk<'_> {
    /// Begins what can be, evaluates one batch, and hears what came in. Without anything to evaluate it
    /// waits for a message.
    fn turn(&mut self) -> Result<(), Closed> {
        self.begin_waiting()?;
        let mut wants = self.step_all()?;
        let can_go_on = !wants.is_empty() || (self.mailbox.has_request() && !self.idle.is_empty());
        // A step may have cost the context, and with it what other sequences held.
        wants.retain(|want| want.start == self.shop.evaluator.len(want.sequence));
        fit(&mut wants, CHUNK_TOKENS);
        if !wants.is_empty() {
            self.evaluate(&wants)?;
        }
        self.hear(can_go_on)
    }

    fn begin_waiting(&mut self) -> Result<(), Closed> {
        while let Some(&longest) = self.idle.first()
            && let Some(request) = self.mailbox.request()
        {
            let activity = request.activity;
            let idle = &self.idle;
            let begun = Generation::begin(&mut self.shop, request, |evaluator, tokens, head| {
                choose(longest, idle, evaluator, tokens, head)
            });
            match begun {
                Ok(generation) => {
                    self.idle.retain(|id| *id != generation.sequence());
                    self.running.push(generation);
                }
                Err(stop) => self.tell(stop.event(activity)?)?,
            }
        }
        Ok(())
    }

    /// Lets every generation go on, and says what they want evaluated.
    fn step_all(&mut self) -> Result<Vec<Want>, Closed> {
        let mut wants = Vec::new();
        let mut index = 0;
        while let Some((before, [generation, ..])) = self.running.split_at_mut_checked(index) {
            let evaluator = &self.shop.evaluator;
            if before.iter().any(|other| generation.waits_for_head_of(other, evaluator)) {
                index += 1;
                continue;
            }
            let activity = generation.activity();
            let over = match generation.step(&mut self.shop) {
                Ok(Step::Wants(want)) => {
                    wants.push(want);
                    None
                }
                Ok(Step::Waits) => None,
                Ok(Step::Over(event)) => Some(event),
                Err(stop) => Some(stop.event(activity)?),
            };
            match over {
                Some(event) => self.finish(index, event)?,
                None => index += 1,
            }
        }
        Ok(wants)
    }

    /// Evaluates `wants`; a batch that fails ends every generation in it.
    fn evaluate(&mut self, wants: &[Want]) -> Result<(), Closed> {
        let failed = self.shop.evaluator.evaluate(wants).err();
        for Want { sequence, .. } in wants {
            let at = self.running.iter().position(|generation| generation.sequence() == *sequence);
            let Some((index, generation)) = at.and_then(|at| Some((at, self.running.get_mut(at)?))) else {
                continue;
            };
            let activity = generation.activity();
            let stop = match &failed {
                Some(error) => Some(Stop::from(error.clone())),
                None => generation.evaluated(&mut self.shop).err(),
            };
            if let Some(stop) = stop {
                self.finish(index, stop.event(activity)?)?;
            }
        }
        Ok(())
    }

    /// Takes what has come in; waits for something where nothing else can be done.
    fn hear(&mut self, can_go_on: bool) -> Result<(), Closed> {
        let mut news = if can_go_on { None } else { self.mailbox.wait()? };
        loop {
            if let Some(news) = news.take() {
                self.take(news)?;
            }
            news = self.mailbox.look()?;
            if news.is_none() {
                return Ok(());
            }
        }
    }

    fn take(&mut self, news: News) -> Result<(), Closed> {
        match news {
            News::Accepted { activity, tokens } => {
                if let Some(generation) = self.running.iter_mut().find(|one| one.activity() == activity) {
                    generation.accepted(tokens);
                }
            }
            News::Cancel(activity) => {
                if let Some(at) = self.running.iter().position(|one| one.activity() == activity) {
                    self.idle.push(self.running.remove(at).sequence());
                }
            }
            News::CheckTools { tools, answer } => {
                let _ = answer.send(self.check_tools(&tools));
            }
            News::TooMany(request) => {
                let reason = format!("{REQUESTS_WAITING_MAX} requests wait already; send fewer at once");
                self.tell(ModelEvent::Failed { activity: request.activity, reason })?;
            }
        }
        Ok(())
    }

    fn check_tools(&mut self, tools: &[ToolDefinition]) -> Result<(), String> {
        match check_markup(&self.shop.vocabulary, tools).map_err(|stop| stop.event(ActivityId(0))) {
            Err(Ok(ModelEvent::Failed { reason, .. })) => return Err(reason),
            Err(_) => return Err("the engine is closed".to_owned()),
            Ok(()) => {}
        }
        self.shop.grammars.grammar(tools, 0).map(drop).map_err(|error| chain(&error))
    }

    /// Ends the generation at `index` with its last event.
    fn finish(&mut self, index: usize, event: ModelEvent) -> Result<(), Closed> {
        let generation = self.running.remove(index);
        self.idle.push(generation.sequence());
        self.tell(event)?;
        // Behind the reply, so that nobody waits for it.
        if let Some(snapshots) = &mut self.shop.snapshots {
            let tools = &generation.request().tools;
            snapshots.take(&self.shop.evaluator, generation.sequence(), tools);
        }
        Ok(())
    }

    fn tell(&self, event: ModelEvent) -> Result<(), Closed> {
        self.shop.events.send(event).map_err(|_| Closed)
    }
}

/// The sequence for a prompt: one that holds more of it than its head goes on with its own conversation;
/// for another prompt the one is given up that has been idle `longest`.
fn choose(
    longest: SequenceId,
    idle: &[SequenceId],
    evaluator: &Evaluator<'_>,
    tokens: &[TokenId],
    head: usize,
) -> SequenceId {
    let usable = idle.iter().map(|&id| (evaluator.usable(id, tokens), id));
    match usable.max_by_key(|&(usable, _)| usable) {
        Some((usable, id)) if usable > head => id,
        _ => longest,
    }
}

/// An error and its causes on one line.
fn chain(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", chain(source)),
        None => error.to_string(),
    }
}
