//! The caller's record buffer as a window on the sector that is read, so that many frames cost one read.

use core::ops::Range;

use embedded_storage::nor_flash::NorFlash;

use crate::{
    frame::Frame,
    part::{Part, len32},
};

/// The record buffer, and what part of which sector it holds.
#[derive(Debug)]
pub(crate) struct Window<'b> {
    buffer: &'b mut [u8],
    sector: u32,
    /// Offsets in the sector; equal where the buffer holds nothing, or one long payload.
    start: u32,
    end: u32,
    /// From here on it is as on flash.
    fresh: u32,
}

impl<'b> Window<'b> {
    pub(crate) fn new(buffer: &'b mut [u8]) -> Self {
        Self { buffer, sector: 0, start: 0, end: 0, fresh: 0 }
    }

    /// The most bytes that [`Window::load`] can give.
    pub(crate) fn capacity<F: NorFlash>(&self) -> u32 {
        let bytes = len32(self.buffer.len());
        bytes - bytes % len32(F::READ_SIZE).max(1)
    }

    /// At least `wanted` bytes of a sector from the aligned offset `from`, as far as the sector and the
    /// buffer go.
    pub(crate) fn load<F: NorFlash>(
        &mut self,
        part: &mut Part<F>,
        sector: u32,
        from: u32,
        wanted: u32,
    ) -> Result<&[u8], F::Error> {
        let until = (from + wanted).min(part.sector_bytes);
        if sector != self.sector || from < self.start.max(self.fresh) || until > self.end {
            // Until it is read.
            (self.sector, self.start, self.end) = (sector, from, from);
            let bytes = self.capacity::<F>().min(part.sector_bytes.saturating_sub(from));
            let into = self.buffer.get_mut(..bytes as usize).unwrap_or_default();
            part.read_all(sector, from, into)?;
            self.end = from + bytes;
            self.fresh = from;
        }
        let range = (from - self.start) as usize..(self.end - self.start) as usize;
        Ok(self.buffer.get(range).unwrap_or_default())
    }

    /// The bytes `from..until` of a sector, if the window holds them.
    pub(crate) fn held(&self, sector: u32, from: u32, until: u32) -> Option<&[u8]> {
        let is_held =
            sector == self.sector && self.start.max(self.fresh) <= from && until <= self.end && from <= until;
        is_held.then(|| self.buffer.get((from - self.start) as usize..(until - self.start) as usize))?
    }

    /// The buffer for a payload that is longer than a window; it holds nothing else then.
    pub(crate) fn straight(&mut self) -> &mut [u8] {
        self.end = self.start;
        self.buffer
    }

    /// The payload of the frame that was read last.
    pub(crate) fn payload(&self, frame: &Frame) -> &[u8] {
        self.buffer.get(self.place(frame)).unwrap_or_default()
    }

    /// The same, to be opened in place.
    pub(crate) fn payload_mut(&mut self, frame: &Frame) -> &mut [u8] {
        let place = self.place(frame);
        self.buffer.get_mut(place).unwrap_or_default()
    }

    /// What lies before `until` isn't as on flash any more.
    pub(crate) fn consume(&mut self, until: u32) {
        self.fresh = until;
    }

    fn place(&self, frame: &Frame) -> Range<usize> {
        let start = if self.start == self.end { frame.payload_start } else { self.start };
        let from = frame.payload_offset.saturating_sub(start) as usize;
        from..from.saturating_add(frame.payload_bytes)
    }
}
