//! One request and its answer on one connection, within limits: bytes of head and body, no compression.
//! The caller limits the time.

use std::{
    io,
    pin::{Pin, pin},
    task::{Context, Poll, ready},
};

use http::{HeaderMap, Request, StatusCode, header::CONTENT_ENCODING};
use http_body_util::{BodyExt as _, Full};
use hyper::{
    body::{Bytes, Incoming},
    client::conn::http1,
    rt::{Read, ReadBufCursor, Write},
};
use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};

use crate::wire::{Connection, Progress, Step};

/// Bytes of an answer's head.
pub(crate) const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Headers of an answer.
const HEADERS_MAX: usize = 64;
/// Bytes read at a time.
const CHUNK_BYTES: usize = 4 * 1024;

/// An answer whose head was read.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    pub(crate) end: End,
}

/// How an answer's body ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum End {
    /// As its head said.
    Whole,
    /// It was longer than what is read.
    TooLong,
    /// It is packed, although the request asked for plain bytes.
    Packed,
    /// The connection broke off, or it was not what its head said.
    Broken(String),
}

/// Sends `request` and reads its answer, at most `body_bytes_max` of the body.
///
/// # Errors
///
/// Why there is no answer. Whether the request may have left is in `progress`.
pub(crate) async fn exchange(
    connection: Connection,
    request: Request<Full<Bytes>>,
    body_bytes_max: usize,
    progress: &Progress,
) -> Result<Answer, String> {
    let stream = Watched { connection, progress: progress.clone() };
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(HEAD_BYTES_MAX)
        .max_headers(HEADERS_MAX)
        .handshake::<_, Full<Bytes>>(stream)
        .await
        .map_err(|error| words(&error))?;
    let work = async move {
        let answer = sender.send_request(request).await.map_err(|error| words(&error))?;
        progress.reach(Step::Answered);
        Ok(read(answer, body_bytes_max).await)
    };
    let mut work = pin!(work);
    // The connection moves only while it is waited for; it may end before the answer was looked at.
    tokio::select! {
        biased;
        answer = &mut work => return answer,
        _ = connection => {}
    }
    work.await
}

async fn read(answer: http::Response<Incoming>, body_bytes_max: usize) -> Answer {
    let (head, mut incoming) = answer.into_parts();
    let mut answer = Answer { status: head.status, headers: head.headers, body: Vec::new(), end: End::Whole };
    let is_plain = |value: &http::HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"identity");
    if !answer.headers.get_all(CONTENT_ENCODING).iter().all(is_plain) {
        answer.end = End::Packed;
        return answer;
    }
    while let Some(frame) = incoming.frame().await {
        let frame = match frame {
            Ok(frame) => frame,
            Err(error) => {
                answer.end = End::Broken(words(&error));
                return answer;
            }
        };
        // What follows the body, if anything, is of no interest.
        let Some(bytes) = frame.data_ref() else { continue };
        let room = body_bytes_max.saturating_sub(answer.body.len());
        if bytes.len() > room {
            answer.body.extend_from_slice(bytes.get(..room).unwrap_or_default());
            answer.end = End::TooLong;
            return answer;
        }
        answer.body.extend_from_slice(bytes);
    }
    answer
}

/// What hyper says, with its cause: "connection closed before message completed".
fn words(error: &hyper::Error) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// A connection that remembers whether anything was written to it.
pub(crate) struct Watched {
    pub(crate) connection: Connection,
    pub(crate) progress: Progress,
}

impl Read for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let mut chunk = [0; CHUNK_BYTES];
        let room = buffer.remaining().min(CHUNK_BYTES);
        let mut read = ReadBuf::new(chunk.get_mut(..room).unwrap_or_default());
        ready!(Pin::new(&mut self.connection).poll_read(cx, &mut read))?;
        buffer.put_slice(read.filled());
        Poll::Ready(Ok(()))
    }
}

impl Write for Watched {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if !bytes.is_empty() {
            // Before the bytes go, so that no cut falls between.
            self.progress.reach(Step::Sent);
        }
        Pin::new(&mut self.connection).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.connection).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.connection).poll_shutdown(cx)
    }
}
