//! How fast this machine reads memory: no model decodes faster than its weights are read.

use std::{hint::black_box, thread, time::Duration};

use everstep_board_linux::machine;

/// Bytes that are read at once: more than any cache holds.
const BYTES: u64 = 256 << 20;
/// Reads; the fastest counts, because whatever comes between only slows one down.
const READS: usize = 5;
/// Bytes of one number.
const WORD_BYTES: u64 = 8;

/// Bytes that `threads` threads read in a second; `None` where there is no memory or time to tell.
pub(super) fn read_bytes_per_s(threads: usize, now: impl Fn() -> Duration) -> Option<f64> {
    let bytes = machine::memory_available_bytes().map_or(BYTES, |available| BYTES.min(available / 4));
    let words = usize::try_from(bytes / WORD_BYTES).ok()?;
    let block: Vec<u64> = (0_u64..).take(words).collect();
    let part = words.div_ceil(threads.max(1)).max(1);
    let read = || {
        let begun = now();
        thread::scope(|scope| {
            for part in block.chunks(part) {
                scope.spawn(|| black_box(sum(black_box(part))));
            }
        });
        now().saturating_sub(begun)
    };
    let fastest = (0..READS).map(|_| read()).min()?;
    let read = u32::try_from(words.checked_mul(8)?).ok()?;
    (!fastest.is_zero()).then(|| f64::from(read) / fastest.as_secs_f64())
}

/// In eight sums, so that no addition waits for the one before.
fn sum(words: &[u64]) -> u64 {
    let mut sums = [0_u64; 8];
    for words in words.chunks_exact(sums.len()) {
        for (sum, word) in sums.iter_mut().zip(words) {
            *sum = sum.wrapping_add(*word);
        }
    }
    sums.into_iter().fold(0, u64::wrapping_add)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_whole_group_of_words_is_read() {
        assert_eq!(sum(&(0..16).collect::<Vec<_>>()), 120);
        assert_eq!(sum(&[u64::MAX, 1, 1, 0, 0, 0, 0, 0]), 1);
    }
}
