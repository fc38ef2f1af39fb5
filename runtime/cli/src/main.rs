//! The `everstep` command: picks the concrete parts, runs them, prints results.
//!
//! Leaves out any logic of its own: what an agent does is the core's, how it is kept the journal's,
//! what a board is the board file's.

mod approval;
mod args;
mod commands;
mod describe;
mod devices;
mod exit;
mod explain;
mod idle;
mod life;
mod log;
mod model;
mod network;
mod offline;
mod out;
mod parts;
mod plan;
mod relay;
mod screen;
mod site;

use std::{
    process::ExitCode,
    sync::{Arc, atomic::AtomicBool},
};

use clap::Parser;
use signal_hook::consts::SIGXFSZ;

use args::{Cli, Command};
use exit::{Exit, Outcome};

fn main() -> ExitCode {
    // Bad usage ends here, with clap's own message and code 2, which is ours too.
    let cli = Cli::parse();
    // With a handler, a write beyond the limit on file sizes is an error that can be told, not an end.
    // Without one, the process ends there, as at any power cut.
    let _ = signal_hook::flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false)));
    match perform(&cli) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            out::note(&format!("everstep: {}", failure.line()));
            failure.exit.into()
        }
    }
}

fn perform(cli: &Cli) -> Outcome<Exit> {
    let place = &cli.place;
    match &cli.command {
        Command::Run(args) => commands::run::perform(place, args),
        Command::Status(args) => commands::control::status(place, *args),
        Command::Stop(args) => commands::control::stop(place, args),
        Command::Approve(args) => commands::control::approve(place, args),
        Command::Refuse(args) => commands::control::refuse(place, args),
        Command::Journal(args) => commands::journal::perform(place, args),
        Command::Replay(args) => commands::replay::perform(place, args),
        Command::Flash(args) => commands::flash::perform(place, args),
        Command::Tools(args) => commands::tools::perform(place, args),
        Command::Mcp(args) => commands::mcp::perform(place, args),
        Command::Model(args) => commands::model::perform(place, args),
        Command::Eval(args) => commands::eval::perform(place, args),
        Command::Bench(args) => commands::bench::perform(place, args),
        Command::Config => commands::config::perform(place),
        Command::Check(args) => commands::check::perform(place, args),
        Command::Completions { shell } => commands::completions::perform(*shell),
    }
}
