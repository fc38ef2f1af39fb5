//! The latest time that a board trusted outlives the start that trusted it, whatever its clock shows later.

#![expect(clippy::unwrap_used, reason = "a test's set-up may fail")]

use everstep_board_sim::SimFlash;
use everstep_driver::{BoardLog, BoardRecord, Pause};
use system_tests::stand::{BOARD_SECTORS, SECTOR_BYTES, Stand};

const SAY: &str = "[[reply]]\nsay = \"Done.\"\n";

/// One start at `at_s`, and a run during which the clock shows `later_s`.
async fn run(stand: &Stand<SimFlash>, at_s: Option<u64>, later_s: Option<u64>) -> BoardRecord {
    *stand.unix_s.lock().unwrap() = at_s;
    let (mut driver, _commands) = stand.booted(SAY).await;
    *stand.unix_s.lock().unwrap() = later_s;
    driver.start("do it".into(), None, 1).unwrap();
    assert!(matches!(driver.drive().await, Ok(Pause::AtRest(_))));
    drop(driver);
    BoardLog::open(&stand.flash, 0..BOARD_SECTORS * SECTOR_BYTES).unwrap().newest().unwrap()
}

#[tokio::test]
async fn the_latest_trusted_time_is_kept_over_starts_with_another_clock_or_none() {
    let mut stand = Stand::new(SimFlash::new(64), Vec::new());
    assert_eq!(run(&stand, None, None).await.trusted_s, None);
    assert_eq!(run(&stand, Some(5_000), Some(5_000)).await.trusted_s, Some(5_000));
    // A clock that went back is no reason to believe it, nor is one that was lost.
    let back = run(&stand, Some(100), Some(200)).await;
    assert_eq!((back.clock, back.trusted_s), (Some(100), Some(5_000)));
    assert_eq!(run(&stand, None, None).await.trusted_s, Some(5_000));
    // A clock that is confirmed in the middle of a run counts from the next start on.
    assert_eq!(run(&stand, None, Some(9_000)).await.trusted_s, Some(5_000));
    assert_eq!(run(&stand, None, None).await.trusted_s, Some(9_000));
    // So does one that only a snapshot tells of.
    stand.config.budget.snapshot_records = 1;
    assert_eq!(run(&stand, None, Some(9_500)).await.trusted_s, Some(9_000));
    assert_eq!(run(&stand, None, None).await.trusted_s, Some(9_500));
}
