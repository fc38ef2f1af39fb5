//! Snapshots: all state in one stream, which may be larger than a sector.

use embedded_storage::nor_flash::NorFlash;

use crate::{
    error::SnapshotError,
    frame::Kind,
    header::SnapshotAt,
    journal::Journal,
    part::len32,
    room::{COMMIT_BYTES, SPARE_SECTORS},
};

/// Writes one snapshot. It counts once [`SnapshotWriter::commit`] returned `Ok`; until then, and if
/// this is dropped before, the snapshot before it counts and keeps its place.
#[derive(Debug)]
pub struct SnapshotWriter<'a, F: NorFlash> {
    journal: &'a mut Journal<F>,
    bytes: u32,
    /// A part is missing.
    failed: bool,
}

impl<F: NorFlash> Journal<F> {
    /// Begins a snapshot. Nothing is written yet.
    ///
    /// # Errors
    ///
    /// As for an append: an earlier snapshot that wasn't committed is given up first.
    pub fn snapshot(&mut self) -> Result<SnapshotWriter<'_, F>, SnapshotError<F::Error>> {
        self.close_snapshot()?;
        // Its first fragment stands where a walk may begin.
        self.commit()?;
        Ok(SnapshotWriter { journal: self, bytes: 0, failed: false })
    }
}

impl<F: NorFlash> SnapshotWriter<'_, F> {
    /// Writes the next bytes of the stream. Each call makes at least one fragment, so few large calls
    /// cost less flash than many small ones.
    ///
    /// # Errors
    ///
    /// After any error the snapshot can't be committed; drop it.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), SnapshotError<F::Error>> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let kind = if self.bytes == 0 { Kind::First } else { Kind::Fragment };
            let fragment_bytes = self.journal.fragment_bytes_max().min(rest.len());
            let (fragment, behind) = rest.split_at_checked(fragment_bytes).unwrap_or((rest, &[]));
            if self.failed {
                return Err(SnapshotError::Incomplete);
            }
            // Until the fragment is kept.
            self.failed = true;
            self.journal.stage_frame(kind, fragment, SPARE_SECTORS)?;
            self.failed = false;
            self.bytes = self.bytes.saturating_add(len32(fragment.len()));
            rest = behind;
        }
        Ok(())
    }

    /// Makes the snapshot count, and frees what it covers. Once this returns `Ok`, it survives power
    /// loss.
    ///
    /// # Errors
    ///
    /// The snapshot before it still counts.
    pub fn commit(self) -> Result<u64, SnapshotError<F::Error>> {
        if self.failed {
            return Err(SnapshotError::Incomplete);
        }
        let Some(open) = self.journal.log.open.filter(|_| self.bytes > 0) else {
            return Err(SnapshotError::Empty);
        };
        let at = SnapshotAt { opening: open.sector.opening.number, offset: open.offset };
        let payload = encode_commit(at, self.bytes);
        let sequence = self.journal.put(Kind::Commit, &payload, SPARE_SECTORS)?;
        self.journal.log.open = None;
        self.journal.log.snapshot = Some(at);
        self.journal.guard(Journal::recount)?;
        Ok(sequence)
    }
}

impl<F: NorFlash> embedded_io::ErrorType for SnapshotWriter<'_, F> {
    type Error = SnapshotError<F::Error>;
}

impl<F: NorFlash> embedded_io::Write for SnapshotWriter<'_, F> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Self::Error> {
        SnapshotWriter::write(self, bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }
}

/// What a commit says: where the snapshot starts, and how long it is.
pub(crate) fn encode_commit(at: SnapshotAt, bytes: u32) -> [u8; COMMIT_BYTES as usize] {
    let mut payload = [0; COMMIT_BYTES as usize];
    let fields = [at.opening, at.offset, bytes].into_iter().flat_map(u32::to_le_bytes);
    payload.iter_mut().zip(fields).for_each(|(to, from)| *to = from);
    payload
}

/// Reads what a commit says.
pub(crate) fn decode_commit(payload: &[u8]) -> Option<(SnapshotAt, u32)> {
    let (opening, rest) = payload.split_first_chunk::<4>()?;
    let (offset, rest) = rest.split_first_chunk::<4>()?;
    let (bytes, rest) = rest.split_first_chunk::<4>()?;
    let at = SnapshotAt { opening: u32::from_le_bytes(*opening), offset: u32::from_le_bytes(*offset) };
    rest.is_empty().then_some((at, u32::from_le_bytes(*bytes)))
}
