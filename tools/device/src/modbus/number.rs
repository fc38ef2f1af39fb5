//! Numbers in registers: type, order of the words, scale.

use serde::{Deserialize, Serialize};

/// Where a number is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RegisterTable {
    /// Holding registers, which can be written (functions 3, 6 and 16).
    #[default]
    Holding,
    /// Input registers, which can't (function 4).
    Input,
}

/// What one number is made of.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NumberKind {
    /// One register, 0 to 65535.
    #[default]
    U16,
    /// One register, -32768 to 32767.
    I16,
    /// Two registers, 0 to 4294967295.
    U32,
    /// Two registers, -2147483648 to 2147483647.
    I32,
    /// Two registers, IEEE 754.
    F32,
}

/// Which of two registers comes first.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WordOrder {
    /// The more significant one.
    #[default]
    HighFirst,
    /// The less significant one.
    LowFirst,
}

/// How a number lies in registers: `value = number in the registers * scale + offset`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Numeral {
    /// What it is made of.
    pub kind: NumberKind,
    /// Which register comes first.
    pub order: WordOrder,
    /// Value of one step.
    pub scale: f64,
    /// Value of 0.
    pub offset: f64,
}

/// How far from a whole step a value may be, as floating-point arithmetic leaves it.
const STEP_ERROR_MAX: f64 = 1e-6;

impl NumberKind {
    /// How many registers it takes.
    #[must_use]
    pub const fn words(self) -> u16 {
        match self {
            Self::U16 | Self::I16 => 1,
            Self::U32 | Self::I32 | Self::F32 => 2,
        }
    }

    /// Its lowest and highest whole number.
    const fn bounds(self) -> (f64, f64) {
        match self {
            Self::U16 => (0.0, 65_535.0),
            Self::I16 => (-32_768.0, 32_767.0),
            Self::U32 => (0.0, 4_294_967_295.0),
            Self::I32 => (-2_147_483_648.0, 2_147_483_647.0),
            Self::F32 => (-3.402_823_466_385_288_6e38, 3.402_823_466_385_288_6e38),
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::U16 => "u16",
            Self::I16 => "i16",
            Self::U32 => "u32",
            Self::I32 => "i32",
            Self::F32 => "f32",
        }
    }
}

impl Numeral {
    /// The value in `words`; `None` where they are not as many as it takes.
    #[must_use]
    pub fn read(&self, words: &[u16]) -> Option<f64> {
        let number = match (self.kind, words) {
            (NumberKind::U16, &[word]) => f64::from(word),
            (NumberKind::I16, &[word]) => f64::from(word.cast_signed()),
            (NumberKind::U32, &[first, second]) => f64::from(self.join(first, second)),
            (NumberKind::I32, &[first, second]) => f64::from(self.join(first, second).cast_signed()),
            (NumberKind::F32, &[first, second]) => f64::from(f32::from_bits(self.join(first, second))),
            _ => return None,
        };
        Some(number * self.scale + self.offset)
    }

    /// The registers that hold `value`.
    ///
    /// # Errors
    ///
    /// Why no registers of this kind hold just this value, in words the model can act on.
    pub fn write(&self, value: f64) -> Result<Vec<u16>, String> {
        let number = (value - self.offset) / self.scale;
        let (lowest, highest) = self.kind.bounds();
        let whole = if self.kind == NumberKind::F32 { number } else { number.round() };
        if !(lowest..=highest).contains(&whole) {
            let (one, other) = (lowest * self.scale + self.offset, highest * self.scale + self.offset);
            let kind = self.kind.name();
            return Err(format!(
                "the {kind} register holds {} to {}, not {value}",
                tidy(one.min(other)),
                tidy(one.max(other))
            ));
        }
        // A value that is rounded in silence is not the one that was asked for.
        if (number - whole).abs() > STEP_ERROR_MAX * whole.abs().max(1.0) {
            let near = |number: f64| tidy(number * self.scale + self.offset);
            let (below, above) = (near(number.floor()), near(number.ceil()));
            return Err(format!("{value} is no step of the register: the nearest are {below} and {above}"));
        }
        Ok(self.words(whole))
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked against the bounds")]
    fn words(&self, number: f64) -> Vec<u16> {
        let bits = match self.kind {
            NumberKind::U16 => return vec![number as u16],
            NumberKind::I16 => return vec![(number as i16).cast_unsigned()],
            NumberKind::U32 => number as u32,
            NumberKind::I32 => (number as i32).cast_unsigned(),
            NumberKind::F32 => (number as f32).to_bits(),
        };
        let (high, low) = ((bits >> 16) as u16, bits as u16);
        match self.order {
            WordOrder::HighFirst => vec![high, low],
            WordOrder::LowFirst => vec![low, high],
        }
    }

    fn join(&self, first: u16, second: u16) -> u32 {
        let (high, low) = match self.order {
            WordOrder::HighFirst => (first, second),
            WordOrder::LowFirst => (second, first),
        };
        u32::from(high) << 16 | u32::from(low)
    }
}

/// A number without the crumbs of floating-point arithmetic.
pub(super) fn tidy(number: f64) -> f64 {
    let rounded = (number * 1e6).round() / 1e6;
    if rounded.is_finite() { rounded + 0.0 } else { number }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Numeral =
        Numeral { kind: NumberKind::U16, order: WordOrder::HighFirst, scale: 1.0, offset: 0.0 };

    #[test]
    fn each_kind_is_read_and_written_in_both_orders() {
        use NumberKind::{F32, I16, I32, U16, U32};
        use WordOrder::{HighFirst, LowFirst};
        for (kind, order, value, words) in [
            (U16, HighFirst, 65_535.0, &[0xFFFF][..]),
            (U16, LowFirst, 300.0, &[300]),
            (I16, HighFirst, -2.0, &[0xFFFE]),
            (I16, HighFirst, -32_768.0, &[0x8000]),
            (U32, HighFirst, 65_538.0, &[1, 2]),
            (U32, LowFirst, 65_538.0, &[2, 1]),
            (U32, HighFirst, 4_294_967_295.0, &[0xFFFF, 0xFFFF]),
            (I32, HighFirst, -2.0, &[0xFFFF, 0xFFFE]),
            (I32, LowFirst, -2.0, &[0xFFFE, 0xFFFF]),
            (F32, HighFirst, -1.5, &[0xBFC0, 0]),
            (F32, LowFirst, -1.5, &[0, 0xBFC0]),
        ] {
            let numeral = Numeral { kind, order, ..PLAIN };
            assert_eq!(numeral.read(words), Some(value), "{numeral:?}");
            assert_eq!(numeral.write(value), Ok(words.to_vec()), "{numeral:?}");
            assert_eq!(usize::from(kind.words()), words.len());
        }
        assert_eq!(PLAIN.read(&[1, 2]), None);
        assert_eq!(Numeral { kind: U32, ..PLAIN }.read(&[1]), None);
    }

    #[test]
    fn scale_and_offset_go_both_ways() {
        let tenths = Numeral { kind: NumberKind::I16, scale: 0.1, offset: -40.0, ..PLAIN };
        assert_eq!(tenths.read(&[615]).map(tidy), Some(21.5));
        assert_eq!(tenths.write(21.5), Ok(vec![615]));
        assert_eq!(tenths.write(-40.1), Ok(vec![0xFFFF]));
        let downwards = Numeral { scale: -1.0, offset: 100.0, ..PLAIN };
        assert_eq!(downwards.write(30.0), Ok(vec![70]));
    }

    #[test]
    fn value_that_no_register_holds_is_refused_and_never_rounded() {
        let tenths = Numeral { scale: 0.1, ..PLAIN };
        assert_eq!(
            tenths.write(21.53).unwrap_err(),
            "21.53 is no step of the register: the nearest are 21.5 and 21.6"
        );
        assert_eq!(tenths.write(6_554.0).unwrap_err(), "the u16 register holds 0 to 6553.5, not 6554");
        for value in [-0.1, f64::NAN, f64::INFINITY] {
            assert!(tenths.write(value).is_err(), "{value}");
        }
        let float = Numeral { kind: NumberKind::F32, ..PLAIN };
        assert!(float.write(1e39).is_err() & float.write(f64::NAN).is_err());
        // Every tenth is a step, whatever floating-point arithmetic leaves of it.
        for tenth in 0..=65_535_u16 {
            assert_eq!(tenths.write(f64::from(tenth) / 10.0), Ok(vec![tenth]));
        }
    }
}
