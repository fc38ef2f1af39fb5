//! What every log is given: events, and now and then a snapshot of all state.

/// Steps between two snapshots.
pub(crate) const SNAPSHOT_STEPS: u64 = 64;
/// Bytes of an event, least and most: the mean of real steps is 217.
const EVENT_BYTES: [u64; 2] = [50, 384];
/// Bytes of a snapshot, least and most.
const SNAPSHOT_BYTES: [u64; 2] = [2 * 1024, 6 * 1024];
/// The largest snapshot.
pub(crate) const SNAPSHOT_BYTES_MAX: u32 = 6 * 1024;

/// One thing to keep.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Item {
    Event(Vec<u8>),
    Snapshot(Vec<u8>),
}

/// A seeded stream of items; each begins with its number, so that it can be told again.
pub(crate) struct Workload {
    dice: Dice,
    items: u64,
    steps: u64,
    snapshot_due: bool,
}

impl Workload {
    pub(crate) fn new(seed: u64) -> Self {
        Self { dice: Dice(seed), items: 0, steps: 0, snapshot_due: false }
    }

    fn bytes(&mut self, [least, most]: [u64; 2]) -> Vec<u8> {
        self.items += 1;
        let bytes = least + self.dice.roll(most - least + 1);
        let mut payload = self.items.to_le_bytes().to_vec();
        while (payload.len() as u64) < bytes {
            payload.extend(self.dice.next().to_le_bytes());
        }
        payload.truncate(usize::try_from(bytes).unwrap_or(usize::MAX));
        payload
    }
}

impl Iterator for Workload {
    type Item = Item;

    /// An event, or every so often a snapshot that comes before the next one.
    fn next(&mut self) -> Option<Item> {
        if std::mem::take(&mut self.snapshot_due) {
            return Some(Item::Snapshot(self.bytes(SNAPSHOT_BYTES)));
        }
        self.steps += 1;
        self.snapshot_due = self.steps.is_multiple_of(SNAPSHOT_STEPS);
        Some(Item::Event(self.bytes(EVENT_BYTES)))
    }
}

impl Item {
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::Event(bytes) | Self::Snapshot(bytes) => bytes,
        }
    }

    /// The number it begins with.
    pub(crate) fn number(&self) -> u64 {
        number(self.bytes())
    }
}

/// The number that an item's bytes begin with.
pub(crate) fn number(bytes: &[u8]) -> u64 {
    bytes.first_chunk().map_or(0, |number| u64::from_le_bytes(*number))
}

/// `SplitMix64`, <https://prng.di.unimi.it/splitmix64.c>.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ mixed >> 31
    }

    /// A number below `sides`.
    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        self.next() % sides.max(1)
    }
}
