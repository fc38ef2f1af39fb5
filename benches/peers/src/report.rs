//! The table, and its numbers as JSON.

use std::{fs, path::Path};

use anyhow::Result;
use serde::Serialize;
use serde_json::{Value, json};

use crate::pairs::Paired;

/// One line of the table.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) what: &'static str,
    pub(crate) model: &'static str,
    pub(crate) peer: &'static str,
    pub(crate) unit: &'static str,
    /// What DESIGN asks for, if it does.
    pub(crate) goal: &'static str,
    #[serde(flatten)]
    pub(crate) paired: Paired,
    pub(crate) notes: Value,
}

/// All lines so far.
pub(crate) struct Report {
    threads: u16,
    pairs: usize,
    rows: Vec<Row>,
}

impl Report {
    #[expect(clippy::print_stdout, reason = "the table is this program's result")]
    pub(crate) fn new(threads: u16, pairs: usize) -> Self {
        println!("{threads} thread(s), {pairs} pairs a line; median (least to most)\n");
        println!(
            "{:<22} {:<22} {:<26} {:<9} {:>26} {:>26} {:>22}  goal",
            "", "model", "beside", "unit", "everstep", "the other", "everstep / other"
        );
        Self { threads, pairs, rows: Vec::new() }
    }

    /// Adds lines and shows them.
    #[expect(clippy::print_stdout, reason = "the table is this program's result")]
    pub(crate) fn add(&mut self, rows: Vec<Row>) {
        for row in rows {
            let [ours, theirs, ratio] =
                [row.paired.ours, row.paired.theirs, row.paired.ratio].map(|spread| {
                    let places = if spread.median < 10.0 { 3 } else { 1 };
                    format!("{:.places$} ({:.places$}-{:.places$})", spread.median, spread.min, spread.max)
                });
            println!(
                "{:<22} {:<22} {:<26} {:<9} {ours:>26} {theirs:>26} {ratio:>22}  {}",
                row.what, row.model, row.peer, row.unit, row.goal
            );
            if row.notes.as_object().is_some_and(|notes| !notes.is_empty()) {
                println!("{:<22} {}", "", row.notes);
            }
            self.rows.push(row);
        }
    }

    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let report = json!({"threads": self.threads, "pairs": self.pairs, "rows": self.rows});
        fs::write(path, format!("{report:#}\n"))?;
        Ok(())
    }
}
