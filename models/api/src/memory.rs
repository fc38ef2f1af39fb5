//! How much memory a model takes, part by part, known before it is loaded.
//!
//! Leaves out how it is computed: the engine knows what it sets up.

use serde::{Deserialize, Serialize};

/// Bytes a model takes while it works. Estimated from its file and how it is set up, a little above what
/// is really taken; parts that can't be told are `None`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// Weights as they are in the file. They are mapped: what the system takes back is read again.
    pub weights: u64,
    /// Weights that are kept a second time, in an order the processor is faster with.
    pub repacked: u64,
    /// Weights that are read for every token: with experts or a table of embeddings, not all of them.
    pub weights_token: u64,
    /// What attention keeps of one token.
    pub kv_token: Option<u64>,
    /// What attention keeps of a full context.
    pub kv: Option<u64>,
    /// State of the recurrent layers, whatever was said.
    pub recurrent: Option<u64>,
    /// Work space for evaluating a chunk of tokens, and the scores.
    pub compute: u64,
    /// The vocabulary, and what holds calls to it.
    pub vocabulary: u64,
    /// Copies of the KV cache while one is written or read.
    pub snapshots: u64,
    /// Everything else of the engine.
    pub engine: u64,
}

impl Memory {
    /// All parts together, where all are known.
    #[must_use]
    pub fn total(&self) -> Option<u64> {
        let parts = self.parts();
        parts.iter().try_fold(0_u64, |sum, (_, bytes)| Some(sum.saturating_add((*bytes)?)))
    }

    /// Every part with its name, in the order people should see them; parts of no size, too.
    #[must_use]
    pub fn parts(&self) -> [(&'static str, Option<u64>); 8] {
        [
            ("weights", Some(self.weights)),
            ("repacked weights", Some(self.repacked)),
            ("KV cache", self.kv),
            ("recurrent state", self.recurrent),
            ("work space", Some(self.compute)),
            ("vocabulary", Some(self.vocabulary)),
            ("snapshots", Some(self.snapshots)),
            ("engine", Some(self.engine)),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn total_is_unknown_where_a_part_is() {
        let known = Memory { weights: 1, kv: Some(2), recurrent: Some(4), engine: 8, ..Memory::default() };
        assert_eq!(known.total(), Some(15));
        assert_eq!(Memory { kv: None, ..known }.total(), None);
        assert_eq!(Memory { recurrent: None, ..known }.total(), None);
        assert_eq!(Memory { weights: u64::MAX, ..known }.total(), Some(u64::MAX));
    }
}
