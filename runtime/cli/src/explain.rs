//! What an agent waits for, in words.

use everstep_core::{Attempt, Finished, Limits, Phase, Run, State};
use everstep_driver::call_digest;
use serde_json::{Value, json};

use crate::describe;

/// The present phase of an agent, a few lines.
pub(crate) fn text(agent: &str, state: &State, limits: &Limits) -> String {
    let mut lines = Vec::new();
    if let Some(run) = &state.run {
        lines.push(format!("{agent}: run {} is under way: {}", run.id, run.task()));
        lines.push(format!("It waits for {}.", waits_for(run)));
        lines.push(format!("Next: {}.", next(run)));
        lines.push(used(run, limits));
    } else {
        lines.push(format!("{agent}: no run is under way."));
        lines.extend(state.last.as_ref().map(ended));
        lines.push("Next: `everstep run TASK` begins a run.".into());
    }
    if let Some(tool) = state.ledger.tainted.as_ref().filter(|_| state.run.is_some()) {
        lines.push(format!("Text from outside is in the run since {tool}: sensitive calls need approval."));
    }
    for call in &state.unknown {
        lines.push(format!("Unknown: {} may have run; an equal call needs approval.", describe::call(call)));
    }
    if state.unknown_overflowed {
        lines.push(
            "More calls are unknown than are remembered: each that can't be repeated needs approval.".into(),
        );
    }
    lines.join("\n")
}

/// The same as an object.
pub(crate) fn object(agent: &str, state: &State) -> Value {
    let run = state.run.as_ref().map(|run| {
        json!({
            "run": run.id,
            "task": run.task(),
            "task_id": run.task_id,
            "phase": run.phase.name(),
            "waits_for": waits_for(run),
            "call": call_of(&run.phase).map(|call| call.id),
            "call_digest": call_of(&run.phase).map(call_digest),
            "tainted_by": state.ledger.tainted,
            "step": run.step,
            "tokens": run.used.tokens,
            "calls": run.used.calls,
            "powered_ms": run.used.powered_ms,
        })
    });
    json!({
        "agent": agent,
        "run": run,
        "last": state.last.as_ref().map(finished),
        "unknown": state.unknown.iter().map(describe::call).collect::<Vec<_>>(),
    })
}

/// A finished run as an object.
pub(crate) fn finished(last: &Finished) -> Value {
    json!({
        "run": last.run,
        "task": last.task,
        "task_id": last.task_id,
        "how": describe::end(&last.how),
        "answer": last.answer,
        "steps": last.steps,
        "tokens": last.used.tokens,
        "calls": last.used.calls,
        "powered_ms": last.used.powered_ms,
    })
}

fn ended(last: &Finished) -> String {
    let answer = last.answer.as_ref().map(|answer| format!(" Its answer: {answer}")).unwrap_or_default();
    format!("Run {} ended ({}): {}.{answer}", last.run, describe::end(&last.how), last.task)
}

fn call_of(phase: &Phase) -> Option<&everstep_core::Call> {
    match phase {
        Phase::Calling(pending) | Phase::Probing(pending) => Some(&pending.call),
        Phase::Sleeping { call, .. } | Phase::Asking { call, .. } => Some(call),
        Phase::Generating(_) | Phase::Deciding { .. } | Phase::SettingSafe { .. } | Phase::Ending { .. } => {
            None
        }
    }
}

fn waits_for(run: &Run) -> String {
    match &run.phase {
        Phase::Generating(generation) => match (generation.attempt, generation.tokens.len()) {
            (Attempt::Due, 0) => "the model to be asked".into(),
            (Attempt::Begun, 0) => "the model's first token".into(),
            (_, tokens) => format!("the rest of a reply of which {tokens} tokens are on flash"),
        },
        Phase::Deciding { .. } => "the model's reply to be checked".into(),
        Phase::Calling(pending) => {
            format!("call {} to end, try {}", describe::call(&pending.call), pending.tries)
        }
        Phase::Probing(pending) => {
            format!("the device to tell whether call {} ran", describe::call(&pending.call))
        }
        Phase::Sleeping { call, .. } => format!("the time of {} to pass", describe::call(call)),
        Phase::Asking { call, reason } => {
            let (shown, digest) = (describe::call(call), call_digest(call));
            format!("an operator's decision about call {shown} (digest {digest}): {reason}")
        }
        Phase::SettingSafe { end } => format!("the safe states, then it ends ({})", describe::end(end)),
        Phase::Ending { end } => format!("its end to be recorded ({})", describe::end(end)),
    }
}

fn next(run: &Run) -> String {
    match &run.phase {
        Phase::Generating(generation) if generation.tokens.is_empty() => {
            "`everstep run` asks the model".into()
        }
        Phase::Generating(generation) => {
            format!("`everstep run` goes on with token {}", generation.tokens.len() + 1)
        }
        Phase::Deciding { .. } => "`everstep run` checks the reply, then records a call or the answer".into(),
        Phase::Calling(pending) => {
            format!("a start settles the call by its class, {}", pending.call.class.name())
        }
        Phase::Probing(_) => "a start asks the device again".into(),
        Phase::Sleeping { .. } => "`everstep run` sleeps the rest".into(),
        Phase::Asking { call, .. } => {
            format!("`everstep approve {0}` or `everstep refuse {0}`, then `everstep run`", call.id)
        }
        Phase::SettingSafe { .. } => "a start sets the safe states and records the end".into(),
        Phase::Ending { .. } => "a start records the end".into(),
    }
}

fn used(run: &Run, limits: &Limits) -> String {
    format!(
        "Used: step {} of {}; {} of {} calls; {} of {} tokens; {} of {} s.",
        run.step,
        limits.steps_max,
        run.used.calls,
        limits.calls_max,
        run.used.tokens,
        limits.tokens_max,
        run.used.powered_ms / 1_000,
        limits.powered_s_max
    )
}

#[cfg(test)]
mod tests {
    use everstep_core::{Agent, Digests, Kind, Moment, Record, RunId};

    use super::*;

    #[test]
    fn agent_at_rest_says_how_to_begin() {
        let text = text("room", &State::default(), &Limits::default());
        assert_eq!(text, "room: no run is under way.\nNext: `everstep run TASK` begins a run.");
        assert!(object("room", &State::default())["run"].is_null());
    }

    #[test]
    fn run_under_way_says_what_it_waits_for_and_what_it_used() {
        let mut agent = Agent::new(Limits::default());
        let kind = Kind::Started {
            run: RunId(1),
            task: "cool".into(),
            task_id: Some("a".into()),
            seed: 1,
            digests: Digests::default(),
        };
        agent.apply(&Record { at: Moment::default(), kind }).unwrap();
        let text = text("room", agent.state(), agent.limits());
        assert!(
            text.starts_with("room: run 1 is under way: cool\nIt waits for the model to be asked.\n"),
            "{text}"
        );
        assert!(text.contains(" of 100 calls; 0 of 50000 tokens"), "{text}");
        let object = object("room", agent.state());
        assert_eq!(
            (object["run"]["phase"].as_str(), object["run"]["task_id"].as_str()),
            (Some("generating"), Some("a"))
        );
    }
}
