//! The `everstep` command: picks the concrete parts, runs them, prints results.
//!
//! Leaves out any logic of its own: what an agent does is the core's, how it is kept the journal's,
//! what a board is the board file's.

mod args;
mod commands;
mod describe;
mod exit;
mod explain;
mod out;
mod site;

use std::process::ExitCode;

use clap::Parser;

use args::{Cli, Command};
use exit::{Exit, Outcome};

fn main() -> ExitCode {
    // Bad usage ends here, with clap's own message and code 2, which is ours too.
    let cli = Cli::parse();
    match perform(cli) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            out::note(&format!("everstep: {}", failure.line()));
            failure.exit.into()
        }
    }
}

fn perform(cli: Cli) -> Outcome<Exit> {
    let place = cli.place;
    match cli.command {
        Command::Config => commands::config::perform(&place),
        Command::Completions { shell } => commands::completions::perform(shell),
        _ => Ok(Exit::Usage),
    }
}
