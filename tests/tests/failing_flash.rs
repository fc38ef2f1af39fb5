//! A disk that fills up under the flash, at every operation of a short run: the process ends with an
//! error that says so, and the next one goes on at the very step.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test's set-up may fail")]

use std::sync::{Arc, atomic::Ordering};

use everstep_core::{Class, End, Finished, Kind, Then};
use everstep_driver::{BootError, Budget, DriveError, Driver, Pause, StoreError};
use everstep_tool::Tool;
use system_tests::stand::{FailingFlash, FailingFlashError, Left, Stand, TestDevice, scripted};

/// One call of each class, then the answer; again where the model has yet to be told of a restart.
const SCRIPT: &str = r#"
    [[reply]]
    call = "look"
    [[reply]]
    call = "set"
    [[reply]]
    call = "pay"
    [[reply]]
    call = "dose"
    [[reply]]
    call = "pulse"
    [[reply]]
    say = "Done."
    [[reply]]
    say = "Done."
"#;
const ANSWER_TOKENS: u32 = 5;

struct Board {
    stand: Stand<FailingFlash>,
    devices: Vec<Arc<TestDevice>>,
}

impl Board {
    fn new() -> Self {
        let devices: Vec<_> = [
            ("look", Class::Observe),
            ("set", Class::Safe),
            ("pay", Class::Keyed { key_valid_s: 300 }),
            ("dose", Class::ReadBack { settle_ms: 10 }),
            ("pulse", Class::Never),
        ]
        .into_iter()
        .map(|(name, class)| TestDevice::new(name, class, 20, "done"))
        .collect();
        let tools = devices.iter().map(|device| Arc::clone(device) as Arc<dyn Tool>).collect();
        let mut stand = Stand::new(FailingFlash::new(32), tools);
        // Snapshots fail, too.
        stand.config.budget = Budget { snapshot_records: 7, snapshot_bytes_max: 8 * 1024 };
        Self { stand, devices }
    }

    /// Boots, and drives the one task to its end.
    async fn run(&self) -> Result<Finished, StoreError<FailingFlashError>> {
        let mut driver = match self.stand.boot(scripted(SCRIPT)).await {
            Ok((driver, _commands)) => driver,
            Err(BootError::Store(error) | BootError::Drive(DriveError::Store(error))) => return Err(error),
            Err(error) => panic!("{error}"),
        };
        let state = driver.agent().state();
        let is_fresh = state.run.is_none() && state.last.is_none();
        if is_fresh && let Err(error) = driver.start("once".into(), None, 1) {
            // As the command does.
            driver.set_safe().await;
            return Err(of_store(error));
        }
        match driver.drive().await {
            Ok(Pause::AtRest(Some(last))) => Ok(last),
            Ok(pause) => panic!("{pause:?}"),
            Err(error) => {
                self.check_given_up(&mut driver).await;
                Err(of_store(error))
            }
        }
    }

    /// A driver whose flash failed does nothing more, even where there is room again.
    async fn check_given_up(&self, driver: &mut Driver<FailingFlash>) {
        let before = (self.begun(), self.stand.heard.kinds());
        self.stand.flash.lock().make_room();
        driver.drive().await.unwrap_err();
        assert_eq!((self.begun(), self.stand.heard.kinds()), before);
    }

    fn begun(&self) -> Vec<u32> {
        self.devices.iter().map(|device| device.begun()).collect()
    }

    fn finished(&self) -> [u32; 5] {
        let finished: Vec<u32> = self.devices.iter().map(|device| device.finished()).collect();
        finished.try_into().unwrap()
    }
}

fn of_store(error: DriveError<FailingFlashError>) -> StoreError<FailingFlashError> {
    match error {
        DriveError::Store(error) => error,
        error => panic!("{error}"),
    }
}

/// What a run used without any failure.
async fn undisturbed() -> Finished {
    let board = Board::new();
    let last = board.run().await.unwrap();
    assert_eq!((last.how.clone(), board.finished()), (End::Done, [1; 5]));
    last
}

/// Fails at one operation, makes room, goes on. `false` where the run was over before.
async fn fails_and_goes_on(operation: u64, left: Left, whole: &Finished) -> bool {
    let board = Board::new();
    board.stand.flash.lock().fill_after(operation, left);
    let ended = board.run().await;
    let failed = board.stand.flash.lock().has_failed();
    board.stand.flash.lock().make_room();
    let at = format!("operation {operation}, {left:?} left");
    let last = match ended {
        Ok(last) => {
            assert!(!failed, "{at}: nobody was told");
            last
        }
        Err(error) => {
            assert_eq!(error.flash(), Some(&FailingFlashError::DiskFull), "{at}: {error}");
            // Nobody looks after the board from here on.
            assert!(board.stand.actuators.set_safe.load(Ordering::SeqCst) > 0, "{at}");
            board.run().await.unwrap_or_else(|error| panic!("{at}: {error}"))
        }
    };
    assert_eq!(last.how, End::Done, "{at}");
    // Every token and call counts once; a restart costs one more answer at most.
    let more = last.steps.0 - whole.steps.0;
    assert!(more <= u32::from(failed), "{at}: {last:?}");
    assert_eq!(last.used.tokens, whole.used.tokens + more * ANSWER_TOKENS, "{at}");
    assert_eq!((last.used.calls, last.run), (whole.used.calls, whole.run), "{at}");
    let [look, set, pay, dose, pulse] = board.finished();
    assert!((1..=2).contains(&look) && (1..=2).contains(&set), "{at}: {look} {set}");
    assert_eq!((pay, dose), (1, 1), "{at}");
    // Between its intent and its start nothing moves: the model is told that nobody knows.
    let unknown = |kind: &Kind| matches!(kind, Kind::Booted { lost: Some(Then::Unknown), .. });
    let told_unknown = board.stand.heard.kinds().iter().any(unknown);
    assert!(pulse == 1 || pulse == 0 && told_unknown, "{at}: {pulse}");
    failed
}

#[tokio::test(start_paused = true)]
async fn disk_that_fills_up_at_any_operation_costs_no_step_and_repeats_none() {
    let whole = undisturbed().await;
    for left in [Left::Nothing, Left::Half, Left::All] {
        let mut operation = 0;
        while fails_and_goes_on(operation, left, &whole).await {
            operation += 1;
        }
        assert!(operation > 40, "only {operation} operations");
    }
}
