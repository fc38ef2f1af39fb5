//! What a power cut leaves of the operation under way.

/// A power cut: when it comes, and what it leaves.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PowerCut {
    /// Programs and erased sectors that still succeed.
    pub operation: u64,
    /// Bytes of the next one that are done when the power goes. With all of them done, only the
    /// answer is lost.
    pub bytes: usize,
    /// What it leaves.
    pub model: CutModel,
    /// Decides every random bit.
    pub seed: u64,
}

/// What a cut leaves behind.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CutModel {
    /// The operation was not begun.
    Clean,
    /// The first bytes are programmed, or erased; the next one in part.
    PrefixTorn,
    /// Each bit meant to fall has fallen or not. An erase is torn as in [`CutModel::PrefixTorn`].
    BitTorn,
    /// An erase first fills with zeros from the end; a program is torn as in [`CutModel::PrefixTorn`].
    ZeroFill,
    /// In an erase each 0 bit has turned to 1 with a chance of ¼, ½ or ¾; programs as in
    /// [`CutModel::BitTorn`].
    HalfErasedBits,
    /// An erase leaves zeros at the end, or random bits everywhere; programs as in
    /// [`CutModel::BitTorn`].
    HalfErasedNor,
    /// The bits under way read one way or the other, and anew after each power-on, until the sector is
    /// erased.
    Marginal,
    /// Not the power went but the process: nothing is lost, and a buffered medium still keeps back what
    /// it was given.
    Killed,
}

impl CutModel {
    /// Every model of a power cut.
    pub const ALL: [Self; 7] = [
        Self::Clean,
        Self::PrefixTorn,
        Self::BitTorn,
        Self::ZeroFill,
        Self::HalfErasedBits,
        Self::HalfErasedNor,
        Self::Marginal,
    ];
}

/// Which operation was under way.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Step {
    Program,
    Erase,
}

impl PowerCut {
    /// The bytes that are left of an operation that would have turned `before` into `after`.
    pub(super) fn leaves(self, before: &[u8], after: &[u8], step: Step) -> Vec<u8> {
        if matches!(self.model, CutModel::Clean | CutModel::Killed) {
            return before.to_vec();
        }
        if self.bytes >= after.len() && self.model != CutModel::Marginal {
            return after.to_vec();
        }
        let mut bits = Bits::new(self.seed ^ (self.bytes as u64) << 32);
        let behind = after.len().saturating_sub(self.bytes);
        match (step, self.model) {
            (Step::Program, CutModel::PrefixTorn | CutModel::ZeroFill)
            | (Step::Erase, CutModel::PrefixTorn | CutModel::BitTorn) => {
                prefix(before, after, self.bytes, &mut bits)
            }
            (Step::Erase, CutModel::ZeroFill) => zeros_behind(before, behind),
            (Step::Erase, CutModel::HalfErasedNor) if bits.next().is_multiple_of(2) => {
                zeros_behind(before, behind)
            }
            (Step::Erase, CutModel::HalfErasedNor) => before.iter().map(|_| bits.mask(2)).collect(),
            (Step::Erase, _) => {
                let quarters = 1 + bits.next() % 3;
                mix(before, after, quarters, &mut bits)
            }
            (Step::Program, _) => mix(before, after, 2, &mut bits),
        }
    }
}

fn prefix(before: &[u8], after: &[u8], bytes: usize, bits: &mut Bits) -> Vec<u8> {
    let torn = |(position, (before, after)): (usize, (&u8, &u8))| match position.cmp(&bytes) {
        std::cmp::Ordering::Less => *after,
        std::cmp::Ordering::Equal => {
            let mask = bits.mask(2);
            before & !mask | after & mask
        }
        std::cmp::Ordering::Greater => *before,
    };
    before.iter().zip(after).enumerate().map(torn).collect()
}

fn zeros_behind(before: &[u8], position: usize) -> Vec<u8> {
    before.iter().enumerate().map(|(at, byte)| if at < position { *byte } else { 0 }).collect()
}

/// Each bit is as in `after` with a chance of `quarters` in four.
fn mix(before: &[u8], after: &[u8], quarters: u64, bits: &mut Bits) -> Vec<u8> {
    let mixed = |(before, after): (&u8, &u8)| {
        let mask = bits.mask(quarters);
        before & !mask | after & mask
    };
    before.iter().zip(after).map(mixed).collect()
}

/// Random bits from a seed (`SplitMix64`).
#[derive(Clone, Debug)]
pub(super) struct Bits(u64);

impl Bits {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ mixed >> 31
    }

    /// A byte whose bits are ones with a chance of `quarters` in four.
    pub(super) fn mask(&mut self, quarters: u64) -> u8 {
        let [first, second, ..] = self.next().to_le_bytes();
        match quarters {
            1 => first & second,
            2 => first,
            _ => first | second,
        }
    }
}
