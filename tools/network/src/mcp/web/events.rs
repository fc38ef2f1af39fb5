//! A server's events as a stream, within limits that hold before anything is parsed.

use std::sync::{Arc, Mutex, PoisonError};

use futures::{
    StreamExt as _,
    stream::{BoxStream, unfold},
};
use http_body_util::BodyExt as _;
use sse_stream::{Error as SseError, Sse, SseStream};

use super::place::{Answer, Place};
use crate::mcp::lines::{DEPTH_MAX, is_shallow};

pub(super) type Events = BoxStream<'static, Result<Sse, SseError>>;

/// A stream of events, each within its limit.
pub(super) fn events(place: &Arc<Place>, answer: Answer) -> Events {
    let limit = Arc::new(Mutex::new(EventBytes::default()));
    let own = Arc::clone(place);
    let Answer { response, moving } = answer;
    let bytes = unfold((response.into_body(), moving, own), move |(mut body, moving, place)| {
        let limit = Arc::clone(&limit);
        async move {
            loop {
                let data = match body.frame().await? {
                    Ok(frame) => frame.into_data(),
                    Err(error) => {
                        return Some((Err(std::io::Error::other(error)), (body, moving, place)));
                    }
                };
                let Ok(data) = data else { continue };
                let mut seen = limit.lock().unwrap_or_else(PoisonError::into_inner);
                if !seen.add(&data, place.bytes_max) {
                    drop(seen);
                    place.link.fail(|| too_long(place.bytes_max));
                    return None;
                }
                drop(seen);
                return Some((Ok(data), (body, moving, place)));
            }
        }
    });
    let place = Arc::clone(place);
    let fits = move |event: &Result<Sse, SseError>| {
        let fits = place.link.count();
        let data = event.as_ref().ok().and_then(|event| event.data.as_deref()).unwrap_or_default();
        if !is_shallow(data.as_bytes()) {
            place.link.fail(too_deep);
        }
        let goes_on = fits && is_shallow(data.as_bytes());
        std::future::ready(goes_on)
    };
    SseStream::from_bytes_stream(bytes.boxed()).take_while(fits).boxed()
}

pub(super) fn too_long(bytes_max: usize) -> String {
    format!("it sent a message of more than {bytes_max} bytes (`answer_bytes_max`)")
}

pub(super) fn too_deep() -> String {
    format!("it sent a message that is nested more than {DEPTH_MAX} deep")
}

/// Bytes since the last empty line.
#[derive(Default)]
struct EventBytes {
    bytes: usize,
    ended: bool,
}

impl EventBytes {
    /// Whether no event so far is longer than `bytes_max`.
    fn add(&mut self, data: &[u8], bytes_max: usize) -> bool {
        data.iter().all(|byte| {
            self.bytes = self.bytes.saturating_add(1);
            match byte {
                b'\n' if self.ended => self.bytes = 0,
                b'\n' => self.ended = true,
                b'\r' => {}
                _ => self.ended = false,
            }
            self.bytes <= bytes_max
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_count_from_one_empty_line_to_the_next() {
        let fits = |text: &str| EventBytes::default().add(text.as_bytes(), 10);
        assert!(fits("data: 1\n\ndata: 2\n\n"));
        assert!(fits("data: 1\r\n\r\ndata:2\r\n"));
        assert!(!fits("data: 12345"));
        assert!(!fits("data: 1\ndata: 2\n"));
        let mut bytes = EventBytes::default();
        assert!(bytes.add(b"data: 1\n", 10) && bytes.add(b"\ndata: 2", 10) && !bytes.add(b"data", 10));
    }
}
