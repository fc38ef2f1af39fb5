//! Measures a model by whole episodes: each task of each board, from starts drawn by seeds, worked by
//! the real binary on the real loop, and judged by the world's end state.

use std::process::ExitCode;

use clap::Parser;
use system_tests::episodes::{self, Options};

fn main() -> ExitCode {
    match episodes::measure(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("everstep-episodes: {error:#}");
            ExitCode::from(2)
        }
    }
}
