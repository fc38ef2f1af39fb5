use std::sync::mpsc;

use super::*;

fn context(deadline_ms: u64) -> Context {
    Context { attempt: 1, deadline: Duration::from_millis(deadline_ms), cancel: Cancel::default() }
}

#[tokio::test]
async fn call_that_nobody_waits_for_keeps_its_device_until_it_returns() {
    let device = Device::new("pump", 0_u32);
    let (began, has_begun) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let first = tokio::spawn({
        let device = device.clone();
        async move {
            device
                .call(&context(60_000), move |count| {
                    began.send(()).unwrap();
                    released.recv().unwrap();
                    *count += 1;
                    Ok(())
                })
                .await
        }
    });
    tokio::task::spawn_blocking(move || has_begun.recv().unwrap()).await.unwrap();
    // Giving up the future is not cancelling.
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());

    let second = device.call(&context(2), |count| Ok(*count)).await;
    assert_eq!(second, Err(DeviceError::NotSent("pump is still busy with an earlier call".into())));

    release.send(()).unwrap();
    assert_eq!(device.call(&context(60_000), |count| Ok(*count)).await, Ok(1), "the work went on");
}

#[tokio::test]
async fn call_cancelled_while_it_waits_does_not_begin() {
    let device = Device::new("heater", false);
    let cx = context(60_000);
    cx.cancel.ask();
    let ran = device
        .call(&cx, |moved| {
            *moved = true;
            Ok(())
        })
        .await;
    assert!(matches!(ran, Err(DeviceError::NotSent(_))), "{ran:?}");
    assert_eq!(device.call(&context(60_000), |moved| Ok(*moved)).await, Ok(false));
}

#[tokio::test]
async fn driver_that_panics_leaves_an_unknown_outcome_and_a_usable_device() {
    let device = Device::new("fan", 7);
    let ran = device.call::<(), _>(&context(60_000), |_| panic!("on purpose")).await;
    assert_eq!(ran, Err(DeviceError::Unknown("the driver of fan failed".into())));
    assert_eq!(device.call(&context(60_000), |speed| Ok(*speed)).await, Ok(7));
}

#[test]
fn only_a_command_that_never_left_counts_as_not_started() {
    assert_eq!(Outcome::from(DeviceError::NotSent("a".into())), Outcome::NotStarted("a".into()));
    assert_eq!(Outcome::from(DeviceError::Unknown("b".into())), Outcome::MayHaveRun("b".into()));
}
