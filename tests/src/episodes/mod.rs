//! Whole episodes as a measure of a model: boards × tasks × seeds, by end state, not by words.
//!
//! The agent is `everstep run` with everything it does in the field; the world is stepped, so that only
//! its waits take time. Leaves out power cuts: the rehearsal has those.

mod episode;
mod report;

use std::{fs, path::PathBuf};

use anyhow::{Context, Result, ensure};
use clap::{Parser, ValueEnum};
use everstep_board_sim::tasks::{Subjects, Task, TaskFile};

use self::episode::{Board, Episode, Place};
use crate::rehearsal::Programs;

/// How episodes are played.
#[derive(Debug, Parser)]
#[command(version, about = "Measures a model by whole episodes on simulated boards")]
pub struct Options {
    /// A board's folder, with `agent.toml` and `tasks.toml`; may be given several times.
    #[arg(long = "board", value_name = "FOLDER", default_values = ["board/coldroom", "board/pump", "board/greenhouse", "board/house"])]
    pub boards: Vec<PathBuf>,
    /// The model; the board's own where it is missing.
    #[arg(long, value_name = "FILE")]
    pub model: Option<PathBuf>,
    /// Starts of each task, and of each wording.
    #[arg(long, default_value_t = 20)]
    pub seeds: u64,
    /// Which wordings.
    #[arg(long, value_enum, default_value_t = Wording::Unseen)]
    pub wording: Wording,
    /// Lets the model write what it likes: calls are checked, but not constrained while sampled.
    #[arg(long)]
    pub no_constraint: bool,
    /// Only tasks with this in their name.
    #[arg(long, default_value = "")]
    pub task: String,
    /// Episodes at a time.
    #[arg(long, default_value_t = 1)]
    pub jobs: usize,
    /// Says of every failed episode what is wrong.
    #[arg(long)]
    pub failures: bool,
    /// Where the figures go, as JSON.
    #[arg(long, default_value = "target/episodes.json")]
    pub report: PathBuf,
    /// Where state and logs of the episode at hand go.
    #[arg(long, default_value = "target/episodes")]
    pub folder: PathBuf,
}

/// How a task is put.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Wording {
    /// As `tasks.toml` words it.
    Shipped,
    /// As it is never worded in training: each seed takes the next of them.
    Unseen,
}

impl Wording {
    fn of(self, task: &Task, seed: u64) -> &str {
        let others = u64::try_from(task.unseen.len()).unwrap_or(1).max(1);
        let other = usize::try_from(seed % others).ok().and_then(|number| task.unseen.get(number));
        match (self, other) {
            (Self::Unseen, Some(text)) => text,
            _ => &task.text,
        }
    }
}

/// Plays all episodes, prints the table and writes the figures.
///
/// # Errors
///
/// A board can't be used, or a program is missing.
pub fn measure(options: &Options) -> Result<()> {
    ensure!(options.seeds > 0 && options.jobs > 0, "--seeds and --jobs are at least 1");
    let programs = Programs::find()?;
    let mut rows = Vec::new();
    for folder in &options.boards {
        let board = Board::open(folder, options).with_context(|| format!("board {}", folder.display()))?;
        for task in board.tasks.iter().filter(|task| task.id.contains(&options.task)) {
            let row = play(options, &programs, &board, task)?;
            report::progress(&row, options.failures);
            rows.push(row);
        }
    }
    ensure!(!rows.is_empty(), "no task has `{}` in its name", options.task);
    report::table(&rows);
    report::write(options, &rows)
}

/// All starts of one task.
fn play(options: &Options, programs: &Programs, board: &Board, task: &Task) -> Result<report::Row> {
    let jobs = u64::try_from(options.jobs).unwrap_or(1);
    let one = |seed: u64| {
        let place = Place::empty(&options.folder.join((seed % jobs).to_string()))?;
        let request = options.wording.of(task, seed);
        episode::play(programs, board, task, request, seed, &place).with_context(|| {
            format!("{}, {}, seed {seed}, in {}", board.name, task.id, options.folder.display())
        })
    };
    let one = &one;
    let played: Result<Vec<Vec<Episode>>> = std::thread::scope(|scope| {
        let some = |job| (job..options.seeds).step_by(options.jobs).map(one).collect::<Result<Vec<_>>>();
        let workers: Vec<_> = (0..jobs).map(|job| scope.spawn(move || some(job))).collect();
        workers
            .into_iter()
            .map(|worker| worker.join().unwrap_or_else(|_| Err(anyhow::anyhow!("a worker failed"))))
            .collect()
    });
    let episodes = played?.into_iter().flatten().collect();
    Ok(report::Row {
        board: board.name.clone(),
        task: task.id.clone(),
        conditional: task.conditional,
        episodes,
    })
}

impl Board {
    fn tasks(path: &std::path::Path, subjects: &Subjects) -> Result<Vec<Task>> {
        ensure!(fs::exists(path).unwrap_or(false), "{} is missing", path.display());
        Ok(TaskFile::load(path, subjects)?.task)
    }
}
