//! One endpoint as a tool: a call is one request, within its limits.

use std::{sync::Arc, time::Duration};

use everstep_core::{Class, Outcome, Settlement};
use everstep_tool::{BoxFuture, Clock, Context, Tool, ToolCall, ToolSpec, Trust};
use http::header::LOCATION;
use http_body_util::Full;
use hyper::body::Bytes;
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use super::{
    answer::{Asked, outcome, wait_s},
    request::Request,
    section::{HttpSection, MARGIN_MS, ProbeSection},
};
use crate::{
    address::Reach,
    exchange::{Answer, exchange},
    pace::Hosts,
    parameter::{self, Given, ParameterSection},
    template::Template,
    tls::TrustedTime,
    trust::Trusts,
    url::Url,
    vault::Vault,
    wire::{Lookup, Progress, connect},
};

/// Share of a call's time for which it waits for its turn: one in this many.
const WAIT_SHARE: u32 = 2;

/// What all endpoints share.
pub(crate) struct Shared {
    pub(crate) vault: Arc<Vault>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) time: Arc<TrustedTime>,
    pub(crate) hosts: Arc<Hosts>,
    pub(crate) trusts: Arc<Trusts>,
    pub(crate) lookup: Lookup,
}

/// An endpoint.
pub(super) struct Endpoint {
    spec: ToolSpec,
    section: HttpSection,
    shared: Arc<Shared>,
    /// How it is found out whether a lost request ran.
    probe: Option<(Arc<Endpoint>, Template)>,
}

impl Endpoint {
    /// The tool `name`; its section was checked.
    pub(super) fn new(name: &str, section: &HttpSection, url: &Url, shared: &Arc<Shared>) -> Self {
        let spec = ToolSpec {
            name: name.to_owned(),
            summary: section.summary.clone(),
            arguments: parameter::schema(&section.parameters),
            class: section.core_class(),
            trust: Trust::Outside,
            device: Some(url.device()),
            run_ms_max: section.answer_ms_max.saturating_add(MARGIN_MS),
        };
        Self { spec, section: section.clone(), shared: Arc::clone(shared), probe: None }
    }

    /// Asks `endpoint` whether a lost request ran.
    pub(super) fn with_probe(mut self, endpoint: Arc<Self>, probe: &ProbeSection) -> Self {
        self.probe = Some((endpoint, Template::new(&probe.expect)));
        self
    }

    pub(super) fn parameters(&self) -> &[ParameterSection] {
        &self.section.parameters
    }

    async fn perform(
        &self,
        arguments: &Value,
        key: Option<&str>,
        deadline: Duration,
        repeated: bool,
    ) -> Outcome {
        let shared = &self.shared;
        let request = parameter::read(&self.section.parameters, arguments)
            .and_then(|values| Request::new(&self.section, &values, &shared.vault, key));
        let request = match request {
            Ok(request) => request,
            Err(why) => return Outcome::NotStarted(why),
        };
        let limit = deadline.min(Duration::from_millis(self.section.answer_ms_max.into()));
        // A repetition that is turned away would leave the earlier try unknown for good.
        let wait_max = if repeated { limit } else { limit / WAIT_SHARE };
        let until = Instant::now() + limit;
        let host = request.url.device();
        // The pass is given back when the call returns, not when its time is over.
        let _pass = match shared.hosts.enter(&host, wait_max).await {
            Ok(pass) => pass,
            Err(why) => return Outcome::NotStarted(why),
        };
        let progress = Progress::default();
        let ended = timeout_at(until, self.follow(request, &progress)).await;
        match ended {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(why)) if progress.may_have_left() => {
                Outcome::MayHaveRun(format!("the connection to {host} was lost: {why}"))
            }
            Ok(Err(why)) => Outcome::NotStarted(why),
            Err(_) => {
                let missing = progress.step().missing();
                let why =
                    format!("no {missing} from {host} within {} ms (`answer_ms_max`)", limit.as_millis());
                if progress.may_have_left() { Outcome::MayHaveRun(why) } else { Outcome::NotStarted(why) }
            }
        }
    }

    /// Sends the request, and follows where it is sent to.
    async fn follow(&self, mut request: Request, progress: &Progress) -> Result<Outcome, String> {
        let mut redirects_left = self.section.redirects_max;
        loop {
            let answer = self.send(&request, progress).await?;
            let host = request.url.device();
            let now_s = self.shared.clock.unix_s();
            let wait_s = wait_s(&answer.headers, answer.status, now_s);
            let wait_s = wait_s.map(|wait_s| self.shared.hosts.hold(&host, wait_s));
            if answer.status.is_redirection() && redirects_left > 0 {
                redirects_left -= 1;
                let refused = |why: String| format!("{host} sends the request elsewhere: {why}");
                match self.next(&request, &answer).and_then(|url| request.redirected(url)) {
                    Ok(next) => request = next,
                    Err(why) => return Ok(Outcome::NotStarted(refused(why))),
                }
                continue;
            }
            let asked = Asked {
                keep: &self.section.keep,
                class: self.spec.class,
                secret: self.section.secret(),
                host: &host,
                wait_s,
                body_bytes_max: self.body_bytes_max(),
            };
            return Ok(outcome(&answer, &asked, &self.shared.vault));
        }
    }

    async fn send(&self, request: &Request, progress: &Progress) -> Result<Answer, String> {
        let url = &request.url;
        let config = if url.https {
            // Said before the connection, in words that name the clock.
            self.shared.time.now().map_err(|error| error.to_string())?;
            Some(self.shared.trusts.config(&url.device()))
        } else {
            None
        };
        let connection = connect(url, self.reach(url), &self.shared.lookup, config, progress).await?;
        let mut message = http::Request::new(Full::new(Bytes::from(request.body.clone())));
        *message.method_mut() = request.method.clone();
        *message.uri_mut() = url.target().parse().map_err(|_| "the address can't be sent".to_owned())?;
        *message.headers_mut() = request.headers.clone();
        if let Some((name, value)) = &request.secret {
            message.headers_mut().insert(name.clone(), value.clone());
        }
        // Where reading stops a secret may have begun: what is shown ends before that.
        let read_bytes_max = self.body_bytes_max().saturating_add(self.shared.vault.form_bytes_max());
        exchange(connection, message, read_bytes_max, progress).await
    }

    /// Where a redirect leads, if it may be followed.
    fn next(&self, request: &Request, answer: &Answer) -> Result<Url, String> {
        let location = answer.headers.get(LOCATION).ok_or("it does not say where")?;
        let location = location.to_str().map_err(|_| "where is not told in ASCII")?;
        let next = request.url.join(location)?;
        if request.url.https && !next.https {
            return Err(format!("{next} is not encrypted"));
        }
        let is_home = next.device() == request.url.device();
        let is_listed = self.section.redirect_hosts.iter().any(|host| {
            Url::new(&format!("https://{}", host.to_ascii_lowercase()))
                .is_ok_and(|listed| listed.device() == next.device())
        });
        if !is_home && !is_listed {
            return Err(format!("{} is not among `redirect_hosts`", next.device()));
        }
        Ok(next)
    }

    fn reach(&self, url: &Url) -> Reach {
        match (self.section.private, url.https) {
            (false, _) => Reach::Public,
            (true, true) => Reach::Any,
            (true, false) => Reach::Private,
        }
    }

    fn body_bytes_max(&self) -> usize {
        usize::try_from(self.section.answer_bytes_max).unwrap_or(usize::MAX)
    }

    /// What the probe's endpoint shows, and what it shows once the call has run.
    async fn shown(&self, arguments: &Value) -> Result<(String, String), String> {
        let Some((endpoint, expect)) = &self.probe else { return Err("it can't be read back".into()) };
        let values = parameter::read(&self.section.parameters, arguments)?;
        let expected = expect.fill(&values, str::to_owned)?;
        let own = &endpoint.section.parameters;
        let given = values.iter().filter(|(name, _)| own.iter().any(|parameter| parameter.name == *name));
        let given: Value = given.map(|(name, value)| (name.clone(), Given::json(value))).collect();
        let deadline = Duration::from_millis(endpoint.section.answer_ms_max.into());
        match endpoint.perform(&given, None, deadline, false).await {
            Outcome::Done(shown) => Ok((shown, expected)),
            Outcome::NotStarted(why) | Outcome::MayHaveRun(why) => Err(why),
        }
    }
}

impl Tool for Endpoint {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn run<'a>(&'a self, call: &'a ToolCall, cx: &'a Context) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            if cx.cancel.is_asked() {
                return Outcome::NotStarted("the call was cancelled before it began".into());
            }
            let key = call.idempotency_key.as_deref();
            if matches!(self.spec.class, Class::Keyed { .. }) && key.is_none() {
                return Outcome::NotStarted("the call has no key that a repetition could be told by".into());
            }
            self.perform(&call.arguments, key, cx.deadline, cx.attempt > 1).await
        })
    }

    fn baseline<'a>(&'a self, arguments: &'a Value) -> BoxFuture<'a, Result<Option<String>, String>> {
        Box::pin(async move {
            if self.probe.is_none() {
                return Ok(None);
            }
            self.shown(arguments).await.map(|(shown, _)| Some(shown))
        })
    }

    fn probe<'a>(&'a self, call: &'a ToolCall) -> BoxFuture<'a, Settlement> {
        Box::pin(async move {
            let (shown, expected) = match self.shown(&call.arguments).await {
                Ok(found) => found,
                Err(why) => return Settlement::CantTell(why),
            };
            let Some(before) = call.baseline.as_deref() else {
                return Settlement::CantTell("what it showed before the call is not known".into());
            };
            if before == expected {
                Settlement::CantTell(format!("it showed {shown} before the call already"))
            } else if shown == expected {
                Settlement::Done(format!("it shows {shown} now"))
            } else if shown == before {
                Settlement::NotDone
            } else {
                Settlement::CantTell(format!("it shows {shown}, neither what it did before nor {expected}"))
            }
        })
    }
}
