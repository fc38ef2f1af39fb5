//! Messages over streamable HTTP: one request for each, on a connection of its own to an address that was
//! looked at, within limits that hold before anything is parsed.

use std::{
    collections::HashMap,
    error::Error,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures::{
    StreamExt as _,
    stream::{BoxStream, unfold},
};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode,
    header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE, HOST, USER_AGENT},
};
use http_body_util::{BodyExt as _, Full};
use hyper::{
    body::{Bytes, Incoming},
    client::conn::http1,
};
use rmcp::{
    model::ClientJsonRpcMessage,
    transport::{
        StreamableHttpClientTransport,
        common::client_side_sse::FixedInterval,
        streamable_http_client::{
            StreamableHttpClient, StreamableHttpClientTransportConfig, StreamableHttpError,
            StreamableHttpPostResponse,
        },
    },
};
use sse_stream::{Error as SseError, Sse, SseStream};
use tokio::task::AbortHandle;

use super::{
    lines::{DEPTH_MAX, is_shallow},
    link::Link,
    section::{McpSection, filled},
};
use crate::{
    address::Reach,
    exchange::{HEAD_BYTES_MAX, Watched},
    http::Shared,
    url::Url,
    wire::{Progress, connect},
};

const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
const LAST_EVENT: HeaderName = HeaderName::from_static("last-event-id");
const EVENTS: &str = "text/event-stream";
const JSON: &str = "application/json";
/// Headers of an answer.
const HEADERS_MAX: usize = 64;
/// Bytes shown of an answer that is an error.
const EXCERPT_BYTES: usize = 1_024;
/// How often in a row a stream of events is opened again.
const REOPEN_MAX: usize = 5;
/// Pause before that, where the server names none.
const REOPEN_PAUSE: Duration = Duration::from_secs(1);
/// How long a request waits for its turn at the host.
const TURN: Duration = Duration::from_secs(5);

type Failure = StreamableHttpError<WebError>;
type Events = BoxStream<'static, Result<Sse, SseError>>;

/// Why a message did not leave, or was not answered.
#[derive(Debug, thiserror::Error)]
#[error("{why}")]
pub(super) struct WebError {
    /// Whether the server may act on it.
    begun: bool,
    why: String,
}

/// Whether a request that failed so may be acted on; `None` for another kind of failure.
pub(super) fn begun(error: &(dyn Error + Send + Sync + 'static)) -> Option<bool> {
    let mut next: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = next {
        if let Some(Failure::Client(error)) = error.downcast_ref::<Failure>() {
            return Some(error.begun);
        }
        if let Some(error) = error.downcast_ref::<WebError>() {
            return Some(error.begun);
        }
        next = error.source();
    }
    None
}

/// The transport to the server at the section's address. Nothing is connected to yet.
pub(super) fn transport(
    section: &McpSection,
    shared: &Arc<Shared>,
    link: &Arc<Link>,
) -> Result<StreamableHttpClientTransport<Web>, String> {
    let url = Url::new(section.url.as_deref().unwrap_or_default())?;
    let secret = section.secret_header.as_ref().map(|header| {
        let wrong = |_| format!("the secret of `{}` can't stand in a header", header.name);
        let name = HeaderName::try_from(&header.name).map_err(|_| "no name of a header".to_owned())?;
        let mut value = HeaderValue::try_from(filled(&header.value, &shared.vault)?).map_err(wrong)?;
        value.set_sensitive(true);
        Ok::<_, String>((name, value))
    });
    let bytes_max = usize::try_from(section.answer_bytes_max).unwrap_or(usize::MAX);
    let mut config = StreamableHttpClientTransportConfig::with_uri(url.to_string())
        .reinit_on_expired_session(false)
        .max_sse_event_size(bytes_max)
        .max_json_response_size(bytes_max);
    let mut reopen = FixedInterval::default();
    reopen.max_times = Some(REOPEN_MAX);
    reopen.duration = REOPEN_PAUSE;
    config.retry_config = Arc::new(reopen);
    let reach = match (section.private, url.https) {
        (false, _) => Reach::Public,
        (true, true) => Reach::Any,
        (true, false) => Reach::Private,
    };
    let web = Web(Arc::new(Place {
        url,
        reach,
        secret: secret.transpose()?,
        bytes_max,
        shared: Arc::clone(shared),
        link: Arc::clone(link),
    }));
    Ok(StreamableHttpClientTransport::with_client(web, config))
}

/// The client's side of streamable HTTP.
#[derive(Clone)]
pub(super) struct Web(Arc<Place>);

struct Place {
    url: Url,
    reach: Reach,
    secret: Option<(HeaderName, HeaderValue)>,
    bytes_max: usize,
    shared: Arc<Shared>,
    link: Arc<Link>,
}

/// An answer, and the task that moves its connection, which ends with it.
struct Answer {
    response: Response<Incoming>,
    moving: Moving,
}

/// Ends the task that moves a connection.
struct Moving(AbortHandle);

impl Drop for Moving {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Place {
    /// Sends one request and reads the head of its answer.
    async fn send(
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
            Some(shared.trusts.config(&url.device())?)
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
    async fn refused(&self, answer: Answer) -> Failure {
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

    fn broken(&self, why: String) -> Failure {
        self.link.fail_later(&why);
        Failure::Client(WebError { begun: true, why })
    }

    /// A stream of events, each within its limit.
    fn events(self: &Arc<Self>, answer: Answer) -> Events {
        let limit = Arc::new(Mutex::new(EventBytes::default()));
        let place = Arc::clone(self);
        let Answer { response, moving } = answer;
        let bytes = unfold((response.into_body(), moving, place), move |(mut body, moving, place)| {
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
        let place = Arc::clone(self);
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
}

fn too_long(bytes_max: usize) -> String {
    format!("it sent a message of more than {bytes_max} bytes (`answer_bytes_max`)")
}

fn too_deep() -> String {
    format!("it sent a message that is nested more than {DEPTH_MAX} deep")
}

/// Reads a body of at most `bytes_max`; the second part is false where there was more of it.
async fn read(answer: Answer, bytes_max: usize) -> Result<(Vec<u8>, bool), String> {
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

fn is_kind(headers: &HeaderMap, kind: &str) -> bool {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(kind)
}

impl StreamableHttpClient for Web {
    type Error = WebError;

    async fn post_message(
        &self,
        _uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session: Option<Arc<str>>,
        _auth: Option<String>,
        more: HashMap<HeaderName, HeaderValue>,
    ) -> Result<StreamableHttpPostResponse, Failure> {
        let place = &self.0;
        let body = serde_json::to_vec(&message)?;
        let wants_answer = matches!(message, ClientJsonRpcMessage::Request(_));
        let answer = place.send(Method::POST, body, session, more).await.map_err(|error| {
            place.link.fail_later(&error.why);
            Failure::Client(error)
        })?;
        let status = answer.response.status();
        if !status.is_success() {
            return Err(place.refused(answer).await);
        }
        if !wants_answer || matches!(status, StatusCode::ACCEPTED | StatusCode::NO_CONTENT) {
            return Ok(StreamableHttpPostResponse::Accepted);
        }
        let headers = answer.response.headers();
        let session = headers.get(&SESSION).and_then(|value| value.to_str().ok()).map(str::to_owned);
        if is_kind(headers, EVENTS) {
            return Ok(StreamableHttpPostResponse::Sse(place.events(answer), session));
        }
        if !is_kind(headers, JSON) {
            return Err(place.broken("it answered with neither JSON nor events".into()));
        }
        let (body, whole) = read(answer, place.bytes_max).await.map_err(|why| place.broken(why))?;
        if !whole {
            return Err(place.broken(too_long(place.bytes_max)));
        }
        if !is_shallow(&body) {
            return Err(place.broken(too_deep()));
        }
        let message = serde_json::from_slice(&body).map_err(|_| {
            place.broken(format!("it answered with what is no message: {}", place.link.excerpt(&body, true)))
        })?;
        place.link.count();
        Ok(StreamableHttpPostResponse::Json(message, session))
    }

    async fn delete_session(
        &self,
        _uri: Arc<str>,
        session: Arc<str>,
        _auth: Option<String>,
        more: HashMap<HeaderName, HeaderValue>,
    ) -> Result<(), Failure> {
        let answer = self.0.send(Method::DELETE, Vec::new(), Some(session), more).await;
        answer.map(|_| ()).map_err(Failure::Client)
    }

    async fn get_stream(
        &self,
        _uri: Arc<str>,
        session: Option<Arc<str>>,
        last_event: Option<String>,
        _auth: Option<String>,
        mut more: HashMap<HeaderName, HeaderValue>,
    ) -> Result<Events, Failure> {
        if let Some(last_event) = last_event {
            let value = HeaderValue::try_from(last_event)
                .map_err(|_| self.0.broken("its number of an event can't stand in a header".into()))?;
            more.insert(LAST_EVENT, value);
        }
        let answer = self.0.send(Method::GET, Vec::new(), session, more).await.map_err(Failure::Client)?;
        let status = answer.response.status();
        if status == StatusCode::METHOD_NOT_ALLOWED {
            return Err(Failure::ServerDoesNotSupportSse);
        }
        // Servers that have no such stream say so in many ways; what they are asked is answered anyway.
        if !status.is_success() || !is_kind(answer.response.headers(), EVENTS) {
            return Err(Failure::UnexpectedServerResponse(format!("{status} instead of events").into()));
        }
        Ok(self.0.events(answer))
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
