//! The activity under way: how each effect is started, and the event it ends in.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use everstep_core::{ActivityId, Call, CallId, Class, Event, Move, NewCall, Outcome, Pending, Settlement};
use everstep_model::Reply;
use everstep_tool::{Cancel, Clock, Context, RETRY_MS_MAX, Tool, ToolCall, Toolbox};
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

/// Longest that a call is held back for its pace. Where it would be longer, the model is told instead:
/// what it decided would be stale by then.
const HOLD_MS_MAX: u64 = 60_000;

/// Checks what a reply asks for, lets `hold_ms` pass, and reads the baseline of a call that could later be
/// read back.
pub(crate) fn decide(
    activity: ActivityId,
    reply: Reply,
    tools: &Toolbox,
    hold_ms: u64,
    clock: &Arc<dyn Clock>,
) -> Task {
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
    if hold_ms > HOLD_MS_MAX {
        let why = format!("error: {tool} may not be called again for {} s", hold_ms.div_ceil(1_000));
        return at_once(Event::Moved { activity, what: Move::Refused(why) });
    }
    let held = (hold_ms > 0).then(|| clock.sleep(hold_ms));
    let mut new = NewCall {
        tool,
        arguments: checked.arguments,
        class: checked.tool.spec().class,
        baseline: None,
        wait_ms: checked.wait_ms,
    };
    Task::Working(Box::pin(async move {
        if let Some(held) = held {
            held.await;
        }
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

/// Why the call may not be made any more. It was checked when it was decided; since then the operator may
/// have accepted a narrower grant for the run.
pub(crate) fn refusal(pending: &Pending, tools: &Toolbox) -> Option<String> {
    let arguments = serde_json::from_str(&pending.call.arguments).ok()?;
    let refused = tools.check(&pending.call.tool, &arguments).err()?.to_string();
    Some(refused.strip_prefix("error: ").unwrap_or(&refused).to_owned())
}

/// Starts one try of a call in a task of its own: what moves goes on moving when nobody waits for it
/// any more, and its late result still arrives.
pub(crate) fn call(
    activity: ActivityId,
    pending: &Pending,
    tools: &Toolbox,
    key: String,
    delay: Duration,
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
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        let outcome = if cx.cancel.is_asked() {
            Outcome::NotStarted("the call was cancelled before it began".into())
        } else {
            tool.run(&tool_call, &cx).await
        };
        // Nobody listens any more only when the process ends.
        let _ = returned.send(Returned { activity, call: tool_call.id, outcome });
    });
    let limit = time_limit(activity, deadline + delay, deadline, "no answer");
    Task::Calling { limit, cancel }
}

/// First delay of a repeated call, in milliseconds; each further try doubles it.
const RETRY_MS_FIRST: u64 = 250;

/// How long a repeated try is held back: twice as long each time, up to a limit, and somewhere in the upper
/// half of that, so that devices which lost power together don't all come back at once. `key` is the call's
/// own, and so is the draw. A call that was read back is not held back: the device has settled.
pub(crate) fn retry_delay(pending: &Pending, key: &str) -> Duration {
    if pending.tries < 2 || matches!(pending.call.class, Class::ReadBack { .. } | Class::Never) {
        return Duration::ZERO;
    }
    let doublings = (pending.tries - 2).min(16);
    let whole_ms = (RETRY_MS_FIRST << doublings).min(RETRY_MS_MAX.into());
    let drawn = blake3::hash(format!("{key} {}", pending.tries).as_bytes());
    let drawn = drawn.as_bytes().first_chunk().map_or(0, |bytes| u64::from(u32::from_le_bytes(*bytes)));
    Duration::from_millis(whole_ms / 2 + drawn % (whole_ms / 2 + 1))
}

/// Waits for an earlier try of the same call, at most as long as a try may take.
pub(crate) fn queue(activity: ActivityId, pending: &Pending, tools: &Toolbox) -> Task {
    let limit = tools.get(&pending.call.tool).map_or(Duration::ZERO, |tool| run_limit(tool.as_ref()));
    let limit = time_limit(activity, limit, limit, "the earlier try did not return");
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

/// Ends after `wait`, of which `limit` is what the call itself may take.
fn time_limit(activity: ActivityId, wait: Duration, limit: Duration, what: &'static str) -> Work {
    Box::pin(async move {
        tokio::time::sleep(wait).await;
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

#[cfg(test)]
mod tests {
    use everstep_tool::{ArgumentLimit, Grant, Terms, builtin::Compare};

    use super::*;

    fn pending(tries: u32, class: Class) -> Pending {
        let call = Call {
            id: CallId(7),
            tool: "read".into(),
            arguments: "{}".into(),
            class,
            baseline: None,
            wait_ms: None,
        };
        Pending { call, tries, since: everstep_core::Mark::default() }
    }

    #[test]
    fn repeatable_calls_are_held_back_longer_each_time_within_a_limit() {
        let delay =
            |tries| u64::try_from(retry_delay(&pending(tries, Class::Observe), "key").as_millis()).unwrap();
        assert_eq!(delay(1), 0, "the first try is no repetition");
        for tries in 2..40 {
            let whole_ms = 250_u64.saturating_mul(1 << (tries - 2).min(30)).min(30_000);
            assert!((whole_ms / 2..=whole_ms).contains(&delay(tries)), "try {tries}: {} ms", delay(tries));
        }
        let drawn: Vec<_> =
            (0..20).map(|key| retry_delay(&pending(9, Class::Safe), &key.to_string())).collect();
        assert!(drawn.iter().any(|other| *other != drawn[0]), "everybody would come back at once");
        for class in [Class::Never, Class::ReadBack { settle_ms: 5 }] {
            assert_eq!(retry_delay(&pending(3, class), "key"), Duration::ZERO);
        }
    }

    #[test]
    fn a_call_that_was_decided_under_a_wider_grant_is_not_made() {
        let call = Call {
            tool: "compare".into(),
            arguments: r#"{"limit":2,"operator":">","value":30}"#.into(),
            ..pending(1, Class::Observe).call
        };
        let pending = Pending { call, ..pending(1, Class::Observe) };
        let granted = |most: u32| {
            let limit = ArgumentLimit { max: Some(most.into()), ..ArgumentLimit::default() };
            let terms = Terms { arguments: [("value".to_owned(), limit)].into(), ..Terms::default() };
            let compare: Vec<Arc<dyn Tool>> = vec![Arc::new(Compare::default())];
            Toolbox::new(compare, &[Grant { tool: "compare".into(), terms }]).unwrap()
        };
        assert_eq!(refusal(&pending, &granted(30)), None);
        let why = refusal(&pending, &granted(29)).unwrap();
        assert!(why.contains("29") && !why.starts_with("error"), "{why}");
    }
}
