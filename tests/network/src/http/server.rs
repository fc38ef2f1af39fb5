//! An HTTP server on threads of its own, which outlive the agent's process, with TLS at one of its two
//! ports. It does with each request what it was told to, and keeps a log of what it did.

#![expect(clippy::unwrap_used, reason = "a test's set-up may fail")]

use std::{
    collections::{HashMap, VecDeque},
    io::{self, Read, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use rustls::{ServerConnection, StreamOwned};
use tokio::sync::Notify;

use crate::certificates::Authority;

/// Milliseconds for which a key is remembered, by the agent's clock: what `key_valid_s` promises.
pub(crate) const KEY_VALID_MS: u64 = 600_000;
/// What `settle` asks for.
const SETTLE: &str = "GET /settle ";

/// What the server does with one request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fate {
    /// Acts and answers.
    Well,
    /// Neither acts nor answers, until the client has gone.
    Stall,
    /// Closes without acting.
    DropBefore,
    /// Acts and closes.
    DropAfter,
    /// Acts and never answers.
    Hang,
    /// Acts once the client has gone.
    ActLate,
    /// Does not act, and answers with this status.
    Refuse(u16),
    /// Acts, and answers with this status all the same.
    Fail(u16),
    /// Acts, and breaks off in the middle of the answer.
    Torn,
    /// Acts, and promises less than it sends.
    Short,
    /// The agent loses its power before the server acts, which it then never does.
    CutBefore,
    /// The agent loses its power once the server has acted.
    CutAfter,
    /// The agent loses its power, and the server acts behind that.
    CutActLate,
}

impl Fate {
    /// Whether the agent's power goes.
    #[must_use]
    pub const fn cuts(self) -> bool {
        matches!(self, Self::CutBefore | Self::CutAfter | Self::CutActLate)
    }
}

/// Something that the server did.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Act {
    /// The endpoint, which is called as its tool is.
    pub(crate) tool: String,
    pub(crate) body: String,
    pub(crate) key: Option<String>,
}

/// The server.
pub struct Server {
    port: u16,
    tls_port: u16,
    authority: Authority,
    shared: Arc<Shared>,
}

/// A connection.
enum Stream {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ServerConnection, TcpStream>>),
}

struct Shared {
    state: Mutex<State>,
    idle: Condvar,
    cut: Mutex<Arc<Notify>>,
    /// The time that keys are remembered by, in milliseconds.
    now_ms: AtomicU64,
}

#[derive(Default)]
struct State {
    acts: Vec<Act>,
    /// When each key was acted on.
    keys: HashMap<String, u64>,
    /// What was sent last to each endpoint, as its reader shows it.
    shown: HashMap<String, String>,
    fates: VecDeque<Fate>,
    read_fates: VecDeque<Fate>,
    /// Requests that may still be acted on.
    open: usize,
    /// Keys that came back after they had been forgotten.
    forgotten: usize,
}

impl Server {
    /// Listens on loopback, until the process ends.
    ///
    /// # Panics
    ///
    /// If there is no port.
    #[must_use]
    pub fn start() -> Self {
        let authority = Authority::new();
        let config = authority.server("localhost").server_config();
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            idle: Condvar::new(),
            cut: Mutex::default(),
            now_ms: AtomicU64::new(0),
        });
        let port = listen(&shared, Stream::Plain);
        let tls_port = listen(&shared, move |stream| {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            Stream::Tls(Box::new(StreamOwned::new(connection, stream)))
        });
        Self { port, tls_port, authority, shared }
    }

    /// `scheme://host:port`
    pub(crate) fn at(&self, over_tls: bool) -> String {
        if over_tls {
            format!("https://localhost:{}", self.tls_port)
        } else {
            format!("http://127.0.0.1:{}", self.port)
        }
    }

    /// Who its certificate is from.
    pub(crate) const fn authority(&self) -> &Authority {
        &self.authority
    }

    /// Makes it a new server with an empty log.
    pub(crate) fn reset(&self) {
        self.settle();
        *self.shared.state.lock().unwrap() = State::default();
        self.shared.now_ms.store(0, Ordering::SeqCst);
    }

    /// What it does with the next requests that act, and with those that read; afterwards it does well.
    /// Cuts that it asked for before are forgotten.
    pub(crate) fn fates(&self, write: Vec<Fate>, read: Vec<Fate>) {
        let mut state = self.shared.state.lock().unwrap();
        (state.fates, state.read_fates) = (write.into(), read.into());
        *self.shared.cut.lock().unwrap() = Arc::default();
    }

    /// Waits until nothing is under way: what was sent so far was acted on, or never will be.
    pub(crate) fn settle(&self) {
        for port in [self.port, self.tls_port] {
            // It is taken behind all connections that were made before.
            let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
            stream.write_all(SETTLE.as_bytes()).unwrap();
            stream.shutdown(Shutdown::Write).unwrap();
            // How it ends is of no interest.
            let _ = stream.read_to_end(&mut Vec::new());
        }
        let state = self.shared.state.lock().unwrap();
        drop(self.shared.idle.wait_while(state, |state| state.open > 0).unwrap());
    }

    /// Ends once the agent's power is to go.
    pub(crate) async fn cut(&self) {
        let cut = Arc::clone(&self.shared.cut.lock().unwrap());
        cut.notified().await;
    }

    /// What it did, in order.
    pub(crate) fn acts(&self) -> Vec<Act> {
        self.shared.state.lock().unwrap().acts.clone()
    }

    /// How often a key came back after it had been forgotten.
    pub(crate) fn forgotten(&self) -> usize {
        self.shared.state.lock().unwrap().forgotten
    }

    pub(crate) fn now_ms(&self) -> u64 {
        self.shared.now_ms.load(Ordering::SeqCst)
    }

    /// Lets time pass.
    pub(crate) fn pass_ms(&self, ms: u64) {
        self.shared.now_ms.fetch_add(ms, Ordering::SeqCst);
    }
}

/// Listens on loopback, and answers what comes. Returns the port.
fn listen(shared: &Arc<Shared>, wrap: impl Fn(TcpStream) -> Stream + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let kept = Arc::clone(shared);
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            // Counted before the next one is taken, so that `settle` comes behind all earlier ones.
            kept.state.lock().unwrap().open += 1;
            let (shared, stream) = (Arc::clone(&kept), wrap(stream));
            thread::spawn(move || {
                shared.serve(stream);
                shared.state.lock().unwrap().open -= 1;
                shared.idle.notify_all();
            });
        }
    });
    port
}

impl Read for Stream {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(bytes),
            Self::Tls(stream) => stream.read(bytes),
        }
    }
}

impl Stream {
    /// Sends a text, and no more behind it.
    fn send(&mut self, text: &str) -> io::Result<()> {
        match self {
            Self::Plain(stream) => {
                stream.write_all(text.as_bytes())?;
                stream.shutdown(Shutdown::Write)
            }
            Self::Tls(stream) => {
                stream.write_all(text.as_bytes())?;
                stream.conn.send_close_notify();
                stream.flush()?;
                stream.sock.shutdown(Shutdown::Write)
            }
        }
    }
}

impl Shared {
    fn serve(&self, mut stream: Stream) {
        let Some((method, act)) = request(&mut stream) else { return };
        if method == "GET" {
            return self.show(&mut stream, &act.tool);
        }
        let fate = self.state.lock().unwrap().fates.pop_front().unwrap_or(Fate::Well);
        match fate {
            Fate::Well => {
                self.act(act);
                answer(&mut stream, 200, "{\"ok\": true}");
            }
            Fate::Stall => gone(&mut stream),
            Fate::DropBefore => {}
            Fate::DropAfter => self.act(act),
            Fate::Hang => {
                self.act(act);
                gone(&mut stream);
            }
            Fate::ActLate => {
                gone(&mut stream);
                self.act(act);
            }
            Fate::Refuse(status) => answer(&mut stream, status, "{}"),
            Fate::Fail(status) => {
                self.act(act);
                answer(&mut stream, status, "{}");
            }
            Fate::Torn => {
                self.act(act);
                send(&mut stream, "HTTP/1.1 200 X\r\nContent-Length: 400\r\n\r\n{\"ok\"");
            }
            Fate::Short => {
                self.act(act);
                send(&mut stream, "HTTP/1.1 200 X\r\nContent-Length: 3\r\n\r\n{\"ok\": true}");
            }
            Fate::CutBefore => {
                self.power_goes();
                gone(&mut stream);
            }
            Fate::CutAfter => {
                self.act(act);
                self.power_goes();
                gone(&mut stream);
            }
            Fate::CutActLate => {
                self.power_goes();
                gone(&mut stream);
                self.act(act);
            }
        }
    }

    /// Answers a read: reads change nothing, and fail all the same.
    fn show(&self, stream: &mut Stream, tool: &str) {
        let (fate, shown) = {
            let mut state = self.state.lock().unwrap();
            let of = tool.replace("read_", "set_");
            let shown = state.shown.get(&of).cloned().unwrap_or_else(|| "{\"percent\":0}".into());
            (state.read_fates.pop_front().unwrap_or(Fate::Well), shown)
        };
        match fate {
            Fate::Refuse(status) | Fate::Fail(status) => answer(stream, status, "{}"),
            Fate::Torn => send(stream, "HTTP/1.1 200 X\r\nContent-Length: 400\r\n\r\n{\"perc"),
            Fate::Short => send(stream, "HTTP/1.1 200 X\r\nContent-Length: 3\r\n\r\n{\"percent\":7}"),
            Fate::DropBefore | Fate::DropAfter => {}
            Fate::Stall | Fate::Hang | Fate::ActLate => gone(stream),
            Fate::CutBefore | Fate::CutAfter | Fate::CutActLate => {
                self.power_goes();
                gone(stream);
            }
            Fate::Well => answer(stream, 200, &shown),
        }
    }

    fn act(&self, act: Act) {
        let now_ms = self.now_ms.load(Ordering::SeqCst);
        let mut state = self.state.lock().unwrap();
        if let Some(key) = &act.key {
            match state.keys.insert(key.clone(), now_ms) {
                Some(acted_ms) if now_ms.saturating_sub(acted_ms) < KEY_VALID_MS => {
                    // Remembered from the first time on.
                    state.keys.insert(key.clone(), acted_ms);
                    return;
                }
                Some(_) => state.forgotten += 1,
                None => {}
            }
        }
        state.shown.insert(act.tool.clone(), act.body.clone());
        state.acts.push(act);
    }

    fn power_goes(&self) {
        self.cut.lock().unwrap().notify_one();
    }
}

/// Reads a request: its method, and what it asks for.
fn request(stream: &mut Stream) -> Option<(String, Act)> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if text.starts_with(SETTLE) {
            return None;
        }
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let header = |name: &str| {
                let mut lines = head.lines().filter_map(|line| line.split_once(": "));
                lines.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned())
            };
            let length = header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
            if body.len() >= length {
                let mut words = head.split(' ');
                let (method, target) = (words.next()?.to_owned(), words.next()?);
                let tool = target.trim_start_matches('/').to_owned();
                return Some((method, Act { tool, body: body.to_owned(), key: header("idempotency-key") }));
            }
        }
        let mut chunk = [0; 1024];
        let count = stream.read(&mut chunk).ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(chunk.get(..count)?);
    }
}

fn answer(stream: &mut Stream, status: u16, body: &str) {
    let length = body.len();
    send(stream, &format!("HTTP/1.1 {status} X\r\nRetry-After: 0\r\nContent-Length: {length}\r\n\r\n{body}"));
}

/// A client that has gone needs no answer.
fn send(stream: &mut Stream, text: &str) {
    let _ = stream.send(text);
    gone(stream);
}

/// Waits until the client has gone.
fn gone(stream: &mut Stream) {
    let mut rest = [0; 256];
    while matches!(stream.read(&mut rest), Ok(count) if count > 0) {}
}
