//! The rehearsal: works the cold room's task with the real binary and the real model, kills the
//! process on the way, and says what that cost.

use std::process::ExitCode;

use clap::Parser;
use system_tests::rehearsal::{self, Options};

fn main() -> ExitCode {
    match rehearsal::rehearse(&Options::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("everstep-rehearse: {error:#}");
            ExitCode::from(2)
        }
    }
}
