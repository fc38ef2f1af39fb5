//! Traits for what gives pulses, what counts, and what is in one of two states. They block.

use std::time::Duration;

use super::DeviceError;
use crate::Cancel;

/// Gives pulses: a dosing pump, a feeder.
pub trait Pulser: Send {
    /// Gives `pulses` pulses. Not repeatable. May stop between two of them once `cancel` is asked.
    ///
    /// # Errors
    ///
    /// [`DeviceError::NotSent`] only where no pulse was given.
    fn pulse(&mut self, pulses: u32, cancel: &Cancel) -> Result<(), DeviceError>;
}

/// Counts for good: a flow meter, a pump's own counter.
pub trait Counter: Send {
    /// What it counted since it was made.
    ///
    /// # Errors
    ///
    /// Why it can't be read.
    fn count(&mut self) -> Result<u64, DeviceError>;

    /// The count at which it begins anew at 0, where it does.
    fn wraps_at(&self) -> Option<u64> {
        None
    }
}

impl<C: Counter + ?Sized> Counter for Box<C> {
    fn count(&mut self) -> Result<u64, DeviceError> {
        (**self).count()
    }

    fn wraps_at(&self) -> Option<u64> {
        (**self).wraps_at()
    }
}

/// In one of two states, whoever brings it there: a door's contact, a float switch.
pub trait Contact: Send {
    /// Whether it is active.
    ///
    /// # Errors
    ///
    /// Why it can't be read.
    fn is_active(&mut self) -> Result<bool, DeviceError>;

    /// Forgets the changes so far: [`Self::next_change`] tells later ones.
    ///
    /// # Errors
    ///
    /// Why they can't be told.
    fn forget_changes(&mut self) -> Result<(), DeviceError>;

    /// Waits for a change, at most about `wait_max`.
    ///
    /// # Errors
    ///
    /// Why it can't be told.
    fn next_change(&mut self, wait_max: Duration) -> Result<Watched, DeviceError>;
}

/// What came of watching a contact for a while.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Watched {
    /// Whether it became active or inactive; none if it did not change. It may have changed again since.
    pub became: Option<bool>,
    /// How long that was watched.
    pub passed: Duration,
}
