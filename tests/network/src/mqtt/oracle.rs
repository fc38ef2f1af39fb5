//! What must hold between the records, the broker's own log, and what somebody else got from it.

use std::collections::BTreeMap;

use everstep_board_sim::SimFlash;
use everstep_core::{Call, Kind, Outcome, Record, Then};
use everstep_driver::SharedFlash;
use everstep_journal::{BUFFER_BYTES, Entry, Journal};
use serde_json::Value;

use super::life::{AGENT_REGION, Stage};

/// A promise that did not hold.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0}")]
pub struct Violation(pub String);

/// What a life was like.
#[derive(Clone, Debug, Default)]
pub struct Story {
    /// Starts of the process.
    pub boots: u32,
    /// Cuts of the power between two operations of the flash, or within one.
    pub flash_cuts: u32,
    /// Cuts while a message was with the broker.
    pub message_cuts: u32,
    /// Starts of the broker beyond the first.
    pub broker_kills: usize,
    /// Intents on flash that must not run twice.
    pub never: usize,
    /// Intents on flash that may.
    pub safe: usize,
    /// Messages that reached the broker.
    pub received: usize,
    /// Messages that somebody else got from it.
    pub delivered: usize,
    /// Times an outcome was lost.
    pub lost: usize,
    /// Calls that ran again.
    pub reruns: usize,
    /// Calls that needed an operator.
    pub approvals: u32,
}

impl Story {
    /// Adds what another life was like.
    pub fn add(&mut self, other: &Self) {
        self.boots += other.boots;
        self.flash_cuts += other.flash_cuts;
        self.message_cuts += other.message_cuts;
        self.broker_kills += other.broker_kills;
        self.never += other.never;
        self.safe += other.safe;
        self.received += other.received;
        self.delivered += other.delivered;
        self.lost += other.lost;
        self.reruns += other.reruns;
        self.approvals += other.approvals;
    }
}

/// Compares the records with what the broker's log says, and with what somebody else got.
///
/// # Errors
///
/// The first that does not fit.
pub fn check(records: &[Record], seed: u64, stage: &Stage, story: &mut Story) -> Result<(), Violation> {
    let intents = intents(records, story);
    let mut allowed = BTreeMap::<String, Allowed>::new();
    for intent in &intents {
        let arguments: Value = serde_json::from_str(&intent.call.arguments).unwrap_or_default();
        let number = arguments.get("n").cloned().unwrap_or_default();
        let topic = format!("{}/{}/{number}", seed, intent.call.tool);
        // By the board file, whatever the records say.
        let is_never = intent.call.tool != "set_level";
        story.never += usize::from(is_never);
        story.safe += usize::from(!is_never);
        let allowed = allowed.entry(topic).or_default();
        // What must not run twice does so at most once for each intent, whatever became of it.
        let tries = if is_never { 1 } else { intent.tries };
        allowed.at_most += if intent.told == Told::NotStarted { 0 } else { tries };
        allowed.at_least += usize::from(intent.told == Told::Done);
    }
    for tool in ["pulse", "ring", "set_level"] {
        for number in 1..=9 {
            let topic = format!("{seed}/{tool}/{number}");
            let received = stage.broker.received(&topic);
            let delivered = stage.peer.seen(&topic).iter().filter(|seen| !seen.retained).count();
            story.received += received;
            story.delivered += delivered;
            let Allowed { at_most, at_least } = allowed.remove(&topic).unwrap_or_default();
            if received > at_most || received < at_least || delivered > at_most {
                return Err(Violation(format!(
                    "{topic} came {received} times and was delivered {delivered} times, \
                         intents allow {at_least} to {at_most}: {intents:?}"
                )));
            }
        }
    }
    Ok(())
}

#[derive(Default)]
struct Allowed {
    at_most: usize,
    at_least: usize,
}

/// What one intent may have done.
#[derive(Debug)]
struct Intent {
    call: Call,
    /// Tries that the records allow: the first, and each that was let run again.
    tries: usize,
    told: Told,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Told {
    Nothing,
    Done,
    NotStarted,
    Unknown,
}

fn intents(records: &[Record], story: &mut Story) -> Vec<Intent> {
    let mut intents: Vec<Intent> = Vec::new();
    let mut asked = None;
    let new = |call: &Call| Intent { call: call.clone(), tries: 1, told: Told::Nothing };
    for record in records {
        let (then, told) = match &record.kind {
            Kind::Called(call) => {
                intents.push(new(call));
                continue;
            }
            Kind::ApprovalAsked { call, .. } => {
                asked = Some(call.clone());
                continue;
            }
            Kind::ApprovalGiven => {
                intents.extend(asked.take().as_ref().map(new));
                continue;
            }
            Kind::Ended { outcome, then } => {
                story.lost += usize::from(matches!(outcome, Outcome::MayHaveRun(_)));
                let told = match outcome {
                    Outcome::Done(_) => Told::Done,
                    Outcome::NotStarted(_) => Told::NotStarted,
                    Outcome::MayHaveRun(_) => Told::Unknown,
                };
                (Some(*then), told)
            }
            Kind::Booted { lost: Some(then), .. } => {
                story.lost += 1;
                (Some(*then), Told::Unknown)
            }
            _ => continue,
        };
        let Some(intent) = intents.last_mut() else { continue };
        if then == Some(Then::RunAgain) {
            intent.tries += 1;
            story.reruns += 1;
        }
        // "It did not start" is said of one try, and only where it was the only one is it said of all.
        intent.told = if told == Told::NotStarted && intent.tries > 1 { Told::Unknown } else { told };
    }
    intents
}

/// Every record on flash, in order.
pub(super) fn records(flash: &SharedFlash<SimFlash>) -> Result<Vec<Record>, Violation> {
    let copy = SharedFlash::new(flash.lock().clone());
    let (mut records, mut buffer) = (Vec::new(), vec![0; BUFFER_BYTES]);
    let visit = |entry: Entry<'_>| match entry {
        Entry::Record { bytes, .. } => Record::decode(bytes).map(|record| records.push(record)),
        Entry::Snapshot { .. } => Ok(()),
    };
    let region = copy.region(AGENT_REGION);
    Journal::recover(copy, region, everstep_journal::Budget::default(), &mut buffer, visit)
        .map_err(|error| Violation(format!("recovery: {error}")))?;
    Ok(records)
}
