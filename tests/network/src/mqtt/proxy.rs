//! Stands between the board and the broker, and decides what becomes of a message: lost before the
//! broker has it, lost behind it, never answered, or met by a broker or a board that dies.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, split},
    net::{TcpListener, TcpStream},
    runtime::{Builder, Runtime},
    sync::Notify,
};
use tokio_rustls::TlsAcceptor;

use super::broker::Broker;
use crate::certificates::Authority;

/// What becomes of a message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fate {
    /// Nothing happens to it.
    Well,
    /// The connection breaks before the broker has it.
    DropBefore,
    /// The connection breaks in the middle of it.
    DropInside,
    /// The connection breaks once the broker has answered; nobody hears the answer.
    DropAfter,
    /// The connection breaks before the last word of QoS 2.
    DropRelease,
    /// The broker has it, and nobody ever hears its answer.
    Stall,
    /// The broker is killed before it has it, and started again.
    KillBefore,
    /// The broker is killed once it has answered, and started again; nobody hears the answer.
    KillAfter,
    /// The board's power goes before the broker has it.
    CutBefore,
    /// The board's power goes once the broker has answered.
    CutAfter,
}

/// A PUBLISH, a PUBREL: the type in the upper half of a packet's first byte.
const PUBLISH: u8 = 3;
const RELEASE: u8 = 6;

/// Between the board and the broker, with TLS at one of its two ports.
pub struct Proxy {
    shared: Arc<Shared>,
    port: u16,
    tls_port: u16,
    authority: Authority,
    runtime: Option<Runtime>,
}

struct Shared {
    broker: Arc<Broker>,
    fates: Mutex<VecDeque<Fate>>,
    cut: Mutex<Arc<Notify>>,
}

impl Proxy {
    /// One in front of `broker`.
    ///
    /// # Panics
    ///
    /// If it can't listen.
    #[must_use]
    pub fn new(broker: &Arc<Broker>) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let shared =
            Arc::new(Shared { broker: Arc::clone(broker), fates: Mutex::default(), cut: Mutex::default() });
        let authority = Authority::new();
        let config = authority.server("localhost").server_config();
        let port = listen(&runtime, &shared, None);
        let tls_port = listen(&runtime, &shared, Some(config.into()));
        Self { shared, port, tls_port, authority, runtime: Some(runtime) }
    }

    /// `host:port`
    #[must_use]
    pub fn at(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The same with TLS; its certificate has this name.
    #[must_use]
    pub fn tls_at(&self) -> String {
        format!("localhost:{}", self.tls_port)
    }

    /// Who its certificate is from.
    #[must_use]
    pub const fn authority(&self) -> &Authority {
        &self.authority
    }

    /// What becomes of the next messages; those behind them fare well. Cuts that were asked for before
    /// are forgotten.
    ///
    /// # Panics
    ///
    /// If a test failed elsewhere.
    pub fn fates(&self, fates: &[Fate]) {
        *self.shared.fates.lock().unwrap() = fates.iter().copied().collect();
        *self.shared.cut.lock().unwrap() = Arc::default();
    }

    /// Ends once the board's power is to go.
    ///
    /// # Panics
    ///
    /// If a test failed elsewhere.
    pub async fn cut(&self) {
        let cut = Arc::clone(&self.shared.cut.lock().unwrap());
        cut.notified().await;
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Listens on loopback, and serves what comes. Returns the port.
fn listen(runtime: &Runtime, shared: &Arc<Shared>, tls: Option<TlsAcceptor>) -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let own = Arc::clone(shared);
    runtime.spawn(async move {
        let listener = TcpListener::from_std(listener).unwrap();
        while let Ok((stream, _)) = listener.accept().await {
            let (own, tls) = (Arc::clone(&own), tls.clone());
            tokio::spawn(async move {
                match tls {
                    None => serve(stream, own).await,
                    // A board that goes in the middle of its greeting has not come.
                    Some(tls) => {
                        if let Ok(stream) = tls.accept(stream).await {
                            serve(stream, own).await;
                        }
                    }
                }
            });
        }
    });
    port
}

async fn serve(client: impl AsyncRead + AsyncWrite + Send + Unpin + 'static, shared: Arc<Shared>) {
    // Without a broker the board meets what it would meet: a connection that ends at once.
    let Ok(server) = TcpStream::connect(shared.broker.at()).await else { return };
    let (from_client, to_client) = split(client);
    let (from_server, to_server) = split(server);
    let answers = Arc::new(Answers::default());
    let down = tokio::spawn(down(from_server, to_client, Arc::clone(&answers)));
    // A connection that breaks is one that ended.
    let _ = up(from_client, to_server, &answers, &shared).await;
    down.abort();
}

/// What the broker answers.
#[derive(Default)]
struct Answers {
    /// Whether they are kept from the board.
    are_held: AtomicBool,
    held: Notify,
}

async fn down(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, answers: Arc<Answers>) {
    let mut bytes = vec![0; 64 * 1024];
    while let Ok(count) = from.read(&mut bytes).await {
        let Some(part) = bytes.get(..count).filter(|part| !part.is_empty()) else {
            if answers.are_held.load(Ordering::SeqCst) {
                // What becomes of the board is not the dead broker's to decide.
                std::future::pending::<()>().await;
            }
            // The board hears that the broker closed.
            let _ = to.shutdown().await;
            return;
        };
        if answers.are_held.load(Ordering::SeqCst) {
            answers.held.notify_one();
        } else if to.write_all(part).await.is_err() || to.flush().await.is_err() {
            return;
        }
    }
}

async fn up(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    answers: &Answers,
    shared: &Arc<Shared>,
) -> std::io::Result<()> {
    let mut drops_release = false;
    loop {
        let packet = packet(&mut from).await?;
        let kind = packet.first().map_or(0, |first| first >> 4);
        let fate = match kind {
            PUBLISH => {
                let mut fates = shared.fates.lock().unwrap_or_else(PoisonError::into_inner);
                fates.pop_front().unwrap_or(Fate::Well)
            }
            RELEASE if drops_release => return Ok(()),
            _ => Fate::Well,
        };
        let are_held = !matches!(fate, Fate::Well | Fate::DropRelease);
        answers.are_held.store(are_held, Ordering::SeqCst);
        match fate {
            Fate::Well | Fate::Stall => to.write_all(&packet).await?,
            Fate::DropRelease => {
                drops_release = true;
                to.write_all(&packet).await?;
            }
            Fate::DropBefore => return Ok(()),
            Fate::DropInside => {
                let half = packet.len() / 2;
                return to.write_all(packet.get(..half).unwrap_or_default()).await;
            }
            Fate::DropAfter | Fate::KillAfter | Fate::CutAfter => {
                to.write_all(&packet).await?;
                answers.held.notified().await;
            }
            Fate::KillBefore | Fate::CutBefore => {}
        }
        match fate {
            Fate::KillBefore | Fate::KillAfter => {
                let broker = Arc::clone(&shared.broker);
                let killed = tokio::task::spawn_blocking(move || {
                    broker.kill();
                    broker.start();
                });
                return killed.await.map_err(std::io::Error::other);
            }
            Fate::CutBefore | Fate::CutAfter => {
                shared.cut.lock().unwrap_or_else(PoisonError::into_inner).notify_one();
                // The board is what ends it.
                return rest(&mut from).await;
            }
            Fate::Stall => return rest(&mut from).await,
            Fate::DropAfter => return Ok(()),
            _ => {}
        }
    }
}

/// Waits until the other end closes.
async fn rest(from: &mut (impl AsyncRead + Unpin)) -> std::io::Result<()> {
    let mut bytes = [0; 256];
    while from.read(&mut bytes).await? > 0 {}
    Ok(())
}

/// The next packet, whole.
async fn packet(from: &mut (impl AsyncRead + Unpin)) -> std::io::Result<Vec<u8>> {
    let mut packet = vec![from.read_u8().await?];
    let mut length = 0;
    for index in 0..4 {
        let byte = from.read_u8().await?;
        packet.push(byte);
        length |= usize::from(byte & 0x7F) << (7 * index);
        if byte & 0x80 == 0 {
            break;
        }
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body).await?;
    packet.extend(body);
    Ok(packet)
}
