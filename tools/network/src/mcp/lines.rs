//! Lines of a stream that may hold anything: none is kept that is longer than its limit, and nothing
//! is parsed that is nested deeper than its own.

use tokio::io::{AsyncRead, AsyncReadExt as _};

/// Bytes read at a time.
const CHUNK_BYTES: usize = 8 * 1024;
/// Deepest nesting of a message.
pub(super) const DEPTH_MAX: usize = 64;

/// Reads lines.
pub(super) struct Lines<R> {
    from: R,
    /// What was read and not yet handed out.
    read: Vec<u8>,
    bytes_max: usize,
}

/// Why there is no further line.
#[derive(Debug)]
pub(super) enum LineError {
    /// It would be longer than its limit.
    TooLong,
    /// The stream failed.
    Io(std::io::Error),
}

impl<R: AsyncRead + Unpin> Lines<R> {
    pub(super) fn new(from: R, bytes_max: usize) -> Self {
        Self { from, read: Vec::new(), bytes_max }
    }

    /// The next line without its end; `None` where the stream ends, whatever stands behind the last
    /// line end. A wait that is given up loses nothing.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<u8>>, LineError> {
        let mut seen = 0;
        loop {
            let fresh = self.read.get(seen..).unwrap_or_default();
            if let Some(at) = fresh.iter().position(|byte| *byte == b'\n') {
                let end = seen.saturating_add(at);
                if end > self.bytes_max {
                    return Err(LineError::TooLong);
                }
                let rest = self.read.split_off(end.saturating_add(1));
                let mut line = std::mem::replace(&mut self.read, rest);
                line.pop();
                return Ok(Some(line));
            }
            seen = self.read.len();
            if seen > self.bytes_max {
                return Err(LineError::TooLong);
            }
            let mut chunk = [0; CHUNK_BYTES];
            match self.from.read(&mut chunk).await {
                Ok(0) => return Ok(None),
                Ok(bytes) => self.read.extend_from_slice(chunk.get(..bytes).unwrap_or_default()),
                Err(error) => return Err(LineError::Io(error)),
            }
        }
    }
}

/// Whether brackets outside of texts are nested at most [`DEPTH_MAX`] deep.
pub(super) fn is_shallow(json: &[u8]) -> bool {
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    for byte in json {
        match (in_text, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => in_text = !in_text,
            (false, b'[' | b'{') => depth = depth.saturating_add(1),
            (false, b']' | b'}') => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEPTH_MAX {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn all(bytes: &[u8], bytes_max: usize) -> (Vec<Vec<u8>>, bool) {
        let mut lines = Lines::new(bytes, bytes_max);
        let mut found = Vec::new();
        loop {
            match lines.next().await {
                Ok(Some(line)) => found.push(line),
                Ok(None) => return (found, true),
                Err(_) => return (found, false),
            }
        }
    }

    #[tokio::test]
    async fn lines_end_at_their_ends_and_no_longer_one_is_kept() {
        assert_eq!(all(b"one\n\ntwo\nthr", 5).await, (vec![b"one".to_vec(), vec![], b"two".to_vec()], true));
        assert_eq!(all(b"12345\n123456\n", 5).await, (vec![b"12345".to_vec()], false));
        let endless = vec![b'x'; 100_000];
        let mut lines = Lines::new(&endless[..], 10_000);
        assert!(matches!(lines.next().await, Err(LineError::TooLong)));
        assert!(lines.read.len() <= 10_000 + CHUNK_BYTES, "{} bytes are kept", lines.read.len());
    }

    #[test]
    fn depth_counts_outside_of_texts_alone() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(is_shallow(nested(DEPTH_MAX).as_bytes()));
        assert!(!is_shallow(nested(DEPTH_MAX + 1).as_bytes()));
        assert!(is_shallow(format!("\"{}\"", "[\\\"{".repeat(100)).as_bytes()));
        assert!(!is_shallow("{\"a\":".repeat(100).as_bytes()));
        assert!(is_shallow("[],".repeat(100).as_bytes()));
    }
}
