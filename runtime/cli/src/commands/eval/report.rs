//! What an evaluation found, as a table for people and as objects.

use std::{fmt::Write as _, path::Path};

use everstep_eval::{Case, End, Judgement, MadeCall, Played, Share, Tally, Timing, Want};
use everstep_model::{Constraint, ModelCard};
use serde_json::{Value, json};

use crate::{describe::hex, screen::printable};

/// Counts of every file and kind.
pub(super) struct Report {
    files: Vec<FileReport>,
    all: Tally,
}

/// Counts of one file.
struct FileReport {
    label: String,
    all: Tally,
    /// In the order they first came up; only for files that name any.
    kinds: Vec<(String, Tally)>,
}

/// The kind of a case that names none, in a file where others do.
const NO_KIND: &str = "(none)";
/// Longest text of a reply in a line for people.
const SHOWN_CHARS_MAX: usize = 400;

impl Report {
    pub(super) fn new(paths: &[&Path]) -> Self {
        let files = paths.iter().map(|path| FileReport {
            label: label(path, paths),
            all: Tally::default(),
            kinds: Vec::new(),
        });
        Self { files: files.collect(), all: Tally::default() }
    }

    pub(super) fn label(&self, file: usize) -> &str {
        self.files.get(file).map_or("", |file| file.label.as_str())
    }

    /// Cases that were refused or did not fit.
    pub(super) fn not_played(&self) -> u64 {
        self.all.refused.saturating_add(self.all.too_long)
    }

    pub(super) fn count(&mut self, file: usize, case: &Case, judgement: Judgement, played: &Played) {
        self.all.count(judgement, played);
        let Some(file) = self.files.get_mut(file) else { return };
        file.all.count(judgement, played);
        let kind = case.kind.as_deref().unwrap_or(NO_KIND);
        if let Some((_, tally)) = file.kinds.iter_mut().find(|(known, _)| known == kind) {
            tally.count(judgement, played);
        } else {
            let mut tally = Tally::default();
            tally.count(judgement, played);
            file.kinds.push((kind.to_owned(), tally));
        }
    }

    /// One line: how far it is.
    pub(super) fn progress(&self, file: usize, number: usize, cases: usize) -> String {
        let tally = self.files.get(file).map(|file| file.all).unwrap_or_default();
        let right = tally.exact.part.saturating_add(tally.abstained.part);
        format!("{}: case {} of {cases}, {right} right so far", self.label(file), number.saturating_add(1))
    }

    /// The table, and below it what the percentages leave out.
    pub(super) fn table(&self) -> String {
        let rows = self.rows();
        let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        let mut text = format!("{:width$}", "");
        for heading in HEADINGS {
            let _ = write!(text, " {heading:>9}");
        }
        for (name, tally) in &rows {
            let _ = write!(text, "\n{name:width$}");
            for cell in cells(tally) {
                let _ = write!(text, " {cell:>9}");
            }
        }
        text.push('\n');
        for (count, what) in [
            (self.all.refused, "not played, refused: the schema of a tool can't be enforced"),
            (self.all.too_long, "not played, too long for the context"),
            (self.all.failed, "failed: no end of a reply, or a constraint that got stuck"),
        ] {
            if count > 0 {
                let _ = writeln!(text, "{what}: {count}");
            }
        }
        text
    }

    /// Name and counts of every row: files, their kinds indented, all.
    fn rows(&self) -> Vec<(String, Tally)> {
        let mut rows = Vec::new();
        for file in &self.files {
            rows.push((printable(&file.label), file.all));
            rows.extend(
                file.named_kinds().iter().map(|(kind, tally)| (format!("  {}", printable(kind)), *tally)),
            );
        }
        if self.files.len() > 1 {
            rows.push(("all".to_owned(), self.all));
        }
        rows
    }

    /// One case as an object.
    pub(super) fn case(&self, file: usize, case: &Case, judgement: Judgement, played: &Played) -> Value {
        let wanted = match &case.want {
            Want::NoCall => Value::Null,
            Want::Calls(calls) => calls
                .iter()
                .map(|call| json!({"name": call.name, "arguments": call.arguments_json()}))
                .collect(),
        };
        let (end, text) = match &played.end {
            End::Called => ("called", None),
            End::Answered(text) => ("answered", Some(text)),
            End::Malformed { text, .. } => ("malformed", Some(text)),
            End::Refused(_) => ("refused", None),
            End::TooLong { .. } => ("too_long", None),
            End::Failed(_) => ("failed", None),
        };
        let reason = match &played.end {
            End::Malformed { why, .. } => Some(why.clone()),
            End::Refused(reason) | End::Failed(reason) => Some(reason.clone()),
            End::TooLong { .. } => describe_end(&played.end),
            End::Called | End::Answered(_) => None,
        };
        json!({
            "event": "case",
            "file": self.label(file),
            "id": case.id,
            "kind": case.kind,
            "right": judgement.is_right(),
            "valid": judgement.valid,
            "right_tool": judgement.right_tool,
            "exact": judgement.exact,
            "acted": judgement.acted,
            "abstained": judgement.abstained,
            "end": end,
            "reason": reason,
            "wanted": wanted,
            "calls": played.calls.iter().map(call_object).collect::<Vec<_>>(),
            "text": text,
            "timing": timing_object(&played.timing),
        })
    }

    /// Every row of the table as one object.
    pub(super) fn summary(&self, card: &ModelCard, constraint: Constraint) -> Value {
        let files: Vec<Value> = self
            .files
            .iter()
            .map(|file| {
                let kinds: serde_json::Map<String, Value> =
                    file.named_kinds().iter().map(|(kind, tally)| (kind.clone(), object(tally))).collect();
                json!({"file": file.label, "all": object(&file.all), "kinds": kinds})
            })
            .collect();
        json!({
            "event": "summary",
            "model": {"name": card.name, "family": card.family, "digest": hex(&card.digest)},
            "constraint": constraint == Constraint::Calls,
            "files": files,
            "all": object(&self.all),
        })
    }
}

impl FileReport {
    /// The kinds, where the file names any.
    fn named_kinds(&self) -> &[(String, Tally)] {
        match self.kinds.as_slice() {
            [(only, _)] if only == NO_KIND => &[],
            kinds => kinds,
        }
    }
}

const HEADINGS: [&str; 8] =
    ["cases", "valid %", "tool %", "exact %", "acts %", "abstain %", "prompt/s", "reply/s"];

fn cells(tally: &Tally) -> [String; 8] {
    let share = |share: Share| share.percent().map_or("-".to_owned(), |percent| format!("{percent:.1}"));
    let rate = |rate: Option<f64>| rate.map_or("-".to_owned(), |rate| format!("{rate:.0}"));
    [
        tally.cases.to_string(),
        share(tally.valid),
        share(tally.right_tool),
        share(tally.exact),
        share(tally.acted),
        share(tally.abstained),
        rate(tally.timing.prompt_tokens_per_s()),
        rate(tally.timing.reply_tokens_per_s()),
    ]
}

/// One line about a case that came out wrong.
pub(super) fn failure_line(label: &str, case: &Case, played: &Played) -> String {
    let wanted = match &case.want {
        Want::NoCall => "no call".to_owned(),
        Want::Calls(calls) => calls.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    };
    let got =
        played.calls.iter().map(call_line).chain(describe_end(&played.end)).collect::<Vec<_>>().join(", ");
    printable(&format!("{label} {}: wanted {wanted}; got {got}", case.id)).replace('\n', " ")
}

/// How a case ended, where that is more than its calls.
pub(super) fn describe_end(end: &End) -> Option<String> {
    Some(match end {
        End::Called => return None,
        End::Answered(text) => format!("the answer {}", quoted(text)),
        End::Malformed { text, why } => format!("the malformed reply {} ({why})", quoted(text)),
        End::Refused(reason) => format!("refused: {reason}"),
        End::TooLong { tokens, tokens_max } => {
            format!("too long: prompt and reply need {tokens} tokens, the context has {tokens_max}")
        }
        End::Failed(reason) => format!("failed: {reason}"),
    })
}

fn call_line(call: &MadeCall) -> String {
    let fault = call.fault.as_ref().map(|fault| format!(" (not valid: {fault})")).unwrap_or_default();
    format!("{} {}{fault}", call.name, call.arguments)
}

fn quoted(text: &str) -> String {
    let shown: String = text.chars().take(SHOWN_CHARS_MAX).collect();
    let cut = if shown.len() < text.len() { "..." } else { "" };
    format!("{}{cut}", Value::from(shown))
}

fn call_object(call: &MadeCall) -> Value {
    json!({"name": call.name, "arguments": call.arguments, "fault": call.fault})
}

fn object(tally: &Tally) -> Value {
    let share = |share: Share| json!({"part": share.part, "whole": share.whole, "percent": share.percent()});
    json!({
        "cases": tally.cases,
        "valid": share(tally.valid),
        "calls_valid": share(tally.calls_valid),
        "right_tool": share(tally.right_tool),
        "exact": share(tally.exact),
        "acted": share(tally.acted),
        "abstained": share(tally.abstained),
        "refused": tally.refused,
        "too_long": tally.too_long,
        "failed": tally.failed,
        "timing": timing_object(&tally.timing),
    })
}

fn timing_object(timing: &Timing) -> Value {
    let micros = |time: std::time::Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    json!({
        "prompt_tokens": timing.prompt_tokens,
        "cached_tokens": timing.cached_tokens,
        "prompt_us": micros(timing.prompt),
        "prompt_tokens_per_s": timing.prompt_tokens_per_s(),
        "reply_tokens": timing.reply_tokens,
        "reply_us": micros(timing.reply),
        "reply_tokens_per_s": timing.reply_tokens_per_s(),
    })
}

/// The file's name, or its whole path where another has the same name.
fn label(path: &Path, all: &[&Path]) -> String {
    let is_alone = all.iter().filter(|other| other.file_name() == path.file_name()).count() <= 1;
    match path.file_name().filter(|_| is_alone) {
        Some(name) => name.to_string_lossy().into_owned(),
        None => path.display().to_string(),
    }
}
