//! One connection to a declared host: the name is looked up once, what it leads to is checked, and the
//! connection goes to that very address.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use everstep_tool::BoxFuture;
use rustls::{ClientConfig, pki_types::ServerName};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::{address::Reach, tls, url::Url};

/// Addresses of one name that are tried.
const ADDRESSES_MAX: usize = 4;

/// Longest that an address is tried while others are left.
const CONNECT_LIMIT: Duration = Duration::from_secs(2);

/// Looks up a name: the only place where one becomes an address.
pub(crate) type Lookup =
    Arc<dyn Fn(String, u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> + Send + Sync>;

/// The system's own resolver.
pub(crate) fn system_lookup() -> Lookup {
    Arc::new(|host, port| {
        Box::pin(async move { Ok(tokio::net::lookup_host((host.as_str(), port)).await?.collect()) })
    })
}

/// How far an exchange came. Shared with whoever has to tell what a time-out cut short.
#[derive(Clone, Debug, Default)]
pub(crate) struct Progress(Arc<AtomicU8>);

/// The steps of an exchange.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[repr(u8)]
pub(crate) enum Step {
    /// Nothing happened yet.
    Waiting,
    /// The name is looked up.
    LookingUp,
    /// The connection is made.
    Connecting,
    /// TLS is agreed on.
    Greeting,
    /// Bytes of the request may have left.
    Sent,
    /// The answer's head was read.
    Answered,
}

impl Progress {
    pub(crate) fn reach(&self, step: Step) {
        self.0.fetch_max(step as u8, Ordering::AcqRel);
    }

    pub(crate) fn step(&self) -> Step {
        match self.0.load(Ordering::Acquire) {
            0 => Step::Waiting,
            1 => Step::LookingUp,
            2 => Step::Connecting,
            3 => Step::Greeting,
            4 => Step::Sent,
            _ => Step::Answered,
        }
    }

    /// Whether the other end may know of the request.
    pub(crate) fn may_have_left(&self) -> bool {
        self.step() >= Step::Sent
    }
}

impl Step {
    /// What was under way, behind "no ... within 5 s".
    pub(crate) const fn missing(self) -> &'static str {
        match self {
            Self::Waiting => "turn",
            Self::LookingUp => "answer of the name service",
            Self::Connecting => "connection",
            Self::Greeting => "end of the TLS handshake",
            Self::Sent => "answer",
            Self::Answered => "end of the answer",
        }
    }
}

/// A connection, with or without TLS.
pub(crate) enum Connection {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match &mut *self {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

/// Connects to the host of `url`. Nothing of a request is sent.
///
/// # Errors
///
/// Why there is no connection, in words for the model and the technician.
pub(crate) async fn connect(
    url: &Url,
    reach: Reach,
    lookup: &Lookup,
    config: Option<Arc<ClientConfig>>,
    progress: &Progress,
) -> Result<Connection, String> {
    progress.reach(Step::LookingUp);
    let addresses = addresses(url, reach, lookup).await?;
    progress.reach(Step::Connecting);
    let stream =
        open(&addresses).await.map_err(|error| format!("{} can't be reached: {error}", url.device()))?;
    // Whole requests are written at once; waiting for more would only delay them.
    let _ = stream.set_nodelay(true);
    let config = match (url.https, config) {
        (false, _) => return Ok(Connection::Plain(stream)),
        (true, Some(config)) => config,
        (true, None) => return Err(format!("{} needs TLS, which is not set up", url.device())),
    };
    progress.reach(Step::Greeting);
    let name = ServerName::try_from(url.host.clone())
        .map_err(|_| format!("{} is no name that a certificate can have", url.host))?;
    let stream = TlsConnector::from(config).connect(name, stream).await;
    let stream = stream.map_err(|error| format!("{}: {}", url.device(), tls::explain(&error, &url.host)))?;
    Ok(Connection::Tls(Box::new(stream)))
}

/// What the name leads to, without what may not be reached.
async fn addresses(url: &Url, reach: Reach, lookup: &Lookup) -> Result<Vec<SocketAddr>, String> {
    let found = match url.host.parse::<IpAddr>() {
        Ok(address) => vec![SocketAddr::new(address, url.port)],
        Err(_) => lookup(url.host.clone(), url.port)
            .await
            .map_err(|error| format!("the name {} can't be looked up: {error}", url.host))?,
    };
    let mut refused = None;
    let mut allowed = Vec::new();
    for address in found {
        match reach.check(address.ip()) {
            // The port is the address's own in the board file, whatever a resolver says.
            Ok(()) => allowed.push(SocketAddr::new(address.ip(), url.port)),
            Err(what) => refused = Some((address.ip(), what)),
        }
    }
    allowed.truncate(ADDRESSES_MAX);
    match (allowed.is_empty(), refused) {
        (false, _) => Ok(allowed),
        (true, Some((address, what))) => {
            let advice = match reach {
                Reach::Public => "say `private = true` if that is meant",
                Reach::Any | Reach::Private => "no endpoint may reach that",
            };
            Err(format!("{} leads to {address}, which is {what}: {advice}", url.host))
        }
        (true, None) => Err(format!("the name {} leads nowhere", url.host)),
    }
}

/// Tries one address after the other. Where several are left, one that does not answer is given up
/// early: many boards have an IPv6 address and no IPv6.
async fn open(addresses: &[SocketAddr]) -> io::Result<TcpStream> {
    let mut last = io::Error::other("it has no address");
    for (index, address) in addresses.iter().enumerate() {
        let limit = if index + 1 < addresses.len() { CONNECT_LIMIT } else { Duration::MAX };
        match timeout(limit, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => last = error,
            Err(_) => last = io::ErrorKind::TimedOut.into(),
        }
    }
    Err(last)
}
