//! Matches the world's log of changes with the journal's intents. The world knows nothing of records,
//! and real pins carry no call numbers: what counts is that each change has its intent.

use anyhow::{Context, Result};
use serde_json::Value;

/// A call whose intent is on flash.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Intent {
    pub(crate) tool: String,
    pub(crate) arguments: Value,
    /// Whether its class allows a second try.
    pub(crate) repeatable: bool,
}

/// A change of the world.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Change {
    /// The tool that makes such a change.
    pub(crate) tool: String,
    /// The arguments that make it.
    pub(crate) arguments: Value,
}

/// What the comparison found.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Verdict {
    /// Changes beyond the one that each unrepeatable intent allows.
    pub(crate) doubled: usize,
    /// Changes that no intent explains.
    pub(crate) unmatched: usize,
}

/// The intents among `records`, in the form of `everstep journal --json`.
pub(crate) fn intents<'a>(records: impl Iterator<Item = &'a Value>) -> Result<Vec<Intent>> {
    let mut asked = None;
    let mut intents = Vec::new();
    for record in records {
        match record.get("kind").and_then(Value::as_str) {
            Some("called") => intents.push(intent(record)?),
            Some("approval_asked") => {
                asked = Some(intent(record.get("call").context("a question without its call")?)?);
            }
            Some("approval_given") => intents.extend(asked.take()),
            // Boot policies and safe states move actuators, too; their records say so.
            Some("booted" | "safe_set") => intents.extend(set_by_runtime(record)),
            _ => {}
        }
    }
    Ok(intents)
}

/// What the runtime set by itself: "compressor set to off", "fan set to 0 percent".
fn set_by_runtime(record: &Value) -> Vec<Intent> {
    let texts = record.get("changed").and_then(Value::as_array).cloned().unwrap_or_default();
    let set = |text: &Value| {
        let (device, state) = text.as_str()?.split_once(" set to ")?;
        let arguments = match state.strip_suffix(" percent") {
            Some(percent) => serde_json::json!({"percent": percent.parse::<u32>().ok()?}),
            None => serde_json::json!({"on": state == "on"}),
        };
        Some(Intent { tool: format!("set_{device}"), arguments, repeatable: true })
    };
    texts.iter().filter_map(set).collect()
}

fn intent(call: &Value) -> Result<Intent> {
    let text = |key: &str| {
        call.get(key).and_then(Value::as_str).with_context(|| format!("a call without {key}: {call}"))
    };
    let class = call.get("class").context("a call without class")?;
    Ok(Intent {
        tool: text("tool")?.into(),
        arguments: serde_json::from_str(text("arguments")?).context("arguments of a call")?,
        repeatable: matches!(class.as_str(), Some("Observe" | "Safe")),
    })
}

/// Compares what was meant with what happened.
pub(crate) fn compare(intents: &[Intent], changes: &[Change]) -> Verdict {
    let mut left: Vec<(&Intent, bool)> = intents.iter().map(|intent| (intent, false)).collect();
    let mut verdict = Verdict::default();
    for change in changes {
        let same = |intent: &Intent| intent.tool == change.tool && intent.arguments == change.arguments;
        if let Some((_, used)) = left.iter_mut().find(|(intent, used)| !used && same(intent)) {
            *used = true;
        } else {
            match left.iter().find(|(intent, _)| same(intent)) {
                // Setting a state again changes nothing, so the world logs no such change; where it
                // does, the class allows it.
                Some((intent, _)) if intent.repeatable => {}
                Some(_) => verdict.doubled += 1,
                None => verdict.unmatched += 1,
            }
        }
    }
    verdict
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn intent_of(tool: &str, repeatable: bool) -> Intent {
        Intent { tool: tool.into(), arguments: json!({"n": 1}), repeatable }
    }

    fn change_of(tool: &str) -> Change {
        Change { tool: tool.into(), arguments: json!({"n": 1}) }
    }

    #[test]
    fn second_pulse_of_one_intent_is_doubled() {
        let verdict = compare(&[intent_of("pulse", false)], &[change_of("pulse"), change_of("pulse")]);
        assert_eq!(verdict, Verdict { doubled: 1, unmatched: 0 });
    }

    #[test]
    fn change_nobody_asked_for_is_unmatched() {
        let verdict = compare(&[intent_of("pulse", false)], &[change_of("dose")]);
        assert_eq!(verdict, Verdict { doubled: 0, unmatched: 1 });
    }

    #[test]
    fn two_intents_allow_two_pulses() {
        let intents = [intent_of("pulse", false), intent_of("pulse", false)];
        assert_eq!(compare(&intents, &[change_of("pulse"), change_of("pulse")]), Verdict::default());
    }

    #[test]
    fn repeatable_state_may_be_set_again() {
        let verdict = compare(&[intent_of("set", true)], &[change_of("set"), change_of("set")]);
        assert_eq!(verdict, Verdict::default());
    }
}
