//! How a start is drawn from a seed.

use std::collections::BTreeMap;

use super::{
    file::Task,
    subject::{Subject, Subjects},
};
use crate::simulated::{Point, shown};

impl Task {
    /// How the world stands at the start of try number `seed`: the same for the same seed, whatever
    /// the order of tries. Quantities are drawn evenly among the numbers a sensor can show.
    #[must_use]
    pub fn draw(&self, subjects: &Subjects, seed: u64) -> BTreeMap<String, Point> {
        let mut chance = Chance::new(&self.id, seed);
        let mut start = BTreeMap::new();
        for (name, from) in &self.start {
            let point = match (subjects.start.get(name), from.as_slice()) {
                (Some(Subject::Quantity { digits, .. }), [Point::Number(low), Point::Number(high)]) => {
                    Point::Number(chance.within(*low, *high, *digits))
                }
                (_, choices) => match choices.get(chance.below(choices.len())) {
                    Some(choice) => choice.clone(),
                    // A checked task has something to draw from.
                    None => continue,
                },
            };
            start.insert(name.clone(), point);
        }
        start
    }
}

/// A row of numbers that look drawn by chance (splitmix64).
struct Chance(u64);

impl Chance {
    fn new(id: &str, seed: u64) -> Self {
        // Tasks of equal seeds draw apart from each other (FNV-1a of the name).
        let name = id.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        Self(name ^ seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Less than `count`; 0 where that is 0. Counts here are small, so no remainder weighs.
    fn below(&mut self, count: usize) -> usize {
        let count = u64::try_from(count).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.next() % count).unwrap_or(0)
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "ranges of sensors have far fewer steps than 2^53"
    )]
    fn within(&mut self, low: f64, high: f64, digits: u8) -> f64 {
        let scale = 10_f64.powi(digits.into());
        let steps = ((high - low) * scale).round().max(0.0) as u64;
        shown(low + (self.next() % (steps + 1)) as f64 / scale, digits)
    }
}
