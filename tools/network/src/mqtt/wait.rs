//! A tool that waits for a message.

use std::{sync::Arc, time::Duration};

use everstep_core::{Class, Outcome};
use everstep_tool::{BoxFuture, Cancel, Context, Tool, ToolCall, ToolSpec, Trust};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::{
    section::WaitSection,
    told::{told, why},
    watch::{State, Watch},
};
use crate::parameter;

/// Milliseconds beyond its limit within which the tool itself tells what came of the call.
const MARGIN_MS: u32 = 1_000;
/// How often it is looked whether the call was cancelled: nobody wakes who waits for that.
const CANCEL_PERIOD: Duration = Duration::from_millis(50);

/// The tool.
pub(super) struct Wait {
    spec: ToolSpec,
    section: WaitSection,
    watch: Arc<Watch>,
    /// Its place among the subscriptions.
    index: usize,
}

impl Wait {
    pub(super) fn new(name: &str, section: &WaitSection, watch: &Arc<Watch>, index: usize) -> Self {
        let spec = ToolSpec {
            name: name.to_owned(),
            summary: section.summary.clone(),
            arguments: parameter::schema(&[]),
            class: Class::Observe,
            trust: Trust::Outside,
            // What is told is in memory: no call goes to the broker.
            device: None,
            run_ms_max: section.wait_ms_max.saturating_add(MARGIN_MS),
        };
        Self { spec, section: section.clone(), watch: Arc::clone(watch), index }
    }

    async fn wait(&self, deadline: Duration, cancel: &Cancel) -> Outcome {
        // Within the runtime's own limit, so that the tool tells what came of it.
        let limit = deadline.min(Duration::from_millis(self.section.wait_ms_max.into()));
        let until = Instant::now() + limit;
        let mut state = self.watch.begin();
        let index = self.index;
        let before = state.borrow().slots.get(index).map_or(0, |slot| slot.events);
        // What came in while the board was away counts, where no call has seen it.
        let is_there = |state: &State| {
            let slot = state.slots.get(index);
            slot.is_none_or(|slot| slot.events > before || slot.unseen > 0 || slot.refused.is_some())
        };
        let mut looks = interval(CANCEL_PERIOD);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                found = state.wait_for(is_there) => {
                    let slot = found.ok().and_then(|state| {
                        let slot = state.slots.get(index)?;
                        Some((slot.event.clone(), slot.refused.clone()))
                    });
                    return self.told(slot);
                }
                () = sleep_until(until) => break,
                _ = looks.tick() => {
                    if cancel.is_asked() {
                        return Outcome::NotStarted("the call was cancelled while it waited".into());
                    }
                }
            }
        }
        let filter = self.watch.filter(index);
        let line = state.borrow().line.clone();
        match why(&line, limit) {
            Some(why) => Outcome::NotStarted(why),
            None => Outcome::Done(format!("no message came at {filter} within {} s", limit.as_secs_f32())),
        }
    }

    fn told(&self, slot: Option<(Option<Arc<super::watch::Message>>, Option<String>)>) -> Outcome {
        let filter = self.watch.filter(self.index);
        match slot {
            Some((_, Some(refused))) => {
                Outcome::NotStarted(format!("the broker refuses the subscription of {filter}: {refused}"))
            }
            Some((Some(message), None)) => {
                let unseen = self.watch.see(self.index);
                let vault = &self.watch.broker().shared.vault;
                match told(&message, &self.section.keep, vault) {
                    Ok(told) if unseen > 1 => Outcome::Done(format!(
                        "{told}\nIt is the newest; {unseen} came while this board was away."
                    )),
                    Ok(told) => Outcome::Done(told),
                    Err(why) => Outcome::NotStarted(why),
                }
            }
            _ => Outcome::NotStarted("there is no such subscription".into()),
        }
    }
}

impl Tool for Wait {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn run<'a>(&'a self, _call: &'a ToolCall, cx: &'a Context) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            if cx.cancel.is_asked() {
                return Outcome::NotStarted("the call was cancelled before it began".into());
            }
            self.wait(cx.deadline, &cx.cancel).await
        })
    }
}
