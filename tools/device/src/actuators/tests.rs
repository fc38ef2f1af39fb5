use std::sync::{Mutex, mpsc};

use super::*;

/// What an actuator was set to, and whether it answers.
#[derive(Debug, Default)]
struct Fake {
    state: Option<State>,
    sets: Arc<Mutex<Vec<State>>>,
    dead: bool,
    stuck: Option<mpsc::Receiver<()>>,
}

impl Actuate for Fake {
    fn state(&mut self) -> Result<Option<State>, DeviceError> {
        if let Some(stuck) = &self.stuck {
            // Ends when the test drops its end.
            let _ = stuck.recv();
        }
        Ok(self.state.clone())
    }

    fn set(&mut self, state: State) -> Result<(), DeviceError> {
        if self.dead {
            return Err(DeviceError::NotSent("no such bus".into()));
        }
        self.sets.lock().unwrap().push(state.clone());
        self.state = Some(state);
        Ok(())
    }
}

fn at(state: State) -> Fake {
    Fake { state: Some(state), ..Fake::default() }
}

#[tokio::test]
async fn boot_policies_do_what_they_say() {
    let mut actuators = Actuators::default();
    let mut add = |name: &str, fake: Fake, boot, last| {
        actuators.add(&Device::new(name, fake), boot, State::Off, last);
    };
    add("compressor", at(State::On), BootPolicy::Safe, Some(State::On));
    add("lamp", at(State::Off), BootPolicy::Safe, None);
    add("fan", at(State::Percent(30)), BootPolicy::Hold, None);
    add("valve", at(State::Off), BootPolicy::Restore, Some(State::Percent(40)));
    add("horn", at(State::On), BootPolicy::Restore, None);
    assert_eq!(
        actuators.boot().await,
        ["compressor set to off", "valve set to 40 percent", "horn set to off"]
    );
}

#[tokio::test]
async fn one_that_can_not_tell_is_set_all_the_same() {
    let fan = Fake::default();
    let sets = Arc::clone(&fan.sets);
    let mut actuators = Actuators::default();
    actuators.add(&Device::new("fan", fan), BootPolicy::Safe, State::Percent(0), None);
    assert_eq!(actuators.boot().await, ["fan set to 0 percent"]);
    assert_eq!(actuators.set_safe().await, (vec![], vec![]), "now it can tell");
    assert_eq!(*sets.lock().unwrap(), [State::Percent(0), State::Percent(0)], "an end tells it once more");
}

#[tokio::test]
async fn failures_are_told_and_keep_nothing_else_from_being_safe() {
    let dead = Fake { dead: true, ..Fake::default() };
    let mut actuators = Actuators::default();
    actuators.add(&Device::new("valve", dead), BootPolicy::Safe, State::Off, None);
    actuators.add(&Device::new("heater", at(State::On)), BootPolicy::Safe, State::Off, None);
    let (changed, failed) = actuators.set_safe().await;
    assert_eq!(changed, ["heater set to off"]);
    assert_eq!(failed, ["valve could not be set to off: no such bus"]);
    assert_eq!(actuators.boot().await, ["valve could not be set to off: no such bus"]);
}

#[tokio::test(start_paused = true)]
async fn dead_bus_does_not_hang_the_boot() {
    let (release, stuck) = mpsc::channel();
    let mut actuators = Actuators::default();
    let fake = Fake { stuck: Some(stuck), ..Fake::default() };
    actuators.add(&Device::new("compressor", fake), BootPolicy::Safe, State::Off, None);
    let failure = "compressor could not be set to off: no answer within 2000 ms";
    // While a driver blocks, paused time stands still until it is moved.
    let boot = tokio::spawn(actuators.boot());
    pass(BOOT_MS_MAX).await;
    assert_eq!(boot.await.unwrap(), [failure]);

    let safe = tokio::spawn(actuators.set_safe());
    pass(SAFE_MS_MAX).await;
    let (_, failed) = safe.await.unwrap();
    assert_eq!(failed.len(), 1, "it still holds its device: {failed:?}");
    drop(release);
}

#[tokio::test(start_paused = true)]
async fn a_command_that_is_under_way_is_not_the_last_word() {
    let valve = at(State::Off);
    let sets = Arc::clone(&valve.sets);
    let device = Device::new("valve", valve);
    let mut actuators = Actuators::default();
    actuators.add(&device, BootPolicy::Safe, State::Off, None);
    let (release, stuck) = mpsc::channel::<()>();
    let (holds, held) = tokio::sync::oneshot::channel();
    let command = device.clone();
    let command = tokio::spawn(async move {
        let work = move |driver: &mut Fake| {
            // The test waits for this.
            let _ = holds.send(());
            let _ = stuck.recv();
            driver.set(State::On)
        };
        command.use_for(Duration::ZERO, work).await
    });
    held.await.unwrap();
    let safe = tokio::spawn(actuators.set_safe());
    // The longest that a call without pulses holds its device.
    pass(5_000).await;
    drop(release);
    assert_eq!(command.await.unwrap(), Ok(()));
    assert_eq!(safe.await.unwrap(), (vec!["valve set to off".into()], vec![]));
    assert_eq!(*sets.lock().unwrap(), [State::On, State::Off]);
}

async fn pass(ms: u64) {
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    tokio::time::advance(Duration::from_millis(ms + 1)).await;
}
