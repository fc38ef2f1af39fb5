//! How does the journal compare with what a user would pick instead? Bytes programmed, operations and
//! erases a step, recovery, what cuts lose, and on a file, the time of a durable step.
//!
//! `make bench-journal`. Flash is simulated and its times are modelled: see [`model`]. Figures go to
//! `target/bench/journal.json` too.

#![expect(clippy::cast_precision_loss, reason = "counts here are far below 2^52")]

mod blocks;
mod cost;
mod cuts;
mod everstep;
mod files;
mod log;
mod lsm;
mod model;
mod parts;
mod sequential;
mod workload;

use std::{env, fs, path::Path};

use anyhow::{Context, Result};
use everstep_board_sim::CutModel;
use serde_json::{Value, json};

use crate::{
    cost::{Cost, Idle, measure},
    cuts::{Losses, cut},
    log::Log,
};

/// Steps that are measured, and before them steps that fill the ring.
const STEPS: u64 = 10_000;
const CUTS: u64 = 500;
const FILE_ROUNDS: usize = 12;
const FILE_STEPS: u64 = 256;

fn main() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let cuts_wanted = env::var("EVERSTEP_CUTS").ok().and_then(|cuts| cuts.parse().ok()).unwrap_or(CUTS);
    let folder = root.join("target/bench");
    fs::create_dir_all(&folder)?;

    let costs = rows(Idle::Between);
    print_costs(&costs);
    let runaway = rows(Idle::Never);
    print_runaway(&costs, &runaway);
    let groups = blocks::measure()?;
    blocks::print(&groups);
    // Some logs panic when the power goes; that is counted, not shown each time.
    std::panic::set_hook(Box::new(|_| {}));
    let losses = [
        lost::<everstep::Everstep>(cuts_wanted),
        lost::<sequential::Queue>(cuts_wanted),
        lost::<sequential::Map>(cuts_wanted),
        lost::<lsm::Ekv>(cuts_wanted),
    ];
    drop(std::panic::take_hook());
    print_losses(&losses);
    let files = files::measure(&folder, FILE_ROUNDS, FILE_STEPS)?;
    print_files(&files)?;

    let report = json!({
        "steps": STEPS,
        "costs": costs.iter().map(Row::to_json).collect::<Vec<_>>(),
        "runaway": runaway.iter().map(Row::to_json).collect::<Vec<_>>(),
        "groups": groups.iter().map(blocks::Group::to_json).collect::<Vec<_>>(),
        "cuts": losses.iter().map(Lost::to_json).collect::<Vec<_>>(),
        "files": files::NAMES.iter().zip(&files).map(|(name, cost)| json!({
            "name": name.0, "group": name.1, "step_us": cost.step_us, "steps": cost.steps,
            "written_bytes": cost.written_bytes, "writes": cost.writes,
        })).collect::<Vec<_>>(),
    });
    fs::write(folder.join("journal.json"), format!("{report:#}\n"))?;
    Ok(())
}

/// What keeping the workload costs one log, or why it couldn't.
struct Row {
    name: &'static str,
    cost: Result<Cost>,
}

fn rows(idle: Idle) -> [Row; 4] {
    [
        row::<everstep::Everstep>(idle),
        row::<sequential::Queue>(idle),
        row::<sequential::Map>(idle),
        row::<lsm::Ekv>(idle),
    ]
}

fn row<L: Log>(idle: Idle) -> Row {
    Row { name: L::NAME, cost: measure::<L>(STEPS, idle) }
}

impl Row {
    fn to_json(&self) -> Value {
        match &self.cost {
            Ok(cost) => json!({"name": self.name, "cost": cost.to_json()}),
            Err(error) => json!({"name": self.name, "error": format!("{error:#}")}),
        }
    }
}

#[expect(clippy::print_stdout, reason = "the table is this program's result")]
fn print_costs(rows: &[Row]) {
    println!("1 MiB of NOR flash, {STEPS} steps; times are modelled\n");
    println!(
        "{:<26} {:>7} {:>8} {:>8} {:>9} {:>9} {:>10} {:>9} {:>9} {:>10}",
        "",
        "B/step",
        "of floor",
        "of event",
        "prog/step",
        "prog/ev",
        "erase/step",
        "worst ms",
        "boot ms",
        "boot read"
    );
    for Row { name, cost } in rows {
        match cost {
            Ok(cost) => println!("{name:<26} {cost}"),
            Err(error) => println!("{name:<26} {error:#}"),
        }
    }
}

/// What a runaway costs that leaves no time to erase ahead.
#[expect(clippy::print_stdout, reason = "the table is this program's result")]
fn print_runaway(idle: &[Row], never: &[Row]) {
    println!("\nsectors erased while a step waits, with time between steps and under a runaway without\n");
    println!(
        "{:<26} {:>10} {:>9} {:>9} {:>12} {:>9} {:>9}",
        "", "hot/step", "mean ms", "worst ms", "runaway hot", "mean ms", "worst ms"
    );
    for (idle, never) in idle.iter().zip(never) {
        if let (Ok(idle_cost), Ok(cost)) = (&idle.cost, &never.cost) {
            println!(
                "{:<26} {:>10.4} {:>9.2} {:>9.1} {:>12.4} {:>9.2} {:>9.1}",
                idle.name,
                idle_cost.hot_erases(),
                idle_cost.mean_ms(),
                idle_cost.worst_ms(),
                cost.hot_erases(),
                cost.mean_ms(),
                cost.worst_ms(),
            );
        }
    }
}

/// What cuts cost one log, under each model.
struct Lost {
    name: &'static str,
    models: Vec<(CutModel, Losses)>,
}

fn lost<L: Log>(cuts: u64) -> Lost {
    let models = CutModel::ALL.into_iter().map(|model| (model, cut::<L>(model, cuts))).collect();
    Lost { name: L::NAME, models }
}

impl Lost {
    fn to_json(&self) -> Value {
        let models: Vec<_> = self
            .models
            .iter()
            .map(|(model, losses)| {
                json!({
                    "model": format!("{model:?}"), "cuts": losses.cuts, "lost_items": losses.lost_items,
                    "dead": losses.dead, "refused": losses.refused,
                })
            })
            .collect();
        json!({"name": self.name, "models": models})
    }
}

#[expect(clippy::print_stdout, reason = "the table is this program's result")]
fn print_losses(rows: &[Lost]) {
    println!("\naccepted items lost + flashes dead + steps refused, by cut model\n");
    print!("{:<26}", "");
    for model in CutModel::ALL {
        print!(" {:>15}", format!("{model:?}"));
    }
    println!();
    for Lost { name, models } in rows {
        print!("{name:<26}");
        for (_, losses) in models {
            print!(" {:>15}", format!("{} + {} + {}", losses.lost_items, losses.dead, losses.refused));
        }
        println!();
    }
    let cuts = rows.first().and_then(|row| row.models.first()).map_or(0, |(_, losses)| losses.cuts);
    println!("\n{cuts} cuts each");
}

#[expect(clippy::print_stdout, reason = "the table is this program's result")]
fn print_files(costs: &[files::FileCost]) -> Result<()> {
    println!("\non a file, all durable, {FILE_ROUNDS} rounds of {FILE_STEPS} steps, interleaved\n");
    println!(
        "{:<26} {:>9} {:>9} {:>9} {:>10} {:>8} {:>9}",
        "", "us/step", "least", "most", "to SQLite", "B/step", "write/step"
    );
    for ((name, group), cost) in files::NAMES.iter().zip(costs) {
        let of_same_size =
            |((rival, size), _): &(&(&str, usize), _)| *rival == files::SQLITE && size == group;
        let (_, rival) = files::NAMES.iter().zip(costs).find(of_same_size).context("SQLite")?;
        let name = if *group == 1 { (*name).to_owned() } else { format!("{name}, by {group}") };
        let mut ratios: Vec<f64> =
            cost.step_us.iter().zip(&rival.step_us).map(|(ours, theirs)| ours / theirs).collect();
        let [ratio, ..] = spread(&mut ratios).context("a round")?;
        let [median, least, most] = spread(&mut cost.step_us.clone()).context("a round")?;
        let a_step = |count: u64| count as f64 / cost.steps as f64;
        println!(
            "{name:<26} {median:>9.0} {least:>9.0} {most:>9.0} {ratio:>10.2} {:>8.0} {:>9.1}",
            a_step(cost.written_bytes),
            a_step(cost.writes),
        );
    }
    Ok(())
}

/// Median, least and most.
fn spread(values: &mut [f64]) -> Option<[f64; 3]> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    Some([*values.get(middle)?, *values.first()?, *values.last()?])
}
