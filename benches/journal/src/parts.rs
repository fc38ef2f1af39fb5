//! Items cut into parts, for logs whose items are small.
//!
//! An event is one part: a 0 and its bytes. A snapshot's part is a 1 and how many parts follow it.

use crate::{log::Kept, workload::Item};

/// Bytes of a part.
pub(crate) const PART_BYTES_MAX: usize = 1024;
const HEAD_BYTES: usize = 2;

pub(crate) fn parts(item: &Item) -> Vec<Vec<u8>> {
    match item {
        Item::Event(bytes) => vec![[&[0, 0], bytes.as_slice()].concat()],
        Item::Snapshot(bytes) => {
            // Eight bytes are left for logs that number their parts.
            let chunks = bytes.chunks(PART_BYTES_MAX - HEAD_BYTES - 8);
            let count = chunks.len();
            let behind = (0..count).rev().map(|left| u8::try_from(left).unwrap_or(u8::MAX));
            chunks.zip(behind).map(|(chunk, left)| [&[1, left], chunk].concat()).collect()
        }
    }
}

/// Puts parts together again.
#[derive(Default)]
pub(crate) struct Parts {
    kept: Kept,
    snapshot: Vec<u8>,
    left: Option<u8>,
}

impl Parts {
    pub(crate) fn take(&mut self, part: &[u8]) {
        let Some(([kind, left], bytes)) = part.split_first_chunk::<HEAD_BYTES>() else { return };
        if *kind == 0 {
            self.left = None;
            self.kept.events.push(bytes.to_vec());
            return;
        }
        // A first part where another snapshot wasn't finished begins anew.
        if self.left.is_none_or(|before| before.checked_sub(1) != Some(*left)) {
            self.snapshot.clear();
        }
        self.snapshot.extend_from_slice(bytes);
        self.left = Some(*left);
        if *left == 0 {
            self.left = None;
            self.kept = Kept { snapshot: Some(std::mem::take(&mut self.snapshot)), events: Vec::new() };
        }
    }

    pub(crate) fn kept(self) -> Kept {
        self.kept
    }
}
