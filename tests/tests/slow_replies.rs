//! What comes of a reply on its way: one that takes too long is given up, and one that is shown while it
//! is made shows whole letters.

#![expect(clippy::unwrap_used, reason = "a test's set-up may fail")]

use std::{
    future,
    sync::{Arc, Mutex},
};

use everstep_board_sim::SimFlash;
use everstep_core::{ActivityId, End, Kind, LimitName, TokenId};
use everstep_driver::Pause;
use everstep_model::{
    Model, ModelCard, ModelEvent, NextEvent, Reply, Request, ScriptedModel, ToolDefinition,
};
use everstep_tool::builtin::Wait;
use system_tests::stand::{Stand, scripted};
use tokio::time::{Duration, Instant, sleep};

/// The scripted model, but slow: between two events it takes its time.
struct Slow {
    model: ScriptedModel,
    /// Replies that are slow; those behind them come at once.
    replies: u32,
    pause: Duration,
    asked: u32,
    told: Arc<Mutex<Vec<(&'static str, ActivityId)>>>,
}

impl Slow {
    fn new(script: &str, replies: u32, pause: Duration) -> Self {
        Self { model: scripted(script), replies, pause, asked: 0, told: Arc::default() }
    }
}

impl Model for Slow {
    fn card(&self) -> &ModelCard {
        self.model.card()
    }

    fn submit(&mut self, request: Request) {
        self.asked += 1;
        self.told.lock().unwrap().push(("asked", request.activity));
        self.model.submit(request);
    }

    fn accepted(&mut self, activity: ActivityId, tokens: usize) {
        self.model.accepted(activity, tokens);
    }

    fn cancel(&mut self, activity: ActivityId) {
        self.told.lock().unwrap().push(("cancelled", activity));
        self.model.cancel(activity);
    }

    fn next_event(&mut self) -> NextEvent<'_> {
        Box::pin(async {
            if self.asked <= self.replies {
                sleep(self.pause).await;
            }
            self.model.next_event().await
        })
    }

    fn text(&self, tokens: &[TokenId]) -> String {
        self.model.text(tokens)
    }

    fn parse(&self, text: &str, tools: &[ToolDefinition]) -> Reply {
        self.model.parse(text, tools)
    }
}

const SCRIPT: &str = "[[reply]]\nsay = \"All is well, as far as I can see from here.\"\n";

fn stand() -> Stand<SimFlash> {
    Stand::new(SimFlash::new(64), vec![Arc::new(Wait::default())])
}

fn failures(kinds: &[Kind]) -> Vec<&str> {
    let reasons = kinds.iter().filter_map(|kind| match kind {
        Kind::GenerationFailed { reason } => Some(reason.as_str()),
        _ => None,
    });
    reasons.collect()
}

#[tokio::test(start_paused = true)]
async fn reply_that_takes_too_long_is_cancelled_and_the_next_attempt_may_do_better() {
    let mut stand = stand();
    stand.config.limits.reply_s_max = 7;
    // Tokens come, in the third second and the sixth, and the reply is not over in the seventh.
    let model = Slow::new(SCRIPT, 1, Duration::from_millis(2_100));
    let told = Arc::clone(&model.told);
    let (mut driver, _commands) = stand.boot(model).await.unwrap_or_else(|error| panic!("{error}"));
    driver.start("look".into(), None, 1).unwrap();
    let begun = Instant::now();
    let Ok(Pause::AtRest(Some(last))) = driver.drive().await else { panic!("no end") };
    assert_eq!(last.how, End::Done);
    assert_eq!(begun.elapsed(), Duration::from_secs(7));
    let kinds = stand.heard.kinds();
    assert_eq!(failures(&kinds), ["no end of the reply within 7 s (`limits.reply_s_max`)"]);
    assert!(kinds.iter().any(|kind| matches!(kind, Kind::Generated { end: None, .. })), "{kinds:?}");
    let told = told.lock().unwrap();
    let [("asked", first), ("cancelled", given_up), ("asked", second), ..] = told.as_slice() else {
        panic!("{told:?}")
    };
    assert!(first == given_up && second > first, "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn model_that_is_always_too_slow_ends_the_run() {
    let mut stand = stand();
    stand.config.limits.reply_s_max = 7;
    let model = Slow::new(SCRIPT, u32::MAX, Duration::from_hours(1));
    let (mut driver, _commands) = stand.boot(model).await.unwrap_or_else(|error| panic!("{error}"));
    driver.start("look".into(), None, 1).unwrap();
    let begun = Instant::now();
    let Ok(Pause::AtRest(Some(last))) = driver.drive().await else { panic!("no end") };
    assert_eq!(last.how, End::Limit(LimitName::GenerationFailures));
    assert_eq!(begun.elapsed(), Duration::from_secs(3 * 7));
    assert_eq!(failures(&stand.heard.kinds()).len(), 3);
}

#[tokio::test(start_paused = true)]
async fn reply_in_time_is_not_cut_off() {
    let mut stand = stand();
    stand.config.limits.reply_s_max = 7;
    let model = Slow::new(SCRIPT, u32::MAX, Duration::from_millis(1_500));
    let (mut driver, _commands) = stand.boot(model).await.unwrap_or_else(|error| panic!("{error}"));
    driver.start("look".into(), None, 1).unwrap();
    let Ok(Pause::AtRest(Some(last))) = driver.drive().await else { panic!("no end") };
    assert_eq!(last.how, End::Done);
    assert_eq!(failures(&stand.heard.kinds()), [""; 0]);
}

/// A letter of several tokens that a run's end cuts is shown once, when it is whole.
#[tokio::test(start_paused = true)]
async fn streamed_text_is_the_reply_whatever_the_runs() {
    let said = "Kühl: −18 °C ❄ 🧊 und \u{FFFD} bleibt, ü";
    for run_tokens_max in 1..12 {
        let mut stand = stand();
        stand.config.run_tokens_max = run_tokens_max;
        let (mut driver, _commands) = stand.booted(&format!("[[reply]]\nsay = \"{said}\"\n")).await;
        driver.start("look".into(), None, 1).unwrap();
        let Ok(Pause::AtRest(Some(last))) = driver.drive().await else { panic!("no end") };
        assert_eq!(last.answer.as_deref(), Some(said));
        assert_eq!(stand.heard.text(), said, "runs of {run_tokens_max}");
    }
}

/// Bytes that never become a letter are shown once they are known not to.
#[tokio::test(start_paused = true)]
async fn broken_bytes_are_shown_as_often_as_in_the_reply() {
    let model = Broken { model: scripted(""), sent: 0, activity: ActivityId(0) };
    let stand = stand();
    let (mut driver, _commands) = stand.boot(model).await.unwrap_or_else(|error| panic!("{error}"));
    driver.start("look".into(), None, 1).unwrap();
    let Ok(Pause::AtRest(Some(last))) = driver.drive().await else { panic!("no end") };
    assert_eq!(last.answer.as_deref(), Some(BROKEN_TEXT));
    assert_eq!(stand.heard.text(), BROKEN_TEXT);
}

/// A model whose reply is no UTF-8, byte by byte.
struct Broken {
    model: ScriptedModel,
    sent: usize,
    activity: ActivityId,
}

/// Two lone bytes, a snowflake without its end, a letter, and a beginning at the very end.
const BROKEN: [u8; 7] = [b'a', 0xFF, 0xFE, 0xE2, 0x9D, b'b', 0xC3];
const BROKEN_TEXT: &str = "a\u{FFFD}\u{FFFD}\u{FFFD}b\u{FFFD}";

impl Model for Broken {
    fn card(&self) -> &ModelCard {
        self.model.card()
    }

    fn submit(&mut self, request: Request) {
        (self.sent, self.activity) = (request.generated.len(), request.activity);
    }

    fn accepted(&mut self, _activity: ActivityId, _tokens: usize) {}

    fn cancel(&mut self, _activity: ActivityId) {}

    fn next_event(&mut self) -> NextEvent<'_> {
        let Some(&byte) = BROKEN.get(self.sent) else { return Box::pin(future::pending()) };
        self.sent += 1;
        let end = (self.sent == BROKEN.len()).then(|| String::from_utf8_lossy(&BROKEN).into_owned());
        let event = ModelEvent::Tokens { activity: self.activity, tokens: vec![byte.into()], end };
        Box::pin(future::ready(event))
    }

    fn text(&self, tokens: &[TokenId]) -> String {
        self.model.text(tokens)
    }

    fn parse(&self, text: &str, tools: &[ToolDefinition]) -> Reply {
        self.model.parse(text, tools)
    }
}
