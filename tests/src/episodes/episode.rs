//! One episode: a world, an agent, and what came of it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use everstep_board_sim::{
    ask,
    plant::PlantFile,
    protocol::Request,
    server::{Options as WorldOptions, Server, WorldFile},
    simulated::Story,
    tasks::{Ended, Subjects, Task},
    world::RoomFile,
};
use serde::Serialize;
use serde_json::Value;

use super::Options;
use crate::rehearsal::Programs;

/// How long the world may take to answer.
const IO_MAX: Duration = Duration::from_secs(10);
/// A world nobody asks any more ends by itself after this long.
const WORLD_IDLE_S: u64 = 120;
/// Exit codes of a run that is over, one way or another: done, failed, a limit, waits for approval.
const OVER: [i32; 4] = [0, 1, 4, 5];

/// A board as it is measured.
pub(super) struct Board {
    pub(super) name: String,
    pub(super) tasks: Vec<Task>,
    file: PathBuf,
    world: WorldFile,
    subjects: Subjects,
    model: Option<PathBuf>,
}

/// What came of an episode.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Episode {
    pub(super) seed: u64,
    pub(super) request: String,
    /// What is wrong; nothing where the task was done.
    pub(super) wrong: Vec<String>,
    pub(super) answer: String,
    /// Replies of the model.
    pub(super) steps: u64,
}

/// Where an episode's state is.
pub(super) struct Place(PathBuf);

impl Place {
    /// An empty folder for one episode.
    pub(super) fn empty(folder: &Path) -> Result<Self> {
        if folder.exists() {
            fs::remove_dir_all(folder).with_context(|| format!("empty {}", folder.display()))?;
        }
        fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
        Ok(Self(folder.to_owned()))
    }
}

impl Board {
    /// Opens the board in `folder`.
    pub(super) fn open(folder: &Path, options: &Options) -> Result<Self> {
        let file = folder.join("agent.toml");
        let settings: toml::Table = fs::read_to_string(&file)
            .with_context(|| format!("read {}", file.display()))?
            .parse()
            .with_context(|| file.display().to_string())?;
        let world = match settings.get("world").and_then(|world| world.get("plant")?.as_str()) {
            Some(plant) => WorldFile::Plant(PlantFile::load(&folder.join(plant))?),
            None => WorldFile::Room(RoomFile::load(&folder.join("room.toml"))?),
        };
        let subjects = Subjects::of(&world);
        let tasks = Self::tasks(&folder.join("tasks.toml"), &subjects)?;
        let name =
            settings.get("board").and_then(|board| board.get("name")?.as_str()).unwrap_or("board").to_owned();
        let file = write_settings(folder, settings, &name, options)?;
        Ok(Self { name, tasks, file, world, subjects, model: options.model.clone() })
    }
}

/// A copy of the board file for an agent that steps its world itself; relative paths go on from
/// `folder`.
fn write_settings(
    folder: &Path,
    mut settings: toml::Table,
    name: &str,
    options: &Options,
) -> Result<PathBuf> {
    let folder = fs::canonicalize(folder)?;
    for (section, key) in [("model", "path"), ("world", "plant"), ("world", "room")] {
        if let Some(path) = settings.get_mut(section).and_then(|section| section.get_mut(key)) {
            let whole = folder.join(path.as_str().unwrap_or_default());
            *path = whole.display().to_string().into();
        }
    }
    let mut set = |section: &str, key: &str, value: toml::Value| -> Result<()> {
        let table = settings.entry(section).or_insert_with(|| toml::Table::new().into());
        table.as_table_mut().with_context(|| format!("`{section}` is no section"))?.insert(key.into(), value);
        Ok(())
    };
    set("world", "time_scale", 0.into())?;
    set("world", "waits", "skip".into())?;
    if options.no_constraint {
        let agents = settings.get_mut("agent").and_then(toml::Value::as_table_mut);
        for (_, agent) in agents.into_iter().flatten() {
            agent
                .as_table_mut()
                .context("`agent` has no sections")?
                .insert("constraint".into(), "off".into());
        }
    }
    fs::create_dir_all(&options.folder)?;
    let path = options.folder.join(format!("{name}.toml"));
    fs::write(&path, toml::to_string(&settings)?)?;
    Ok(path)
}

/// Plays `task`, put as `request`, from the start that `seed` draws.
pub(super) fn play(
    programs: &Programs,
    board: &Board,
    task: &Task,
    request: &str,
    seed: u64,
    place: &Place,
) -> Result<Episode> {
    let socket = place.0.join("world.sock");
    let world = serve(board, task, seed, &socket)?;
    let ended = run(programs, board, request, seed, place);
    let story: Result<Story> = ask(&socket, IO_MAX, &Request::Story { at_ms: None }).context("ask the world");
    let _: Result<Value, _> = ask(&socket, IO_MAX, &Request::Shutdown);
    world.join().map_err(|_| anyhow::anyhow!("the world failed"))??;
    let (last, story) = (ended?, story?);
    let answer = last.get("answer").and_then(Value::as_str).unwrap_or_default().to_owned();
    let alerts = fs::read_to_string(place.0.join("alerts.txt")).unwrap_or_default().lines().count();
    let alerts = u64::try_from(alerts).unwrap_or(u64::MAX);
    let mut wrong = task.judge(Ended { story: &story, answer: &answer, alerts });
    let how = last.get("how").and_then(Value::as_str).unwrap_or("unfinished");
    if how != "done" {
        wrong.push(format!("the run ended as {how}"));
    }
    let steps = last.get("steps").and_then(Value::as_u64).unwrap_or(0);
    Ok(Episode { seed, request: request.to_owned(), wrong, answer, steps })
}

type World = std::thread::JoinHandle<Result<(), everstep_board_sim::server::ServeError>>;

/// Serves the world of an episode from a thread, stepped by whoever waits in it.
fn serve(board: &Board, task: &Task, seed: u64, socket: &Path) -> Result<World> {
    let mut world = board.world.clone();
    world.start_at(&task.draw(&board.subjects, seed)).map_err(anyhow::Error::msg)?;
    let mut timeline = [0; 16];
    for (to, from) in timeline.iter_mut().zip(seed.to_le_bytes()) {
        *to = from;
    }
    let server = Server::bind(&WorldOptions {
        socket: socket.to_owned(),
        log: None,
        world,
        time_scale: 0,
        timeline,
        unix_at_start_s: None,
        faults: Vec::new(),
        line_faults: Vec::new(),
        idle_s_max: WORLD_IDLE_S,
    })?;
    Ok(std::thread::spawn(move || server.run()))
}

/// Runs the agent to its end; returns what `status` says of the last run.
fn run(programs: &Programs, board: &Board, request: &str, seed: u64, place: &Place) -> Result<Value> {
    let command = |name: &str| {
        let mut command = Command::new(&programs.everstep);
        command
            .arg(name)
            .arg("--board")
            .arg(&board.file)
            .arg("--state-dir")
            .arg(&place.0)
            .stdin(Stdio::null());
        command
    };
    let mut run = command("run");
    run.arg(request).args(["--seed", &seed.to_string()]);
    run.args(board.model.iter().flat_map(|model| [Path::new("--model"), model]));
    let output = run.output().with_context(|| format!("start {}", programs.everstep.display()))?;
    if !output.status.code().is_some_and(|code| OVER.contains(&code)) {
        bail!("everstep run: {}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim_end());
    }
    let status = command("status").arg("--json").output()?;
    let status: Value = serde_json::from_slice(&status.stdout)
        .with_context(|| format!("everstep status: {}", String::from_utf8_lossy(&status.stderr)))?;
    Ok(status.get("last").cloned().unwrap_or_default())
}
