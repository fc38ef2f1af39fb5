//! What must hold between the records and the server's own log.

use std::collections::HashMap;

use everstep_core::{Class, Record};
use peer_tests::oracle::{Told, Violation, intents};

use super::{life::Story, server::Act};

/// How often something may, and must, have been done.
#[derive(Clone, Copy, Debug, Default)]
struct Allowed {
    at_most: usize,
    at_least: usize,
}

/// Checks every act of the server against the intents on flash, and every outcome against the acts.
pub(super) fn check(records: &[Record], acts: &[Act], story: &mut Story) -> Result<(), Violation> {
    let intents = intents(records, &mut story.of_records);
    story.of_records.intents += intents.len();
    story.of_records.acts += acts.len();
    story.of_records.pulses += acts.iter().filter(|act| act.tool == "pulse").count();

    let mut allowed = HashMap::<String, Allowed>::new();
    for intent in intents.iter().filter(|intent| intent.call.class != Class::Observe) {
        let allowance = allowed.entry(format!("{} {}", intent.call.tool, intent.call.arguments)).or_default();
        // What must not run twice acts once, however often it was tried.
        let once = matches!(intent.call.class, Class::Never | Class::Keyed { .. });
        if intent.told != Told::NotStarted {
            allowance.at_most += if once { 1 } else { intent.tries };
        }
        if intent.told == Told::Done {
            allowance.at_least = if once { allowance.at_least + 1 } else { 1 };
        }
    }
    let mut done = HashMap::<String, usize>::new();
    let mut keys = HashMap::<&str, usize>::new();
    for act in acts {
        *done.entry(format!("{} {}", act.tool, act.body)).or_default() += 1;
        if let Some(key) = &act.key {
            *keys.entry(key).or_default() += 1;
        }
    }
    if let Some((key, times)) = keys.iter().find(|(_, times)| **times > 1) {
        return Err(Violation(format!("key {key} was acted on {times} times: {acts:?}")));
    }
    for (what, times) in &done {
        let at_most = allowed.get(what).copied().unwrap_or_default().at_most;
        if *times > at_most {
            return Err(Violation(format!("{what} happened {times} times, {at_most} allowed: {intents:?}")));
        }
    }
    for (what, Allowed { at_least, .. }) in &allowed {
        let times = done.get(what).copied().unwrap_or_default();
        if times < *at_least {
            return Err(Violation(format!("{what} was told as done {at_least} times, happened {times}")));
        }
    }
    Ok(())
}
