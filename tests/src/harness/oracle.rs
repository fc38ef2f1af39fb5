//! What must hold, checked from outside.

use std::collections::HashMap;

use everstep_core::{
    Agent, Call, CallId, Class, End, Kind, LimitName, Limits, OutOfPlace, Outcome, Record, Settlement, State,
    Then,
};

use super::{
    ages::{When, check_ages},
    model::Position,
    world::Change,
};

/// A promise that did not hold.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{promise}: {what}")]
pub struct Violation {
    /// Which promise.
    pub promise: &'static str,
    /// What was seen.
    pub what: String,
}

/// A violation of `promise`.
pub(super) fn violated<T>(promise: &'static str, what: impl Into<String>) -> Result<T, Violation> {
    Err(Violation { promise, what: what.into() })
}

/// Everything the system told the outside, and what follows from it.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// Records that were accepted, in order, over all boots.
    pub records: Vec<Record>,
    /// When each of them was decided, in true time.
    whens: Vec<When>,
    /// The state after the newest of them.
    pub state: State,
    /// Number of the newest of them in the journal.
    pub sequence: Option<u64>,
    /// Positions that were on flash at an earlier boot, with how often they had been sampled then.
    frozen: HashMap<Position, u32>,
}

impl Told {
    /// Takes one accepted record, at `now_ms` of true time.
    pub(super) fn accept(&mut self, sequence: u64, record: &Record, agent: &Agent, now_ms: u64) {
        self.records.push(record.clone());
        self.whens.push(now_ms..=now_ms);
        self.state = agent.state().clone();
        self.sequence = Some(sequence);
    }

    /// P1: what a boot finds is what was accepted, or that and the one record that was being sent
    /// before `now_ms` of true time.
    pub(super) fn check_found(
        &mut self,
        found: &Agent,
        newest: Option<&Record>,
        now_ms: u64,
    ) -> Result<(), Violation> {
        if *found.state() == self.state {
            return Ok(());
        }
        let Some(newest) = newest else {
            return violated("P1", "accepted records are gone");
        };
        let mut extended = Told { state: self.state.clone(), ..Told::default() };
        match apply(&mut extended.state, newest, found) {
            Ok(()) if extended.state == *found.state() => {
                self.records.push(newest.clone());
                let earliest_ms = self.whens.last().map_or(0, |when| *when.end());
                self.whens.push(earliest_ms..=now_ms);
                self.state = extended.state;
                Ok(())
            }
            _ => violated("P1", format!("found {:?}, accepted {:?}", found.state(), self.state)),
        }
    }

    /// P3: no position that was on flash is sampled again, and a cut loses at most one run.
    pub(super) fn check_tokens(
        &mut self,
        sampled: &HashMap<Position, u32>,
        run_tokens_max: u32,
    ) -> Result<(), Violation> {
        for (position, times) in &self.frozen {
            if sampled.get(position).is_some_and(|now| now > times) {
                return violated("P3", format!("{position:?} was on flash and was sampled again"));
            }
        }
        let (on_flash, newest) = tokens_on_flash(&self.records);
        let mut unseen = 0;
        for (position, times) in sampled {
            let (generation, redo, index) = *position;
            if on_flash.get(&(generation.0, redo)).is_some_and(|tokens| index < *tokens) {
                self.frozen.insert(*position, *times);
            } else if newest == (generation.0, redo) {
                unseen += 1;
            }
        }
        if unseen > run_tokens_max as usize {
            return violated("P3", format!("{unseen} sampled tokens were not on flash"));
        }
        Ok(())
    }

    /// P2: what is too old does not act, whatever the agent's clocks say.
    pub(super) fn check_ages(&self, limits: &Limits) -> Result<(), Violation> {
        check_ages(&self.records, &self.whens, limits)
    }

    /// P6: a run that does not end well sets the safe states first, and says why; only a small
    /// region fills up.
    pub(super) fn check_ends(&self, is_small: bool) -> Result<(), Violation> {
        let (mut reason, mut is_safe) = (None, false);
        for record in &self.records {
            match &record.kind {
                Kind::LimitReached { limit: LimitName::JournalBytes, used, max }
                    if !is_small || used <= max =>
                {
                    return violated("P6", format!("{used} bytes of the region were needed, {max} there"));
                }
                Kind::LimitReached { limit, .. } => reason = Some(End::Limit(*limit)),
                Kind::StopAsked { reason: why } => reason = Some(End::Stopped(why.clone())),
                Kind::SafeSet { .. } => is_safe = reason.is_some(),
                Kind::Finished { how: End::Done } => (reason, is_safe) = (None, false),
                Kind::Finished { how }
                    if reason.take().as_ref() != Some(how) || !std::mem::take(&mut is_safe) =>
                {
                    return violated("P6", format!("a run ended as {how:?}, without its reason or unsafe"));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// P2: every change has one intent, and what is not repeatable happened at most once.
    pub(super) fn check_world(&self, log: &[Change]) -> Result<(), Violation> {
        let intents = intents(&self.records);
        let mut times = HashMap::<CallId, usize>::new();
        for change in log {
            let Some(call) = intents.get(&change.call) else {
                return violated("P2", format!("{change:?} has no intent on flash"));
            };
            let same = call.tool == change.tool
                && serde_json::from_str::<serde_json::Value>(&call.arguments).ok().as_ref()
                    == Some(&change.arguments);
            if !same {
                return violated("P2", format!("{change:?} is not what {call:?} asked for"));
            }
            let times = times.entry(change.call).or_default();
            *times += 1;
            if *times > 1 && !matches!(call.class, Class::Observe | Class::Safe) {
                return violated("P2", format!("{call:?} happened {times} times"));
            }
        }
        check_boots(&self.records)?;
        check_outcomes(&self.records, &times)
    }
}

/// Boots are counted, and never twice: ages depend on it.
fn check_boots(records: &[Record]) -> Result<(), Violation> {
    let mut newest = 0;
    for record in records {
        let boot = record.at.boot;
        let counts_on =
            if matches!(record.kind, Kind::Booted { .. }) { boot > newest } else { boot >= newest };
        if !counts_on {
            return violated("P1", format!("boot {boot} came after boot {newest}"));
        }
        newest = boot;
    }
    Ok(())
}

/// What the model was told of a call is true.
fn check_outcomes(records: &[Record], times: &HashMap<CallId, usize>) -> Result<(), Violation> {
    let mut under_way: Option<Call> = None;
    let mut asked: Option<Call> = None;
    for record in records {
        match &record.kind {
            Kind::Called(call) => under_way = Some(call.clone()),
            Kind::ApprovalAsked { call, .. } => asked = Some(call.clone()),
            Kind::ApprovalGiven => under_way = asked.take(),
            Kind::Ended { outcome: Outcome::Done(_), .. }
            | Kind::Settled { found: Settlement::Done(_), .. } => {
                let Some(call) = &under_way else { return violated("P2", "an outcome without a call") };
                let changes = call.class != Class::Observe && call.wait_ms.is_none();
                if changes && !times.contains_key(&call.id) {
                    return violated("P2", format!("{call:?} was told as done, but nothing changed"));
                }
            }
            // "Nothing moved" invites the model to do it again: it must be true of every try.
            Kind::Ended { outcome: Outcome::NotStarted(_), then: Then::Tell } => {
                let Some(call) = &under_way else { return violated("P2", "an outcome without a call") };
                if !matches!(call.class, Class::Observe | Class::Safe) && times.contains_key(&call.id) {
                    return violated("P2", format!("{call:?} was told as not started, but it happened"));
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn intents(records: &[Record]) -> HashMap<CallId, Call> {
    let mut asked = None;
    let mut intents = HashMap::new();
    for record in records {
        match &record.kind {
            Kind::Called(call) => {
                intents.insert(call.id, call.clone());
            }
            Kind::ApprovalAsked { call, .. } => asked = Some(call.clone()),
            Kind::ApprovalGiven => {
                if let Some(call) = asked.take() {
                    intents.insert(call.id, call);
                }
            }
            _ => {}
        }
    }
    intents
}

/// Tokens on flash by start of a generation, and the newest start.
fn tokens_on_flash(records: &[Record]) -> (HashMap<(u32, u32), usize>, (u32, u32)) {
    let mut now = (0, 0);
    let mut tokens = HashMap::new();
    for record in records {
        match &record.kind {
            Kind::Attempt { generation, .. } if generation.0 != now.0 => now = (generation.0, 0),
            Kind::Discarded { .. } | Kind::GenerationFailed { .. } => now.1 += 1,
            Kind::Generated { tokens: run, .. } => *tokens.entry(now).or_default() += run.len(),
            _ => {}
        }
    }
    (tokens, now)
}

/// Applies `record` to `state` the way an agent would.
fn apply(state: &mut State, record: &Record, like: &Agent) -> Result<(), OutOfPlace> {
    let bytes = state.encode();
    let Ok(mut agent) = Agent::from_snapshot(&bytes, *like.limits()) else {
        return Err(OutOfPlace { kind: "snapshot", phase: "reading" });
    };
    agent.apply(record)?;
    *state = agent.state().clone();
    Ok(())
}
