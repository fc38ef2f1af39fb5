//! What the parts of one connection know of each other: what went wrong first, what the server said
//! last beside its messages, and how many messages it may still send.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, AtomicU32, Ordering},
};

use tokio::sync::Notify;

use super::harmless::{cut, line};
use crate::vault::Vault;

/// Messages from one call to the next: an answer, notes of progress, and lines of a log.
const MESSAGES_MAX: u32 = 4_096;
/// Streams of events that are opened from one question to the next.
const STREAMS_MAX: u32 = 16;
/// Bytes shown of what a server wrote.
const SHOWN_BYTES_MAX: usize = 200;
/// Bytes looked at of what is shown, beyond a secret that may stand at the end of them.
const READ_BYTES_MAX: usize = 1_024;

/// Shared by the parts of a connection.
pub(super) struct Link {
    vault: Arc<Vault>,
    fault: Mutex<Option<String>>,
    last_words: Mutex<String>,
    messages_left: AtomicU32,
    tools_changed: AtomicBool,
    /// Whether what a server at an address says by itself is heard.
    listened_to: AtomicBool,
    streams_left: AtomicU32,
    failed: Notify,
}

impl Link {
    pub(super) fn new(vault: &Arc<Vault>) -> Arc<Self> {
        Arc::new(Self {
            vault: Arc::clone(vault),
            fault: Mutex::new(None),
            last_words: Mutex::new(String::new()),
            messages_left: AtomicU32::new(MESSAGES_MAX),
            tools_changed: AtomicBool::new(false),
            listened_to: AtomicBool::new(false),
            streams_left: AtomicU32::new(STREAMS_MAX),
            failed: Notify::new(),
        })
    }

    /// The connection is over; the first reason stays.
    pub(super) fn fail(&self, why: impl FnOnce() -> String) {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(why);
        self.failed.notify_waiters();
        // One is kept for whoever waits later.
        self.failed.notify_one();
    }

    /// The connection is over, and whoever waits for an answer is told so by the request itself, which
    /// knows whether it left.
    pub(super) fn fail_later(&self, why: &str) {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| why.to_owned());
    }

    /// Ends when the connection is over, and no request tells so by itself.
    pub(super) async fn failed(&self) {
        self.failed.notified().await;
    }

    /// Why the connection is over, if it is.
    pub(super) fn fault(&self) -> Option<String> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How the server's process ended, beside the reason why the connection is over.
    pub(super) fn ended(&self, how: &str) {
        let mut fault = self.fault.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(why) = fault.as_mut()
            && !why.contains(how)
        {
            *why = format!("{why} ({how})");
        }
    }

    /// Something is asked of the server: it may send messages again.
    pub(super) fn ask(&self) {
        self.messages_left.store(MESSAGES_MAX, Ordering::Release);
        self.streams_left.store(STREAMS_MAX, Ordering::Release);
    }

    /// Whether a stream of events may be opened. One that ends at once would be opened for ever.
    pub(super) fn may_open_stream(&self) -> bool {
        let less = |left: u32| left.checked_sub(1);
        self.fault().is_none()
            && self.streams_left.fetch_update(Ordering::AcqRel, Ordering::Acquire, less).is_ok()
    }

    /// Whether what the server says by itself is heard from here on.
    pub(super) fn listen(&self, is_heard: bool) {
        self.listened_to.store(is_heard, Ordering::Release);
    }

    pub(super) fn is_listened_to(&self) -> bool {
        self.listened_to.load(Ordering::Acquire)
    }

    /// Takes note of a message. Ends the connection where there are too many.
    pub(super) fn count(&self) -> bool {
        let less = |left: u32| left.checked_sub(1);
        if self.messages_left.fetch_update(Ordering::AcqRel, Ordering::Acquire, less).is_ok() {
            return true;
        }
        self.fail(|| format!("it sent more than {MESSAGES_MAX} messages that nobody asked for"));
        false
    }

    /// The server says that its tools are others now.
    pub(super) fn tools_changed(&self) {
        self.tools_changed.store(true, Ordering::Release);
    }

    /// Whether it said so since this was asked last.
    pub(super) fn take_tools_changed(&self) -> bool {
        self.tools_changed.swap(false, Ordering::AcqRel)
    }

    /// Bytes of one line that are kept for being shown.
    pub(super) fn line_bytes_max(&self) -> usize {
        READ_BYTES_MAX.saturating_add(self.vault.form_bytes_max())
    }

    /// Takes note of a line beside the messages; `whole` is false where there was more of it.
    pub(super) fn said(&self, bytes: &[u8], whole: bool) {
        let shown = self.excerpt(bytes, whole);
        if !shown.is_empty() {
            *self.last_words.lock().unwrap_or_else(PoisonError::into_inner) = shown;
        }
    }

    /// The beginning of what a server wrote, without secrets, as one line.
    pub(super) fn excerpt(&self, bytes: &[u8], whole: bool) -> String {
        let text = self.vault.mask(&String::from_utf8_lossy(bytes));
        let tail = if whole { 0 } else { self.vault.form_bytes_max() };
        line(cut(&text, text.len().saturating_sub(tail)), SHOWN_BYTES_MAX)
    }

    /// `what`, with what is known of the reason.
    pub(super) fn explain(&self, what: &str) -> String {
        let words = self.last_words.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let said = if words.is_empty() { String::new() } else { format!("; it wrote last: {words}") };
        match self.fault() {
            Some(why) => format!("{what}: {why}{said}"),
            None => format!("{what}{said}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mcp::tests::vault;

    #[test]
    fn the_first_reason_and_the_last_words_are_told_without_secrets() {
        let link = Link::new(&vault(&[("key", "abcdefgh1234")]));
        assert_eq!(link.explain("it failed"), "it failed");
        link.fail(|| "one".into());
        link.fail(|| "two".into());
        link.said(b"starting", true);
        link.said(b"  \n", true);
        link.said(b"no access with abcdefgh1234\x1b[0m", true);
        assert_eq!(
            link.explain("it failed"),
            "it failed: one; it wrote last: no access with [secret key] [0m"
        );
        // A secret that was torn off shows nothing of itself.
        link.said(format!("{}abcdefgh", "x".repeat(link.line_bytes_max())).as_bytes(), false);
        assert!(!link.explain("").contains("abcdefgh"));
        link.said(b"key abcdefgh12", false);
        assert!(!link.explain("").contains("abcdefgh"), "{}", link.explain(""));
    }

    #[test]
    fn messages_are_counted_from_one_question_to_the_next() {
        let link = Link::new(&vault(&[]));
        for _ in 0..2 {
            link.ask();
            assert!((0..MESSAGES_MAX).all(|_| link.count()));
        }
        assert!(!link.count());
        assert!(link.fault().unwrap().contains("more than 4096 messages"));
        assert!(!link.may_open_stream(), "the connection is over");
        assert!(!link.take_tools_changed());
        link.tools_changed();
        assert!(link.take_tools_changed() && !link.take_tools_changed());
    }

    #[test]
    fn streams_are_counted_from_one_question_to_the_next() {
        let link = Link::new(&vault(&[]));
        for _ in 0..2 {
            assert!((0..STREAMS_MAX).all(|_| link.may_open_stream()));
            assert!(!link.may_open_stream());
            link.ask();
        }
    }
}
