//! The rehearsal: the real binary and the real model on the simulated cold room, killed on the way.
//!
//! The world runs in a process of its own and keeps the log that decides what was doubled. Power cuts
//! are the simulator's business (`harness`); a kill keeps the page cache.

mod aim;
mod oracle;
mod process;
mod report;
mod run;
mod tokens;
mod world;

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Parser;

pub use aim::{PHASES, Phase};
pub use run::Summary;

/// What to rehearse.
#[derive(Clone, Debug, Parser)]
#[command(name = "everstep-rehearse", about, max_term_width = 100)]
pub struct Options {
    /// Times the process is killed (SIGKILL) in each run.
    #[arg(long, default_value_t = 3)]
    pub kills: usize,
    /// Runs, each in a fresh room on fresh flash.
    #[arg(long, default_value_t = 1)]
    pub runs: usize,
    /// Seed of the first run; the next runs count on from it.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// The task.
    #[arg(long, default_value = "Bring the cold room to -18 C and report")]
    pub task: String,
    /// Temperature the task asks for, for the check of the end state.
    #[arg(long, default_value_t = -18.0, allow_negative_numbers = true)]
    pub target_c: f64,
    /// Board file.
    #[arg(long, default_value = "board/coldroom/agent.toml")]
    pub board: PathBuf,
    /// Model, as `everstep run --model` takes it; the board's own by default.
    #[arg(long)]
    pub model: Option<String>,
    /// Further arguments of `everstep-world`, for another room: `--world=--ice-mm=0`.
    #[arg(long, allow_hyphen_values = true)]
    pub world: Vec<String>,
    /// Phases to aim the kills at, one after the other; all of them by default.
    #[arg(long, value_enum, value_delimiter = ',')]
    pub phases: Vec<Phase>,
    /// Where to write the table as JSON.
    #[arg(long, default_value = "target/run.json")]
    pub report: PathBuf,
    /// Folder for flash, logs and sockets of each run.
    #[arg(long, default_value = "target/rehearsal")]
    pub folder: PathBuf,
    /// Show only the tables.
    #[arg(long)]
    pub quiet: bool,
}

/// Rehearses; returns whether every run ended well.
///
/// # Errors
///
/// Something of the set-up is missing, or a process could not be started.
pub fn rehearse(options: &Options) -> Result<bool> {
    let mut runs = Vec::new();
    for number in 0..options.runs {
        let summary = one(options, number)?;
        if options.quiet || options.runs > 1 {
            report::line(number, &summary);
        }
        runs.push(summary);
    }
    report::table(&runs);
    report::write(&options.report, &runs)?;
    Ok(runs.iter().all(run::Summary::is_good))
}

/// Rehearses the `number`-th run alone.
///
/// # Errors
///
/// As [`rehearse`].
pub fn one(options: &Options, number: usize) -> Result<Summary> {
    let programs = Programs::find()?;
    let seed = options.seed + number as u64;
    let folder = options.folder.join(format!("{seed}"));
    run::run(options, &programs, seed, number, &folder)
        .with_context(|| format!("run with seed {seed}, in {}", folder.display()))
}

/// The programs under rehearsal, built beside this one.
#[derive(Clone, Debug)]
pub(crate) struct Programs {
    pub(crate) everstep: PathBuf,
    pub(crate) world: PathBuf,
}

impl Programs {
    pub(crate) fn find() -> Result<Self> {
        let here = std::env::current_exe().context("this program's own path")?;
        // A test's program lies one folder deeper.
        let folders = here.ancestors().skip(1).take(2);
        let program = |name: &str| {
            let mut paths = folders.clone().map(|folder| folder.join(name));
            paths.find(|path| path.is_file()).with_context(|| format!("{name} is missing: run `make run`"))
        };
        Ok(Self { everstep: program("everstep")?, world: program("everstep-world")? })
    }
}
