//! The next token from the model's scores: which draw a position gets, and what it picks.
//!
//! A draw is a hash of where it is made, so a position draws the same after a cut. Leaves out the
//! grammar: it comes in as a set of tokens.

use everstep_core::{GenerationId, TokenId};
use everstep_model::Sampling;
use toktrie::SimpleVob;

/// Where a draw is made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) seed: u64,
    pub(crate) generation: GenerationId,
    pub(crate) redo: u32,
    /// Which token of the reply, from 0.
    pub(crate) position: u32,
}

/// Which try at one position.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Try {
    /// Among all tokens; the grammar may refuse what comes out.
    Free = 0,
    /// Among those the grammar allows.
    Masked = 1,
}

impl Place {
    /// A number from 0 up to 1 that depends on the place alone.
    fn draw(self, attempt: Try) -> f64 {
        let mut hasher = blake3::Hasher::new_derive_key("everstep draw 1");
        hasher.update(&self.seed.to_le_bytes());
        hasher.update(&self.generation.0.to_le_bytes());
        hasher.update(&self.redo.to_le_bytes());
        hasher.update(&self.position.to_le_bytes());
        hasher.update(&[attempt as u8]);
        let mut bits = [0; 4];
        hasher.finalize_xof().fill(&mut bits);
        f64::from(u32::from_le_bytes(bits)) / (f64::from(u32::MAX) + 1.0)
    }
}

/// Picks a token among those `allowed` (all, where there is no set). `None` when nothing can be picked:
/// an empty set, or scores that are no numbers.
pub(crate) fn pick(
    scores: &[f32],
    allowed: Option<&SimpleVob>,
    sampling: Sampling,
    place: Place,
    attempt: Try,
) -> Option<TokenId> {
    let candidates = (0_u32..).zip(scores.iter().copied()).filter(|&(token, score)| {
        allowed.is_none_or(|allowed| allowed.is_allowed(token)) && score.is_finite()
    });
    if sampling.temperature <= 0.0 {
        // Strictly greater, so the lowest id wins a tie.
        let best = candidates.reduce(|best, next| if next.1 > best.1 { next } else { best });
        return best.map(|(token, _)| token);
    }
    let candidates: Vec<(TokenId, f32)> = candidates.collect();
    let highest = candidates.iter().map(|&(_, score)| score).reduce(f32::max)?;
    let temperature = f64::from(sampling.temperature);
    let mut weighted: Vec<(TokenId, f64)> = candidates
        .into_iter()
        .map(|(token, score)| (token, ((f64::from(score) - f64::from(highest)) / temperature).exp()))
        .collect();
    if sampling.top_p < 1.0 {
        keep_top(&mut weighted, f64::from(sampling.top_p.max(0.0)));
    }
    let total: f64 = weighted.iter().map(|&(_, weight)| weight).sum();
    let mut left = place.draw(attempt) * total;
    for &(token, weight) in &weighted {
        left -= weight;
        if left < 0.0 {
            return Some(token);
        }
    }
    // Rounding may leave a rest behind the last one.
    weighted.iter().rev().find(|&&(_, weight)| weight > 0.0).map(|&(token, _)| token)
}

/// Keeps the likeliest tokens that hold `share` of the weight, the likeliest always.
fn keep_top(weighted: &mut Vec<(TokenId, f64)>, share: f64) {
    weighted.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let limit = share * weighted.iter().map(|&(_, weight)| weight).sum::<f64>();
    let mut held = 0.0;
    let mut kept = 0_usize;
    for &(_, weight) in weighted.iter() {
        if kept > 0 && held >= limit {
            break;
        }
        held += weight;
        kept = kept.saturating_add(1);
    }
    weighted.truncate(kept);
}

#[cfg(test)]
mod tests {
    use super::*;

    const GREEDY: Sampling = Sampling { temperature: 0.0, top_p: 1.0 };
    const WARM: Sampling = Sampling { temperature: 1.0, top_p: 1.0 };

    fn at(position: u32) -> Place {
        Place { seed: 7, generation: GenerationId(3), redo: 0, position }
    }

    fn only(tokens: &[TokenId]) -> SimpleVob {
        let mut set = SimpleVob::alloc(8);
        for &token in tokens {
            set.allow_token(token);
        }
        set
    }

    #[test]
    fn zero_temperature_takes_the_best_and_the_lowest_id_of_equals() {
        let scores = [0.5, 2.0, 2.0, -1.0];
        assert_eq!(pick(&scores, None, GREEDY, at(0), Try::Free), Some(1));
        assert_eq!(pick(&scores, Some(&only(&[2, 3])), GREEDY, at(0), Try::Masked), Some(2));
        assert_eq!(pick(&scores, Some(&only(&[])), GREEDY, at(0), Try::Masked), None);
    }

    #[test]
    fn scores_that_are_no_numbers_are_never_picked() {
        for sampling in [GREEDY, WARM] {
            let scores = [f32::NAN, 1.0, f32::INFINITY, f32::NEG_INFINITY];
            assert_eq!(pick(&scores, None, sampling, at(0), Try::Free), Some(1));
            assert_eq!(pick(&[f32::NAN; 4], None, sampling, at(0), Try::Free), None);
            assert_eq!(pick(&[], None, sampling, at(0), Try::Free), None);
        }
    }

    #[test]
    fn place_decides_the_draw() {
        let draw = |place: Place| place.draw(Try::Free).to_bits();
        let here = at(4);
        assert_eq!(draw(here), draw(at(4)));
        let others = [
            at(5),
            Place { seed: 8, ..here },
            Place { generation: GenerationId(4), ..here },
            Place { redo: 1, ..here },
        ];
        for other in others {
            assert_ne!(draw(here), draw(other), "{other:?}");
        }
        assert_ne!(draw(here), here.draw(Try::Masked).to_bits());
        // Kept by every release: a change would make a resumed run draw otherwise.
        assert_eq!(draw(here), 0.836_703_802_458_941_9_f64.to_bits());
    }

    #[test]
    fn draws_follow_the_weights() {
        // Weights 1 : 2 : 5.
        let scores = [0.0, 2.0_f32.ln(), 5.0_f32.ln(), f32::NEG_INFINITY];
        let mut counts = [0_u32; 4];
        for position in 0..8000 {
            counts[pick(&scores, None, WARM, at(position), Try::Free).unwrap() as usize] += 1;
        }
        for (count, expected) in counts.into_iter().zip([1000_i64, 2000, 5000, 0]) {
            assert!((i64::from(count) - expected).abs() < 150, "{counts:?}");
        }
        let narrow = Sampling { temperature: 1.0, top_p: 0.6 };
        for position in 0..500 {
            assert_eq!(pick(&scores, None, narrow, at(position), Try::Free), Some(2));
        }
    }
}
