//! A tool that tells the newest message of a subscription.

use std::{sync::Arc, time::Duration};

use everstep_core::{Class, Outcome};
use everstep_tool::{BoxFuture, Context, Tool, ToolCall, ToolSpec, Trust};
use tokio::time::timeout;

use super::{
    section::LatestSection,
    told::{told, why},
    watch::{Line, State, Watch},
};
use crate::parameter;

/// Milliseconds beyond its limit within which the tool itself tells what came of the call.
const MARGIN_MS: u32 = 1_000;

/// The tool.
pub(super) struct Latest {
    spec: ToolSpec,
    section: LatestSection,
    watch: Arc<Watch>,
    /// Its place among the subscriptions.
    index: usize,
}

impl Latest {
    pub(super) fn new(name: &str, section: &LatestSection, watch: &Arc<Watch>, index: usize) -> Self {
        let spec = ToolSpec {
            name: name.to_owned(),
            summary: section.summary.clone(),
            arguments: parameter::schema(&[]),
            class: Class::Observe,
            trust: Trust::Outside,
            // What is told is in memory: no call goes to the broker.
            device: None,
            run_ms_max: section.answer_ms_max.saturating_add(MARGIN_MS),
        };
        Self { spec, section: section.clone(), watch: Arc::clone(watch), index }
    }

    async fn look(&self, deadline: Duration) -> Outcome {
        let limit = deadline.min(Duration::from_millis(self.section.answer_ms_max.into()));
        let mut state = self.watch.begin();
        let is_known = |state: &State| {
            state.line == Line::Up || state.slots.get(self.index).is_some_and(|slot| slot.refused.is_some())
        };
        // Without a connection, what is known is told, with its age.
        let _ = timeout(limit, state.wait_for(is_known)).await;
        let state = state.borrow();
        let filter = self.watch.filter(self.index);
        let Some(slot) = state.slots.get(self.index) else {
            return Outcome::NotStarted("there is no such subscription".into());
        };
        if let Some(refused) = &slot.refused {
            return Outcome::NotStarted(format!(
                "the broker refuses the subscription of {filter}: {refused}"
            ));
        }
        let vault = &self.watch.broker().shared.vault;
        let lost = why(&state.line, limit);
        match (&slot.newest, lost) {
            (Some(message), lost) => match told(message, &self.section.keep, vault) {
                Ok(told) => Outcome::Done(match lost {
                    Some(why) => format!("{told}\nNothing newer is known: {why}"),
                    None => told,
                }),
                Err(why) => Outcome::NotStarted(why),
            },
            (None, Some(why)) => Outcome::NotStarted(why),
            (None, None) => {
                let since_s = state.since.map_or(0, |since| since.elapsed().as_secs());
                Outcome::Done(format!("nothing came at {filter} in the {since_s} s since this board listens"))
            }
        }
    }
}

impl Tool for Latest {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn run<'a>(&'a self, _call: &'a ToolCall, cx: &'a Context) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            if cx.cancel.is_asked() {
                return Outcome::NotStarted("the call was cancelled before it began".into());
            }
            self.look(cx.deadline).await
        })
    }
}
