//! The activity under way: how each effect is started, and the event it ends in.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use everstep_core::{ActivityId, Call, CallId, Event, Move, NewCall, Outcome, Pending, Settlement};
use everstep_model::Reply;
use everstep_tool::{Cancel, Clock, Context, Tool, ToolCall, Toolbox};
use tokio::sync::mpsc::UnboundedSender;

/// Work that ends in one event.
pub(crate) type Work = Pin<Box<dyn Future<Output = Event> + Send>>;

/// What is under way.
pub(crate) struct UnderWay {
    pub(crate) id: ActivityId,
    pub(crate) task: Task,
}

/// How it goes on.
pub(crate) enum Task {
    /// The model reports; this is how long it is waited for.
    Generating { limit: Work },
    /// An operator decides.
    Asking,
    /// It runs by itself and ends in an event.
    Working(Work),
    /// A try of a call runs in a task of its own; this is its time limit.
    Calling { limit: Work, cancel: Cancel },
    /// An earlier try of the call has yet to return; this is how long it is waited for.
    Queued { call: CallId, limit: Work },
}

/// A try of a call that came back.
#[derive(Debug)]
pub(crate) struct Returned {
    pub(crate) activity: ActivityId,
    pub(crate) call: CallId,
    pub(crate) outcome: Outcome,
}

impl UnderWay {
    /// Waits for the event this activity ends in by itself.
    pub(crate) async fn event(&mut self) -> Event {
        poll_fn(|cx| match &mut self.task {
            Task::Working(work)
            | Task::Generating { limit: work }
            | Task::Calling { limit: work, .. }
            | Task::Queued { limit: work, .. } => work.as_mut().poll(cx),
            Task::Asking => std::task::Poll::Pending,
        })
        .await
    }
}

/// Ends at once in `event`.
pub(crate) fn at_once(event: Event) -> Task {
    Task::Working(Box::pin(async move { event }))
}

/// Waits for the model, which is asked already, at most `reply_s_max` seconds. They are real ones, like
/// those of a call: a world that runs faster makes no engine faster.
pub(crate) fn generate(activity: ActivityId, reply_s_max: u32) -> Task {
    let limit = Box::pin(async move {
        tokio::time::sleep(Duration::from_secs(reply_s_max.into())).await;
        let reason = format!("no end of the reply within {reply_s_max} s (`limits.reply_s_max`)");
        Event::GenerationFailed { activity, reason }
    });
    Task::Generating { limit }
}

/// Checks what a reply asks for, and reads the baseline of a call that could later be read back.
pub(crate) fn decide(activity: ActivityId, reply: Reply, tools: &Toolbox) -> Task {
    let (tool, arguments) = match reply {
        Reply::Answer(_) => return at_once(Event::Moved { activity, what: Move::Answer }),
        Reply::Malformed(why) => {
            let what = Move::Refused(format!("error: {why}"));
            return at_once(Event::Moved { activity, what });
        }
        Reply::Call { tool, arguments } => (tool, arguments),
    };
    let checked = match tools.check(&tool, &arguments) {
        Ok(checked) => checked,
        Err(refusal) => {
            let what = Move::Refused(refusal.to_string());
            return at_once(Event::Moved { activity, what });
        }
    };
    let mut new = NewCall {
        tool,
        arguments: checked.arguments,
        class: checked.tool.spec().class,
        baseline: None,
        wait_ms: checked.wait_ms,
    };
    Task::Working(Box::pin(async move {
        let limit = run_limit(checked.tool.as_ref());
        let baseline = tokio::time::timeout(limit, checked.tool.baseline(&checked.value)).await;
        let what = match baseline {
            Ok(Ok(baseline)) => {
                new.baseline = baseline;
                Move::Call(new)
            }
            Ok(Err(why)) => Move::Refused(format!("error: {why}")),
            Err(_) => Move::Refused(format!("error: {} did not answer within {limit:?}", new.tool)),
        };
        Event::Moved { activity, what }
    }))
}

/// Starts one try of a call in a task of its own: what moves goes on moving when nobody waits for it
/// any more, and its late result still arrives.
pub(crate) fn call(
    activity: ActivityId,
    pending: &Pending,
    tools: &Toolbox,
    key: String,
    returned: UnboundedSender<Returned>,
) -> Task {
    let call = pending.call.clone();
    let Some(tool) = tools.get(&call.tool).map(Arc::clone) else {
        // The tool set is compared at boot; this is the second line of defence.
        let outcome = Outcome::NotStarted(format!("there is no tool {}", call.tool));
        return at_once(Event::CallEnded { activity, outcome });
    };
    let Some(tool_call) = tool_call(&call, Some(key)) else {
        let outcome = Outcome::NotStarted("the arguments are no JSON".into());
        return at_once(Event::CallEnded { activity, outcome });
    };
    let deadline = run_limit(tool.as_ref());
    let cancel = Cancel::default();
    let cx = Context { attempt: pending.tries, deadline, cancel: cancel.clone() };
    tokio::spawn(async move {
        let outcome = tool.run(&tool_call, &cx).await;
        // Nobody listens any more only when the process ends.
        let _ = returned.send(Returned { activity, call: tool_call.id, outcome });
    });
    let limit = time_limit(activity, deadline, "no answer");
    Task::Calling { limit, cancel }
}

/// Waits for an earlier try of the same call, at most as long as a try may take.
pub(crate) fn queue(activity: ActivityId, pending: &Pending, tools: &Toolbox) -> Task {
    let limit = tools.get(&pending.call.tool).map_or(Duration::ZERO, |tool| run_limit(tool.as_ref()));
    let limit = time_limit(activity, limit, "the earlier try did not return");
    Task::Queued { call: pending.call.id, limit }
}

/// Waits for the lost try to return before the device is asked about it.
pub(crate) fn queue_probe(activity: ActivityId, pending: &Pending, tools: &Toolbox) -> Task {
    let limit = tools.get(&pending.call.tool).map_or(Duration::ZERO, |tool| run_limit(tool.as_ref()));
    let limit = Box::pin(async move {
        tokio::time::sleep(limit).await;
        let found = Settlement::CantTell(format!("the try still holds the device after {limit:?}"));
        Event::Probed { activity, found }
    });
    Task::Queued { call: pending.call.id, limit }
}

/// Asks the device whether a lost call ran, once it has settled.
pub(crate) fn probe(
    activity: ActivityId,
    pending: &Pending,
    settle_ms: u32,
    tools: &Toolbox,
    clock: &Arc<dyn Clock>,
) -> Task {
    let Some((tool, call)) =
        tools.get(&pending.call.tool).map(Arc::clone).zip(tool_call(&pending.call, None))
    else {
        let found = Settlement::CantTell(format!("there is no tool {}", pending.call.tool));
        return at_once(Event::Probed { activity, found });
    };
    let settled = clock.sleep(settle_ms.into());
    Task::Working(Box::pin(async move {
        settled.await;
        let limit = run_limit(tool.as_ref());
        let found = tokio::time::timeout(limit, tool.probe(&call)).await;
        let found = found
            .unwrap_or_else(|_| Settlement::CantTell(format!("the device did not answer within {limit:?}")));
        Event::Probed { activity, found }
    }))
}

fn run_limit(tool: &dyn Tool) -> Duration {
    Duration::from_millis(tool.spec().run_ms_max.into())
}

fn time_limit(activity: ActivityId, limit: Duration, what: &'static str) -> Work {
    Box::pin(async move {
        tokio::time::sleep(limit).await;
        let outcome = Outcome::MayHaveRun(format!("{what} within {limit:?}"));
        Event::CallEnded { activity, outcome }
    })
}

fn tool_call(call: &Call, key: Option<String>) -> Option<ToolCall> {
    Some(ToolCall {
        id: call.id,
        arguments: serde_json::from_str(&call.arguments).ok()?,
        baseline: call.baseline.clone(),
        idempotency_key: key,
    })
}
