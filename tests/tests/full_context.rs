//! A conversation that outgrows the model's context: the run goes on with less of it, and a task that
//! never fits ends at once, in numbers.

use std::sync::{Arc, atomic::Ordering};

use everstep_board_sim::SimFlash;
use everstep_core::{Class, End, Kind, LimitName, Limits, Prune};
use everstep_driver::Pause;
use system_tests::stand::{Stand, TestDevice};
use tokio::time::Duration;

/// Bytes of a reply that calls `look`, about.
const REPLY_BYTES: u32 = 64;

/// Looks `looks` times, then answers. The scripted model's tokens are bytes.
fn script(context_tokens: u32, looks: usize) -> String {
    let look = "[[reply]]\ncall = \"look\"\n";
    format!("context_tokens_max = {context_tokens}\n{}[[reply]]\nsay = \"Seen.\"\n", look.repeat(looks))
}

fn stand(result: &str) -> (Stand<SimFlash>, Arc<TestDevice>) {
    let look = TestDevice::new("look", Class::Observe, 0, result);
    let mut stand = Stand::new(SimFlash::new(64), vec![look.clone()]);
    // It looks the same way again and again, and sees the same.
    stand.config.limits = Limits { reply_tokens_max: REPLY_BYTES, repeats_max: 1_000, ..Limits::default() };
    (stand, look)
}

fn prunings(kinds: &[Kind], of: Prune) -> usize {
    kinds.iter().filter(|kind| matches!(kind, Kind::Pruned { what, .. } if *what == of)).count()
}

#[tokio::test(start_paused = true)]
async fn run_goes_on_past_its_context_and_counts_what_it_left_out() {
    let (stand, look) = stand(&"air 2.0 C, ice 6 mm, door closed. ".repeat(9));
    // Some fifteen steps fit, and forty are made.
    let (mut driver, _commands) = stand.booted(&script(5_000, 40)).await;
    driver.start("look".into(), None, 1).unwrap();
    let Ok(Pause::AtRest(Some(last))) = driver.drive().await else { panic!("no end") };
    let kinds = stand.heard.kinds();
    assert_eq!((&last.how, last.answer.as_deref(), look.finished()), (&End::Done, Some("Seen."), 40));
    // A script that loses count would look again, or answer early.
    assert_eq!(last.steps.0, 41);
    // Halves: far fewer prunings than steps.
    let (results, steps) = (prunings(&kinds, Prune::Results), prunings(&kinds, Prune::Steps));
    assert!(results > 2 && steps > 0 && results + steps < 20, "{results} of results, {steps} of steps");
    assert_eq!(stand.heard.count("limit_reached"), 0);
}

#[tokio::test(start_paused = true)]
async fn pruned_conversation_outlives_a_restart() {
    let (stand, look) = stand(&"r".repeat(300));
    let script = script(2_400, 12);
    let (mut driver, _commands) = stand.booted(&script).await;
    driver.start("look".into(), None, 1).unwrap();
    // Power goes soon behind a pruning, wherever one falls.
    let mut boots = 0;
    let last = loop {
        let before = stand.heard.count("pruned");
        let cut = async {
            while stand.heard.count("pruned") == before {
                // A call that a cut lost is held back for a moment before it runs again.
                tokio::time::advance(Duration::from_millis(1)).await;
            }
        };
        tokio::select! {
            biased;
            () = cut => {}
            pause = driver.drive() => match pause {
                Ok(Pause::AtRest(Some(last))) => break last,
                other => panic!("{other:?}"),
            },
        }
        let turns = driver.agent().run().unwrap().turns.clone();
        drop(driver);
        (driver, _) = stand.booted(&script).await;
        assert_eq!(driver.agent().run().unwrap().turns, turns);
        boots += 1;
    };
    assert!(boots > 1, "{boots} boots");
    // A look that a cut lost is made again, and is no step of its own.
    assert_eq!((last.how, last.steps.0, last.used.calls), (End::Done, 13, 12));
    assert!(look.finished() >= 12);
}

#[tokio::test(start_paused = true)]
async fn task_that_can_t_fit_ends_its_run_at_its_first_generation() {
    let (stand, _look) = stand("dry");
    let (mut driver, _commands) = stand.booted(&script(300, 1)).await;
    let task = "t".repeat(300);
    driver.start(task.clone(), None, 1).unwrap();
    let Ok(Pause::AtRest(Some(last))) = driver.drive().await else { panic!("no end") };
    assert_eq!(last.how, End::Limit(LimitName::Context));
    let kinds = stand.heard.kinds();
    let [.., Kind::Attempt { .. }, reached, Kind::SafeSet { .. }, Kind::Finished { .. }] = kinds.as_slice()
    else {
        panic!("{kinds:?}")
    };
    let system = u64::try_from(stand.config.system.len()).unwrap();
    let used = system + 300 + u64::from(REPLY_BYTES);
    assert_eq!(*reached, Kind::LimitReached { limit: LimitName::Context, used, max: 300 });
    assert_eq!(stand.actuators.set_safe.load(Ordering::SeqCst), 1);
}
