//! The world as a process: a room or a plant behind a Unix socket, in real or stepped time.
//!
//! One thread for each connection. Killing an agent leaves all of this as it is.

mod live;
mod session;

use std::{
    collections::BTreeMap,
    fs::OpenOptions,
    io::{self, BufRead, BufReader, Read, Write},
    os::unix::net::{UnixListener, UnixStream},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use serde_json::{Value, json};

use crate::{
    plant::{Plant, PlantFile},
    protocol::{LINE_BYTES_MAX, Reply, Request},
    simulated::{Point, Simulated},
    world::{LineFault, RoomFile, World},
};
use live::Live;
use session::{After, Session};

/// Connections at a time; more are closed at once.
const CONNECTIONS_MAX: usize = 64;
/// Real milliseconds between two looks at what happens by itself.
const TICK_MS: u64 = 20;

/// How a world is to be.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where it listens.
    pub socket: PathBuf,
    /// Where its changes go, a JSON object a line. Nothing is taken away from a file that is there.
    pub log: Option<PathBuf>,
    /// What it is.
    pub world: WorldFile,
    /// The world's milliseconds in a real one; 0 is stepped by command.
    pub time_scale: u32,
    /// Names the time line: must be new for each world.
    pub timeline: [u8; 16],
    /// The world's date at its start, where it has one.
    pub unix_at_start_s: Option<u64>,
    /// What is wrong with it from the start, as its kind of world writes faults.
    pub faults: Vec<Value>,
    /// What is wrong with its lines from the start.
    pub line_faults: Vec<LineFault>,
    /// Real seconds without any request after which the world ends; 0 is never.
    pub idle_s_max: u64,
}

/// What a world is.
#[derive(Clone, Debug)]
pub enum WorldFile {
    /// The cold room.
    Room(RoomFile),
    /// A declared plant.
    Plant(PlantFile),
}

impl WorldFile {
    /// Changes how it stands at the start.
    ///
    /// # Errors
    ///
    /// A name it does not have, or a value it can't have.
    pub fn start_at(&mut self, start: &BTreeMap<String, Point>) -> Result<(), String> {
        match self {
            Self::Room(room) => room.start_at(start),
            Self::Plant(plant) => plant.start_at(start).map_err(|error| error.to_string()),
        }
    }

    fn world(&self) -> Result<Box<dyn Simulated>, String> {
        Ok(match self {
            Self::Room(room) => {
                room.check()?;
                Box::new(World::new(room))
            }
            Self::Plant(plant) => Box::new(Plant::new(plant.clone()).map_err(|error| error.to_string())?),
        })
    }
}

/// Why a world does not start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Somebody listens there already.
    #[error("a world already listens on {}: stop it or choose another socket", .socket.display())]
    Taken {
        /// The socket.
        socket: PathBuf,
    },
    /// The folder of the socket is missing.
    #[error("socket {} can't be made: there is no folder {}: make it first", .socket.display(), .folder.display())]
    Folder {
        /// The socket.
        socket: PathBuf,
        /// The folder.
        folder: PathBuf,
    },
    /// The world can't be as it was asked for.
    #[error("the world can't start: {0}")]
    World(String),
    /// The socket can't be made.
    #[error("socket {} can't be made: {source}", .socket.display())]
    Socket {
        /// The socket.
        socket: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The log can't be written; without it nothing that happens could be proved.
    #[error("log {} can't be written: {source}", .log.display())]
    Log {
        /// The log.
        log: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

/// A world that listens.
pub struct Server {
    listener: UnixListener,
    socket: PathBuf,
    log: PathBuf,
    live: Arc<Live>,
    connections: Arc<AtomicUsize>,
}

impl Server {
    /// Starts the world's time and listens.
    ///
    /// # Errors
    ///
    /// See [`ServeError`]; a socket nobody listens on any more is replaced.
    pub fn bind(options: &Options) -> Result<Self, ServeError> {
        let Options { socket, log, .. } = options.clone();
        let mut world = options.world.world().map_err(ServeError::World)?;
        for fault in &options.faults {
            world.fault(fault).map_err(|why| ServeError::World(format!("fault {fault}: {why}")))?;
        }
        let listener = listen(&socket)?;
        let log_path = log.unwrap_or_default();
        let file = if log_path.as_os_str().is_empty() {
            None
        } else {
            let opened = OpenOptions::new().append(true).create(true).open(&log_path);
            Some(opened.map_err(|source| ServeError::Log { log: log_path.clone(), source })?)
        };
        let live = Arc::new(Live::new(world, file, options));
        for fault in &options.line_faults {
            live.add_line_fault(fault.clone()).map_err(ServeError::World)?;
        }
        Ok(Self { listener, socket, log: log_path, live, connections: Arc::default() })
    }

    /// Answers until it is told to end.
    ///
    /// # Errors
    ///
    /// [`ServeError::Log`] and [`ServeError::Socket`].
    pub fn run(self) -> Result<(), ServeError> {
        let (live, socket) = (Arc::clone(&self.live), self.socket.clone());
        let ticker = thread::spawn(move || tick(&live, &socket));
        let served = self.accept();
        self.live.end();
        // The ticker looks at the end within a tick.
        let _ = ticker.join();
        // Whoever comes next finds no socket rather than a dead one.
        let _ = std::fs::remove_file(&self.socket);
        served?;
        match self.live.log_error() {
            Some(source) => Err(ServeError::Log { log: self.log, source }),
            None => Ok(()),
        }
    }

    fn accept(&self) -> Result<(), ServeError> {
        loop {
            let (stream, _) = match self.listener.accept() {
                Ok(accepted) => accepted,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(source) => return Err(ServeError::Socket { socket: self.socket.clone(), source }),
            };
            if self.live.has_ended() {
                return Ok(());
            }
            if self.connections.fetch_add(1, Ordering::AcqRel) >= CONNECTIONS_MAX {
                self.connections.fetch_sub(1, Ordering::AcqRel);
                continue;
            }
            let (live, connections) = (Arc::clone(&self.live), Arc::clone(&self.connections));
            let socket = self.socket.clone();
            thread::spawn(move || {
                // Whatever ends a connection, its client sees it closed.
                let _ = serve(&stream, &live);
                connections.fetch_sub(1, Ordering::AcqRel);
                if live.has_ended() {
                    // Wakes the loop that accepts.
                    let _ = UnixStream::connect(&socket);
                }
            });
        }
    }
}

fn listen(socket: &Path) -> Result<UnixListener, ServeError> {
    let fail = |source| ServeError::Socket { socket: socket.to_owned(), source };
    if let Some(folder) = socket.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.is_dir())
    {
        return Err(ServeError::Folder { socket: socket.to_owned(), folder: folder.to_owned() });
    }
    match UnixListener::bind(socket) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            if UnixStream::connect(socket).is_ok() {
                return Err(ServeError::Taken { socket: socket.to_owned() });
            }
            std::fs::remove_file(socket).map_err(fail)?;
            UnixListener::bind(socket).map_err(fail)
        }
        bound => bound.map_err(fail),
    }
}

/// Lets time pass also while nobody asks, so that changes are logged when they happen.
fn tick(live: &Live, socket: &Path) {
    while !live.has_ended() {
        pause(Duration::from_millis(TICK_MS));
        live.catch_up();
        if live.is_idle() {
            live.end();
        }
    }
    let _ = UnixStream::connect(socket);
}

#[expect(clippy::disallowed_methods, reason = "the world's time is real, and a board knows real time")]
pub(crate) fn pause(real: Duration) {
    thread::sleep(real);
}

fn serve(stream: &UnixStream, live: &Live) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut writer = stream;
    let mut session = Session::default();
    loop {
        let mut request = Vec::new();
        (&mut reader).take(LINE_BYTES_MAX).read_until(b'\n', &mut request)?;
        if request.last() != Some(&b'\n') {
            // The other end is gone, or never ends its line.
            return Ok(());
        }
        let (reply, after) = match serde_json::from_slice::<Request>(&request) {
            Ok(request) => session.handle(&request, live),
            Err(error) => (Reply::Error(format!("not a request: {error}")), After::GoOn),
        };
        if after == After::Drop {
            return Ok(());
        }
        let mut text = json!(reply).to_string();
        text.push('\n');
        writer.write_all(text.as_bytes())?;
        if after == After::Close || live.has_ended() {
            return Ok(());
        }
    }
}
