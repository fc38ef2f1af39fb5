//! The tensor table of a GGUF: every tensor must lie inside the file, and what they add up to.

use std::io::BufRead;

use super::{GgufError, NAME_BYTES_MAX, Reader, damaged};

/// What the tensors add up to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tensors {
    /// Bytes of all of them.
    pub(crate) bytes: u64,
    /// Numbers in all of them.
    pub(crate) elements: u64,
    /// Bytes of those llama.cpp keeps a second time, in an order its CPU code is faster with.
    pub(crate) repacked: u64,
    /// Bytes of the table of embeddings where it is no output, too: a token reads one row of it.
    pub(crate) looked_up: u64,
    /// Bytes of experts, of which a token reads some.
    pub(crate) experts: u64,
}

/// One line of the table.
struct Tensor {
    name: String,
    kind: u32,
    dimensions: Vec<u64>,
    elements: u64,
    size: u64,
    end: u64,
}

/// Most dimensions of a tensor.
const DIMENSIONS_MAX: u32 = 4;

/// Elements and bytes of one block of each tensor type.
const BLOCKS: &[(u32, u64, u64)] = &[
    (0, 1, 4),
    (1, 1, 2),
    (2, 32, 18),
    (3, 32, 20),
    (6, 32, 22),
    (7, 32, 24),
    (8, 32, 34),
    (9, 32, 36),
    (10, 256, 84),
    (11, 256, 110),
    (12, 256, 144),
    (13, 256, 176),
    (14, 256, 210),
    (15, 256, 292),
    (16, 256, 66),
    (17, 256, 74),
    (18, 256, 98),
    (19, 256, 50),
    (20, 32, 18),
    (21, 256, 110),
    (22, 256, 82),
    (23, 256, 136),
    (24, 1, 1),
    (25, 1, 2),
    (26, 1, 4),
    (27, 1, 8),
    (28, 1, 8),
    (29, 256, 56),
    (30, 1, 2),
    (34, 256, 54),
    (35, 256, 66),
    (39, 32, 17),
];

/// In the names of tensors that hold a layer's experts side by side.
const EXPERTS: &str = "_exps.";
/// Types that llama.cpp repacks, by number, and what the rows must be a multiple of. It decides by the
/// CPU it runs on; this is what it does on one with AVX2 and AVX-512, or with NEON and its matrix products.
#[cfg(target_arch = "x86_64")]
const REPACKED: (&[u32], u64) = (&[2, 10, 12, 20, 39], 8);
#[cfg(not(target_arch = "x86_64"))]
const REPACKED: (&[u32], u64) = (&[2, 8, 12, 13, 14, 20, 39], 4);

impl<R: BufRead> Reader<R> {
    /// Walks the tensor table; every tensor must lie inside the file.
    pub(super) fn tensors(&mut self, count: u64, alignment: u64) -> Result<Tensors, GgufError> {
        if !alignment.is_power_of_two() || alignment > 1 << 20 {
            return Err(damaged(format!("an alignment of {alignment}")));
        }
        let mut sums = Tensors::default();
        let (mut end_max, mut last) = (0_u64, String::new());
        let (mut embedding, mut has_output) = (None, false);
        for _ in 0..count {
            let tensor = self.tensor(alignment)?;
            sums.bytes = sums.bytes.saturating_add(tensor.size);
            sums.elements = sums.elements.saturating_add(tensor.elements);
            match tensor.name.as_str() {
                // Looked up row by row as it is, and repacked only where it is the output, too.
                "token_embd.weight" => embedding = Some((tensor.size, tensor.repacked())),
                name => {
                    has_output |= name == "output.weight";
                    if name.contains(EXPERTS) {
                        sums.experts = sums.experts.saturating_add(tensor.size);
                    }
                    sums.repacked = sums.repacked.saturating_add(tensor.repacked());
                }
            }
            if tensor.end > end_max {
                (end_max, last) = (tensor.end, tensor.name);
            }
        }
        let (size, repacked) = embedding.unwrap_or_default();
        if has_output {
            sums.looked_up = size;
        } else {
            sums.repacked = sums.repacked.saturating_add(repacked);
        }
        let start = self.at.next_multiple_of(alignment);
        let needed = start.checked_add(end_max).ok_or_else(|| damaged("impossible offsets".to_owned()))?;
        if needed > self.bytes {
            return Err(GgufError::Truncated { what: format!("tensor {last}"), needed, bytes: self.bytes });
        }
        Ok(sums)
    }

    fn tensor(&mut self, alignment: u64) -> Result<Tensor, GgufError> {
        let name = self.string("a tensor's name", NAME_BYTES_MAX)?;
        let count = self.u32(&name)?;
        if count == 0 || count > DIMENSIONS_MAX {
            return Err(damaged(format!("tensor {name} has {count} dimensions")));
        }
        let impossible = || damaged(format!("tensor {name} has an impossible size"));
        let mut dimensions = Vec::new();
        let mut elements = 1_u64;
        for _ in 0..count {
            let size = self.u64(&name)?;
            elements = elements.checked_mul(size).filter(|&elements| elements > 0).ok_or_else(impossible)?;
            dimensions.push(size);
        }
        let row = dimensions.first().copied().unwrap_or_default();
        let kind = self.u32(&name)?;
        let offset = self.u64(&name)?;
        let (_, block, block_bytes) = BLOCKS
            .iter()
            .find(|&&(known, _, _)| known == kind)
            .ok_or_else(|| damaged(format!("tensor {name} has the unknown type {kind}")))?;
        if !row.is_multiple_of(*block) || !offset.is_multiple_of(alignment) {
            return Err(damaged(format!("tensor {name} is not aligned")));
        }
        let size = (elements / block).checked_mul(*block_bytes).ok_or_else(impossible)?;
        let end = offset.checked_add(size).ok_or_else(impossible)?;
        Ok(Tensor { name, kind, dimensions, elements, size, end })
    }
}

impl Tensor {
    /// Bytes of its repacked copy.
    fn repacked(&self) -> u64 {
        let (kinds, rows_of) = REPACKED;
        let rows = self.dimensions.get(1).copied().unwrap_or(1);
        let is_repacked = self.dimensions.len() >= 2 && kinds.contains(&self.kind);
        if is_repacked && rows.is_multiple_of(rows_of) { self.size } else { 0 }
    }
}
