//! Shortening of text that records and prompts hold.

use alloc::string::String;

use crate::limits::REASON_BYTES_MAX;

/// Cuts `text` to at most `bytes_max` bytes and says so in its last words.
pub(crate) fn cut(mut text: String, bytes_max: u32) -> String {
    let bytes_max = bytes_max as usize;
    if text.len() <= bytes_max {
        return text;
    }
    let bytes = text.len();
    let mark = alloc::format!(" [cut: {bytes} bytes]");
    truncate(&mut text, bytes_max.saturating_sub(mark.len()));
    text.push_str(&mark);
    text
}

/// Cuts a reason to [`REASON_BYTES_MAX`].
pub(crate) fn shorten(mut reason: String) -> String {
    truncate(&mut reason, REASON_BYTES_MAX);
    reason
}

fn truncate(text: &mut String, bytes_max: usize) {
    let mut end = bytes_max.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
}
