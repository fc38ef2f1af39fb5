//! The owner's end of the control socket.

use std::{
    fs::Permissions,
    io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream},
    sync::{Semaphore, mpsc, oneshot},
    task::JoinHandle,
};

use super::{ControlReply, ControlRequest, LINE_BYTES_MAX, SOCKET_NAME, place::Place};
use crate::owner::OwnerLock;

/// Requests that may wait for the owner; a further one waits in its own connection.
const WAITING_MAX: usize = 16;
/// Connections open at once; further ones wait in the kernel.
const CONNECTIONS_MAX: usize = 32;
/// How long a connection may take for its line, so that idle ones don't use up the places.
const LINE_S_MAX: u64 = 5;
/// How long answers that are on their way are waited for when the owner ends.
const CLOSE_WAIT: Duration = Duration::from_secs(1);

/// What a request is told that comes too late.
const ENDING: &str = "everstep is ending";

/// Listens while the board is owned. Dropping it removes the socket.
#[derive(Debug)]
pub struct ControlServer {
    waiting: mpsc::Receiver<Waiting>,
    /// One for each connection, taken while it is open.
    places: Arc<Semaphore>,
    accepting: JoinHandle<()>,
    path: PathBuf,
    /// Given back last, so that the socket that is removed is never another owner's.
    _owner: Arc<OwnerLock>,
}

/// A request and the way back to whoever asks.
pub type Waiting = (ControlRequest, Replier);

/// Answers one request. Dropped without an answer, it tells the other end that the owner ended.
#[derive(Debug)]
pub struct Replier(oneshot::Sender<ControlReply>);

impl Replier {
    /// Sends the answer. Whether anybody still waits for it changes nothing.
    pub fn reply(self, reply: ControlReply) {
        let _ = self.0.send(reply);
    }
}

/// Why the socket can't be opened.
#[derive(Debug, thiserror::Error)]
#[error("control socket {path} can't be opened")]
pub struct BindError {
    path: PathBuf,
    #[source]
    source: io::Error,
}

impl ControlServer {
    /// Opens the socket in the state folder, for the folder's owner only. A socket that a killed
    /// owner left is replaced: holding the lock proves that nobody listens on it.
    ///
    /// Must be called within a tokio runtime.
    ///
    /// # Errors
    ///
    /// [`BindError`], with the cause.
    pub fn bind(folder: &Path, owner: Arc<OwnerLock>) -> Result<Self, BindError> {
        let path = folder.join(SOCKET_NAME);
        let listener = listen(folder).map_err(|source| BindError { path: path.clone(), source })?;
        let (sender, waiting) = mpsc::channel(WAITING_MAX);
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let accepting = tokio::spawn(accept(listener, Arc::clone(&places), sender));
        Ok(Self { waiting, places, accepting, path, _owner: owner })
    }

    /// The next request. Dropping the future loses none.
    pub async fn next(&mut self) -> Option<Waiting> {
        self.waiting.recv().await
    }

    /// Waits until so many requests wait.
    #[cfg(test)]
    pub(super) async fn until_waiting(&self, count: usize) {
        while self.waiting.len() < count {
            tokio::task::yield_now().await;
        }
    }

    /// Takes no more requests, and waits until whoever asked has the answer: a process that ended first
    /// would leave them to guess what became of it.
    pub async fn close(mut self) {
        self.accepting.abort();
        self.waiting.close();
        while let Ok((_, replier)) = self.waiting.try_recv() {
            replier.reply(refused(ENDING.to_owned()));
        }
        let all = u32::try_from(CONNECTIONS_MAX).unwrap_or(u32::MAX);
        // A connection that asks nothing is not waited for.
        let _ = tokio::time::timeout(CLOSE_WAIT, self.places.acquire_many(all)).await;
    }
}

impl Drop for ControlServer {
    fn drop(&mut self) {
        self.accepting.abort();
        // The lock is still held here, so this is our own socket; nothing is left to do if it is gone.
        let _ = std::fs::remove_file(&self.path);
    }
}

fn listen(folder: &Path) -> io::Result<UnixListener> {
    let place = Place::of(folder)?;
    match std::fs::remove_file(&place.path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&place.path)?;
    std::fs::set_permissions(&place.path, Permissions::from_mode(0o600))?;
    Ok(listener)
}

async fn accept(listener: UnixListener, places: Arc<Semaphore>, waiting: mpsc::Sender<Waiting>) {
    // The semaphore is never closed, so it always gives a place in the end.
    while let Ok(place) = places.clone().acquire_owned().await {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors, most likely: give the connections that are open time to end.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let waiting = waiting.clone();
        tokio::spawn(async move {
            // A connection that breaks harms nobody but itself.
            let _ = serve(stream, &waiting).await;
            drop(place);
        });
    }
}

/// Serves one connection: one request, one answer.
async fn serve(mut stream: UnixStream, waiting: &mpsc::Sender<Waiting>) -> io::Result<()> {
    let (reader, mut writer) = stream.split();
    let line = tokio::time::timeout(Duration::from_secs(LINE_S_MAX), read_line(reader)).await;
    let reply = match line {
        Ok(Ok(line)) => match serde_json::from_str(&line) {
            Ok(request) => answer(request, waiting).await,
            Err(error) => refused(format!("the request is not understood: {error}")),
        },
        Ok(Err(error)) => return Err(error),
        Err(_) => refused(format!("no request within {LINE_S_MAX} s")),
    };
    let mut text = serde_json::to_string(&reply)?;
    text.push('\n');
    tokio::time::timeout(Duration::from_secs(LINE_S_MAX), writer.write_all(text.as_bytes())).await?
}

async fn answer(request: ControlRequest, waiting: &mpsc::Sender<Waiting>) -> ControlReply {
    let (sender, receiver) = oneshot::channel();
    if waiting.send((request, Replier(sender))).await.is_err() {
        return refused(ENDING.to_owned());
    }
    receiver.await.unwrap_or_else(|_| refused("everstep ended before it could answer".to_owned()))
}

async fn read_line(reader: impl tokio::io::AsyncRead + Unpin) -> io::Result<String> {
    let mut line = String::new();
    BufReader::new(reader.take(LINE_BYTES_MAX as u64)).read_line(&mut line).await?;
    Ok(line)
}

fn refused(reason: String) -> ControlReply {
    ControlReply::Refused { reason }
}
