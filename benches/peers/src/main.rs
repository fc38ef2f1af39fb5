//! How does the engine compare with what a user would pick instead? Decoding beside llama-bench, a
//! constrained call beside llama-server, a durable step beside `LangGraph` with its SQLite checkpointer over
//! llama-cpp-python; memory, bytes written, and starts of each.
//!
//! `make bench-engine`. The same GGUF, threads and tools for all; each pair is measured one right after the
//! other, in turns of order. The table goes to `target/bench/engine.json` too.

mod files;
mod llama_bench;
mod measure;
mod ours;
mod pairs;
mod process;
mod report;
mod server;
mod starts;
mod steps;
mod tools;
mod worker;

use std::env;

use anyhow::{Result, ensure};

use crate::{
    files::Files,
    report::{Report, Row},
    tools::Offer,
};

/// Threads of every engine: the other core is left to the system and to whoever asks.
const THREADS: u16 = 1;
/// Pairs of measurements.
const PAIRS: usize = 10;
/// What is measured, in this order.
const PARTS: &[&str] = &["decode", "prompt", "call", "kill", "step", "cold", "memory"];

fn main() -> Result<()> {
    let mut arguments = env::args().skip(1).peekable();
    if arguments.next_if(|first| first == worker::NAME).is_some() {
        return worker::serve(arguments);
    }
    let wanted: Vec<String> = arguments.collect();
    for name in &wanted {
        ensure!(PARTS.contains(&name.as_str()), "there is no part `{name}`; there are {}", PARTS.join(", "));
    }
    compare(&wanted)
}

/// Measures the parts that are `wanted`, or all where none is named.
fn compare(wanted: &[String]) -> Result<()> {
    let number = |name: &str| env::var(name).ok().and_then(|text| text.parse().ok());
    let pairs = number("PAIRS").unwrap_or(PAIRS);
    let threads = number("THREADS").and_then(|count| u16::try_from(count).ok()).unwrap_or(THREADS);
    let files = Files::find()?;
    let models = files.models();
    let mut report = Report::new(threads, pairs);
    for part in PARTS {
        if !wanted.is_empty() && !wanted.iter().any(|name| name == part) {
            continue;
        }
        let rows = match *part {
            "decode" => each(&models, |model| measure::decode(&files, model, threads, pairs))?,
            "prompt" => each(&models, |model| measure::prompt(&files, model, threads, pairs))?,
            "call" => each(&[Offer::Devices, Offer::BuiltIn], |offer| {
                measure::call(&files, *offer, threads, pairs)
            })?,
            "kill" => starts::after_kill(&files, threads, pairs)?,
            "step" => vec![steps::durable(&files, threads, pairs)?],
            "cold" => starts::cold(&files, threads, pairs)?,
            _ => each(&models, |model| starts::memory(&files, model, threads))?,
        };
        report.add(rows);
    }
    report.write(&files.report())
}

fn each<T>(of: &[T], measure: impl FnMut(&T) -> Result<Row>) -> Result<Vec<Row>> {
    of.iter().map(measure).collect()
}
