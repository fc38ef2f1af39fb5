//! Where one packet ends and the next begins. A message longer than what is kept loses its end here, as
//! it comes, so that no broker decides how much memory is used.

use bytes::{Buf as _, BufMut as _, BytesMut};

/// Bytes of a packet that are kept.
pub(super) const PACKET_BYTES_MAX: usize = 64 * 1024;
/// Bytes of a packet's length.
const LENGTH_BYTES_MAX: usize = 4;
/// The type of a PUBLISH, in the upper half of the first byte.
const PUBLISH: u8 = 3;

/// Bytes as they come from a broker.
#[derive(Default)]
pub(super) struct Frames {
    bytes: BytesMut,
    /// Bytes still to come of a packet whose end is not kept.
    skip: usize,
}

/// The bytes of one packet.
#[derive(Debug, PartialEq)]
pub(super) struct Frame {
    pub(super) bytes: BytesMut,
    /// False where the end of the message was left out.
    pub(super) is_whole: bool,
}

impl Frames {
    /// Where what was read goes.
    pub(super) fn room(&mut self) -> &mut BytesMut {
        &mut self.bytes
    }

    /// The next packet, if all that is kept of it is there.
    ///
    /// # Errors
    ///
    /// What can't be a packet, or is too long for its kind.
    pub(super) fn next(&mut self) -> Result<Option<Frame>, String> {
        let passed = self.skip.min(self.bytes.len());
        self.bytes.advance(passed);
        self.skip -= passed;
        if self.skip > 0 {
            return Ok(None);
        }
        let Some((head_bytes, length)) = self.head()? else { return Ok(None) };
        let whole_bytes = head_bytes + length;
        let kept_bytes = whole_bytes.min(PACKET_BYTES_MAX);
        let first = self.bytes.first().copied().unwrap_or(0);
        if kept_bytes < whole_bytes && first >> 4 != PUBLISH {
            return Err(format!("it sent a packet of {whole_bytes} bytes that is no message"));
        }
        if self.bytes.len() < kept_bytes {
            return Ok(None);
        }
        let mut bytes = self.bytes.split_to(kept_bytes);
        if kept_bytes == whole_bytes {
            return Ok(Some(Frame { bytes, is_whole: true }));
        }
        self.skip = whole_bytes - kept_bytes;
        // What is kept is made a packet of its own, shorter than the one that came.
        bytes.advance(head_bytes);
        let mut shorter = BytesMut::with_capacity(bytes.len() + 1 + LENGTH_BYTES_MAX);
        shorter.put_u8(first);
        put_length(&mut shorter, bytes.len());
        shorter.unsplit(bytes);
        Ok(Some(Frame { bytes: shorter, is_whole: false }))
    }

    /// Bytes of the head, and how many follow it.
    fn head(&self) -> Result<Option<(usize, usize)>, String> {
        let mut length = 0;
        for (index, byte) in self.bytes.iter().skip(1).enumerate() {
            if index == LENGTH_BYTES_MAX {
                return Err("it sent a packet whose length is malformed".into());
            }
            length |= usize::from(byte & 0x7F) << (7 * index);
            if byte & 0x80 == 0 {
                return Ok(Some((index + 2, length)));
            }
        }
        Ok(None)
    }
}

fn put_length(bytes: &mut BytesMut, mut length: usize) {
    loop {
        let low = u8::try_from(length & 0x7F).unwrap_or(0);
        length >>= 7;
        bytes.put_u8(if length > 0 { low | 0x80 } else { low });
        if length == 0 {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds bytes in pieces of `piece` and takes every packet out.
    fn frames(bytes: &[u8], piece: usize) -> Result<Vec<Frame>, String> {
        let mut frames = Frames::default();
        let mut found = Vec::new();
        for part in bytes.chunks(piece) {
            frames.room().extend_from_slice(part);
            while let Some(frame) = frames.next()? {
                found.push(frame);
            }
            // Whatever is on its way, little of it is held.
            assert!(frames.bytes.len() <= PACKET_BYTES_MAX + piece);
        }
        Ok(found)
    }

    fn publish(payload_bytes: usize) -> Vec<u8> {
        let mut bytes = BytesMut::new();
        bytes.put_u8(0x30);
        put_length(&mut bytes, 5 + payload_bytes);
        bytes.extend_from_slice(b"\0\x03a/b");
        bytes.put_bytes(b'x', payload_bytes);
        bytes.to_vec()
    }

    #[test]
    fn packets_are_told_apart_however_they_come() {
        let bytes = [publish(3), vec![0xD0, 0], publish(200), publish(20_000)].concat();
        for piece in [1, 2, 7, 1_000, bytes.len()] {
            let found = frames(&bytes, piece).unwrap();
            let lengths: Vec<_> = found.iter().map(|frame| frame.bytes.len()).collect();
            assert_eq!(lengths, [10, 2, 208, 20_009], "{piece}");
            assert!(found.iter().all(|frame| frame.is_whole));
        }
    }

    #[test]
    fn a_long_message_loses_its_end_and_the_next_one_is_whole() {
        let bytes = [publish(1_000_000), publish(4)].concat();
        for piece in [999, 65_536, bytes.len()] {
            let found = frames(&bytes, piece).unwrap();
            let [long, next] = found.as_slice() else { panic!("{}", found.len()) };
            assert!(!long.is_whole && long.bytes.len() <= PACKET_BYTES_MAX && next.is_whole);
            assert_eq!(next.bytes, publish(4));
            // It reads as a packet of its own.
            let mut again = Frames { bytes: long.bytes.clone(), skip: 0 };
            assert_eq!(again.next().unwrap().unwrap().bytes, long.bytes);
        }
    }

    #[test]
    fn what_is_no_packet_ends_the_connection() {
        let error = frames(&[0x30, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F], 1).unwrap_err();
        assert_eq!(error, "it sent a packet whose length is malformed");
        let error = frames(&[0x90, 0xFF, 0xFF, 0x7F, 0], 5).unwrap_err();
        assert_eq!(error, "it sent a packet of 2097155 bytes that is no message");
    }
}
