//! One run's own moves: what `apply` does to the run alone.

use alloc::{string::String, vec::Vec};

use crate::{
    record::{End, Kind},
    state::{Attempt, Finished, Generation, Notice, Phase, Run, Turn},
    text::add_change,
    words::GenerationId,
};

impl Run {
    /// The task in the operator's words.
    #[must_use]
    pub fn task(&self) -> &str {
        match self.turns.first() {
            Some(Turn::Task(task)) => task,
            _ => "",
        }
    }

    /// The newest whole reply.
    #[must_use]
    pub fn last_reply(&self) -> Option<&str> {
        self.turns.iter().rev().find_map(|turn| match turn {
            Turn::Reply { text, .. } => Some(text.as_str()),
            _ => None,
        })
    }

    /// Takes what became of the attempt under way.
    pub(crate) fn hear(&mut self, kind: &Kind) -> Option<()> {
        let Phase::Generating(generation) = &mut self.phase else { return None };
        match kind {
            Kind::Generated { tokens, end } => {
                let sampled = u32::try_from(tokens.len()).unwrap_or(u32::MAX);
                self.used.tokens = self.used.tokens.saturating_add(sampled);
                self.aborts = 0;
                generation.tokens.extend_from_slice(tokens);
                if let Some(text) = end {
                    self.end_reply(text);
                }
            }
            Kind::Discarded { .. } => generation.start_over(),
            Kind::GenerationFailed { .. } => {
                generation.start_over();
                self.generation_failures = self.generation_failures.saturating_add(1);
            }
            _ => return None,
        }
        Some(())
    }

    /// An outage counts for a reply that had begun before it.
    pub(crate) fn note_outage(&mut self, away_ms: Option<u64>) {
        let begun = match &self.phase {
            Phase::Generating(generation) => !generation.tokens.is_empty(),
            _ => true,
        };
        if begun {
            let sum = self.outage_ms.zip(away_ms);
            self.outage_ms = sum.map(|(before_ms, away_ms)| before_ms.saturating_add(away_ms));
        }
    }

    fn end_reply(&mut self, text: &str) {
        let deciding = Phase::Deciding { text: text.into() };
        if let Phase::Generating(generation) = core::mem::replace(&mut self.phase, deciding) {
            self.turns.push(Turn::Reply { tokens: generation.tokens, text: text.into() });
        }
        self.generation_failures = 0;
    }

    pub(crate) fn note_restart(&mut self, changed: &[String]) {
        let earlier = self.notices.iter_mut().find_map(|notice| match notice {
            Notice::Restarted { changed } => Some(changed),
            Notice::Late(_) => None,
        });
        match earlier {
            Some(earlier) => {
                for change in changed {
                    add_change(earlier, change);
                }
            }
            None => self.notices.push(Notice::Restarted { changed: changed.to_vec() }),
        }
    }

    pub(crate) fn into_finished(self, how: End) -> Finished {
        let answer = if how == End::Done { self.last_reply().map(Into::into) } else { None };
        Finished {
            run: self.id,
            task: self.task().into(),
            task_id: self.task_id,
            how,
            answer,
            steps: self.step,
            used: self.used,
        }
    }
}

impl Generation {
    pub(crate) fn new(id: GenerationId) -> Self {
        Self { id, redo: 0, attempts: 0, attempt: Attempt::Due, tokens: Vec::new() }
    }

    pub(crate) fn is_due(&self, id: GenerationId, number: u32) -> bool {
        self.attempt == Attempt::Due && self.id == id && number == self.attempts.saturating_add(1)
    }

    fn start_over(&mut self) {
        self.tokens.clear();
        self.redo = self.redo.saturating_add(1);
        self.attempt = Attempt::Due;
    }
}
