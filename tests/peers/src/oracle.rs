//! What must hold between the records and the peer's own log.

#![expect(clippy::indexing_slicing, reason = "what is missing in a JSON value reads as null")]

use std::collections::HashMap;

use everstep_core::{Call, Class, Kind, Outcome, Record, Settlement, Then};
use serde_json::Value;

use crate::life::Story;

/// A promise that did not hold.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0}")]
pub struct Violation(pub String);

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

/// Checks every act of the peer against the intents on flash, and every outcome against the acts.
///
/// # Errors
///
/// The first that does not fit.
pub fn check(records: &[Record], log: &[Value], story: &mut Story) -> Result<(), Violation> {
    let intents = intents(records, story);
    story.intents += intents.len();
    story.acts += log.len();
    story.pulses += log.iter().filter(|act| act["what"] == "pulse").count();

    let mut acts = HashMap::<String, usize>::new();
    for act in log {
        *acts.entry(key_of_act(act)).or_default() += 1;
    }
    let mut allowed = HashMap::<String, (usize, usize)>::new();
    for intent in &intents {
        let Some(key) = key_of_call(&intent.call) else { continue };
        // A set may be repeated by the rule of its class; a pulse that acted, never.
        let tries = if key.starts_with("pulse") { 1 } else { intent.tries };
        let (at_most, at_least) = allowed.entry(key).or_default();
        if intent.told != Told::NotStarted {
            *at_most += tries;
        }
        *at_least += usize::from(intent.told == Told::Done);
    }
    for (key, count) in &acts {
        // Boots and ends set these, as often as there are any.
        if key.ends_with(SAFE) {
            continue;
        }
        let (at_most, _) = allowed.get(key).copied().unwrap_or_default();
        if *count > at_most {
            return Err(Violation(format!(
                "{key} happened {count} times, intents allow {at_most}: {intents:?}"
            )));
        }
    }
    for (key, (_, at_least)) in &allowed {
        if key.starts_with("pulse") && acts.get(key).copied().unwrap_or_default() < *at_least {
            return Err(Violation(format!("{key} was told as done, but is not in the log {log:?}")));
        }
        if *at_least > 0 && !acts.contains_key(key) {
            return Err(Violation(format!("{key} was told as done, but never happened: {log:?}")));
        }
    }
    Ok(())
}

/// What boots and ends set: no call of a life asks for it.
const SAFE: &str = "=safe";

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
            Kind::Settled { found, then } => {
                story.settled += usize::from(!matches!(found, Settlement::CantTell(_)));
                let told = match found {
                    Settlement::Done(_) => Told::Done,
                    Settlement::NotDone | Settlement::CantTell(_) => Told::Unknown,
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
            story.reruns += usize::from(intent.call.class != Class::Observe);
        }
        // "It did not start" is said of one try, and only where it was the only one is it said of all.
        intent.told = if told == Told::NotStarted && intent.tries > 1 { Told::Unknown } else { told };
    }
    intents
}

/// What a call asks of the peer, as `what:where=value`; `None` for reads.
fn key_of_call(call: &Call) -> Option<String> {
    let arguments: Value = serde_json::from_str(&call.arguments).ok()?;
    let device = call.tool.split_once('_').map_or("", |(_, device)| device);
    if let Some(pulses) = arguments.get("pulses") {
        return Some(format!("pulse:{device}={pulses}"));
    }
    let value = arguments.get("value").or(arguments.get("state")).or(arguments.get("on"))?;
    Some(format!("write:{device}={}", plain(value)))
}

/// The same of an act. The boards of the lives name their devices as here.
fn key_of_act(act: &Value) -> String {
    let what = act["what"].as_str().unwrap_or_default();
    let device = match (act["table"].as_str(), act["address"].as_u64()) {
        (_, Some(100)) => "feeder",
        (_, Some(120)) => "horn",
        (Some("holding"), Some(5)) | (Some("SP"), None) => "heating",
        (Some("holding"), Some(10)) => "flow",
        (Some("coil"), _) | (Some("V"), None) => "valve",
        (None, None) => "bell",
        _ => "nothing",
    };
    let value = match device {
        "feeder" | "horn" | "bell" => act["pulses"].to_string(),
        // A tenth of a degree a step.
        "heating" if act["value"].is_null() => {
            let tenths = act["values"][0].as_f64().unwrap_or_default();
            plain(&Value::from(tenths / 10.0))
        }
        "heating" => act["value"]
            .as_str()
            .and_then(|value| value.parse().ok())
            .map_or_else(String::new, |value: f64| plain(&Value::from(value))),
        "flow" => {
            let word = |index: usize| act["values"][index].as_u64().unwrap_or_default();
            (word(1) << 16 | word(0)).to_string()
        }
        "valve" if act["value"].is_null() => (if act["values"][0] == 1 { "open" } else { "closed" }).into(),
        "valve" => act["value"].as_str().unwrap_or_default().into(),
        _ => act.to_string(),
    };
    let is_safe = matches!((device, value.as_str()), ("heating", "5") | ("flow", "0") | ("valve", "closed"));
    if is_safe { format!("{what}:{device}{SAFE}") } else { format!("{what}:{device}={value}") }
}

/// Numbers without a fraction where they have none, words without quotes.
fn plain(value: &Value) -> String {
    match value {
        Value::String(word) => word.clone(),
        Value::Number(number) => number.as_f64().map_or_else(String::new, |number| number.to_string()),
        other => other.to_string(),
    }
}
