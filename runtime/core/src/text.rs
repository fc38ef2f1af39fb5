//! Shortening of what records and prompts hold.

use alloc::{string::String, vec::Vec};

use crate::limits::{CHANGE_BYTES_MAX, CHANGES_MAX, REASON_BYTES_MAX};

/// Cuts `text` to at most `bytes_max` bytes and says so in its last words.
pub(crate) fn cut(mut text: String, bytes_max: u32) -> String {
    let bytes_max = bytes_max as usize;
    if text.len() <= bytes_max {
        return text;
    }
    let mut mark = alloc::format!(" [cut: {} bytes]", text.len());
    truncate(&mut mark, bytes_max);
    truncate(&mut text, bytes_max - mark.len());
    text.push_str(&mark);
    text
}

/// Cuts a reason to [`REASON_BYTES_MAX`].
pub(crate) fn shorten(mut reason: String) -> String {
    truncate(&mut reason, REASON_BYTES_MAX);
    reason
}

/// Cuts a list of changes to [`CHANGES_MAX`] entries of [`CHANGE_BYTES_MAX`] bytes. The last entry
/// then says how many are left out.
pub(crate) fn shorten_list(mut changes: Vec<String>) -> Vec<String> {
    if changes.len() > CHANGES_MAX {
        let left_out = changes.len() - (CHANGES_MAX - 1);
        changes.truncate(CHANGES_MAX - 1);
        changes.push(alloc::format!("and {left_out} more"));
    }
    for change in &mut changes {
        truncate(change, CHANGE_BYTES_MAX);
    }
    changes
}

/// Adds `change` to `changes` unless it is there, within [`CHANGES_MAX`] entries. The last entry
/// then says that there are more.
pub(crate) fn add_change(changes: &mut Vec<String>, change: &String) {
    if changes.contains(change) || changes.len() >= CHANGES_MAX {
        return;
    }
    let is_last = changes.len() == CHANGES_MAX - 1;
    changes.push(if is_last { "and more".into() } else { change.clone() });
}

/// Bytes of the first line that a stub keeps.
const STUB_TEXT_BYTES_MAX: usize = 48;

/// Longest stub. A text that is not longer has none, so that no stub is cut again: it would no longer
/// tell how much is left out.
pub(crate) const STUB_BYTES_MAX: usize = 80;

const _: () = assert!(STUB_TEXT_BYTES_MAX + " [4294967295 bytes left out]".len() <= STUB_BYTES_MAX);

/// One line in place of `text`: the beginning of its first line, and how many bytes are left out.
/// Shorter than `text`, which is longer than [`STUB_BYTES_MAX`].
pub(crate) fn stub(text: &str) -> Option<String> {
    if text.len() <= STUB_BYTES_MAX {
        return None;
    }
    let mut kept = String::from(text.lines().next().unwrap_or_default());
    truncate(&mut kept, STUB_TEXT_BYTES_MAX);
    let left_out = text.len() - kept.len();
    Some(alloc::format!("{kept} [{left_out} bytes left out]"))
}

fn truncate(text: &mut String, bytes_max: usize) {
    let mut end = bytes_max.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
}

#[cfg(test)]
mod tests;
