//! How a serial port is set.

use std::{fmt, path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};

/// Slowest and fastest speed a port can be set to, in bits a second.
const BAUD: std::ops::RangeInclusive<u32> = 300..=4_000_000;

/// A serial port and how it is set. Two devices on one port have the same.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PortSettings {
    /// The device file.
    pub path: PathBuf,
    /// Bits a second.
    pub baud: u32,
    /// Data bits of a byte.
    pub data_bits: DataBits,
    /// Its parity bit.
    pub parity: Parity,
    /// Its stop bits, 1 or 2.
    pub stop_bits: u8,
}

/// Data bits of a byte.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub enum DataBits {
    /// Seven, as some text devices want it.
    Seven,
    /// Eight.
    #[default]
    Eight,
}

/// The parity bit of a byte.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Parity {
    /// None.
    #[default]
    None,
    /// Makes the number of ones even.
    Even,
    /// Makes it odd.
    Odd,
}

impl TryFrom<u8> for DataBits {
    type Error = String;

    fn try_from(bits: u8) -> Result<Self, String> {
        match bits {
            7 => Ok(Self::Seven),
            8 => Ok(Self::Eight),
            other => Err(format!("a byte has 7 or 8 data bits, not {other}")),
        }
    }
}

impl From<DataBits> for u8 {
    fn from(bits: DataBits) -> Self {
        match bits {
            DataBits::Seven => 7,
            DataBits::Eight => 8,
        }
    }
}

impl PortSettings {
    /// What is wrong, if anything.
    ///
    /// # Errors
    ///
    /// The key and what is allowed.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        if !self.path.is_absolute() {
            let path = self.path.display();
            return Err(("port", format!("`{path}` is no path of a device file, such as /dev/ttyUSB0")));
        }
        if !BAUD.contains(&self.baud) {
            let (slowest, fastest) = BAUD.into_inner();
            return Err(("baud", format!("{} is not within {slowest} to {fastest}", self.baud)));
        }
        if !(1..=2).contains(&self.stop_bits) {
            return Err(("stop_bits", format!("a byte has 1 or 2 stop bits, not {}", self.stop_bits)));
        }
        Ok(())
    }

    /// How long so many bytes take on the wire.
    #[must_use]
    pub fn bytes_take(&self, bytes: u32) -> Duration {
        // A start bit, and never fewer than ten bits in all.
        let parity = u32::from(self.parity != Parity::None);
        let bits = 1 + u32::from(u8::from(self.data_bits)) + parity + u32::from(self.stop_bits);
        Duration::from_secs(1) * bits.max(10) * bytes / self.baud.max(1)
    }
}

impl fmt::Display for PortSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parity = match self.parity {
            Parity::None => 'N',
            Parity::Even => 'E',
            Parity::Odd => 'O',
        };
        let bits = u8::from(self.data_bits);
        write!(f, "{} at {} {bits}{parity}{}", self.path.display(), self.baud, self.stop_bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port() -> PortSettings {
        let (data_bits, parity) = (DataBits::Eight, Parity::Even);
        PortSettings { path: "/dev/ttyS1".into(), baud: 19_200, data_bits, parity, stop_bits: 1 }
    }

    #[test]
    fn wrong_settings_are_told_by_key() {
        assert_eq!(port().check(), Ok(()));
        for (wrong, key) in [
            (PortSettings { path: "ttyS1".into(), ..port() }, "port"),
            (PortSettings { baud: 299, ..port() }, "baud"),
            (PortSettings { baud: 4_000_001, ..port() }, "baud"),
            (PortSettings { stop_bits: 0, ..port() }, "stop_bits"),
            (PortSettings { stop_bits: 3, ..port() }, "stop_bits"),
        ] {
            assert_eq!(wrong.check().unwrap_err().0, key, "{wrong}");
        }
        assert_eq!(port().to_string(), "/dev/ttyS1 at 19200 8E1");
    }

    #[test]
    fn bytes_take_their_bits() {
        assert_eq!(port().bytes_take(1_920), Duration::from_millis(1_100), "eleven bits each");
        let short = PortSettings { parity: Parity::None, baud: 9_600, ..port() };
        assert_eq!(short.bytes_take(960), Duration::from_secs(1), "ten bits each");
    }
}
