//! The gateway example: a board whose devices and services are on the network, all of them on loopback.

use std::{path::Path, process::ExitCode};

use network_tests::gateway::{Seen, rehearse};

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "what it shows is the example")]
fn main() -> ExitCode {
    let seen = rehearse(Path::new("target/gateway-example"), &mut |text| println!("{text}"));
    match seen {
        Ok(seen) => {
            let Seen { forecasts, reports, opened_before, opened, leaks } = seen;
            println!("what the other ends saw");
            println!("forecast asked for, with the secret     {forecasts}");
            println!("level reported to the broker            {reports}");
            println!("inlet opened before the operator's word {opened_before}");
            println!("inlet opened in all                     {opened}");
            println!("secret found in state or output         {leaks}");
            if seen == Seen::EXPECTED { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("everstep-gateway: {error:#}");
            ExitCode::FAILURE
        }
    }
}
