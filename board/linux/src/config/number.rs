//! Numbers that know their default and their range, so that each limit stands in one place.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// A whole number from `MIN` to `MAX`, `DEFAULT` where the file is silent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Whole<const DEFAULT: u32, const MIN: u32, const MAX: u32>(u32);

impl<const DEFAULT: u32, const MIN: u32, const MAX: u32> Whole<DEFAULT, MIN, MAX> {
    /// The number.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl<const DEFAULT: u32, const MIN: u32, const MAX: u32> Default for Whole<DEFAULT, MIN, MAX> {
    fn default() -> Self {
        const { assert!(MIN <= DEFAULT && DEFAULT <= MAX) };
        Self(DEFAULT)
    }
}

impl<const DEFAULT: u32, const MIN: u32, const MAX: u32> Serialize for Whole<DEFAULT, MIN, MAX> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, const DEFAULT: u32, const MIN: u32, const MAX: u32> Deserialize<'de> for Whole<DEFAULT, MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let found = i64::deserialize(deserializer)?;
        match u32::try_from(found) {
            Ok(number) if (MIN..=MAX).contains(&number) => Ok(Self(number)),
            _ => Err(D::Error::custom(format!("must be from {MIN} to {MAX}, not {found}"))),
        }
    }
}

/// A number from 0 to `MAX_TENTHS` tenths, `DEFAULT_TENTHS` tenths where the file is silent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ratio<const DEFAULT_TENTHS: u16, const MAX_TENTHS: u16>(f32);

impl<const DEFAULT_TENTHS: u16, const MAX_TENTHS: u16> Ratio<DEFAULT_TENTHS, MAX_TENTHS> {
    /// The number.
    #[must_use]
    pub const fn get(self) -> f32 {
        self.0
    }
}

impl<const DEFAULT_TENTHS: u16, const MAX_TENTHS: u16> Default for Ratio<DEFAULT_TENTHS, MAX_TENTHS> {
    fn default() -> Self {
        const { assert!(DEFAULT_TENTHS <= MAX_TENTHS) };
        Self(f32::from(DEFAULT_TENTHS) / 10.0)
    }
}

impl<const DEFAULT_TENTHS: u16, const MAX_TENTHS: u16> Serialize for Ratio<DEFAULT_TENTHS, MAX_TENTHS> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, const DEFAULT_TENTHS: u16, const MAX_TENTHS: u16> Deserialize<'de>
    for Ratio<DEFAULT_TENTHS, MAX_TENTHS>
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (found, max) = (f32::deserialize(deserializer)?, f32::from(MAX_TENTHS) / 10.0);
        // NaN is in no range.
        if (0.0..=max).contains(&found) {
            Ok(Self(found))
        } else {
            Err(D::Error::custom(format!("must be from 0 to {max}, not {found}")))
        }
    }
}
