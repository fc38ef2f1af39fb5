use std::collections::VecDeque;

use everstep_core::CallId;
use serde_json::Value;

use super::*;

/// A contact whose time passes only while it is watched.
#[derive(Debug, Default)]
struct Fake {
    active: bool,
    /// At which milliseconds it changes, from its beginning.
    changes: VecDeque<u64>,
    now_ms: u64,
    /// Changes that nobody has asked for yet.
    untold: VecDeque<bool>,
    gone_at_ms: Option<u64>,
    slices: u32,
    /// Cancelled in this slice.
    cancel_in: Option<(u32, Cancel)>,
}

impl Fake {
    fn pass(&mut self, until_ms: u64) {
        while let Some(at) = self.changes.front().copied().filter(|at| *at <= until_ms) {
            self.changes.pop_front();
            self.now_ms = at;
            self.active = !self.active;
            self.untold.push_back(self.active);
        }
    }
}

impl Contact for Fake {
    fn is_active(&mut self) -> Result<bool, DeviceError> {
        Ok(self.active)
    }

    fn forget_changes(&mut self) -> Result<(), DeviceError> {
        self.pass(self.now_ms);
        self.untold.clear();
        Ok(())
    }

    fn next_change(&mut self, wait_max: Duration) -> Result<Watched, DeviceError> {
        self.slices += 1;
        if let Some((slice, cancel)) = &self.cancel_in
            && *slice == self.slices
        {
            cancel.ask();
        }
        let (began, end) = (self.now_ms, self.now_ms + u64::try_from(wait_max.as_millis()).unwrap());
        if self.gone_at_ms.is_some_and(|gone| gone <= end) {
            return Err(DeviceError::NotSent("/dev/gpiochip0 is gone".into()));
        }
        if self.untold.is_empty() {
            self.pass(end);
        }
        let became = self.untold.pop_front();
        if became.is_none() {
            self.now_ms = end;
        }
        Ok(Watched { became, passed: Duration::from_millis(self.now_ms - began) })
    }
}

fn states() -> [String; 2] {
    ["closed".into(), "open".into()]
}

fn tool(fake: Fake) -> WaitContact<Fake> {
    let device = Device::new("cellar_door", NamedContact::new(fake, "cellar_door", &states()));
    WaitContact::new(device, &states(), 60)
}

async fn run(fake: Fake, arguments: Value, cancel: Cancel) -> (Outcome, u32) {
    let tool = tool(fake);
    let call = ToolCall { id: CallId(1), arguments, baseline: None, idempotency_key: None };
    let cx = Context { attempt: 1, deadline: Duration::from_mins(1), cancel };
    let outcome = tool.run(&call, &cx).await;
    let slices = tool.device.use_for(Duration::ZERO, |named| Ok(named.contact.slices)).await;
    (outcome, slices.unwrap())
}

async fn wait(fake: Fake, state: &str, seconds: u32) -> Outcome {
    run(fake, json!({"state": state, "seconds": seconds}), Cancel::default()).await.0
}

fn done(text: &str) -> Outcome {
    Outcome::Done(text.into())
}

#[tokio::test]
async fn wait_tells_when_the_state_was_reached_or_that_it_was_not() {
    let closed = |changes: &[u64]| Fake { changes: changes.iter().copied().collect(), ..Fake::default() };
    assert_eq!(wait(closed(&[3_020]), "open", 30).await, done("cellar door became open after 3 s"));
    assert_eq!(wait(closed(&[]), "open", 30).await, done("cellar door is still closed after 30 s"));
    assert_eq!(wait(closed(&[]), "closed", 30).await, done("cellar door is closed already"));
    // Open for a moment only: seen by its edge, though it is closed when it is looked at.
    assert_eq!(wait(closed(&[1_999, 2_000]), "open", 30).await, done("cellar door became open after 2 s"));
    let open = Fake { active: true, changes: [50].into(), ..Fake::default() };
    assert_eq!(wait(open, "closed", 1).await, done("cellar door became closed after 0 s"));
    assert_eq!(wait(closed(&[30_500]), "open", 30).await, done("cellar door is still closed after 30 s"));
}

#[tokio::test]
async fn changes_before_the_wait_do_not_end_it() {
    let fake = Fake { untold: [true, false].into(), ..Fake::default() };
    assert_eq!(wait(fake, "open", 2).await, done("cellar door is still closed after 2 s"));
}

#[tokio::test]
async fn cancelled_wait_ends_within_a_slice() {
    let cancel = Cancel::default();
    let fake = Fake { cancel_in: Some((3, cancel.clone())), ..Fake::default() };
    let (outcome, slices) = run(fake, json!({"state": "open", "seconds": 60}), cancel).await;
    assert_eq!(outcome, Outcome::NotStarted("the wait for cellar door was cancelled".into()));
    assert_eq!(slices, 3);
    const { assert!(SLICE_MS <= 100, "a cancelled wait ends within 100 ms") };
}

#[tokio::test]
async fn contact_that_is_lost_ends_the_wait() {
    let fake = Fake { gone_at_ms: Some(500), ..Fake::default() };
    let outcome = wait(fake, "open", 30).await;
    assert_eq!(outcome, Outcome::NotStarted("/dev/gpiochip0 is gone".into()));
}

#[tokio::test]
async fn wrong_arguments_are_told_and_nothing_is_watched() {
    for (arguments, named) in [
        (json!({"state": "ajar", "seconds": 1}), "closed or open, got ajar"),
        (json!({"state": "open", "seconds": 0}), "1 to 60, got 0"),
        (json!({"state": "open", "seconds": 61}), "1 to 60, got 61"),
        (json!({"state": "open"}), "seconds"),
    ] {
        let (outcome, slices) = run(Fake::default(), arguments, Cancel::default()).await;
        assert!(matches!(&outcome, Outcome::NotStarted(why) if why.contains(named)), "{outcome:?}");
        assert_eq!(slices, 0);
    }
}

#[tokio::test]
async fn wait_is_within_what_a_tool_may_take() {
    let tool = tool(Fake::default());
    assert_eq!((tool.spec().name.as_str(), tool.spec().class), ("wait_cellar_door", Class::Observe));
    assert_eq!(tool.spec().summary, "wait until the cellar door is closed or open");
    assert_eq!(tool.spec().run_ms_max, 70_000);
    const { assert!(WAIT_S_LIMIT * 1_000 + SPARE_MS <= everstep_tool::RUN_MS_LIMIT) };
}

#[test]
fn contact_is_read_in_its_words() {
    let read = |active| {
        let fake = Fake { active, ..Fake::default() };
        NamedContact::new(fake, "cellar_door", &states()).read().unwrap()[0].shown.clone()
    };
    assert_eq!((read(false), read(true)), (Shown::State("closed".into()), Shown::State("open".into())));
}
