//! A bus that several devices share, and what its faults mean for a command.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use embedded_hal::{digital, i2c, i2c::NoAcknowledgeSource, spi};
use everstep_tool::DeviceError;

/// What went wrong on a bus, and whether a command that was under way may have had an effect.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BusFault {
    /// Whether anything may have moved.
    pub effect: Effect,
    /// What went wrong, and what to do about it.
    pub text: String,
}

/// Whether a command that failed may have had an effect.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Effect {
    /// Certainly not: no byte of it was taken.
    None,
    /// Nobody knows.
    Possible,
}

impl BusFault {
    /// The error of a command that would change something at `place`.
    #[must_use]
    pub fn of_write(self, place: &str) -> DeviceError {
        let text = format!("{place}: {}", self.text);
        match self.effect {
            Effect::None => DeviceError::NotSent(text),
            Effect::Possible => DeviceError::Unknown(text),
        }
    }

    /// The error of a command that changes nothing at `place`, however far it came.
    #[must_use]
    pub fn of_read(self, place: &str) -> DeviceError {
        DeviceError::NotSent(format!("{place}: {}", self.text))
    }
}

impl From<i2c::ErrorKind> for BusFault {
    fn from(kind: i2c::ErrorKind) -> Self {
        let (effect, text) = match kind {
            i2c::ErrorKind::NoAcknowledge(NoAcknowledgeSource::Address) => {
                (Effect::None, "no chip answers: check its address, its power and the wires")
            }
            i2c::ErrorKind::NoAcknowledge(_) => (Effect::Possible, "the chip did not take a byte"),
            i2c::ErrorKind::ArbitrationLoss => (Effect::Possible, "another master took the bus"),
            i2c::ErrorKind::Bus => (Effect::Possible, "the bus failed: check the wires and pull-ups"),
            i2c::ErrorKind::Overrun => (Effect::Possible, "bytes came faster than they were taken"),
            _ => (Effect::Possible, "the bus failed"),
        };
        Self { effect, text: text.into() }
    }
}

impl From<spi::ErrorKind> for BusFault {
    fn from(kind: spi::ErrorKind) -> Self {
        let text = match kind {
            spi::ErrorKind::Overrun => "bytes came faster than they were taken",
            spi::ErrorKind::ModeFault => "another master took the bus",
            spi::ErrorKind::ChipSelectFault => "the chip could not be selected",
            _ => "the bus failed",
        };
        Self { effect: Effect::Possible, text: text.into() }
    }
}

/// Why a pin did not, or may not have, moved.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PinError(pub DeviceError);

impl From<PinError> for DeviceError {
    fn from(error: PinError) -> Self {
        error.0
    }
}

impl digital::Error for PinError {
    fn kind(&self) -> digital::ErrorKind {
        digital::ErrorKind::Other
    }
}

/// A bus and everything on it, opened when it is first used. Each device has it for as long as its work
/// takes, so that what one reads and writes back is not changed by another in between.
pub struct SharedBus<B> {
    name: Arc<str>,
    inner: Arc<Mutex<Inner<B>>>,
}

struct Inner<B> {
    opened: Option<B>,
    open: Box<dyn FnMut() -> Result<B, DeviceError> + Send>,
}

impl<B> Clone for SharedBus<B> {
    fn clone(&self) -> Self {
        Self { name: Arc::clone(&self.name), inner: Arc::clone(&self.inner) }
    }
}

impl<B> fmt::Debug for SharedBus<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SharedBus").field(&self.name).finish()
    }
}

impl<B> SharedBus<B> {
    /// A bus that `open` opens; `name` is what people and errors call it.
    #[must_use]
    pub fn new(name: &str, open: impl FnMut() -> Result<B, DeviceError> + Send + 'static) -> Self {
        let inner = Inner { opened: None, open: Box::new(open) };
        Self { name: name.into(), inner: Arc::new(Mutex::new(inner)) }
    }

    /// What people and errors call it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Does `work` while nobody else has the bus. After an error the bus is opened anew: its driver may
    /// be gone, or come back.
    ///
    /// # Errors
    ///
    /// [`DeviceError::NotSent`] where the bus can't be opened; otherwise what `work` says.
    pub fn with<T>(&self, work: impl FnOnce(&mut B) -> Result<T, DeviceError>) -> Result<T, DeviceError> {
        // A driver that panicked left nothing behind that the next one relies on.
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let mut bus = match inner.opened.take() {
            Some(bus) => bus,
            None => (inner.open)()?,
        };
        let result = work(&mut bus);
        if result.is_ok() {
            inner.opened = Some(bus);
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counting() -> SharedBus<u32> {
        let mut opened = 0;
        SharedBus::new("/dev/x", move || {
            opened += 1;
            if opened == 3 { Err(DeviceError::NotSent("/dev/x is missing".into())) } else { Ok(opened) }
        })
    }

    #[test]
    fn bus_is_opened_once_and_anew_after_an_error() {
        let bus = counting();
        assert_eq!(bus.with(|n| Ok(*n)), Ok(1));
        assert_eq!(bus.clone().with(|n| Ok(*n)), Ok(1), "one bus for all who share it");
        let failed = DeviceError::Unknown("it broke".into());
        assert_eq!(bus.with(|_| Err::<(), _>(failed.clone())), Err(failed));
        assert_eq!(bus.with(|n| Ok(*n)), Ok(2));
        assert!(bus.with(|_| Err::<(), _>(DeviceError::NotSent("no".into()))).is_err());
        assert_eq!(bus.with(|n| Ok(*n)), Err(DeviceError::NotSent("/dev/x is missing".into())));
        assert_eq!(bus.with(|n| Ok(*n)), Ok(4), "it came back");
    }

    #[test]
    fn only_an_address_without_an_answer_leaves_a_write_without_effect() {
        use i2c::ErrorKind::{ArbitrationLoss, Bus, NoAcknowledge, Other, Overrun};
        let write = |kind: i2c::ErrorKind| BusFault::from(kind).of_write("0x48");
        let told = write(NoAcknowledge(NoAcknowledgeSource::Address));
        assert!(matches!(&told, DeviceError::NotSent(text) if text.starts_with("0x48: no chip answers")));
        for kind in [
            NoAcknowledge(NoAcknowledgeSource::Data),
            NoAcknowledge(NoAcknowledgeSource::Unknown),
            ArbitrationLoss,
            Bus,
            Overrun,
            Other,
        ] {
            assert!(matches!(write(kind), DeviceError::Unknown(_)), "{kind:?}");
            assert!(matches!(BusFault::from(kind).of_read("0x48"), DeviceError::NotSent(_)), "{kind:?}");
        }
        let spi = BusFault::from(spi::ErrorKind::ModeFault).of_write("a");
        assert_eq!(spi, DeviceError::Unknown("a: another master took the bus".into()));
    }
}
