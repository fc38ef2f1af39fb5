//! Measurements in pairs: one right after the other, each first in turn, so that what slows the machine for
//! a while slows both.

use anyhow::{Context, Result, anyhow};
use serde::Serialize;

/// Middle and ends of some measurements.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

/// Two things measured in pairs.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Paired {
    pub(crate) ours: Spread,
    pub(crate) theirs: Spread,
    /// Ours by theirs, pair for pair.
    pub(crate) ratio: Spread,
}

/// Whose turn it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Side {
    Ours,
    Theirs,
}

impl Paired {
    /// Of at least one pair, ours first.
    pub(crate) fn of(pairs: &[(f64, f64)]) -> Result<Self> {
        let each = |figure: fn(&(f64, f64)) -> f64| Spread::of(&pairs.iter().map(figure).collect::<Vec<_>>());
        Ok(Self {
            ours: each(|(ours, _)| *ours)?,
            theirs: each(|(_, theirs)| *theirs)?,
            ratio: each(|(ours, theirs)| ours / theirs)?,
        })
    }
}

impl Spread {
    /// Of at least one measurement.
    pub(crate) fn of(values: &[f64]) -> Result<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (min, max) = sorted.first().zip(sorted.last()).context("nothing was measured")?;
        let above = sorted.get(sorted.len() / 2).context("nothing was measured")?;
        let below = sorted.get((sorted.len() - 1) / 2).context("nothing was measured")?;
        Ok(Self { median: f64::midpoint(*above, *below), min: *min, max: *max })
    }
}

/// Measures `count` pairs in the order ours, theirs, theirs, ours, and so on, after one of each that does
/// not count.
pub(crate) fn measure(count: usize, mut once: impl FnMut(Side) -> Result<f64>) -> Result<Paired> {
    let [paired] = measure_several(count, |side| Ok([once(side)?]))?;
    Ok(paired)
}

/// The same for what gives several figures at once.
pub(crate) fn measure_several<const N: usize>(
    count: usize,
    mut once: impl FnMut(Side) -> Result<[f64; N]>,
) -> Result<[Paired; N]> {
    once(Side::Ours)?;
    once(Side::Theirs)?;
    let mut pairs = Vec::with_capacity(count);
    for pair in 0..count {
        pairs.push(if pair.is_multiple_of(2) {
            let ours = once(Side::Ours)?;
            (ours, once(Side::Theirs)?)
        } else {
            let theirs = once(Side::Theirs)?;
            (once(Side::Ours)?, theirs)
        });
    }
    let figures: Vec<Paired> = (0..N)
        .map(|figure| {
            let both =
                pairs.iter().filter_map(|(ours, theirs)| Some((*ours.get(figure)?, *theirs.get(figure)?)));
            Paired::of(&both.collect::<Vec<_>>())
        })
        .collect::<Result<_>>()?;
    figures.try_into().map_err(|_| anyhow!("a figure is missing"))
}

#[cfg(test)]
mod tests {
    use super::{
        Side::{Ours, Theirs},
        *,
    };

    #[test]
    fn order_turns_with_every_pair_and_the_first_of_each_does_not_count() {
        let mut order = Vec::new();
        let paired = measure(3, |side| {
            order.push(side);
            Ok(if order.len() <= 2 { 1e9 } else { f64::from(u8::from(side == Ours)) + 1.0 })
        })
        .unwrap();
        assert_eq!(order, [Ours, Theirs, Ours, Theirs, Theirs, Ours, Ours, Theirs]);
        assert_eq!(paired.ratio, Spread { median: 2.0, min: 2.0, max: 2.0 });
    }

    #[test]
    fn median_of_an_even_number_lies_between_the_middle_two() {
        let spread = Spread::of(&[9.0, 1.0, 2.0, 4.0]).unwrap();
        assert_eq!(spread, Spread { median: 3.0, min: 1.0, max: 9.0 });
        assert!(Spread::of(&[]).is_err());
    }
}
