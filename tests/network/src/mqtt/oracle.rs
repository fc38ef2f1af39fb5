//! What must hold between the records, the broker's own log, and what somebody else got from it.

use std::collections::BTreeMap;

use everstep_core::Record;
use peer_tests::oracle::{Told, Violation, intents};
use serde_json::Value;

use super::life::Stage;

/// What a life was like.
#[derive(Clone, Debug, Default)]
pub struct Story {
    /// What is counted in every kind of life.
    pub of_records: peer_tests::Story,
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
}

impl Story {
    /// Adds what another life was like.
    pub fn add(&mut self, other: &Self) {
        self.of_records.add(&other.of_records);
        self.broker_kills += other.broker_kills;
        self.never += other.never;
        self.safe += other.safe;
        self.received += other.received;
        self.delivered += other.delivered;
    }
}

/// Compares the records with what the broker's log says, and with what somebody else got.
///
/// # Errors
///
/// The first that does not fit.
pub fn check(records: &[Record], seed: u64, stage: &Stage, story: &mut Story) -> Result<(), Violation> {
    let intents = intents(records, &mut story.of_records);
    story.of_records.intents += intents.len();
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
