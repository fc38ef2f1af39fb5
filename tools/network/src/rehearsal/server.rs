//! An HTTP server on loopback that does what a test tells it, and keeps a log of its own: what was asked,
//! and what was done.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use rustls::ServerConfig;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::watch,
};
use tokio_rustls::TlsAcceptor;

/// Bytes that a flood writes before it gives up on the client.
const FLOOD_BYTES_MAX: usize = 8 * 1024 * 1024;

/// A request that the server read.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Seen {
    /// Counts the requests, from 0.
    pub(crate) index: usize,
    pub(crate) method: String,
    pub(crate) target: String,
    /// Names in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
    /// The whole head, byte by byte.
    pub(crate) head: String,
}

/// What the server does about a request.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// Does nothing and sends these bytes.
    Send(String),
    /// Does what was asked and answers.
    Do(String),
    /// Does what was asked and closes.
    DoAndClose,
    /// Does what was asked and never answers.
    DoAndHang,
    /// Waits until the client has gone, does what was asked.
    DoLate,
    /// Closes without doing anything.
    Close,
    /// Never answers.
    Hang,
    /// Sends the first text, then the second over and over.
    Flood(String, String),
    /// Sends the text, and neither goes on nor closes.
    Stall(String),
}

type Script = Arc<dyn Fn(&Seen) -> Act + Send + Sync>;

/// The server.
pub(crate) struct Server {
    pub(crate) port: u16,
    log: Arc<Log>,
    /// Connections that are still open.
    open: watch::Receiver<usize>,
}

#[derive(Default)]
struct Log {
    seen: Mutex<Vec<Seen>>,
    /// What was done, by the key of the request; without one, by its body.
    done: Mutex<Vec<String>>,
    connections: Mutex<usize>,
}

/// An answer with its length.
pub(crate) fn answer(status: u16, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status} X\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len())
}

impl Server {
    /// Listens, with TLS where there is a configuration for it.
    pub(crate) async fn start(
        tls: Option<Arc<ServerConfig>>,
        script: impl Fn(&Seen) -> Act + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let log = Arc::new(Log::default());
        let (count, open) = watch::channel(0);
        let (count, script): (_, Script) = (Arc::new(count), Arc::new(script));
        let kept = Arc::clone(&log);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                *kept.connections.lock().unwrap() += 1;
                count.send_modify(|open| *open += 1);
                let (tls, script, log, count) =
                    (tls.clone(), Arc::clone(&script), Arc::clone(&kept), Arc::clone(&count));
                tokio::spawn(async move {
                    serve(stream, tls, &script, &log).await;
                    count.send_modify(|open| *open -= 1);
                });
            }
        });
        Self { port, log, open }
    }

    /// Everything that was asked.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.log.seen.lock().unwrap().clone()
    }

    /// Everything that was done.
    pub(crate) fn done(&self) -> Vec<String> {
        self.log.done.lock().unwrap().clone()
    }

    /// How many connections there were.
    pub(crate) fn connections(&self) -> usize {
        *self.log.connections.lock().unwrap()
    }

    /// Waits until no connection is open: nothing can be done late any more.
    pub(crate) async fn idle(&mut self) {
        self.open.wait_for(|open| *open == 0).await.unwrap();
    }
}

async fn serve(stream: TcpStream, tls: Option<Arc<ServerConfig>>, script: &Script, log: &Log) {
    match tls {
        None => talk(stream, script, log).await,
        Some(config) => {
            if let Ok(stream) = TlsAcceptor::from(config).accept(stream).await {
                talk(stream, script, log).await;
            }
        }
    }
}

async fn talk(mut stream: impl AsyncRead + AsyncWrite + Unpin, script: &Script, log: &Log) {
    let Some(seen) = request(&mut stream, log).await else { return };
    let act = script(&seen);
    let done = || {
        let key = seen.headers.get("idempotency-key");
        let name = key.cloned().unwrap_or_else(|| seen.body.clone());
        let mut done = log.done.lock().unwrap();
        // A server that knows the key remembers it.
        if key.is_none() || !done.contains(&name) {
            done.push(name);
        }
    };
    match act {
        Act::Send(text) => write(&mut stream, &text).await,
        Act::Do(text) => {
            done();
            write(&mut stream, &text).await;
        }
        Act::DoAndClose => done(),
        Act::DoAndHang => {
            done();
            gone(&mut stream).await;
        }
        Act::DoLate => {
            gone(&mut stream).await;
            done();
        }
        Act::Close => {}
        Act::Hang => gone(&mut stream).await,
        Act::Stall(text) => {
            write(&mut stream, &text).await;
            gone(&mut stream).await;
        }
        Act::Flood(first, over) => {
            write(&mut stream, &first).await;
            let mut left = FLOOD_BYTES_MAX;
            while left > 0 && stream.write_all(over.as_bytes()).await.is_ok() {
                left = left.saturating_sub(over.len());
            }
        }
    }
    let _ = stream.shutdown().await;
}

async fn write(stream: &mut (impl AsyncWrite + Unpin), text: &str) {
    // A client that went away needs no answer.
    let _ = stream.write_all(text.as_bytes()).await;
    let _ = stream.flush().await;
}

/// Waits until the client closes.
async fn gone(stream: &mut (impl AsyncRead + Unpin)) {
    let mut rest = [0; 256];
    while matches!(stream.read(&mut rest).await, Ok(count) if count > 0) {}
}

async fn request(stream: &mut (impl AsyncRead + Unpin), log: &Log) -> Option<Seen> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        let mut chunk = [0; 1024];
        let count = stream.read(&mut chunk).await.ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(&chunk[..count]);
    };
    let text = String::from_utf8(bytes[..head].to_vec()).unwrap();
    let mut lines = text.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let (method, target) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length: usize = headers.get("content-length").map_or(0, |text| text.parse().unwrap());
    let mut body = bytes[head + 4..].to_vec();
    while body.len() < length {
        let mut chunk = [0; 1024];
        let count = stream.read(&mut chunk).await.ok().filter(|count| *count > 0)?;
        body.extend_from_slice(&chunk[..count]);
    }
    let body = String::from_utf8(body).unwrap();
    let mut all = log.seen.lock().unwrap();
    let seen = Seen { index: all.len(), method, target, headers, body, head: text.clone() };
    all.push(seen.clone());
    Some(seen)
}
