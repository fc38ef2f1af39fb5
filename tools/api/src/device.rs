//! Devices as tools see them: who may use one, what its errors say, and traits where the ecosystem
//! has none.
//!
//! Pins and duty cycles are `embedded-hal`'s. Leaves out any concrete bus.

mod plant;
mod room;
mod signal;

use std::{panic, sync::Arc, time::Duration};

use everstep_core::Outcome;
use tokio::sync::Mutex;

use crate::{Cancel, Context};

pub use plant::{Reading, Regulator, Selector, Sensor, Shown, Timer, spoken};
pub use room::{RoomReading, RoomSensor};
pub use signal::{Contact, Counter, Pulser, Watched};

/// Share of a call's deadline for which it waits for a device that is busy: one in this many. The
/// rest is for the work itself, so that a call that begins can also end.
const WAIT_SHARE: u32 = 2;

/// Why a device did not do, or may not have done, what was asked. The text is what the model reads.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum DeviceError {
    /// The command certainly had no effect.
    #[error("{0}")]
    NotSent(String),
    /// The command left, and nobody knows what came of it.
    #[error("{0}")]
    Unknown(String),
}

impl From<DeviceError> for Outcome {
    fn from(error: DeviceError) -> Self {
        match error {
            DeviceError::NotSent(why) => Self::NotStarted(why),
            DeviceError::Unknown(why) => Self::MayHaveRun(why),
        }
    }
}

/// One device, used by one call at a time.
///
/// Drivers block, so the work runs on a thread of its own that keeps the device until the work
/// returns, also when nobody waits for it any more.
#[derive(Debug)]
pub struct Device<D> {
    name: Arc<str>,
    driver: Arc<Mutex<D>>,
}

impl<D> Clone for Device<D> {
    fn clone(&self) -> Self {
        Self { name: Arc::clone(&self.name), driver: Arc::clone(&self.driver) }
    }
}

impl<D: Send + 'static> Device<D> {
    /// Takes a driver; `name` is what people and errors call the device.
    #[must_use]
    pub fn new(name: &str, driver: D) -> Self {
        Self { name: name.into(), driver: Arc::new(Mutex::new(driver)) }
    }

    /// The device's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs `work` on the device for one try of a call. Waits for an earlier call that still has it,
    /// at most half of the deadline.
    ///
    /// # Errors
    ///
    /// [`DeviceError::NotSent`] while the device is busy, or when the call was cancelled meanwhile;
    /// otherwise what `work` says. A driver that panics leaves [`DeviceError::Unknown`].
    pub async fn call<T, W>(&self, cx: &Context, work: W) -> Result<T, DeviceError>
    where
        T: Send + 'static,
        W: FnOnce(&mut D) -> Result<T, DeviceError> + Send + 'static,
    {
        self.with(cx.deadline / WAIT_SHARE, &cx.cancel, work).await
    }

    /// Runs `work` on the device outside of any call, waiting for it at most `wait_max`.
    ///
    /// # Errors
    ///
    /// See [`Self::call`].
    pub async fn use_for<T, W>(&self, wait_max: Duration, work: W) -> Result<T, DeviceError>
    where
        T: Send + 'static,
        W: FnOnce(&mut D) -> Result<T, DeviceError> + Send + 'static,
    {
        self.with(wait_max, &Cancel::default(), work).await
    }

    async fn with<T, W>(&self, wait_max: Duration, cancel: &Cancel, work: W) -> Result<T, DeviceError>
    where
        T: Send + 'static,
        W: FnOnce(&mut D) -> Result<T, DeviceError> + Send + 'static,
    {
        let free = tokio::time::timeout(wait_max, Arc::clone(&self.driver).lock_owned()).await;
        let Ok(mut driver) = free else {
            return Err(DeviceError::NotSent(format!("{} is still busy with an earlier call", self.name)));
        };
        if cancel.is_asked() {
            return Err(DeviceError::NotSent(format!("the call was cancelled before {} began", self.name)));
        }
        // The guard moves into the thread: the device is free again when the work returns, not when
        // this future is dropped.
        let working = tokio::task::spawn_blocking(move || {
            panic::catch_unwind(panic::AssertUnwindSafe(|| work(&mut driver)))
        });
        match working.await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) | Err(_) => Err(DeviceError::Unknown(format!("the driver of {} failed", self.name))),
        }
    }
}

#[cfg(test)]
mod tests;
