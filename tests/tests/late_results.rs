//! A try that outlives its time limit or its run: it goes on to its end, nothing of the same call
//! begins before it has returned, and its late result is a record.

#![expect(clippy::unwrap_used, reason = "a test's set-up may fail")]

use std::sync::Arc;

use everstep_board_sim::SimFlash;
use everstep_core::{Class, End, Kind, Outcome, Settlement};
use everstep_driver::{Command, Pause};
use everstep_tool::builtin::Wait;
use system_tests::stand::{Stand, TestDevice};
use tokio::{
    sync::oneshot,
    time::{Duration, sleep},
};

/// Longer than a try may take, and shorter than whoever waits for it does.
const LATE_MS: u64 = TestDevice::RUN_MS_MAX as u64 + 50;

const SCRIPT: &str = r#"
    [[reply]]
    call = "slow"
    [[reply]]
    call = "wait"
    arguments = '{"seconds": 1}'
    [[reply]]
    say = "Done."
    [[reply]]
    say = "Done, and told late."
"#;

fn slow_stand(class: Class, first_ms: u64) -> (Stand<SimFlash>, Arc<TestDevice>) {
    let slow = TestDevice::new("slow", class, first_ms, "slow done");
    (Stand::new(SimFlash::new(64), vec![slow.clone(), Arc::new(Wait::default())]), slow)
}

/// Calls `slow` once and answers; returns what was recorded.
async fn call_once(class: Class) -> (Vec<Kind>, Arc<TestDevice>) {
    let (stand, slow) = slow_stand(class, LATE_MS);
    let (mut driver, _commands) = stand.booted(SCRIPT).await;
    driver.start("call it".into(), None, 1).unwrap();
    let pause = driver.drive().await.unwrap();
    assert!(matches!(pause, Pause::AtRest(Some(_))), "{pause:?}");
    let kinds = stand.heard.kinds();
    assert_eq!(slow.too_early(), 0, "{kinds:?}");
    (kinds, slow)
}

fn told_as_done(kinds: &[Kind]) -> bool {
    kinds.iter().any(|kind| {
        matches!(
            kind,
            Kind::Ended { outcome: Outcome::Done(_), .. } | Kind::Settled { found: Settlement::Done(_), .. }
        )
    })
}

fn is_late_result(kind: &Kind) -> bool {
    matches!(kind, Kind::EndedLate { outcome: Outcome::Done(_), .. })
}

#[tokio::test(start_paused = true)]
async fn next_try_waits_for_the_one_before() {
    let (kinds, slow) = call_once(Class::Safe).await;
    assert!(told_as_done(&kinds), "{kinds:?}");
    // The late result of the first try settles the call, so that no second one is needed.
    assert_eq!((slow.begun(), slow.finished()), (1, 1), "{kinds:?}");
}

#[tokio::test(start_paused = true)]
async fn device_is_not_asked_before_the_lost_try_has_returned() {
    let (kinds, slow) = call_once(Class::ReadBack { settle_ms: 0 }).await;
    assert!(told_as_done(&kinds), "{kinds:?}");
    assert_eq!((slow.begun(), slow.finished()), (1, 1), "{kinds:?}");
}

#[tokio::test(start_paused = true)]
async fn call_given_up_goes_on_to_its_end_and_its_late_result_is_a_record() {
    let (kinds, slow) = call_once(Class::Never).await;
    let unknown = |kind: &Kind| matches!(kind, Kind::Ended { outcome: Outcome::MayHaveRun(_), .. });
    assert!(kinds.iter().any(unknown) && kinds.iter().any(is_late_result), "{kinds:?}");
    assert_eq!((slow.begun(), slow.finished()), (1, 1), "{kinds:?}");
}

/// What moves goes on moving: a stop gives up the wait for it, not the move.
#[tokio::test(start_paused = true)]
async fn stop_does_not_break_off_a_call_that_has_begun() {
    let (stand, slow) = slow_stand(Class::Never, 80);
    let (mut driver, commands) = stand.booted(SCRIPT).await;
    driver.start("call it".into(), None, 1).unwrap();
    let seen = Arc::clone(&slow);
    let operator = tokio::spawn(async move {
        sleep(Duration::from_millis(40)).await;
        assert_eq!((seen.begun(), seen.finished()), (1, 0), "the stop comes while it runs");
        let (reply, taken) = oneshot::channel();
        commands.send(Command::Stop { reason: "enough".into(), reply }).await.unwrap();
        assert!(taken.await.unwrap());
        commands
    });
    let Pause::AtRest(Some(last)) = driver.drive().await.unwrap() else { unreachable!("the run is over") };
    let _commands = operator.await.unwrap();
    assert_eq!((last.how, slow.finished()), (End::Stopped("enough".into()), 0));
    assert_eq!(driver.agent().state().unknown.len(), 1, "nobody knows yet whether it ran");

    sleep(Duration::from_millis(LATE_MS)).await;
    assert_eq!((slow.begun(), slow.finished()), (1, 1), "it ran to its end");

    // Whoever drives next hears of it first, and need not ask an operator about the same call.
    driver.start("call it again".into(), None, 1).unwrap();
    let pause = driver.drive().await.unwrap();
    let kinds = stand.heard.kinds();
    assert!(matches!(&pause, Pause::AtRest(Some(last)) if last.how == End::Done), "{pause:?} {kinds:?}");
    assert!(kinds.iter().any(is_late_result), "{kinds:?}");
    assert_eq!((slow.begun(), slow.finished(), slow.too_early()), (2, 2, 0), "{kinds:?}");
}
