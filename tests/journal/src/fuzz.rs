//! What the fuzzer does with its bytes, and what must be true of any flash whatever.
//!
//! `make fuzz` searches for new bytes; `make test` replays those that were kept.

use std::sync::OnceLock;

use everstep_board_sim::CutModel;
use everstep_journal::{AppendError, RecoverError};

use crate::{
    layout::Layout,
    script::{Act, Life, live},
    visit::{View, Visit, visit},
};

mod structure;

use structure::Builder;

/// Sectors of every flash here.
const SECTORS: u32 = 9;
/// More reads than any recovery of so small a flash needs.
const READS_MAX: u64 = 100_000;

/// The fuzzer's bytes, taken one by one; zeros behind the end.
pub(crate) struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn u8(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    pub(crate) fn u16(&mut self) -> u16 {
        u16::from_le_bytes([self.u8(), self.u8()])
    }

    pub(crate) fn bytes(&mut self, most: usize) -> &'a [u8] {
        let (bytes, rest) = self.0.split_at(most.min(self.0.len()));
        self.0 = rest;
        bytes
    }

    fn layout(&mut self) -> Layout {
        Layout::ALL[usize::from(self.u8()) % Layout::ALL.len()]
    }
}

/// Recovers a flash of arbitrary marks, openings and frames, all with checksums that fit, and of
/// arbitrary bytes.
///
/// # Panics
///
/// A boot panics, takes too long, or doesn't find again what the boot before found and appended.
pub fn structures(data: &[u8]) {
    let mut input = Input(data);
    let layout = input.layout();
    let mut builder = Builder::new(layout);
    while !input.is_empty() {
        builder.write(&mut input);
    }
    must_be_steady(&layout, &builder.image, Then::MayRefuse);
}

/// Recovers a flash that was whole once, after decay: nothing that was never written is handed over.
///
/// # Panics
///
/// As for [`structures`], and where a record is made up.
pub fn decay(data: &[u8]) {
    let mut input = Input(data);
    let layout = input.layout();
    let life = &lives(&layout)[usize::from(input.u8()) % 2];
    let mut image = life.image.clone();
    let (mut flips, mut then) = (0, Then::Agrees);
    while !input.is_empty() {
        let (from, to) = (place(&mut input, &layout, &image), place(&mut input, &layout, &image));
        let bytes = usize::from(input.u16()).min(image.len() - from.max(to));
        match input.u8() % 4 {
            0 => image[to..to + bytes].fill(0xFF),
            1 => image[to..to + bytes].fill(0),
            2 => {
                image.copy_within(from..from + bytes, to);
                then = Then::MayRefuse;
            }
            // A seal fits nothing else. A checksum has no secret: it is sure to show three bits, and
            // four or more could be chosen.
            _ if layout.sealed || flips < 3 => {
                image[to] ^= 1 << (bytes % 8);
                flips += 1;
            }
            _ => {}
        }
    }
    if let Some(view) = must_be_steady(&layout, &image, then) {
        life.must_have_written(&view);
    }
}

/// Somewhere in the image, mostly near the start of a sector, where headers are.
fn place(input: &mut Input<'_>, layout: &Layout, image: &[u8]) -> usize {
    let sector = u32::from(input.u8()) % SECTORS * layout.sector_bytes;
    (sector as usize + usize::from(input.u16())) % image.len()
}

/// Boots, appends, and boots again: the second boot finds what the first found and appended. Gives that
/// first view, if there is one.
fn must_be_steady(layout: &Layout, image: &[u8], then: Then) -> Option<View> {
    let records: Vec<Vec<u8>> = [3, 300, 900].map(|bytes| vec![0xA5; bytes]).into();
    let first = visit(layout, image.to_vec(), 1000, &records);
    must_behave(&first);
    let Ok(view) = first.recovered else {
        assert!(first.image == image, "refused, and changed: {:?}", first.recovered);
        return None;
    };
    let mut told = view.clone();
    let kept = first.appended.into_iter().zip(records);
    told.records.extend(kept.filter_map(|(number, record)| Some((number.ok()?, record))));
    let second = visit(layout, first.image, 1001, &[]);
    must_behave(&second);
    match second.recovered {
        Err(_) if then == Then::MayRefuse => {}
        Err(error) => panic!("the next boot: {error}"),
        Ok(found) => {
            assert!(found == told, "the next boot found {}, was told {}", found.brief(), told.brief());
        }
    }
    Some(view)
}

/// What the next boot does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Then {
    /// It finds what the one before found and appended.
    Agrees,
    /// It may also refuse: whoever makes checksums fit can link to what isn't there, and a copy of a
    /// sector may be found in place of the sector. It never finds anything else.
    MayRefuse,
}

/// No word is programmed twice, and no boot goes in circles.
fn must_behave(visit: &Visit) {
    assert!(visit.counts.reads < READS_MAX, "{:?}", visit.counts);
    if let Err(RecoverError::Flash(error)) = &visit.recovered {
        panic!("recovery: {error}");
    }
    for appended in &visit.appended {
        if let Err(AppendError::Flash(error)) = appended {
            panic!("append: {error}");
        }
    }
}

/// Two flashes that were whole once: one that ends in torn frames, one whose ring has gone round.
fn lives(layout: &Layout) -> &'static [Life; 2] {
    static LIVES: OnceLock<[[Life; 2]; Layout::ALL.len()]> = OnceLock::new();
    const TORN: &[Act] = &[
        Act::Records(9, 200),
        Act::Snapshot(2500),
        Act::Records(3, 700),
        Act::Boot,
        Act::GiveUp(900),
        Act::Together(4, 100),
        Act::Cut(1, CutModel::PrefixTorn),
        Act::Records(2, 600),
    ];
    const ROUND: &[Act] = &[
        Act::Records(40, 300),
        Act::Snapshot(4000),
        Act::Records(40, 300),
        Act::Snapshot(4000),
        Act::Boot,
        Act::Boot,
        Act::Records(12, 300),
    ];
    let lives = LIVES
        .get_or_init(|| Layout::ALL.map(|layout| [TORN, ROUND].map(|acts| live(&layout, SECTORS, acts))));
    let index = Layout::ALL.iter().position(|known| known == layout);
    &lives[index.unwrap()]
}
