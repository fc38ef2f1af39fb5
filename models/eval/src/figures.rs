//! What repeated measurements come to: the middle, and how far apart they lie.

use serde::Serialize;

/// The middle of some numbers, and the least and the largest of them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// As many are below as above; of an even number, half-way between the two in the middle.
    pub median: f64,
    /// The least.
    pub min: f64,
    /// The largest.
    pub max: f64,
}

impl Spread {
    /// The spread of `numbers`, in any order; those that are no finite numbers do not count. `None` where
    /// none is left.
    #[must_use]
    pub fn of(numbers: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut numbers: Vec<f64> = numbers.into_iter().filter(|number| number.is_finite()).collect();
        numbers.sort_by(f64::total_cmp);
        let upper = numbers.get(numbers.len() / 2)?;
        let median = if numbers.len().is_multiple_of(2) {
            let lower = numbers.get((numbers.len() / 2).checked_sub(1)?)?;
            f64::midpoint(*lower, *upper)
        } else {
            *upper
        };
        Some(Self { median, min: *numbers.first()?, max: *numbers.last()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(numbers: &[f64]) -> Option<(f64, f64, f64)> {
        Spread::of(numbers.iter().copied()).map(|spread| (spread.median, spread.min, spread.max))
    }

    #[test]
    fn middle_is_found_whatever_the_order() {
        assert_eq!(of(&[3.0, 1.0, 2.0]), Some((2.0, 1.0, 3.0)));
        assert_eq!(of(&[4.0, 1.0, 2.0, 3.0]), Some((2.5, 1.0, 4.0)));
        assert_eq!(of(&[7.0]), Some((7.0, 7.0, 7.0)));
        assert_eq!(of(&[-1.0, 10.0]), Some((4.5, -1.0, 10.0)));
        assert_eq!(of(&[f64::MAX, f64::MAX]), Some((f64::MAX, f64::MAX, f64::MAX)));
    }

    #[test]
    fn what_is_no_number_does_not_count() {
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[f64::NAN, f64::INFINITY]), None);
        assert_eq!(of(&[f64::NAN, 2.0, f64::NEG_INFINITY, 1.0, 3.0]), Some((2.0, 1.0, 3.0)));
    }
}
