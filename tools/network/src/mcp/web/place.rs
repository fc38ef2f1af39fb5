//! One request to a server and the head of its answer, on a connection of its own to an address that was
//! looked at.

use std::{collections::HashMap, sync::Arc, time::Duration};

use http::{
    HeaderName, HeaderValue, Method, Request, Response, StatusCode,
    header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE, HOST, USER_AGENT},
};
use http_body_util::{BodyExt as _, Full};
use hyper::{
    body::{Bytes, Incoming},
    client::conn::http1,
};
use tokio::task::AbortHandle;

use super::{Failure, JSON, SESSION, WebError};
use crate::{
    address::Reach,
    exchange::{HEAD_BYTES_MAX, Watched},
    http::Shared,
    mcp::link::Link,
    url::Url,
    wire::{Progress, connect},
};

/// Headers of an answer.
const HEADERS_MAX: usize = 64;
/// Bytes shown of an answer that is an error.
const EXCERPT_BYTES: usize = 1_024;
/// How long a request waits for its turn at the host.
const TURN: Duration = Duration::from_secs(5);

/// Where the server is, and what goes with every request.
pub(super) struct Place {
    pub(super) url: Url,
    pub(super) reach: Reach,
    pub(super) secret: Option<(HeaderName, HeaderValue)>,
    pub(super) bytes_max: usize,
    pub(super) shared: Arc<Shared>,
    pub(super) link: Arc<Link>,
}

/// An answer, and the task that moves its connection, which ends with it.
pub(super) struct Answer {
    pub(super) response: Response<Incoming>,
    pub(super) moving: Moving,
}

/// Ends the task that moves a connection.
pub(super) struct Moving(AbortHandle);

impl Drop for Moving {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Place {
    /// Sends one request and reads the head of its answer.
    pub(super) async fn send(
        &self,
        method: Method,
        body: Vec<u8>,
        session: Option<Arc<str>>,
        more: HashMap<HeaderName, HeaderValue>,
    ) -> Result<Answer, WebError> {
        let progress = Progress::default();
        let sent = self.exchange(method, body, session, more, &progress).await;
        sent.map_err(|why| WebError {
            begun: progress.may_have_left(),
            why: format!("{}: {why}", self.url.device()),
        })
    }

    async fn exchange(
        &self,
        method: Method,
        body: Vec<u8>,
        session: Option<Arc<str>>,
        more: HashMap<HeaderName, HeaderValue>,
        progress: &Progress,
    ) -> Result<Answer, String> {
        let Self { url, shared, .. } = self;
        let _pass = shared.hosts.enter(&url.device(), TURN).await?;
        let config = if url.https {
            // Said before the connection, in words that name the clock.
            shared.time.now().map_err(|error| error.to_string())?;
            Some(shared.trusts.config(&url.device()))
        } else {
            None
        };
        let connection = connect(url, self.reach, &shared.lookup, config, progress).await?;
        let stream = Watched { connection, progress: progress.clone() };
        let (mut sender, connection) = http1::Builder::new()
            .max_buf_size(HEAD_BYTES_MAX)
            .max_headers(HEADERS_MAX)
            .handshake::<_, Full<Bytes>>(stream)
            .await
            .map_err(|error| error.to_string())?;
        let moving = Moving(
            tokio::spawn(async move {
                // Whoever waits for the answer sees that it broke off.
                let _ = connection.await;
            })
            .abort_handle(),
        );
        let mut request = Request::new(Full::new(Bytes::from(body)));
        *request.method_mut() = method;
        *request.uri_mut() = url.target().parse().map_err(|_| "the address can't be sent".to_owned())?;
        let headers = request.headers_mut();
        headers.extend(more);
        headers.insert(ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
        headers.insert(USER_AGENT, HeaderValue::from_static("everstep"));
        let in_header = |text: &str| {
            HeaderValue::try_from(text).map_err(|_| "what the server sent can't stand in a header".to_owned())
        };
        headers.insert(HOST, in_header(&url.host_header())?);
        if let Some(session) = session {
            headers.insert(SESSION, in_header(&session)?);
        }
        if let Some((name, value)) = &self.secret {
            headers.insert(name.clone(), value.clone());
        }
        let response = sender.send_request(request).await.map_err(|error| error.to_string())?;
        let is_plain = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"identity");
        if !response.headers().get_all(CONTENT_ENCODING).iter().all(is_plain) {
            return Err("the answer is packed, and nothing is unpacked here".into());
        }
        Ok(Answer { response, moving })
    }

    /// What an answer that is an error means.
    pub(super) async fn refused(&self, answer: Answer) -> Failure {
        let status = answer.response.status();
        let (body, whole) = read(answer, EXCERPT_BYTES).await.unwrap_or_default();
        let said = self.link.excerpt(&body, whole);
        let said = if said.is_empty() { said } else { format!(": {said}") };
        let secret = match (status, &self.secret) {
            (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, Some(_)) => ": it does not take the secret",
            (StatusCode::UNAUTHORIZED, None) => ": it wants a secret, and `secret_header` names none",
            _ => "",
        };
        // A client's error is the server's word that it did nothing, unless it speaks of a bad time.
        let unsure = [
            StatusCode::REQUEST_TIMEOUT,
            StatusCode::CONFLICT,
            StatusCode::TOO_EARLY,
            StatusCode::TOO_MANY_REQUESTS,
        ];
        let begun = !status.is_client_error() || unsure.contains(&status);
        let why = format!("{} answered {status}{secret}{said}", self.url.device());
        self.link.fail_later(&why);
        Failure::Client(WebError { begun, why })
    }

    pub(super) fn broken(&self, why: String) -> Failure {
        self.link.fail_later(&why);
        Failure::Client(WebError { begun: true, why })
    }
}

/// Reads a body of at most `bytes_max`; the second part is false where there was more of it.
pub(super) async fn read(answer: Answer, bytes_max: usize) -> Result<(Vec<u8>, bool), String> {
    let Answer { response, moving: _moving } = answer;
    let mut body = response.into_body();
    let mut read = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| error.to_string())?;
        let Some(data) = frame.data_ref() else { continue };
        let room = bytes_max.saturating_sub(read.len());
        read.extend_from_slice(data.get(..room.min(data.len())).unwrap_or_default());
        if data.len() > room {
            return Ok((read, false));
        }
    }
    Ok((read, true))
}
