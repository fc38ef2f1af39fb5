//! What must hold between the records, the broker's own log, and what somebody else got from it.

use std::collections::BTreeMap;

use everstep_core::Record;
use peer_tests::oracle::{Told, Violation, intents};
use serde_json::Value;

use super::life::{Stage, mode_topic};

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
    /// Intents on flash that may where the topic does not show it.
    pub read_back: usize,
    /// Messages that reached the broker.
    pub received: usize,
    /// Messages that somebody else got from it.
    pub delivered: usize,
    /// Tries of those beyond the first.
    pub sent_again: usize,
    /// Lives with TLS.
    pub over_tls: usize,
    /// Messages that reached the broker in them.
    pub received_over_tls: usize,
}

impl Story {
    /// Adds what another life was like.
    pub fn add(&mut self, other: &Self) {
        self.of_records.add(&other.of_records);
        self.broker_kills += other.broker_kills;
        self.never += other.never;
        self.safe += other.safe;
        self.read_back += other.read_back;
        self.received += other.received;
        self.delivered += other.delivered;
        self.sent_again += other.sent_again;
        self.over_tls += other.over_tls;
        self.received_over_tls += other.received_over_tls;
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
    let mut modes = BTreeMap::<String, usize>::new();
    for intent in &intents {
        let arguments: Value = serde_json::from_str(&intent.call.arguments).unwrap_or_default();
        let number = arguments.get("n").cloned().unwrap_or_default();
        // By the board file, whatever the records say.
        let (topic, tries) = match intent.call.tool.as_str() {
            "set_level" => {
                story.safe += 1;
                (format!("{seed}/set_level/{number}"), intent.tries)
            }
            // A broker that is killed may forget what it showed, and then it was not done.
            "set_mode" => {
                story.read_back += 1;
                story.sent_again += intent.tries - 1;
                if intent.told != Told::NotStarted {
                    *modes.entry(number.to_string()).or_default() += 1;
                }
                (mode_topic(seed), intent.tries.min(1 + story.broker_kills))
            }
            // What must not run twice does so at most once for each intent, whatever became of it.
            never => {
                story.never += 1;
                (format!("{seed}/{never}/{number}"), 1)
            }
        };
        let allowed = allowed.entry(topic).or_default();
        allowed.at_most += if intent.told == Told::NotStarted { 0 } else { tries };
        allowed.at_least += usize::from(intent.told == Told::Done);
    }
    let of_numbers = ["pulse", "ring", "set_level"]
        .into_iter()
        .flat_map(|tool| (1..=9).map(move |number| (format!("{seed}/{tool}/{number}"), 0)));
    // The first thing that it showed was not from the board.
    for (topic, of_others) in of_numbers.chain([(mode_topic(seed), 1)]) {
        let received = stage.broker.received(&topic) - of_others;
        let Allowed { at_most, at_least } = allowed.remove(&topic).unwrap_or_default();
        // A broker that is killed forgets whom to tell.
        let passed_on = if story.broker_kills == 0 { at_least } else { 0 };
        let delivered = stage.delivered(&topic, passed_on)?;
        story.received += received;
        story.delivered += delivered;
        if received > at_most || received < at_least || delivered > at_most || delivered < passed_on {
            return Err(Violation(format!(
                "{topic} came {received} times and was delivered {delivered} times, \
                     intents allow {at_least} to {at_most}: {intents:?}"
            )));
        }
    }
    story.received_over_tls = story.over_tls * story.received;
    if story.broker_kills == 0 {
        // Each by itself: one that was lost pays for no other.
        let topic = mode_topic(seed);
        stage.delivered(&topic, stage.broker.received(&topic) - 1)?;
        for (number, at_most) in &modes {
            let times = stage.peer.seen(&topic).iter().filter(|seen| seen.payload == *number).count();
            if times > *at_most {
                return Err(Violation(format!(
                    "mode {number} came {times} times, {at_most} allowed: {intents:?}"
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
