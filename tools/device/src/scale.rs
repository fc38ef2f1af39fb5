//! Between the bytes of a register and the number people read.

use serde::{Deserialize, Serialize};

/// How a register holds a number: `raw * scale + offset`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scaling {
    /// How many bytes.
    pub width: Width,
    /// Which of them comes first.
    pub order: Order,
    /// Whether the highest bit is a sign.
    pub signed: bool,
    /// What one step of the register is worth.
    pub scale: f64,
    /// The number where the register is zero.
    pub offset: f64,
}

/// Bytes of a register.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub enum Width {
    /// One byte.
    #[default]
    One,
    /// Two bytes.
    Two,
    /// Four bytes.
    Four,
}

impl Width {
    /// The number of bytes.
    #[must_use]
    pub const fn bytes(self) -> usize {
        match self {
            Self::One => 1,
            Self::Two => 2,
            Self::Four => 4,
        }
    }
}

impl TryFrom<u8> for Width {
    type Error = String;

    fn try_from(bytes: u8) -> Result<Self, String> {
        match bytes {
            1 => Ok(Self::One),
            2 => Ok(Self::Two),
            4 => Ok(Self::Four),
            _ => Err(format!("a register has 1, 2 or 4 bytes, not {bytes}")),
        }
    }
}

impl From<Width> for u8 {
    fn from(width: Width) -> Self {
        match width {
            Width::One => 1,
            Width::Two => 2,
            Width::Four => 4,
        }
    }
}

/// Order of a register's bytes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// The highest first, as most chips have it.
    #[default]
    Big,
    /// The lowest first.
    Little,
}

/// Decimals that a number is kept to: behind them it only shows how the computer counts.
const KEPT: f64 = 1e9;
/// How far from a whole step a value may be, as floating-point arithmetic leaves it.
const STEP_ERROR_MAX: f64 = 1e-6;

impl Scaling {
    /// The register as a count, without sign, scale and offset.
    #[must_use]
    pub fn raw(&self, bytes: &[u8]) -> u32 {
        let add = |raw: u32, byte: &u8| (raw << 8) | u32::from(*byte);
        match self.order {
            Order::Big => bytes.iter().fold(0, add),
            Order::Little => bytes.iter().rev().fold(0, add),
        }
    }

    /// The number that the register holds.
    #[must_use]
    pub fn decode(&self, bytes: &[u8]) -> f64 {
        let raw = self.raw(bytes);
        let unused = 32 - 8 * self.bits_in_bytes();
        let raw = if self.signed {
            // Shifted up and down again, the sign fills what the register does not have.
            f64::from((raw << unused).cast_signed() >> unused)
        } else {
            f64::from(raw)
        };
        ((raw * self.scale + self.offset) * KEPT).round() / KEPT
    }

    /// The bytes that hold `value`.
    ///
    /// # Errors
    ///
    /// Why no bytes hold just this value, in words the model can act on. None is rounded: a limit that
    /// holds for what is asked for would not hold for what is set.
    pub fn encode(&self, value: f64) -> Result<Vec<u8>, String> {
        let steps = (value - self.offset) / self.scale;
        let raw = steps.round();
        let (least, most) = self.bounds();
        let shown = |raw: f64| ((raw * self.scale + self.offset) * KEPT).round() / KEPT;
        // What is no number is in no range.
        if !(least..=most).contains(&raw) {
            let (one, other) = (shown(least), shown(most));
            return Err(format!("the register holds {} to {}, not {value}", one.min(other), one.max(other)));
        }
        if (steps - raw).abs() > STEP_ERROR_MAX * raw.abs().max(1.0) {
            let (below, above) = (shown(steps.floor()), shown(steps.ceil()));
            return Err(format!("{value} is no step of the register: the nearest are {below} and {above}"));
        }
        #[expect(clippy::cast_possible_truncation, reason = "whole, and within what the register holds")]
        let all = (raw as i64).to_be_bytes();
        let mut bytes: Vec<u8> = all.iter().copied().skip(all.len() - self.width.bytes()).collect();
        if self.order == Order::Little {
            bytes.reverse();
        }
        Ok(bytes)
    }

    fn bits_in_bytes(&self) -> u32 {
        u32::from(u8::from(self.width))
    }

    /// Least and most counts of the register.
    fn bounds(&self) -> (f64, f64) {
        match (self.width, self.signed) {
            (Width::One, false) => (0.0, f64::from(u8::MAX)),
            (Width::Two, false) => (0.0, f64::from(u16::MAX)),
            (Width::Four, false) => (0.0, f64::from(u32::MAX)),
            (Width::One, true) => (f64::from(i8::MIN), f64::from(i8::MAX)),
            (Width::Two, true) => (f64::from(i16::MIN), f64::from(i16::MAX)),
            (Width::Four, true) => (f64::from(i32::MIN), f64::from(i32::MAX)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(width: Width, order: Order, signed: bool) -> Scaling {
        Scaling { width, order, signed, scale: 1.0, offset: 0.0 }
    }

    #[test]
    fn bytes_are_numbers_in_either_order_and_with_a_sign() {
        let decode = |width, order, signed, bytes: &[u8]| plain(width, order, signed).decode(bytes);
        for (got, expected) in [
            (decode(Width::One, Order::Big, false, &[0xFE]), 254.0),
            (decode(Width::One, Order::Big, true, &[0xFE]), -2.0),
            (decode(Width::Two, Order::Big, false, &[0x01, 0x02]), 258.0),
            (decode(Width::Two, Order::Little, false, &[0x01, 0x02]), 513.0),
            (decode(Width::Two, Order::Little, true, &[0x00, 0x80]), -32_768.0),
            (decode(Width::Four, Order::Big, false, &[0xFF; 4]), 4_294_967_295.0),
            (decode(Width::Four, Order::Big, true, &[0xFF; 4]), -1.0),
        ] {
            assert!((got - expected).abs() < f64::EPSILON, "{got} {expected}");
        }
    }

    #[test]
    fn every_register_is_read_back_from_the_number_it_shows() {
        for (width, order, signed) in [
            (Width::One, Order::Big, false),
            (Width::One, Order::Big, true),
            (Width::Two, Order::Big, true),
            (Width::Two, Order::Little, false),
        ] {
            let scaling = Scaling { scale: 0.1, offset: -40.0, ..plain(width, order, signed) };
            let all = if width == Width::One { 256_u32 } else { 65_536 };
            for raw in 0..all {
                let bytes: Vec<u8> = raw.to_be_bytes().into_iter().skip(4 - width.bytes()).collect();
                assert_eq!(scaling.encode(scaling.decode(&bytes)), Ok(bytes), "{raw} {width:?} {order:?}");
            }
        }
    }

    #[test]
    fn what_the_register_can_not_hold_has_no_bytes() {
        let byte = plain(Width::One, Order::Big, false);
        assert_eq!(byte.encode(255.0), Ok(vec![255]));
        for value in [255.6, -0.6, f64::NAN, f64::INFINITY] {
            assert_eq!(byte.encode(value), Err(format!("the register holds 0 to 255, not {value}")));
        }
        assert!(plain(Width::One, Order::Big, true).encode(128.0).is_err());
        assert_eq!(plain(Width::Four, Order::Little, true).encode(-2.0), Ok(vec![0xFE, 0xFF, 0xFF, 0xFF]));
        // A scale of zero divides by zero.
        assert!(Scaling { scale: 0.0, ..byte }.encode(1.0).is_err());
    }

    #[test]
    fn what_is_between_two_steps_is_rounded_to_neither() {
        let tens = Scaling { scale: 10.0, ..plain(Width::Two, Order::Big, false) };
        // Rounded, 25 at most would be 30.
        let between = "25 is no step of the register: the nearest are 20 and 30";
        assert_eq!(tens.encode(25.0), Err(between.into()));
        let tenths = Scaling { scale: -0.1, offset: 4.0, ..plain(Width::One, Order::Big, false) };
        assert_eq!(tenths.encode(0.3), Ok(vec![37]));
        assert_eq!(
            tenths.encode(0.34),
            Err("0.34 is no step of the register: the nearest are 0.4 and 0.3".into())
        );
    }
}
