//! How a decision becomes a fact: onto flash, into the state, to the observer.

use everstep_core::{Effect, Event, Kind, Moment, Phase, Record, Run, Turn};

use crate::{
    driver::Driver,
    observe::Report,
    operator::DriveError,
    store::{Flash, StoreError},
};

impl<F: Flash> Driver<F> {
    pub(crate) fn record(&mut self, kind: Kind) -> Result<(), DriveError<F::Error>> {
        let kind = self.leave_reserve(kind)?;
        let record = Record { at: self.now(), kind };
        let (sequence, bytes) = self.store.append(&record)?;
        self.agent.apply(&record)?;
        self.show(sequence, &record, bytes);
        if let Kind::Generated { end: None, .. } = record.kind
            && let Some(Run { phase: Phase::Generating(generation), .. }) = self.agent.run()
        {
            self.model.accepted(self.agent.state().activity, generation.tokens.len());
        }
        if self.store.is_snapshot_due() {
            self.snapshot()?;
        }
        Ok(())
    }

    fn snapshot(&mut self) -> Result<(), StoreError<F::Error>> {
        self.observer.report(Report::SnapshotBegins);
        if let Some(bytes) = self.store.snapshot(&self.agent)? {
            self.observer.report(Report::Snapshot { bytes });
        } else {
            // The journal goes on without; its end is a limit, reached before the reserve is touched.
            tracing::warn!("the state is larger than `snapshot_bytes_max`, or than its region has room for");
        }
        Ok(())
    }

    /// Lets whatever a run may go on with pass only where an intent, its outcome and a safe end still
    /// fit: intents, and what comes any number of times without one. Outcomes and the end itself are
    /// what the reserve is for.
    fn leave_reserve(&mut self, kind: Kind) -> Result<Kind, DriveError<F::Error>> {
        if !goes_on(&kind) || self.store.has_reserve() {
            return Ok(kind);
        }
        self.snapshot()?;
        if self.store.has_reserve() {
            return Ok(kind);
        }
        let (bytes, bytes_max) = self.store.reserve();
        match self.agent.decide(self.now(), Event::JournalFull { bytes, bytes_max }) {
            Ok(limit) => Ok(limit),
            // The run ends already.
            Err(_) if self.agent.run().is_some() => Ok(kind),
            // At rest there is no run to end: the task is refused.
            Err(_) => Err(StoreError::NoRoom { bytes }.into()),
        }
    }

    fn show(&mut self, sequence: u64, record: &Record, bytes: usize) {
        let text = match &record.kind {
            Kind::Generated { tokens, end } => Some(self.text_of_run(tokens.len(), end.is_some())),
            _ => None,
        };
        let step = self.agent.run().map_or(0, |run| run.step.0);
        if let Kind::Pruned { through, what } = record.kind {
            let turns = self.agent.run().map_or(0, |run| run.turns.len());
            tracing::info!(step, through, ?what, turns, "the context was full: the conversation is pruned");
        }
        let effect = self.agent.effect();
        let tool = match &effect {
            Effect::CallTool { pending, .. } | Effect::Probe { pending, .. } => pending.call.tool.as_str(),
            _ => "",
        };
        tracing::info!(
            sequence,
            step,
            record = record.kind.name(),
            record_bytes = bytes,
            effect = effect.name(),
            tool
        );
        let agent = &self.agent;
        self.observer.report(Report::Recorded { sequence, record, agent, text: text.as_deref(), bytes });
    }

    /// What the newest `count` tokens of a reply, on flash by now, add to its text. A letter that is cut
    /// by the end of a run comes with the run that completes it.
    fn text_of_run(&self, count: usize, ended: bool) -> String {
        let Some(run) = self.agent.run() else { return String::new() };
        let tokens = match (&run.phase, run.turns.last()) {
            (Phase::Generating(generation), _) => &generation.tokens,
            (_, Some(Turn::Reply { tokens, .. })) => tokens,
            _ => return String::new(),
        };
        let before = tokens.get(..tokens.len().saturating_sub(count)).unwrap_or_default();
        let (before, mut text) = (self.model.text(before), self.model.text(tokens));
        if !ended {
            text.truncate(without_cut_letter(&text).len());
        }
        text.get(without_cut_letter(&before).len()..).unwrap_or_default().to_owned()
    }

    pub(crate) fn now(&self) -> Moment {
        Moment { boot: self.boot, mono_ms: self.clock.now_ms(), clock: self.clock.unix_s() }
    }
}

/// `text` without the replacement of what may be the beginning of a letter.
fn without_cut_letter(text: &str) -> &str {
    text.strip_suffix(char::REPLACEMENT_CHARACTER).unwrap_or(text)
}

/// Whether a run goes on with this record, and may write more of its kind without end.
fn goes_on(kind: &Kind) -> bool {
    matches!(
        kind,
        Kind::Started { .. }
            | Kind::Booted { .. }
            | Kind::Attempt { .. }
            | Kind::Generated { .. }
            | Kind::Pruned { .. }
            | Kind::Called(_)
            | Kind::ApprovalGiven
    )
}
