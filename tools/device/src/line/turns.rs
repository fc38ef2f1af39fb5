//! Turns on what several devices share: one at a time, and no endless wait.

use std::{
    ops::{Deref, DerefMut},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Something that several devices share, each in its turn.
#[derive(Debug)]
pub struct Turns<T>(Arc<Shared<T>>);

#[derive(Debug)]
struct Shared<T> {
    /// Empty while somebody has it.
    free: Mutex<Option<T>>,
    given_back: Condvar,
}

impl<T> Clone for Turns<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Turns<T> {
    /// Shares `value`.
    #[must_use]
    pub fn new(value: T) -> Self {
        Self(Arc::new(Shared { free: Mutex::new(Some(value)), given_back: Condvar::new() }))
    }

    /// Takes a turn, waiting at most `wait_max` for the one before. Blocks.
    #[must_use]
    pub fn take(&self, wait_max: Duration) -> Option<Turn<'_, T>> {
        let waited = self.0.given_back.wait_timeout_while(self.0.lock(), wait_max, |free| free.is_none());
        let (mut free, _) = waited.unwrap_or_else(PoisonError::into_inner);
        free.take().map(|value| Turn { value: Some(value), shared: &self.0 })
    }
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, Option<T>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A turn; ends when it is dropped, by a panic too.
#[derive(Debug)]
pub struct Turn<'a, T> {
    value: Option<T>,
    shared: &'a Shared<T>,
}

impl<T> Deref for Turn<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.value.as_ref().unwrap_or_else(|| unreachable!("a turn has its value until it is dropped"))
    }
}

impl<T> DerefMut for Turn<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.value.as_mut().unwrap_or_else(|| unreachable!("a turn has its value until it is dropped"))
    }
}

impl<T> Drop for Turn<'_, T> {
    fn drop(&mut self) {
        *self.shared.lock() = self.value.take();
        self.shared.given_back.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::{panic, thread};

    use super::*;

    const LONG: Duration = Duration::from_mins(1);

    #[test]
    fn one_at_a_time_and_no_endless_wait() {
        let shared = Turns::new(1);
        let turn = shared.take(Duration::ZERO).unwrap();
        assert!(shared.take(Duration::ZERO).is_none(), "somebody has it");
        let other = shared.clone();
        let waiting = thread::spawn(move || *other.take(LONG).unwrap() += 1);
        drop(turn);
        waiting.join().unwrap();
        assert_eq!(*shared.take(LONG).unwrap(), 2);
    }

    #[test]
    fn turn_that_panics_gives_back_what_it_took() {
        let shared = Turns::new(1);
        let panicked = panic::catch_unwind(panic::AssertUnwindSafe(|| {
            let _turn = shared.take(LONG).unwrap();
            panic!("on purpose");
        }));
        assert!(panicked.is_err());
        assert_eq!(*shared.take(Duration::ZERO).unwrap(), 1);
    }
}
