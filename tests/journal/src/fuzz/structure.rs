//! Marks, openings and frames as `docs/flash-format.md` has them, written from that page alone.

use super::{Input, SECTORS};
use crate::layout::Layout;

const CRC: crc::Crc<u32> = crc::Crc::<u32>::new(&crc::CRC_32_ISCSI);
const MAGIC: u16 = 0x4A45;
const FORMAT_MAGIC: u16 = 0x4645;
const EPOCH: u32 = 7;

/// Builds an image piece by piece. Unless the input says otherwise each piece fits the ones before.
pub(super) struct Builder {
    layout: Layout,
    pub(super) image: Vec<u8>,
    /// What the log of each sector would go on with.
    ends: Vec<End>,
    opened: u32,
    sequence: u64,
}

#[derive(Clone, Copy, Default)]
struct End {
    opening: u32,
    offset: usize,
}

impl Builder {
    pub(super) fn new(layout: Layout) -> Self {
        let image = vec![0xFF; (SECTORS * layout.sector_bytes) as usize];
        Self { layout, image, ends: vec![End::default(); SECTORS as usize], opened: 0, sequence: 1 }
    }

    /// Writes the piece that the input names.
    pub(super) fn write(&mut self, input: &mut Input<'_>) {
        let (piece, sector) = (input.u8(), usize::from(input.u8()) % self.ends.len());
        match piece % 8 {
            0 => {
                let offset = usize::from(input.u16());
                let length = usize::from(input.u8());
                let bytes = input.bytes(length).to_vec();
                self.put(sector, offset, &bytes);
            }
            1 => self.write_mark(sector, input),
            2 => self.write_opening(sector, input),
            3 => {
                self.put(sector, 0, &self.mark(MAGIC, 1, 0));
                self.write_opening(sector, input);
            }
            4 => self.ends[sector].offset = usize::from(input.u16()) * 4,
            5 => self.sequence = self.jump(input),
            _ => self.write_frame(sector, input),
        }
    }

    /// A number near the next one. Numbers begin at 1.
    fn jump(&self, input: &mut Input<'_>) -> u64 {
        self.sequence.saturating_add_signed(i64::from(input.u8().cast_signed())).max(1)
    }

    /// Bytes of the unit of writing.
    fn unit(&self) -> u32 {
        self.layout.word_bytes.max(self.layout.block_bytes)
    }

    fn aligned(&self, bytes: usize) -> usize {
        bytes.next_multiple_of(self.unit().max(4) as usize)
    }

    fn put(&mut self, sector: usize, offset: usize, bytes: &[u8]) {
        let sector_bytes = self.layout.sector_bytes as usize;
        let start = sector * sector_bytes;
        let into = self.image[start..start + sector_bytes].iter_mut().skip(offset);
        into.zip(bytes).for_each(|(to, from)| *to = *from);
    }

    fn mark(&self, magic: u16, version: u8, flip: u8) -> Vec<u8> {
        let sealed = if self.layout.sealed { 0x10 } else { 0 };
        let word_bits = u8::try_from(self.unit().trailing_zeros()).unwrap();
        let mut mark = magic.to_le_bytes().to_vec();
        mark.extend([version, (word_bits | sealed) ^ flip]);
        with_checksum(mark)
    }

    fn write_mark(&mut self, sector: usize, input: &mut Input<'_>) {
        let magic = if input.u8().is_multiple_of(4) { FORMAT_MAGIC } else { MAGIC };
        // Mostly the right version and flags.
        let (version, flip) = (1 ^ (input.u8() >> 7), input.u8() & 0x3F & input.u8());
        self.put(sector, 0, &self.mark(magic, version, flip));
    }

    fn write_opening(&mut self, sector: usize, input: &mut Input<'_>) {
        self.opened = self.opened.wrapping_add_signed(i32::from(input.u8().cast_signed())).wrapping_add(1);
        let first_sequence = self.jump(input);
        let mut opening = self.opened.to_le_bytes().to_vec();
        opening.extend(&first_sequence.to_le_bytes()[..6]);
        opening.extend((EPOCH ^ u32::from(input.u8() / 192)).to_le_bytes());
        for _ in 0..3 {
            opening.extend(u16::from(input.u8()).to_le_bytes());
        }
        opening.extend(input.u16().to_le_bytes());
        opening.extend([0, 0]);
        if self.layout.sealed {
            // Salt, key and device of a journal that is sealed as this one is.
            let owner = &super::lives(&self.layout)[0].image[8 + 24..8 + 48];
            opening.extend(owner);
        }
        let start = self.aligned(8);
        let opening = with_checksum(opening);
        self.put(sector, start, &opening);
        self.ends[sector] = End { opening: self.opened, offset: start + self.aligned(opening.len()) };
    }

    fn write_frame(&mut self, sector: usize, input: &mut Input<'_>) {
        let End { opening, offset } = self.ends[sector];
        let (head, length) = (input.u8(), usize::from(input.u16()) % 4096);
        let (kind, explicit, joined) = (head % 4, head & 0x80 != 0, head & 0x30 == 0x30);
        // A commit says where its snapshot starts.
        let payload = match kind {
            3 if head & 0x40 == 0 => {
                let first = self.ends[usize::from(input.u8()) % self.ends.len()].opening;
                let fields = [first, u32::from(input.u16()) * 4, u32::from(input.u16())];
                fields.into_iter().flat_map(u32::to_le_bytes).collect()
            }
            _ => vec![input.u8(); length],
        };
        let flags = u16::from(joined) << 15 | u16::from(kind) << 13 | u16::from(explicit) << 12;
        let word = flags | u16::try_from(payload.len()).unwrap();
        let mut covered = EPOCH.to_le_bytes().to_vec();
        covered.extend(opening.to_le_bytes());
        covered.extend(u32::try_from(offset).unwrap().to_le_bytes());
        covered.extend(self.sequence.to_le_bytes());
        covered.extend(word.to_le_bytes());
        covered.extend(&payload);
        let mut frame = word.to_le_bytes().to_vec();
        frame.extend(CRC.checksum(&covered).to_le_bytes());
        if explicit {
            frame.extend(&self.sequence.to_le_bytes()[..6]);
        }
        frame.extend(payload);
        self.put(sector, offset, &frame);
        self.ends[sector].offset = offset + self.aligned(frame.len());
        self.sequence = self.sequence.wrapping_add(1);
    }
}

fn with_checksum(mut bytes: Vec<u8>) -> Vec<u8> {
    let checksum = CRC.checksum(&bytes).to_le_bytes();
    bytes.extend(checksum);
    bytes
}
