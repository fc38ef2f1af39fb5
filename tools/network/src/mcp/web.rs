//! Messages over streamable HTTP: one request for each, on a connection of its own to an address that was
//! looked at, within limits that hold before anything is parsed.

mod events;
mod place;

use std::{collections::HashMap, error::Error, sync::Arc, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header::CONTENT_TYPE};
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

use self::{
    events::{Events, events, too_deep, too_long},
    place::{Place, read},
};
use super::{
    lines::is_shallow,
    link::Link,
    section::{McpSection, filled},
};
use crate::{address::Reach, http::Shared, url::Url};

const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
const LAST_EVENT: HeaderName = HeaderName::from_static("last-event-id");
const EVENTS: &str = "text/event-stream";
const JSON: &str = "application/json";
/// How often in a row a stream of events is opened again.
const REOPEN_MAX: usize = 5;
/// Pause before that, where the server names none.
const REOPEN_PAUSE: Duration = Duration::from_secs(1);

type Failure = StreamableHttpError<WebError>;

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
            return Ok(StreamableHttpPostResponse::Sse(events(place, answer), session));
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
        if !self.0.link.may_open_stream() {
            self.0.link.listen(false);
            return Err(Failure::ServerDoesNotSupportSse);
        }
        // One that goes on where it broke off may be that of a call's answer.
        let begins = last_event.is_none();
        if let Some(last_event) = last_event {
            let value = HeaderValue::try_from(last_event)
                .map_err(|_| self.0.broken("its number of an event can't stand in a header".into()))?;
            more.insert(LAST_EVENT, value);
        }
        let answer = self.0.send(Method::GET, Vec::new(), session, more).await.map_err(|error| {
            self.0.link.listen(false);
            Failure::Client(error)
        })?;
        let status = answer.response.status();
        let are_events = status.is_success() && is_kind(answer.response.headers(), EVENTS);
        if begins || !are_events {
            self.0.link.listen(are_events);
        }
        if status == StatusCode::METHOD_NOT_ALLOWED {
            return Err(Failure::ServerDoesNotSupportSse);
        }
        // Servers that have no such stream say so in many ways; what they are asked is answered anyway.
        if !are_events {
            return Err(Failure::UnexpectedServerResponse(format!("{status} instead of events").into()));
        }
        Ok(events(&self.0, answer))
    }
}

#[cfg(test)]
mod tests;
