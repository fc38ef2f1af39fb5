//! Messages over a process's input and output, one in a line, within limits that hold before anything is
//! parsed.

use std::{io, sync::Arc};

use rmcp::{
    RoleClient,
    service::{RxJsonRpcMessage, TxJsonRpcMessage},
    transport::Transport,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _},
    net::unix::pipe,
    sync::Mutex,
};

use super::{
    lines::{DEPTH_MAX, LineError, Lines, is_shallow},
    link::Link,
};

/// Which one of its ends a process closed first is a matter of chance.
const CLOSED: &str = "it closed the pipe";

/// The client's ends of a process's input and output.
pub(super) struct Stdio {
    input: Arc<Mutex<Option<pipe::Sender>>>,
    output: Lines<pipe::Receiver>,
    link: Arc<Link>,
    bytes_max: usize,
}

/// Why a message did not leave.
#[derive(Debug, thiserror::Error)]
#[error("{source}")]
pub(super) struct SendError {
    /// Whether part of it may have left.
    pub(super) begun: bool,
    #[source]
    source: io::Error,
}

impl Stdio {
    pub(super) fn new(
        input: pipe::Sender,
        output: pipe::Receiver,
        bytes_max: usize,
        link: &Arc<Link>,
    ) -> Self {
        let input = Arc::new(Mutex::new(Some(input)));
        Self { input, output: Lines::new(output, bytes_max), link: Arc::clone(link), bytes_max }
    }

    /// A message, or `None` for a line that is none.
    fn read(&self, line: &[u8]) -> Result<Option<RxJsonRpcMessage<RoleClient>>, String> {
        if line.iter().all(u8::is_ascii_whitespace) {
            return Ok(None);
        }
        if !is_shallow(line) {
            return Err(format!("it sent a message that is nested more than {DEPTH_MAX} deep"));
        }
        let message = serde_json::from_slice(line);
        message.map(Some).map_err(|_| {
            let shown = self.link.excerpt(line, true);
            format!("it wrote what is no message to its standard output: {shown}")
        })
    }
}

impl Transport<RoleClient> for Stdio {
    type Error = SendError;

    fn send(
        &mut self,
        item: TxJsonRpcMessage<RoleClient>,
    ) -> impl Future<Output = Result<(), SendError>> + Send + 'static {
        let input = Arc::clone(&self.input);
        let link = Arc::clone(&self.link);
        async move {
            let whole = |begun: bool| move |source: io::Error| SendError { begun, source };
            let mut bytes = serde_json::to_vec(&item).map_err(|error| whole(false)(error.into()))?;
            bytes.push(b'\n');
            let mut input = input.lock().await;
            let closed = || whole(false)(io::ErrorKind::BrokenPipe.into());
            let pipe = input.as_mut().ok_or_else(closed)?;
            let sent = match pipe.write(&bytes).await {
                Ok(first) => {
                    let rest = bytes.get(first..).unwrap_or_default();
                    pipe.write_all(rest).await.map_err(whole(true))
                }
                Err(error) => Err(whole(false)(error)),
            };
            // Whoever asked sees by the error itself whether the request left.
            sent.inspect_err(|_| link.fail_later(CLOSED))
        }
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleClient>> {
        loop {
            let line = match self.output.next().await {
                Ok(Some(line)) => line,
                Ok(None) => {
                    self.link.fail(|| CLOSED.into());
                    return None;
                }
                Err(LineError::TooLong) => {
                    let bytes_max = self.bytes_max;
                    self.link.fail(|| {
                        format!("it sent a message of more than {bytes_max} bytes (`answer_bytes_max`)")
                    });
                    return None;
                }
                Err(LineError::Io(error)) => {
                    self.link.fail(|| format!("its standard output can't be read: {error}"));
                    return None;
                }
            };
            if !self.link.count() {
                return None;
            }
            match self.read(&line) {
                Ok(Some(message)) => return Some(message),
                Ok(None) => {}
                Err(why) => {
                    self.link.fail(|| why);
                    return None;
                }
            }
        }
    }

    async fn close(&mut self) -> Result<(), SendError> {
        *self.input.lock().await = None;
        Ok(())
    }
}

/// Reads what a server writes beside its messages until it ends, and keeps the last line.
pub(super) async fn drain(mut errors: impl AsyncRead + Unpin, link: Arc<Link>) {
    const CHUNK_BYTES: usize = 4 * 1024;
    let bytes_max = link.line_bytes_max();
    let (mut words, mut whole) = (Vec::new(), true);
    let mut chunk = [0; CHUNK_BYTES];
    while let Ok(bytes @ 1..) = errors.read(&mut chunk).await {
        for part in chunk.get(..bytes).unwrap_or_default().split_inclusive(|byte| *byte == b'\n') {
            let ends = part.ends_with(b"\n");
            let room = bytes_max.saturating_sub(words.len());
            whole &= part.len() <= room;
            words.extend_from_slice(part.get(..room.min(part.len())).unwrap_or_default());
            if ends {
                link.said(&words, whole);
                words.clear();
                whole = true;
            }
        }
    }
    link.said(&words, whole);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mcp::tests::vault;

    #[tokio::test]
    async fn the_last_line_beside_the_messages_is_kept_and_no_more_than_is_shown() {
        for (written, expected) in [
            ("one\ntwo\n".to_owned(), "x; it wrote last: two"),
            ("one\ntwo".to_owned(), "x; it wrote last: two"),
            ("one\n\n \n".to_owned(), "x; it wrote last: one"),
            (String::new(), "x"),
        ] {
            let link = Link::new(&vault(&[]));
            drain(written.as_bytes(), Arc::clone(&link)).await;
            assert_eq!(link.explain("x"), expected);
        }
        let link = Link::new(&vault(&[]));
        drain("y".repeat(1_000_000).as_bytes(), Arc::clone(&link)).await;
        assert!(link.explain("x").len() < 300);
    }
}
