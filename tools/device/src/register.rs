//! A register of a chip as a sensor, a set-point or a counter.

use std::ops::RangeInclusive;

use everstep_tool::device::{Counter, DeviceError, Reading, Sensor, Shown};

use crate::{
    actuators::{Actuate, State},
    scale::Scaling,
};

/// The bytes of one register. It blocks.
pub trait Register: Send {
    /// Reads them.
    ///
    /// # Errors
    ///
    /// [`DeviceError::NotSent`]: a read changes nothing.
    fn read(&mut self, bytes: &mut [u8]) -> Result<(), DeviceError>;

    /// Writes them.
    ///
    /// # Errors
    ///
    /// [`DeviceError::NotSent`] only where the register certainly was not written.
    fn write(&mut self, bytes: &[u8]) -> Result<(), DeviceError>;
}

/// A register that holds a number.
#[derive(Clone, Debug)]
pub struct ScaledRegister<R> {
    register: R,
    scaling: Scaling,
    level: Level,
}

/// How a number is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Level {
    /// Of what.
    pub name: String,
    /// Printed after the number; may be empty.
    pub unit: String,
    /// Decimals that mean something.
    pub digits: u8,
    /// What can truly be shown.
    pub range: RangeInclusive<f64>,
}

impl Level {
    /// The reading that shows `value`.
    #[must_use]
    pub fn reading(&self, value: f64) -> Reading {
        let Self { name, unit, digits, range } = self.clone();
        Reading { name, shown: Shown::Level { value, digits, unit, range } }
    }
}

impl<R> ScaledRegister<R> {
    /// The number in `register`.
    pub const fn new(register: R, scaling: Scaling, level: Level) -> Self {
        Self { register, scaling, level }
    }
}

impl<R: Register> ScaledRegister<R> {
    fn bytes(&mut self) -> Result<Vec<u8>, DeviceError> {
        let mut bytes = vec![0; self.scaling.width.bytes()];
        self.register.read(&mut bytes)?;
        Ok(bytes)
    }
}

impl<R: Register> Sensor for ScaledRegister<R> {
    fn read(&mut self) -> Result<Vec<Reading>, DeviceError> {
        let bytes = self.bytes()?;
        Ok(vec![self.level.reading(self.scaling.decode(&bytes))])
    }
}

impl<R: Register> Counter for ScaledRegister<R> {
    fn count(&mut self) -> Result<u64, DeviceError> {
        let bytes = self.bytes()?;
        Ok(self.scaling.raw(&bytes).into())
    }

    fn wraps_at(&self) -> Option<u64> {
        Some(1 << (8 * self.scaling.width.bytes()))
    }
}

impl<R: Register> Actuate for ScaledRegister<R> {
    fn state(&mut self) -> Result<Option<State>, DeviceError> {
        let value = self.bytes().map(|bytes| self.scaling.decode(&bytes))?;
        Ok(Some(State::SetTo { value, unit: self.level.unit.clone() }))
    }

    /// By its bytes, which are equal where numbers may differ in how the computer counts.
    fn is_in(&mut self, state: &State) -> Result<bool, DeviceError> {
        let State::SetTo { value, .. } = state else { return Ok(false) };
        let bytes = self.bytes()?;
        Ok(self.scaling.encode(*value) == Ok(bytes))
    }

    fn set(&mut self, state: State) -> Result<(), DeviceError> {
        let name = &self.level.name;
        let State::SetTo { value, .. } = state else {
            return Err(DeviceError::NotSent(format!("{name} can't be set to {state}")));
        };
        let bytes = self
            .scaling
            .encode(value)
            .map_err(|why| DeviceError::NotSent(format!("{name} can't be set to {value}: {why}")))?;
        self.register.write(&bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scale::{Order, Width};

    /// Holds bytes, and counts writes.
    struct Fake(Vec<u8>, u32);

    impl Register for Fake {
        fn read(&mut self, bytes: &mut [u8]) -> Result<(), DeviceError> {
            bytes.copy_from_slice(&self.0);
            Ok(())
        }

        fn write(&mut self, bytes: &[u8]) -> Result<(), DeviceError> {
            self.0 = bytes.to_vec();
            self.1 += 1;
            Ok(())
        }
    }

    fn register(bytes: &[u8]) -> ScaledRegister<Fake> {
        let scaling = Scaling { width: Width::Two, order: Order::Big, signed: true, scale: 0.1, offset: 0.0 };
        let level = Level { name: "flow_set".into(), unit: "l/min".into(), digits: 1, range: 0.0..=10.0 };
        ScaledRegister::new(Fake(bytes.to_vec(), 0), scaling, level)
    }

    fn set_to(value: f64) -> State {
        State::SetTo { value, unit: "l/min".into() }
    }

    #[test]
    fn register_is_a_sensor_with_unit_and_range() {
        let readings = register(&[0x00, 0x19]).read().unwrap();
        let shown = Shown::Level { value: 2.5, digits: 1, unit: "l/min".into(), range: 0.0..=10.0 };
        assert_eq!(readings, [Reading { name: "flow_set".into(), shown }]);
    }

    #[test]
    fn register_is_a_set_point_that_tells_what_it_holds() {
        let mut register = register(&[0, 0]);
        register.set(set_to(7.3)).unwrap();
        assert_eq!((register.register.0.clone(), register.state()), (vec![0, 73], Ok(Some(set_to(7.3)))));
        assert_eq!((register.is_in(&set_to(7.3)), register.is_in(&set_to(7.4))), (Ok(true), Ok(false)));
        for state in [set_to(7.34), set_to(5_000.0), set_to(f64::NAN), State::On] {
            assert!(matches!(register.set(state.clone()), Err(DeviceError::NotSent(_))), "{state}");
        }
        assert_eq!(register.register.1, 1, "what it can't hold is not written");
    }

    #[test]
    fn register_is_a_counter_without_its_scale() {
        assert_eq!(register(&[0x01, 0x02]).count(), Ok(258));
        assert_eq!(register(&[0xFF, 0xFF]).count(), Ok(65_535));
        assert_eq!(register(&[0, 0]).wraps_at(), Some(65_536));
    }
}
