//! Shows a run while it works: lines and streamed text for people, or one JSON object for each event.
//!
//! Everything shown is on flash already.

use std::io::{self, Write};

use everstep_core::{Kind, Record};
use everstep_driver::{Observer, Report};
use serde_json::{Value, json};

use crate::{describe, out};

/// Lines on standard error for people.
#[derive(Debug)]
pub(crate) struct Screen {
    progress: bool,
    colour: bool,
    /// Whether the cursor stands behind streamed text or progress.
    line_open: bool,
}

impl Screen {
    pub(crate) fn new() -> Self {
        Self { progress: out::shows_progress(), colour: out::shows_colour(), line_open: false }
    }

    /// Writes a line of its own, below whatever was streamed.
    fn line(&mut self, text: &str) {
        if std::mem::take(&mut self.line_open) {
            write("\n");
        }
        write(&format!("{text}\n"));
    }

    /// Streams text as it comes about.
    fn stream(&mut self, text: &str) {
        if !self.progress || text.is_empty() {
            return;
        }
        let text = printable(text);
        if self.colour {
            write(&format!("\x1b[2m{text}\x1b[0m"));
        } else {
            write(&text);
        }
        self.line_open = !text.ends_with('\n');
    }

    /// Replaces the line by how far something is.
    pub(crate) fn progress(&mut self, text: &str) {
        if self.progress {
            write(&format!("\r\x1b[K{text}"));
            self.line_open = true;
        }
    }

    /// Takes the progress away again.
    pub(crate) fn progress_ends(&mut self) {
        if self.progress && std::mem::take(&mut self.line_open) {
            write("\r\x1b[K");
        }
    }

    fn recorded(&mut self, record: &Record, step: u32, text: Option<&str>) {
        match &record.kind {
            Kind::Generated { .. } => self.stream(text.unwrap_or_default()),
            Kind::Attempt { .. } | Kind::Answered => {}
            Kind::Called(call) => self.line(&format!("{step:>4}  {}", describe::call(call))),
            Kind::Started { .. } | Kind::Booted { .. } | Kind::Finished { .. } => {
                self.line(&describe::summary(&record.kind));
            }
            kind => self.line(&format!("      {}", describe::summary(kind))),
        }
    }
}

impl Observer for Screen {
    fn report(&mut self, report: Report<'_>) {
        match report {
            Report::Recorded { record, agent, text, .. } => {
                let step = agent.run().map_or(0, |run| run.step.0);
                self.recorded(record, step, text);
            }
            Report::Evaluating { evaluated, cached, total } => {
                if evaluated < total {
                    self.progress(&format!("reading {evaluated} of {total} tokens, {cached} from the cache"));
                } else {
                    self.progress_ends();
                }
            }
            Report::KvSnapshot(fact) => {
                if let Some(text) = describe::kv_snapshot(fact) {
                    self.line(&format!("      {text}"));
                }
            }
            Report::SnapshotBegins | Report::Snapshot { .. } => {}
        }
    }
}

/// Lines for people, and one JSON object a line on standard output.
#[derive(Debug)]
pub(crate) struct Events(pub(crate) Screen);

impl Events {
    /// Prints one event; `fields` is an object.
    pub(crate) fn print(event: &str, fields: Value) {
        let mut object = serde_json::Map::new();
        object.insert("event".into(), event.into());
        if let Value::Object(fields) = fields {
            object.extend(fields);
        }
        // A reader that has gone away is no reason to stop a run.
        let _ = out::json(&object);
    }
}

impl Observer for Events {
    fn report(&mut self, report: Report<'_>) {
        match &report {
            Report::Recorded { sequence, record, agent, text, bytes } => {
                let mut fields = describe::object(*sequence, record);
                fields.insert("record_bytes".into(), json!(bytes));
                fields.insert("step".into(), json!(agent.run().map(|run| run.step)));
                fields.insert("text".into(), json!(text));
                Self::print("recorded", fields.into());
            }
            Report::Evaluating { evaluated, cached, total } => {
                Self::print("evaluating", json!({"evaluated": evaluated, "cached": cached, "total": total}));
            }
            Report::KvSnapshot(fact) => Self::print("kv_snapshot", json!(fact)),
            Report::SnapshotBegins => Self::print("snapshot_begins", json!({})),
            Report::Snapshot { bytes } => Self::print("snapshot", json!({"bytes": bytes})),
        }
        self.0.report(report);
    }
}

fn write(text: &str) {
    let mut err = io::stderr().lock();
    // There is nobody left to tell when standard error is closed; the run goes on.
    let _ = err.write_all(text.as_bytes()).and_then(|()| err.flush());
}

/// Text from a model or a device, without anything a terminal would obey.
pub(crate) fn printable(text: &str) -> String {
    text.chars().filter(|letter| *letter == '\n' || !letter.is_control()).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn terminal_never_obeys_the_model() {
        assert_eq!(super::printable("a\x1b[2Jb\n\u{9b}c\r"), "a[2Jb\nc");
    }
}
