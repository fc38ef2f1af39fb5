//! A journal region that fills up: the run ends with a limit, the safe states set and its end on
//! flash, whatever is recorded on the way; a task that has no room is refused.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test's set-up may fail")]

use std::{fmt::Write as _, sync::Arc, sync::atomic::Ordering};

use everstep_board_sim::{SimFlash, SimFlashError};
use everstep_core::{CHANGE_BYTES_MAX, CHANGES_MAX, Class, End, Finished, Kind, LimitName, Limits};
use everstep_driver::{BootError, Budget, DriveError, Driver, Pause, StoreError};
use everstep_tool::builtin::Wait;
use system_tests::stand::{BOARD_SECTORS, CountingActuators, Stand, TestDevice, scripted};

/// Room on the flash; the agent gets only what it needs to boot.
const SECTORS: usize = 64;
/// The state of a run is larger before long, so that no snapshot makes room for it.
const SNAPSHOT_BYTES_MAX: u32 = 3_000;

/// Calls `log` with `text` as long as it is let, `says` before each call, then answers.
fn chatter(calls: usize, says: &str, text: &str) -> String {
    let mut script = String::new();
    for _ in 0..calls {
        let call = format!(
            "{says}<tool_call>\n{{\"name\": \"log\", \"arguments\": {{\"text\": \"{text}\"}}}}\n</tool_call>"
        );
        writeln!(script, "[[reply]]\nsay = '''{call}'''").unwrap();
    }
    script
}

/// An agent in the smallest region that boots, whose log answers with `result_bytes`, and whose
/// actuators have the most to tell.
async fn small_stand(result_bytes: usize) -> (Stand<SimFlash>, Arc<TestDevice>) {
    let log = TestDevice::new("log", Class::Safe, 0, &"r".repeat(result_bytes));
    let mut stand = Stand::new(SimFlash::new(SECTORS), vec![log.clone(), Arc::new(Wait::default())]);
    let told = vec!["x".repeat(CHANGE_BYTES_MAX); CHANGES_MAX];
    stand.actuators =
        Arc::new(CountingActuators { changed: told.clone(), failed: told, ..CountingActuators::default() });
    stand.config.budget = Budget { snapshot_bytes_max: SNAPSHOT_BYTES_MAX, ..Budget::default() };
    stand.config.limits = Limits {
        steps_max: 1_000,
        calls_max: 1_000,
        tokens_max: 1_000_000,
        repeats_max: 10_000,
        alternations_max: 10_000,
        reply_tokens_max: 2_048,
        result_bytes_max: 2_048,
        ..Limits::default()
    };
    for sectors in 1..=u32::try_from(SECTORS).unwrap() - BOARD_SECTORS {
        stand.agent_sectors = sectors;
        match stand.boot(scripted("")).await {
            Ok(_) => {
                // Each boot that found no room left a safe board behind.
                assert_eq!(stand.actuators.set_safe.swap(0, Ordering::SeqCst), sectors - 1);
                stand.flash.lock().clone_from(&SimFlash::new(SECTORS));
                return (stand, log);
            }
            Err(BootError::Store(StoreError::Recover(error))) => {
                assert!(error.to_string().contains("sectors"), "{error}");
            }
            Err(error) => panic!("{error}"),
        }
    }
    panic!("no region is large enough")
}

async fn drive(driver: &mut Driver<SimFlash>) -> Finished {
    match driver.drive().await {
        Ok(Pause::AtRest(Some(last))) => last,
        other => panic!("{other:?}"),
    }
}

/// The run ended because the region is full: a reason in numbers, the safe states, the end.
fn check_end(stand: &Stand<SimFlash>, last: &Finished) {
    assert_eq!(last.how, End::Limit(LimitName::JournalBytes));
    assert_eq!(stand.actuators.set_safe.load(Ordering::SeqCst), 1);
    let kinds = stand.heard.kinds();
    let [.., Kind::LimitReached { limit, used, max }, Kind::SafeSet { failed, .. }, Kind::Finished { how }] =
        kinds.as_slice()
    else {
        panic!("{:?}", kinds.last())
    };
    assert_eq!((*limit, how), (LimitName::JournalBytes, &last.how));
    assert!(used > max, "{used} bytes were needed, {max} there");
    assert_eq!(failed.len(), CHANGES_MAX);
}

/// A boot finds the agent at rest, with that end, and takes the next task.
async fn check_rest(stand: &Stand<SimFlash>, last: &Finished) {
    let (mut driver, _commands) = stand.booted("[[reply]]\nsay = \"All is well.\"").await;
    assert!(driver.agent().run().is_none());
    assert_eq!(&drive(&mut driver).await, last);
    // What the run was about is no longer needed: a snapshot makes room.
    driver.start("say how it is".into(), None, 1).unwrap();
    assert_eq!(drive(&mut driver).await.how, End::Done);
}

/// Sizes shift where the region's end falls: into an intent, an outcome, a reply.
#[tokio::test(start_paused = true)]
async fn full_region_ends_a_run_safely_wherever_the_end_falls() {
    for result_bytes in [0, 700, 1_300, 2_048] {
        for text_bytes in [0, 300, 800] {
            let (stand, log) = small_stand(result_bytes).await;
            let script = chatter(400, "", &"t".repeat(text_bytes));
            let (mut driver, _commands) = stand.booted(&script).await;
            driver.start("log it all".into(), None, 1).unwrap();
            let last = drive(&mut driver).await;
            check_end(&stand, &last);
            assert_eq!(log.finished(), last.used.calls, "every call that began was heard to its end");
            assert!(last.used.calls > 3, "{last:?}");
            drop(driver);
            check_rest(&stand, &last).await;
        }
    }
}

/// A reply comes in many records, and none of them may take the room that a safe end needs.
#[tokio::test(start_paused = true)]
async fn long_reply_in_short_runs_leaves_room_for_a_safe_end() {
    for words in (10..200).step_by(10) {
        let (mut stand, _log) = small_stand(2_048).await;
        stand.config.run_tokens_max = 1;
        let script = chatter(100, &"thinking ".repeat(words), "t");
        let (mut driver, _commands) = stand.booted(&script).await;
        driver.start("think and log".into(), None, 1).unwrap();
        let last = drive(&mut driver).await;
        check_end(&stand, &last);
        drop(driver);
        check_rest(&stand, &last).await;
    }
}

/// Each boot is a record, too: a board that restarts again and again in one long wait.
#[tokio::test(start_paused = true)]
async fn restarts_during_a_wait_leave_room_for_a_safe_end() {
    let (stand, _log) = small_stand(2_048).await;
    let wait = "[[reply]]\ncall = \"wait\"\narguments = '{\"seconds\": 3600}'";
    let script = chatter(2, "", "t") + wait;
    let (mut driver, _commands) = stand.booted(&script).await;
    driver.start("log, then wait".into(), None, 1).unwrap();
    for boot in 0.. {
        assert!(boot < 1_000, "the region never fills up");
        // Power goes within the first minute of the wait.
        let minute = tokio::time::Duration::from_mins(1);
        if let Ok(rested) = tokio::time::timeout(minute, drive(&mut driver)).await {
            check_end(&stand, &rested);
            break;
        }
        drop(driver);
        (driver, _) = stand.booted(&script).await;
    }
}

#[tokio::test(start_paused = true)]
async fn task_without_room_is_refused_and_nothing_is_written() {
    let (mut stand, _log) = small_stand(0).await;
    // The end of a run keeps its task, and that alone is too much for a snapshot.
    let task = "t".repeat(2_000);
    stand.config.budget.snapshot_bytes_max = 1_500;
    let (mut driver, _commands) = stand.booted("[[reply]]\nsay = \"All is well.\"").await;
    let mut ends = Vec::new();
    let refused = loop {
        let (image, heard) = (stand.flash.lock().image().to_vec(), stand.heard.kinds().len());
        match driver.start(task.clone(), None, 1) {
            Ok(()) => ends.push(drive(&mut driver).await.how),
            Err(error) => {
                assert!(stand.flash.lock().image() == image, "the flash was changed");
                assert_eq!(stand.heard.kinds().len(), heard);
                break error;
            }
        }
        assert!(ends.len() < 100, "the region never fills up");
    };
    assert_eq!(ends.first(), Some(&End::Done), "the first task has room");
    check_refusal(&refused);

    // The agent stays at rest, through a boot, and refuses again.
    drop(driver);
    let (mut driver, _commands) = stand.booted("").await;
    assert_eq!(Some(&drive(&mut driver).await.how), ends.last());
    check_refusal(&driver.start(task, None, 1).unwrap_err());
}

fn check_refusal(refused: &DriveError<SimFlashError>) {
    assert!(matches!(refused, DriveError::Store(StoreError::NoRoom { .. })), "{refused}");
    assert!(refused.to_string().contains("enlarge its region"), "{refused}");
}
