//! The bytes of one record: six bytes in front, then the payload.
//!
//! ```text
//! 0  u16 joined (1 bit), kind (2 bits), explicit (1 bit), length (low 12 bits)
//! 2  u32 CRC-32C of epoch, opening, offset, sequence, the u16, and the payload
//! 6  u48 sequence, where it is explicit
//!    payload, then 0xFF up to a whole word
//! ```

use crc::{CRC_32_ISCSI, Crc, Digest, Table};
use embedded_storage::nor_flash::NorFlash;

use crate::{
    part::{ERASED, PAGE, PAGE_BYTES, Part, len32},
    seal::{Context, SALT_BYTES, TAG_BYTES},
    window::Window,
};

/// Bytes a record costs beside its payload, before padding.
pub const FRAME_BYTES: u32 = 6;
/// The largest payload of one record. It fits a 4 KiB sector with room to spare; larger state is for
/// snapshots.
pub const PAYLOAD_BYTES_MAX: usize = 3584;

/// What the caller's record buffer must hold: a payload, with all that sealing adds.
pub const BUFFER_BYTES: usize =
    PAYLOAD_BYTES_MAX + if cfg!(feature = "seal") { SALT_BYTES + TAG_BYTES } else { 0 };

/// Bytes of an explicit sequence number.
const SEQUENCE_BYTES: u32 = 6;
const LENGTH_BITS: u16 = 0x0FFF;
const EXPLICIT_BIT: u16 = 0x1000;
const KIND_SHIFT: u32 = 13;
const JOINED_BIT: u16 = 0x8000;
/// What the first two bytes read as where nothing was programmed.
const BLANK: u16 = 0xFFFF;
/// How many bytes tell whether a frame was begun.
pub(crate) const BLANK_BYTES: u32 = 2;

/// With tables of 16 KiB, because a boot's time goes into checksums.
pub(crate) static CRC: Crc<u32, Table<16>> = Crc::<u32, Table<16>>::new(&CRC_32_ISCSI);

/// The most bytes of a payload with all that sealing adds.
const SEALED_BYTES_MAX: usize = PAYLOAD_BYTES_MAX + SALT_BYTES + TAG_BYTES;

const _: () = assert!(SEALED_BYTES_MAX <= LENGTH_BITS as usize);

/// What a frame holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// One record.
    Record,
    /// The first fragment of a snapshot. Its sequence number is explicit.
    First,
    /// A further fragment.
    Fragment,
    /// Commits the snapshot: where it starts, and how many bytes it has.
    Commit,
}

impl Kind {
    fn code(self) -> u16 {
        match self {
            Self::Record => 0,
            Self::First => 1,
            Self::Fragment => 2,
            Self::Commit => 3,
        }
    }

    fn of(word: u16) -> Self {
        match word >> KIND_SHIFT & 3 {
            0 => Self::Record,
            1 => Self::First,
            2 => Self::Fragment,
            _ => Self::Commit,
        }
    }
}

/// Whether a frame waits for the medium together with the one before.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Join {
    /// Everything before it survives a cut.
    Alone,
    /// A cut may take the one before and leave this one.
    Joined,
}

/// Where a frame stands. All of it goes into the checksum, so that no frame passes for another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) sector: u32,
    pub(crate) epoch: u32,
    pub(crate) opening: u32,
    pub(crate) offset: u32,
}

/// A frame that is whole.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame {
    pub(crate) kind: Kind,
    pub(crate) sequence: u64,
    /// The frame spells its number out; then it may follow a jump.
    pub(crate) explicit: bool,
    pub(crate) join: Join,
    pub(crate) payload_bytes: usize,
    /// Where in the sector the payload starts; behind the salt, once a frame that brings one is opened.
    pub(crate) payload_offset: u32,
    /// Where the frame's own bytes end.
    pub(crate) payload_start: u32,
    pub(crate) word: u16,
    pub(crate) offset: u32,
    /// Where the next frame starts, or would.
    pub(crate) end: u32,
    /// Something is programmed right behind it, so its own programming was finished.
    pub(crate) followed: bool,
}

/// What stands where a frame may start.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Found {
    Frame(Frame),
    /// The first two bytes are erased.
    Blank,
    /// No whole frame. Programming only clears bits, so an interrupted one ends at `end_max` or before.
    Torn {
        /// Where it would end by its length, if it is a record.
        end: u32,
        end_max: u32,
    },
}

/// Whether a frame spells out its sequence number: after a jump it must, and a snapshot's first does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Sequence {
    Implied(u64),
    Explicit(u64),
}

impl Sequence {
    pub(crate) fn new(number: u64, explicit: bool) -> Self {
        if explicit { Self::Explicit(number) } else { Self::Implied(number) }
    }

    pub(crate) fn number(self) -> u64 {
        match self {
            Self::Implied(number) | Self::Explicit(number) => number,
        }
    }

    fn explicit_bytes(self) -> u32 {
        if matches!(self, Self::Explicit(_)) { SEQUENCE_BYTES } else { 0 }
    }
}

/// Bytes of a frame before padding.
pub(crate) fn frame_bytes(sequence: Sequence, payload_bytes: usize) -> u32 {
    FRAME_BYTES + sequence.explicit_bytes() + len32(payload_bytes)
}

/// What a frame says of itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Label {
    pub(crate) kind: Kind,
    pub(crate) join: Join,
    pub(crate) sequence: Sequence,
}

impl Label {
    /// The first two bytes of the frame.
    fn word(self, payload_bytes: usize) -> u16 {
        let joined = if self.join == Join::Joined { JOINED_BIT } else { 0 };
        let explicit = if matches!(self.sequence, Sequence::Explicit(_)) { EXPLICIT_BIT } else { 0 };
        let length = u16::try_from(payload_bytes).unwrap_or(LENGTH_BITS) & LENGTH_BITS;
        joined | self.kind.code() << KIND_SHIFT | explicit | length
    }
}

/// The most a frame with an explicit sequence number takes beside its payload.
pub(crate) const FRAME_BYTES_MAX: u32 = FRAME_BYTES + SEQUENCE_BYTES;

pub(crate) fn digest(place: Place, sequence: u64, word: u16) -> Digest<'static, u32, Table<16>> {
    let mut digest = CRC.digest();
    digest.update(&place.epoch.to_le_bytes());
    digest.update(&place.opening.to_le_bytes());
    digest.update(&place.offset.to_le_bytes());
    digest.update(&sequence.to_le_bytes());
    digest.update(&word.to_le_bytes());
    digest
}

impl<F: NorFlash> Part<F> {
    /// Programs a frame, sealed where the log is, and returns where one may start that is committed
    /// with it.
    pub(crate) fn write_frame(
        &mut self,
        place: Place,
        label: Label,
        payload: &[u8],
    ) -> Result<u32, F::Error> {
        match self.sealed_payload(place, label, payload) {
            Some(sealed) => self.write_bare_frame(place, label, &sealed),
            None => self.write_bare_frame(place, label, payload),
        }
    }

    /// What a sealed log keeps of a payload: the salt where the frame is explicit, the bytes, the tag.
    fn sealed_payload(
        &self,
        place: Place,
        label: Label,
        payload: &[u8],
    ) -> Option<heapless::Vec<u8, SEALED_BYTES_MAX>> {
        let seal = self.seal.as_ref()?;
        let is_explicit = matches!(label.sequence, Sequence::Explicit(_));
        let salt = seal.salt();
        let mut sealed = heapless::Vec::new();
        sealed.extend(salt.into_iter().filter(|_| is_explicit).chain(payload.iter().copied()));
        let word = label.word(sealed.len() + TAG_BYTES);
        let context = Context::new(place, label.sequence.number(), word);
        let bytes = sealed.get_mut(if is_explicit { SALT_BYTES } else { 0 }..).unwrap_or_default();
        let tag = seal.seal(context, bytes);
        sealed.extend(tag);
        Some(sealed)
    }

    /// Programs a frame page by page.
    fn write_bare_frame(&mut self, place: Place, label: Label, payload: &[u8]) -> Result<u32, F::Error> {
        let sequence = label.sequence;
        let word = label.word(payload.len());
        let mut digest = digest(place, sequence.number(), word);
        digest.update(payload);

        let mut head = heapless::Vec::<u8, { FRAME_BYTES_MAX as usize }>::new();
        head.extend(word.to_le_bytes());
        head.extend(digest.finalize().to_le_bytes());
        head.extend(sequence.number().to_le_bytes().into_iter().take(sequence.explicit_bytes() as usize));

        let end = self.packed(place.offset + len32(head.len() + payload.len()));
        let mut bytes = head.iter().chain(payload).copied();
        let mut offset = place.offset;
        let words_end = place.offset + Self::words(len32(head.len() + payload.len()));
        while offset < words_end {
            let page_end = (offset + 1).next_multiple_of(PAGE_BYTES).min(words_end);
            let mut page = [ERASED; PAGE];
            let chunk = page.get_mut(..(page_end - offset) as usize).unwrap_or_default();
            // The slots come first: `zip` takes from its left side before it looks at the right one.
            chunk.iter_mut().zip(bytes.by_ref()).for_each(|(to, from)| *to = from);
            self.program(place.sector, offset, chunk)?;
            offset = page_end;
        }
        Ok(end)
    }

    /// Looks for a whole frame. `expected` is the number it must have where it doesn't spell one out.
    /// Its payload is then in the window.
    pub(crate) fn read_frame(
        &mut self,
        place: Place,
        expected: u64,
        window: &mut Window<'_>,
    ) -> Result<Found, F::Error> {
        let bytes = window.load(self, place.sector, place.offset, FRAME_BYTES_MAX)?;
        let head = match self.head(place, expected, bytes) {
            Ok(head) => head,
            Err(found) => return Ok(found),
        };
        // With the first bytes of what stands behind it.
        let wanted = (head.end - place.offset + BLANK_BYTES).min(self.sector_bytes - place.offset);
        if wanted > window.capacity::<F>() {
            return self.read_long_frame(place, head, window.straight());
        }
        let bytes = window.load(self, place.sector, place.offset, wanted)?;
        let (payload, behind) = bytes
            .get(head.bytes()..)
            .and_then(|bytes| bytes.split_at_checked(head.payload_bytes))
            .unwrap_or_default();
        let mut digest = digest(place, head.sequence.number(), head.word);
        digest.update(payload);
        let padding = (head.end - place.offset) as usize - head.bytes() - head.payload_bytes;
        let followed = behind.get(padding..).is_some_and(is_begun);
        if digest.finalize() != head.checksum {
            return Ok(head.torn(place));
        }
        let (end, followed) = self.behind(place.sector, head.end, followed)?;
        Ok(head.frame(place, end, followed))
    }

    /// Where the frame behind one starts that ends at `end`, and whether there is one: right there, or,
    /// where it was committed later, in a block of its own.
    fn behind(&mut self, sector: u32, end: u32, is_begun_there: bool) -> Result<(u32, bool), F::Error> {
        let next_block = self.aligned(end);
        if is_begun_there || next_block == end {
            return Ok((end, is_begun_there));
        }
        let mut chunk = [0; PAGE];
        let bytes = self.read(sector, next_block, &mut chunk, BLANK_BYTES)?;
        Ok((next_block, is_begun(bytes)))
    }

    /// Like [`Part::read_frame`] without a window: the payload isn't kept.
    pub(crate) fn look_at_frame(&mut self, place: Place, expected: u64) -> Result<Found, F::Error> {
        let mut chunk = [0; PAGE];
        let bytes = self.read(place.sector, place.offset, &mut chunk, FRAME_BYTES_MAX)?;
        match self.head(place, expected, bytes) {
            Ok(head) => self.read_long_frame(place, head, &mut []),
            Err(found) => Ok(found),
        }
    }

    /// What the first bytes of a frame say; `Err` where it isn't one.
    fn head(&self, place: Place, expected: u64, bytes: &[u8]) -> Result<Head, Found> {
        let Some(([word0, word1, crc0, crc1, crc2, crc3], behind)) = bytes.split_first_chunk() else {
            return Err(Found::Blank);
        };
        let word = u16::from_le_bytes([*word0, *word1]);
        if word == BLANK {
            return Err(Found::Blank);
        }
        let checksum = u32::from_le_bytes([*crc0, *crc1, *crc2, *crc3]);
        let payload_bytes = usize::from(word & LENGTH_BITS);
        let mut head = Head {
            kind: Kind::Record,
            word,
            checksum,
            sequence: Sequence::Implied(expected),
            payload_bytes,
            end: 0,
            pack: self.pack,
        };
        if word & EXPLICIT_BIT != 0 {
            let Some((number, _)) = behind.split_at_checked(SEQUENCE_BYTES as usize) else {
                return Err(head.torn(place));
            };
            head.sequence =
                Sequence::Explicit(number.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte)));
        }
        head.kind = Kind::of(word);
        head.end = self.packed(place.offset + frame_bytes(head.sequence, payload_bytes));
        if head.end > self.sector_bytes || payload_bytes > PAYLOAD_BYTES_MAX + self.seal_bytes(true) {
            return Err(head.torn(place));
        }
        Ok(head)
    }

    /// Reads a frame page by page. As much of its payload as fits goes to `into`.
    fn read_long_frame(&mut self, place: Place, head: Head, into: &mut [u8]) -> Result<Found, F::Error> {
        let mut chunk = [0; PAGE];
        let mut digest = digest(place, head.sequence.number(), head.word);
        let (mut offset, mut skipped) = (place.offset, head.bytes());
        let (mut left, mut slots) = (head.payload_bytes, into);
        loop {
            let bytes = self.read(place.sector, offset, &mut chunk, PAGE_BYTES)?;
            let rest = bytes.get(skipped..).unwrap_or_default();
            if rest.is_empty() && left > 0 {
                return Ok(head.torn(place));
            }
            let (payload, _) = rest.split_at_checked(left).unwrap_or((rest, &[]));
            digest.update(payload);
            let kept = payload.len().min(slots.len());
            let (slot, further) = core::mem::take(&mut slots).split_at_mut_checked(kept).unwrap_or_default();
            slot.copy_from_slice(payload.get(..kept).unwrap_or_default());
            (slots, left, skipped) = (further, left - payload.len(), 0);
            offset += len32(bytes.len());
            if left == 0 {
                break;
            }
        }
        if digest.finalize() != head.checksum {
            return Ok(head.torn(place));
        }
        let behind = self.read(place.sector, head.end, &mut chunk, BLANK_BYTES)?;
        let is_begun_there = is_begun(behind);
        let (end, followed) = self.behind(place.sector, head.end, is_begun_there)?;
        Ok(head.frame(place, end, followed))
    }
}

/// What the first bytes of a frame say.
#[derive(Clone, Copy)]
struct Head {
    kind: Kind,
    word: u16,
    checksum: u32,
    sequence: Sequence,
    payload_bytes: usize,
    /// Where a frame would start that was committed with it.
    end: u32,
    pack: u32,
}

impl Head {
    /// Bytes in front of the payload.
    fn bytes(&self) -> usize {
        (FRAME_BYTES + self.sequence.explicit_bytes()) as usize
    }

    fn frame(self, place: Place, end: u32, followed: bool) -> Found {
        let explicit = matches!(self.sequence, Sequence::Explicit(_));
        Found::Frame(Frame {
            kind: self.kind,
            sequence: self.sequence.number(),
            explicit,
            join: if self.word & JOINED_BIT == 0 { Join::Alone } else { Join::Joined },
            payload_bytes: self.payload_bytes,
            payload_offset: place.offset + len32(self.bytes()),
            payload_start: place.offset + len32(self.bytes()),
            word: self.word,
            offset: place.offset,
            end,
            followed,
        })
    }

    /// A write that was cut short may have had this head.
    fn torn(&self, place: Place) -> Found {
        let payload_bytes = len32(self.payload_bytes);
        let packed = |bytes: u32| (place.offset + bytes).next_multiple_of(self.pack);
        // An interrupted bit may have been the explicit one.
        Found::Torn {
            end: packed(FRAME_BYTES + payload_bytes),
            end_max: packed(FRAME_BYTES_MAX + payload_bytes),
        }
    }
}

/// Whether something is programmed where a frame may start.
pub(crate) fn is_begun(bytes: &[u8]) -> bool {
    bytes.first_chunk().is_some_and(|word| u16::from_le_bytes(*word) != BLANK)
}
