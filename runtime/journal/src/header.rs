//! What stands at the start of a sector: a mark that it was erased in full, and its opening.
//!
//! ```text
//! 0  u16 magic   u8 version   u8 word size and flags   u32 checksum      the erase mark
//! 8  u32 opening   u48 first sequence   u32 epoch   u16 previous         the opening
//!    u16 fallback  u16 snapshot sector  u16 snapshot offset  u16 0
//!    where sealed: 16 B salt  u32 key  u32 device
//!    u32 checksum
//! ```

use embedded_storage::nor_flash::NorFlash;

use crate::{
    frame::CRC,
    part::{ERASED, PAGE, Part, len32},
    seal::{CHECK_BYTES, Owner, SALT_BYTES, Sealed},
};

/// Version of the format. Another one is refused and left in place.
pub const FORMAT_VERSION: u8 = 1;

const MAGIC: u16 = 0x4A45;
/// Marks a region whose formatting began. It stands in the last sector.
const FORMAT_MAGIC: u16 = 0x4645;
pub(crate) const MARK_BYTES: u32 = 8;
/// Bytes of an opening's fields, and with the salt and the owner of a sealed one.
const FIELD_BYTES: usize = 24;
const SEALED_FIELD_BYTES: usize = FIELD_BYTES + SALT_BYTES + 2 * CHECK_BYTES;
const CHECKSUM_BYTES: usize = 4;
/// The most bytes of an opening.
const OPENING_BYTES_MAX: usize = SEALED_FIELD_BYTES + CHECKSUM_BYTES;
/// The low bits of the fourth byte hold the base-two logarithm of the unit of writing.
const WORD_BITS: u8 = 0x0F;
/// The sector is sealed. The other flags are zero in this version.
const SEALED_BIT: u8 = 0x10;
/// Offsets in a sector are stored in units of this many bytes.
const OFFSET_UNIT: u32 = 4;
/// A 48-bit sequence number lasts longer than any flash.
const SEQUENCE_BYTES: usize = 6;

/// Where a snapshot starts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct SnapshotAt {
    /// Opening of the sector that holds its first fragment.
    pub(crate) opening: u32,
    /// Offset of that fragment.
    pub(crate) offset: u32,
}

/// How a sector became part of the log.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Opening {
    /// Counts the openings of the region, from 1.
    pub(crate) number: u32,
    /// Number of the sector's first frame.
    pub(crate) first_sequence: u64,
    /// Whose log this is. Reserved for a takeover by another owner.
    pub(crate) epoch: u32,
    /// Opening of the sector the log came from; 0 where it starts here.
    pub(crate) previous: u32,
    /// Opening of the sector that counts if this one's first frame is torn; 0 where there is none.
    pub(crate) fallback: u32,
    /// The newest snapshot committed when the sector was opened.
    pub(crate) snapshot: Option<SnapshotAt>,
    /// Salt and owner, all zeros where the log isn't sealed.
    pub(crate) sealed: Sealed,
}

impl Opening {
    /// Whether the distances to older openings fit their fields.
    pub(crate) fn links_fit(&self) -> bool {
        let snapshot = self.snapshot.map_or(0, |snapshot| snapshot.opening);
        let fits = |older: u32| older == 0 || u16::try_from(self.number - older).is_ok();
        [self.previous, self.fallback, snapshot].into_iter().all(fits)
    }
}

/// What the start of a sector says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Header {
    /// Nothing is programmed.
    Blank,
    /// Erased in full, not opened yet.
    Ready,
    /// Part of a log, or of an older one.
    Opened(Opening),
    /// Another version's header.
    Version(u8),
    /// Written for other write words.
    WordBytes(u32),
    /// Sealed, and the journal isn't; or the other way round.
    SealedOtherwise,
    /// Formatting began.
    Formatting,
    /// Nothing that counts: torn, half erased, or foreign.
    Other,
}

/// Where the opening starts.
fn opening_offset(align: u32) -> u32 {
    MARK_BYTES.next_multiple_of(align)
}

/// Bytes of an opening.
const fn opening_bytes(is_sealed: bool) -> usize {
    if is_sealed { OPENING_BYTES_MAX } else { FIELD_BYTES + CHECKSUM_BYTES }
}

/// Bytes of a header: frames start behind it.
pub(crate) fn header_bytes(align: u32, is_sealed: bool) -> u32 {
    opening_offset(align) + len32(opening_bytes(is_sealed)).next_multiple_of(align)
}

impl<F: NorFlash> Part<F> {
    /// Bytes of a header: frames start behind it.
    pub(crate) fn header_bytes(&self) -> u32 {
        header_bytes(self.align, self.seal.is_some())
    }

    /// Reads the start of a sector.
    pub(crate) fn header(&mut self, sector: u32) -> Result<Header, F::Error> {
        let mut chunk = [0; PAGE];
        let opening_offset = opening_offset(self.align);
        let opening_bytes = len32(opening_bytes(self.seal.is_some()));
        if opening_offset + opening_bytes <= crate::PAGE_BYTES {
            let bytes = self.read(sector, 0, &mut chunk, self.header_bytes())?;
            let opening = bytes.get(opening_offset as usize..).unwrap_or_default();
            return Ok(self.decode(bytes, opening));
        }
        let mut behind = [0; PAGE];
        let bytes = self.read(sector, 0, &mut chunk, MARK_BYTES)?;
        let opening = self.read(sector, opening_offset, &mut behind, opening_bytes)?;
        Ok(self.decode(bytes, opening))
    }

    /// Says that the sector was erased in full; a buffered medium has finished that erase before.
    pub(crate) fn write_mark(&mut self, sector: u32) -> Result<(), F::Error> {
        self.program_padded(sector, 0, &self.mark(MAGIC))
    }

    /// Says that the region is being formatted.
    pub(crate) fn write_format_mark(&mut self, sector: u32) -> Result<(), F::Error> {
        self.program_padded(sector, 0, &self.mark(FORMAT_MAGIC))
    }

    /// Makes a marked sector part of the log.
    pub(crate) fn write_opening(&mut self, sector: u32, opening: &Opening) -> Result<(), F::Error> {
        let bytes = encode(opening, self.seal.is_some());
        self.program_padded(sector, opening_offset(self.align), &bytes)
    }

    /// The salt and owner of a sector that is opened now.
    pub(crate) fn sealed(&self) -> Sealed {
        self.seal.as_ref().map(|seal| Sealed { salt: seal.salt(), owner: seal.owner() }).unwrap_or_default()
    }

    fn mark(&self, magic: u16) -> [u8; MARK_BYTES as usize] {
        let [magic0, magic1] = magic.to_le_bytes();
        let word_bits = self.unit.trailing_zeros().to_le_bytes()[0];
        let flags = if self.seal.is_some() { SEALED_BIT } else { 0 };
        let head = [magic0, magic1, FORMAT_VERSION, word_bits | flags];
        let [crc0, crc1, crc2, crc3] = CRC.checksum(&head).to_le_bytes();
        let [head0, head1, head2, head3] = head;
        [head0, head1, head2, head3, crc0, crc1, crc2, crc3]
    }

    fn program_padded(&mut self, sector: u32, offset: u32, bytes: &[u8]) -> Result<(), F::Error> {
        let mut page = [ERASED; PAGE];
        page.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        let padded = Self::words(len32(bytes.len()));
        self.program(sector, offset, page.get(..padded as usize).unwrap_or_default())
    }

    fn decode(&self, start: &[u8], opening: &[u8]) -> Header {
        let blank = |bytes: &[u8]| bytes.iter().all(|byte| *byte == ERASED);
        if blank(start) && blank(opening) {
            return Header::Blank;
        }
        let Some(found) = start.first_chunk::<8>() else { return Header::Other };
        let [magic0, magic1, version, word_bits, crc0, crc1, crc2, crc3] = *found;
        let sound =
            CRC.checksum(&[magic0, magic1, version, word_bits]).to_le_bytes() == [crc0, crc1, crc2, crc3];
        let magic = u16::from_le_bytes([magic0, magic1]);
        if !sound || (magic != MAGIC && magic != FORMAT_MAGIC) {
            return Header::Other;
        }
        if version != FORMAT_VERSION || word_bits & !(WORD_BITS | SEALED_BIT) != 0 {
            return Header::Version(version);
        }
        let found_word_bytes = 1 << (word_bits & WORD_BITS);
        if found_word_bytes != self.unit {
            return Header::WordBytes(found_word_bytes);
        }
        if magic == FORMAT_MAGIC {
            return Header::Formatting;
        }
        if (word_bits & SEALED_BIT != 0) != self.seal.is_some() {
            return Header::SealedOtherwise;
        }
        let body = opening.get(..opening_bytes(self.seal.is_some())).unwrap_or_default();
        if blank(body) {
            return Header::Ready;
        }
        decode_opening(body).map_or(Header::Other, Header::Opened)
    }
}

/// A distance back to an older opening; 0 where there is none. [`Opening::links_fit`] keeps them small.
fn distance(number: u32, older: u32) -> u16 {
    if older == 0 { 0 } else { u16::try_from(number.saturating_sub(older)).unwrap_or(u16::MAX) }
}

fn encode(opening: &Opening, is_sealed: bool) -> heapless::Vec<u8, OPENING_BYTES_MAX> {
    let snapshot = opening.snapshot.unwrap_or(SnapshotAt { opening: 0, offset: 0 });
    let first_sequence = opening.first_sequence.to_le_bytes();
    let Sealed { salt, owner } = &opening.sealed;
    let sealed: [&[u8]; 3] = [salt, &owner.key, &owner.device];
    let fields: [&[u8]; 8] = [
        &opening.number.to_le_bytes(),
        first_sequence.get(..SEQUENCE_BYTES).unwrap_or_default(),
        &opening.epoch.to_le_bytes(),
        &distance(opening.number, opening.previous).to_le_bytes(),
        &distance(opening.number, opening.fallback).to_le_bytes(),
        &distance(opening.number, snapshot.opening).to_le_bytes(),
        &u16::try_from(snapshot.offset / OFFSET_UNIT).unwrap_or(u16::MAX).to_le_bytes(),
        &[0, 0],
    ];
    let sealed = sealed.into_iter().filter(|_| is_sealed);
    let mut bytes: heapless::Vec<u8, OPENING_BYTES_MAX> =
        fields.into_iter().chain(sealed).flatten().copied().collect();
    let checksum = CRC.checksum(&bytes).to_le_bytes();
    bytes.extend(checksum);
    bytes
}

fn decode_opening(body: &[u8]) -> Option<Opening> {
    let (fields, checksum) = body.split_last_chunk::<CHECKSUM_BYTES>()?;
    if CRC.checksum(fields).to_le_bytes() != *checksum {
        return None;
    }
    let mut rest = fields;
    let mut take = |bytes: usize| -> Option<u64> {
        let (field, behind) = rest.split_at_checked(bytes)?;
        rest = behind;
        Some(field.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte)))
    };
    let number = u32::try_from(take(4)?).ok()?;
    let first_sequence = take(SEQUENCE_BYTES)?;
    let epoch = u32::try_from(take(4)?).ok()?;
    let mut link = || -> Option<u32> {
        match u32::try_from(take(2)?).ok()? {
            0 => Some(0),
            distance => number.checked_sub(distance).filter(|older| *older > 0),
        }
    };
    let (previous, fallback, snapshot) = (link()?, link()?, link()?);
    let offset = u32::try_from(take(2)?).ok()? * OFFSET_UNIT;
    let snapshot = (snapshot != 0).then_some(SnapshotAt { opening: snapshot, offset });
    let sealed = decode_sealed(fields.get(FIELD_BYTES..)?).unwrap_or_default();
    (number > 0).then_some(Opening { number, first_sequence, epoch, previous, fallback, snapshot, sealed })
}

fn decode_sealed(fields: &[u8]) -> Option<Sealed> {
    let (salt, rest) = fields.split_first_chunk()?;
    let (key, rest) = rest.split_first_chunk()?;
    let (device, _) = rest.split_first_chunk()?;
    Some(Sealed { salt: *salt, owner: Owner { key: *key, device: *device } })
}
