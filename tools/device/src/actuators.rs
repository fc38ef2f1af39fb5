//! What happens to a board's actuators when the process starts, and when a run ends early.
//!
//! Nothing here acts when the process is killed: hardware defaults and the watchdog cover that gap.

use std::{fmt, sync::Arc, time::Duration};

use everstep_tool::{BoxFuture, Device, DeviceError, device::spoken};
use serde::{Deserialize, Serialize};

/// Milliseconds one actuator may take at a boot to be looked at and set. All are set at the same time, so a
/// dead bus holds a boot no longer than this.
const BOOT_MS_MAX: u64 = 2_000;
/// The same at an early end. A call that is under way holds its device, for 5 seconds at most where it is no
/// train of pulses: the safe state comes behind it, and is the last word.
const SAFE_MS_MAX: u64 = 10_000;

/// An actuator's absolute state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Off.
    Off,
    /// On.
    On,
    /// Somewhere between 0 and 100.
    Percent(u8),
    /// In the state of this name.
    Named(String),
    /// Set to a number.
    SetTo {
        /// The number.
        value: f64,
        /// Its unit; may be empty.
        unit: String,
    },
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("off"),
            Self::On => f.write_str("on"),
            Self::Percent(percent) => write!(f, "{percent} percent"),
            Self::Named(name) => f.write_str(name),
            Self::SetTo { value, unit } if unit.is_empty() => write!(f, "{value}"),
            Self::SetTo { value, unit } => write!(f, "{value} {unit}"),
        }
    }
}

/// What a boot does with an actuator.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BootPolicy {
    /// Sets the safe state.
    #[default]
    Safe,
    /// Sets what was commanded last; the safe state where that is not known.
    Restore,
    /// Leaves it as it is.
    Hold,
}

/// A driver whose device has an absolute state. It blocks.
pub trait Actuate: Send {
    /// What it is set to, where it can tell.
    ///
    /// # Errors
    ///
    /// Why it can't be asked.
    fn state(&mut self) -> Result<Option<State>, DeviceError>;

    /// Whether it is set to `state`, as far as it can tell.
    ///
    /// # Errors
    ///
    /// Why it can't be asked.
    fn is_in(&mut self, state: &State) -> Result<bool, DeviceError> {
        self.state().map(|now| now.as_ref() == Some(state))
    }

    /// Sets it.
    ///
    /// # Errors
    ///
    /// Why it was not, or may not have been set.
    fn set(&mut self, state: State) -> Result<(), DeviceError>;
}

/// All actuators of a board.
#[derive(Clone, Default)]
pub struct Actuators {
    all: Vec<Actuator>,
}

#[derive(Clone)]
struct Actuator {
    name: String,
    boot: BootPolicy,
    safe: State,
    last: Option<State>,
    device: Arc<dyn Set>,
}

/// How an actuator is brought to a state.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum How {
    /// Nothing was asked of it by this process: what is there already stays untouched.
    AtBoot,
    /// An earlier command may still be on its way to it: it is told even where it is in that state.
    AtEnd,
}

impl How {
    const fn ms_max(self) -> u64 {
        match self {
            Self::AtBoot => BOOT_MS_MAX,
            Self::AtEnd => SAFE_MS_MAX,
        }
    }
}

/// Brings one device of any type to a state.
trait Set: Send + Sync {
    /// Whether that changed it, as far as the device can tell.
    fn set(&self, state: State, how: How) -> BoxFuture<'static, Result<bool, DeviceError>>;
}

impl<D: Actuate + 'static> Set for Device<D> {
    fn set(&self, state: State, how: How) -> BoxFuture<'static, Result<bool, DeviceError>> {
        let device = self.clone();
        Box::pin(async move {
            let limit = Duration::from_millis(how.ms_max());
            let work = device.use_for(limit, move |driver| {
                // One that can't be asked is set all the same.
                let was_there = driver.is_in(&state).unwrap_or(false);
                if !was_there || how == How::AtEnd {
                    driver.set(state)?;
                }
                Ok(!was_there)
            });
            tokio::time::timeout(limit, work).await.unwrap_or_else(|_| {
                Err(DeviceError::Unknown(format!("no answer within {} ms", how.ms_max())))
            })
        })
    }
}

impl Actuators {
    /// Adds an actuator. `last` is what was commanded last, for `restore`.
    pub fn add<D: Actuate + 'static>(
        &mut self,
        device: &Device<D>,
        boot: BootPolicy,
        safe: State,
        last: Option<State>,
    ) {
        let name = device.name().to_owned();
        self.all.push(Actuator { name, boot, safe, last, device: Arc::new(device.clone()) });
    }

    /// Brings every actuator to what its boot policy asks for. Returns what that changed, and what it
    /// failed to change, in words for the model: `compressor set to off`.
    #[must_use]
    pub fn boot(&self) -> BoxFuture<'static, Vec<String>> {
        let wanted = self.all.iter().filter_map(|actuator| {
            let state = match actuator.boot {
                BootPolicy::Safe => actuator.safe.clone(),
                BootPolicy::Restore => actuator.last.as_ref().unwrap_or(&actuator.safe).clone(),
                BootPolicy::Hold => return None,
            };
            Some((actuator.clone(), state))
        });
        let set = set_all(wanted.collect(), How::AtBoot);
        Box::pin(async move {
            let (mut changed, failed) = set.await;
            changed.extend(failed);
            changed
        })
    }

    /// Sets every safe state, behind any command that is still under way. Returns what changed, and what
    /// could not be set and why.
    #[must_use]
    pub fn set_safe(&self) -> BoxFuture<'static, (Vec<String>, Vec<String>)> {
        let wanted = self.all.iter().map(|actuator| (actuator.clone(), actuator.safe.clone()));
        set_all(wanted.collect(), How::AtEnd)
    }
}

fn set_all(wanted: Vec<(Actuator, State)>, how: How) -> BoxFuture<'static, (Vec<String>, Vec<String>)> {
    Box::pin(async move {
        // In tasks of their own, so that a slow one does not keep the others from being safe.
        let under_way: Vec<_> = wanted
            .into_iter()
            .map(|(actuator, state)| {
                let set = tokio::spawn(actuator.device.set(state.clone(), how));
                (spoken(&actuator.name), state, set)
            })
            .collect();
        let (mut changed, mut failed) = (Vec::new(), Vec::new());
        for (name, state, set) in under_way {
            match set.await {
                Ok(Ok(true)) => changed.push(format!("{name} set to {state}")),
                Ok(Ok(false)) => {}
                Ok(Err(error)) => failed.push(format!("{name} could not be set to {state}: {error}")),
                Err(_) => failed.push(format!("{name} could not be set to {state}: its driver failed")),
            }
        }
        (changed, failed)
    })
}

#[cfg(test)]
mod tests;
