//! `everstep tools try`: one call by hand, under the checks that a model's call meets.
//!
//! Leaves out whatever makes a call durable: it isn't journaled, never repeated, and what came of it is
//! for the technician who is looking.

use std::{sync::Arc, time::Duration};

use everstep_board_linux::{entropy, owner::OwnerLock};
use everstep_core::{Agent, CallId, Class, Moment, Outcome as CallOutcome, Settlement};
use everstep_tool::{Cancel, Checked, Clock, Context, ToolCall};
use serde_json::{Value, json};

use crate::{
    devices::{self, Devices},
    exit::{Exit, Failure, Outcome},
    offline::{self, Source},
    out, parts,
    site::Site,
};

/// What came of the call.
struct Tried {
    outcome: CallOutcome,
    /// What the device says about a call that may have run.
    found: Option<Settlement>,
}

pub(super) fn perform(site: &Site, name: &str, arguments: &str, as_json: bool) -> Outcome {
    let arguments: Value = serde_json::from_str(arguments).map_err(|error| {
        Failure::usage(anyhow::anyhow!("the arguments are no JSON: {error}; as in '{{\"percent\": 40}}'"))
    })?;
    site.make_state_dir()?;
    // No agent works while somebody tries its tools by hand.
    let _lock = OwnerLock::take(&site.state_dir).map_err(Failure::usage)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(Failure::failed)?;
    // Some tools keep a connection, in a task of the runtime.
    let _entered = runtime.enter();
    let agent = offline::read(site, &Source::of(site, None))?;
    let devices = Devices::connect(site, agent.state())?;
    let toolbox = parts::toolbox(site, devices.tools.clone())?;
    let checked = toolbox
        .check(name, &arguments)
        .map_err(|refusal| Failure::usage(anyhow::anyhow!(without_prefix(&refusal.to_string()))))?;
    may_be_tried(&agent.with_rules(toolbox.rules()), name, &checked)?;

    // Of this try alone: nothing repeats it.
    let key = format!("try-{:016x}", entropy::number().map_err(Failure::failed)?);
    let tried = runtime.block_on(call(&checked, &devices.clock, &key));
    let line = describe(&tried);
    // Whoever reads the journal later should know that somebody else moved something.
    devices::note(site, &format!("tools try {name} {}: {line}", checked.arguments))
        .map_err(Failure::failed)?;
    if as_json {
        out::json(&object(name, &checked, &tried))?;
    } else {
        out::line(&line)?;
    }
    Ok(if matches!(tried.outcome, CallOutcome::Done(_)) { Exit::Done } else { Exit::Failed })
}

/// Refuses what the agent itself would have to leave for now.
fn may_be_tried(agent: &Agent, name: &str, checked: &Checked) -> Outcome<()> {
    if checked.wait_ms.is_some() {
        return Err(Failure::usage(anyhow::anyhow!("{name} only lets time pass: there is nothing to try")));
    }
    if checked.tool.spec().class == Class::Observe {
        return Ok(());
    }
    if let Some(run) = agent.run() {
        let advice =
            "`everstep run` goes on with it, `everstep stop` ends it; tools that only read can be tried";
        return Err(Failure::usage(anyhow::anyhow!("run {} is unfinished: {advice}", run.id)));
    }
    let newest = agent.state().timeline;
    let now = Moment { boot: newest.boot, mono_ms: newest.mono_ms, clock: newest.clock };
    match agent.over_budget(name, now) {
        Some(why) => Err(Failure::usage(anyhow::anyhow!("{}", without_prefix(&why)))),
        None => Ok(()),
    }
}

async fn call(checked: &Checked, clock: &Arc<dyn Clock>, key: &str) -> Tried {
    let tool = &checked.tool;
    let deadline = Duration::from_millis(tool.spec().run_ms_max.into());
    let not_started = |why| Tried { outcome: CallOutcome::NotStarted(why), found: None };
    let baseline = match tokio::time::timeout(deadline, tool.baseline(&checked.value)).await {
        Ok(Ok(baseline)) => baseline,
        Ok(Err(why)) => return not_started(why),
        Err(_) => return not_started(format!("no answer within {deadline:?}")),
    };
    let call = ToolCall {
        id: CallId(0),
        arguments: checked.value.clone(),
        baseline,
        idempotency_key: Some(key.to_owned()),
    };
    let cx = Context { attempt: 1, deadline, cancel: Cancel::default() };
    let outcome = tokio::time::timeout(deadline, tool.run(&call, &cx)).await;
    let outcome =
        outcome.unwrap_or_else(|_| CallOutcome::MayHaveRun(format!("no answer within {deadline:?}")));
    let found = match (&outcome, tool.spec().class) {
        (CallOutcome::MayHaveRun(_), Class::ReadBack { settle_ms }) => {
            clock.sleep(settle_ms.into()).await;
            Some(
                tokio::time::timeout(deadline, tool.probe(&call))
                    .await
                    .unwrap_or_else(|_| Settlement::CantTell(format!("no answer within {deadline:?}"))),
            )
        }
        _ => None,
    };
    Tried { outcome, found }
}

fn describe(tried: &Tried) -> String {
    let text = match &tried.outcome {
        CallOutcome::Done(text) => return text.clone(),
        CallOutcome::NotStarted(why) => return format!("did not run: {why}"),
        CallOutcome::MayHaveRun(why) => format!("may have run: {why}"),
    };
    match &tried.found {
        None => format!("{text}; look at the device before you try again"),
        Some(Settlement::Done(found)) => format!("{text}; read back, it did: {found}"),
        Some(Settlement::NotDone) => format!("{text}; read back, it did not"),
        Some(Settlement::CantTell(why)) => format!("{text}; it can't be read back: {why}"),
    }
}

fn object(name: &str, checked: &Checked, tried: &Tried) -> Value {
    let (outcome, text) = match &tried.outcome {
        CallOutcome::Done(text) => ("done", text),
        CallOutcome::NotStarted(text) => ("not_started", text),
        CallOutcome::MayHaveRun(text) => ("may_have_run", text),
    };
    let found = tried.found.as_ref().map(|found| match found {
        Settlement::Done(_) => "done",
        Settlement::NotDone => "not_done",
        Settlement::CantTell(_) => "cant_tell",
    });
    json!({"tool": name, "arguments": checked.value, "outcome": outcome, "text": text, "read_back": found})
}

/// Refusals begin with a word for the model.
fn without_prefix(refusal: &str) -> String {
    let words = refusal.strip_prefix("error: ").or_else(|| refusal.strip_prefix("refused: "));
    words.unwrap_or(refusal).to_owned()
}
