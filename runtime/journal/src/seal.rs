//! What sealing means for the format, with or without the ciphers built in.

#[cfg(feature = "seal")]
mod cipher;
#[cfg(not(feature = "seal"))]
mod none;

#[cfg(feature = "seal")]
pub use cipher::{KEY_BYTES, Seal};
#[cfg(not(feature = "seal"))]
pub(crate) use none::Seal;

use embedded_storage::nor_flash::NorFlash;

use crate::{
    error::Corruption,
    frame::{Found, Frame, Place},
    header::Header,
    part::{PAGE, PAGE_BYTES, Part, len32},
    ring::Sector,
    scan::{Cursor, ScanError},
    window::Window,
};

/// Bytes of the salt of one boot.
pub const SALT_BYTES: usize = 16;
/// Bytes of the tag behind a sealed record.
pub(crate) const TAG_BYTES: usize = 16;
/// Bytes that tell one key, or one device, from another.
pub(crate) const CHECK_BYTES: usize = 4;

/// The salt of one boot.
pub(crate) type Salt = [u8; SALT_BYTES];

/// What a sealed sector says of itself.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Sealed {
    /// The salt of the boot that opened it.
    pub(crate) salt: Salt,
    pub(crate) owner: Owner,
}

/// Which key and which device something was sealed for: enough to tell, and nothing more.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Owner {
    pub(crate) key: [u8; CHECK_BYTES],
    pub(crate) device: [u8; CHECK_BYTES],
}

/// Where a record stands, as far as it is sealed with it.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(feature = "seal"), expect(dead_code, reason = "nothing is sealed"))]
pub(crate) struct Context {
    pub(crate) epoch: u32,
    pub(crate) opening: u32,
    pub(crate) offset: u32,
    pub(crate) sequence: u64,
    pub(crate) word: u16,
}

impl Context {
    pub(crate) fn new(place: Place, sequence: u64, word: u16) -> Self {
        let Place { epoch, opening, offset, .. } = place;
        Self { epoch, opening, offset, sequence, word }
    }
}

impl<F: NorFlash> Part<F> {
    /// Bytes that sealing adds to a frame: its tag, and the salt where the frame spells its number out.
    pub(crate) fn seal_bytes(&self, explicit: bool) -> usize {
        let salt = if explicit { SALT_BYTES } else { 0 };
        if self.seal.is_some() { TAG_BYTES + salt } else { 0 }
    }

    /// Opens a frame that was read, in the window. The cursor has the salt in force before it.
    pub(crate) fn unseal(
        &mut self,
        cursor: &mut Cursor,
        frame: Frame,
        window: &mut Window<'_>,
    ) -> Result<Frame, ScanError<F::Error>> {
        let Some(seal) = &self.seal else { return Ok(frame) };
        let context = Context::new(cursor.place(frame.offset), frame.sequence, frame.word);
        let what = match parts(window.payload_mut(&frame), frame.explicit) {
            None => Corruption::Forged,
            Some((salt, bytes, tag)) => {
                cursor.salt = salt.unwrap_or(cursor.salt);
                if seal.open(&cursor.salt, context, bytes, tag) {
                    let payload_bytes = bytes.len();
                    let payload_offset =
                        frame.payload_offset + if salt.is_some() { len32(SALT_BYTES) } else { 0 };
                    window.consume(frame.end);
                    return Ok(Frame { payload_bytes, payload_offset, ..frame });
                }
                self.origin(frame, window)?
                    .map_or(Corruption::Forged, |opening| Corruption::Moved { opening })
            }
        };
        Err(ScanError::Corrupt { sector: cursor.sector.index, sequence: frame.sequence, what })
    }

    /// The opening that a frame was sealed in, if it was sealed for any other place of this region.
    fn origin(&mut self, frame: Frame, window: &mut Window<'_>) -> Result<Option<u32>, F::Error> {
        for index in 0..self.sectors {
            let Header::Opened(opening) = self.header(index)? else { continue };
            let mut cursor = Cursor::at_start(Sector { index, opening }, self);
            // What is torn ends the walk; places behind it aren't tried.
            while cursor.offset < self.sector_bytes {
                let place = cursor.place(cursor.offset);
                let Found::Frame(there) = self.look_at_frame(place, cursor.expected)? else { break };
                cursor.salt = self.salt_at(place, there, cursor.salt)?;
                let context = Context::new(place, there.sequence, frame.word);
                let opened = parts(window.payload_mut(&frame), frame.explicit).zip(self.seal.as_ref());
                if opened.is_some_and(|((salt, bytes, tag), seal)| {
                    seal.open(&salt.unwrap_or(cursor.salt), context, bytes, tag)
                }) {
                    return Ok(Some(opening.number));
                }
                (cursor.offset, cursor.expected) = (there.end, there.sequence + 1);
            }
        }
        Ok(None)
    }

    /// The salt in force at a frame.
    fn salt_at(&mut self, place: Place, frame: Frame, before: Salt) -> Result<Salt, F::Error> {
        if !frame.explicit {
            return Ok(before);
        }
        let mut chunk = [0; PAGE];
        let bytes = self.read(place.sector, place.offset, &mut chunk, PAGE_BYTES)?;
        let salt = bytes.get((frame.payload_offset - place.offset) as usize..).unwrap_or_default();
        Ok(salt.first_chunk().copied().unwrap_or(before))
    }
}

/// The salt, where the frame brings one, the sealed bytes, and their tag.
fn parts(payload: &mut [u8], explicit: bool) -> Option<(Option<Salt>, &mut [u8], [u8; TAG_BYTES])> {
    let (bytes, tag) = payload.split_last_chunk_mut::<TAG_BYTES>()?;
    if !explicit {
        return Some((None, bytes, *tag));
    }
    let (salt, bytes) = bytes.split_first_chunk_mut::<SALT_BYTES>()?;
    Some((Some(*salt), bytes, *tag))
}
