//! The table of a measurement, and its figures as JSON.

use std::{collections::BTreeMap, fs};

use anyhow::{Context, Result};
use serde::Serialize;
use serde_json::json;

use super::{Options, Wording, episode::Episode};

/// All episodes of one task.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Row {
    pub(super) board: String,
    pub(super) task: String,
    pub(super) conditional: bool,
    pub(super) episodes: Vec<Episode>,
}

impl Row {
    fn share(&self) -> Share {
        let done = self.episodes.iter().filter(|episode| episode.wrong.is_empty()).count();
        Share { done, of: self.episodes.len() }
    }
}

/// So many of so many.
#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Share {
    done: usize,
    of: usize,
}

impl Share {
    fn add(&mut self, other: Self) {
        self.done += other.done;
        self.of += other.of;
    }

    #[expect(clippy::cast_precision_loss, reason = "far fewer episodes than 2^53")]
    fn percent(self) -> f64 {
        100.0 * self.done as f64 / self.of.max(1) as f64
    }
}

/// One line for one task, as soon as it is measured.
pub(super) fn progress(row: &Row, failures: bool) {
    let share = row.share();
    eprintln!("{:11} {:22} {:3} of {:3}", row.board, row.task, share.done, share.of);
    for episode in row.episodes.iter().filter(|episode| failures && !episode.wrong.is_empty()) {
        eprintln!("    seed {}: {:?}: {}", episode.seed, episode.request, episode.wrong.join("; "));
        eprintln!("        answered {:?} after {} steps", episode.answer, episode.steps);
    }
}

/// The headline, and a line for each board.
#[expect(clippy::print_stdout, reason = "the result of the program")]
pub(super) fn table(rows: &[Row]) {
    let (boards, all, conditional) = sums(rows);
    println!("{:12} {:>6} {:>9}", "board", "done", "percent");
    for (name, share) in boards {
        println!("{name:12} {:>6} {:>8.1} %", format!("{}/{}", share.done, share.of), share.percent());
    }
    for (name, share) in [("all", all), ("conditional", conditional)] {
        println!("{name:12} {:>6} {:>8.1} %", format!("{}/{}", share.done, share.of), share.percent());
    }
}

fn sums(rows: &[Row]) -> (BTreeMap<&str, Share>, Share, Share) {
    let mut boards: BTreeMap<&str, Share> = BTreeMap::new();
    let (mut all, mut conditional) = (Share::default(), Share::default());
    for row in rows {
        let share = row.share();
        boards.entry(&row.board).or_default().add(share);
        all.add(share);
        if row.conditional {
            conditional.add(share);
        }
    }
    (boards, all, conditional)
}

/// Everything, for machines.
pub(super) fn write(options: &Options, rows: &[Row]) -> Result<()> {
    let (boards, all, conditional) = sums(rows);
    let wording = if options.wording == Wording::Shipped { "shipped" } else { "unseen" };
    let figures = json!({
        "wording": wording,
        "constraint": !options.no_constraint,
        "seeds": options.seeds,
        "all": {"done": all.done, "of": all.of, "percent": all.percent()},
        "conditional": {"done": conditional.done, "of": conditional.of, "percent": conditional.percent()},
        "boards": boards,
        "tasks": rows,
    });
    if let Some(folder) = options.report.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(&options.report, serde_json::to_string_pretty(&figures)?)
        .with_context(|| format!("write {}", options.report.display()))
}
