//! The board's devices: the tools that move them, the actuators that are made safe, the clock.

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};

use everstep_board_linux::{
    clock::{SystemClock, TrustRtc},
    device::{self, watchdog},
};
use everstep_board_sim::{DeviceSectionError, SocketWorld, WorldClock, assemble, plant::PlantFile};
use everstep_core::{Agent, State};
use everstep_driver::{Actuators, Heartbeat};
use everstep_tool::{
    BoxFuture, Clock, FileSink, LineSink, SinkError, Tool,
    builtin::{Compare, Lines, Wait},
};
use everstep_tools_device::BoardParts;

use crate::{
    exit::{Exit, Failure, Outcome},
    network,
    offline::{self, Source},
    out,
    site::{Site, World, wrong_section},
};

/// Where `log` writes, in the state folder.
const LOG_FILE: &str = "log.txt";
/// Where `alert` writes, in the state folder.
const ALERT_FILE: &str = "alerts.txt";

/// What a board has.
pub(crate) struct Devices {
    pub(crate) tools: Vec<Arc<dyn Tool>>,
    pub(crate) actuators: Arc<dyn Actuators>,
    pub(crate) clock: Arc<dyn Clock>,
    /// Names the time line of the clock.
    pub(crate) timeline: [u8; 16],
}

impl Devices {
    /// Connects to the board's devices. `state` knows what was commanded last.
    pub(crate) fn connect(site: &Site, state: &State) -> Outcome<Self> {
        let BoardParts { mut tools, actuators } = moving(site, &commanded(state))?;
        tools.extend(builtin(site));
        tools.extend(network::tools(site, offline::trusted_s(site)?)?);
        let actuators = Arc::new(BoardActuators(actuators));
        if let Some(world) = &site.file.board.world {
            let clock = world_clock(site, world)?;
            let timeline = clock.timeline_id();
            return Ok(Self { tools, actuators, clock: Arc::new(clock), timeline });
        }
        let trust = if site.file.board.clock.trust_rtc { TrustRtc::Yes } else { TrustRtc::No };
        let clock = SystemClock::new(trust).map_err(Failure::failed)?;
        let timeline = clock.timeline();
        Ok(Self { tools, actuators, clock: Arc::new(clock), timeline })
    }

    /// The board's tools, to be looked at rather than called.
    pub(crate) fn describe(site: &Site) -> Outcome<Vec<Arc<dyn Tool>>> {
        let mut tools = moving(site, &BTreeMap::new())?.tools;
        tools.extend(builtin(site));
        tools.extend(network::tools(site, None)?);
        Ok(tools)
    }
}

/// The agent on flash. Where it can't be read nobody will look after the board, so its safe states are set.
pub(crate) async fn agent_or_safe_board(site: &Site) -> Outcome<Agent> {
    let read = offline::read(site, &Source::of(site, None));
    if read.as_ref().is_err_and(|failure| failure.exit == Exit::Flash) {
        match moving(site, &BTreeMap::new()) {
            Ok(parts) => {
                let (changed, failed) = parts.actuators.set_safe().await;
                for line in changed.iter().chain(&failed) {
                    out::note(&format!("{line}, since the flash can't be read"));
                }
            }
            // That the flash can't be read is what the operator has to know first.
            Err(wrong) => out::note(&format!("no safe state could be set: {:#}", wrong.error)),
        }
    }
    read
}

/// The devices that the board file names, as tools, and those of them that have a safe state. Nothing
/// is asked of them yet.
fn moving(site: &Site, last: &BTreeMap<String, String>) -> Outcome<BoardParts> {
    let board = &site.file.board;
    let Some(world) = &board.world else {
        return device::assemble(&board.device, last)
            .map_err(|wrong| Failure::usage(wrong_section(&site.file, wrong)));
    };
    assemble(&device::simulated(&board.device), &socket_world(site, world)?, last).map_err(|error| {
        let key = match &error {
            DeviceSectionError::Wrong { name, key, .. } => format!("device.{name}.{key}"),
            DeviceSectionError::NoSuchDevice { name, .. } => format!("device.{name}"),
        };
        let text = error.to_string();
        let message = text.strip_prefix(&format!("{key}: ")).unwrap_or(&text).to_owned();
        Failure::usage(site.file.wrong(&key, message))
    })
}

/// What each device was told last by its `set_NAME`, as far as that still holds: the arguments, by device.
fn commanded(state: &State) -> BTreeMap<String, String> {
    let commanded = state.commanded();
    commanded
        .filter_map(|(tool, arguments)| Some((tool.strip_prefix("set_")?.to_owned(), arguments.to_owned())))
        .collect()
}

fn socket_world(site: &Site, world: &World) -> Outcome<SocketWorld> {
    let socket =
        SocketWorld::new(&site.in_state(&world.socket), Duration::from_millis(world.io_ms_max.into()));
    let Some(plant) = &world.plant else { return Ok(socket) };
    let plant = PlantFile::load(&site.file.resolve(plant))
        .map_err(|error| Failure::usage(site.file.wrong("world.plant", error.to_string())))?;
    Ok(socket.with_plant(plant))
}

fn world_clock(site: &Site, world: &World) -> Outcome<WorldClock> {
    let socket = site.in_state(&world.socket);
    let clock = WorldClock::connect(&socket, Duration::from_millis(world.io_ms_max.into()));
    clock.map(|clock| clock.with_waits(world.waits)).map_err(|error| {
        let socket = socket.display();
        let plant = world.plant.as_ref().map(|plant| site.file.resolve(plant));
        let plant = plant.map_or_else(String::new, |plant| format!(" --plant {}", plant.display()));
        Failure::failed(anyhow::Error::new(error).context(format!(
            "no world listens at {socket}: start one with `everstep-world serve --socket {socket}{plant}`"
        )))
    })
}

/// The tools every board has.
fn builtin(site: &Site) -> Vec<Arc<dyn Tool>> {
    let sink = |name: &str| Box::new(FileSink::new(&site.in_state(Path::new(name))));
    vec![
        Arc::new(Compare::default()),
        Arc::new(Wait::default()),
        Arc::new(Lines::log(sink(LOG_FILE))),
        Arc::new(Lines::alert(sink(ALERT_FILE))),
    ]
}

/// Starts the board's watchdog, if it has one. From here on the machine restarts when the loop hangs or the
/// process dies.
pub(crate) fn watchdog(site: &Site) -> Outcome<Option<Box<dyn Heartbeat>>> {
    let Some((name, section)) = watchdog::find(&site.file.board.device) else { return Ok(None) };
    let dog = watchdog::start(section).map_err(|error| {
        Failure::usage(site.file.wrong(&format!("device.{name}.{}", error.key()), error.to_string()))
    })?;
    let interval = Duration::from_secs(section.timeout_s.get().into()) / FED_SHARE;
    Ok(Some(Box::new(Dog { dog, interval })))
}

/// A watchdog is fed this often within its time, so that a slow moment is no reason to restart.
const FED_SHARE: u32 = 4;

/// The watchdog, for the driver.
struct Dog {
    dog: Box<dyn watchdog::Heartbeat>,
    interval: Duration,
}

impl Heartbeat for Dog {
    fn beat(&mut self) {
        self.dog.beat();
    }

    fn rest(&mut self) {
        self.dog.rest();
    }

    fn interval(&self) -> Duration {
        self.interval
    }
}

/// Appends a line to the operator's log.
pub(crate) fn note(site: &Site, line: &str) -> Result<(), SinkError> {
    FileSink::new(&site.in_state(Path::new(LOG_FILE))).append(line)
}

/// The board's actuators, for the driver.
struct BoardActuators(everstep_tools_device::Actuators);

impl Actuators for BoardActuators {
    fn boot(&self) -> BoxFuture<'static, Vec<String>> {
        self.0.boot()
    }

    fn set_safe(&self) -> BoxFuture<'static, (Vec<String>, Vec<String>)> {
        self.0.set_safe()
    }
}
