//! `everstep eval` on schemas: what the constraint of calls takes, refuses and can't enforce.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io,
    path::{Path, PathBuf},
};

use everstep_eval::{Rightness, SchemaGroup, SchemaTally, SchemaTest, Share, Verdict, read_groups, spell};
use everstep_model_llama::{GrammarError, SchemaProbe, SchemaTaker};
use serde_json::{Value, json};

use crate::{
    args::{Eval, Place},
    exit::{Exit, Failure, Outcome},
    model::Choice,
    out,
    screen::{Screen, printable},
};

/// How the name of a file of schemas ends.
const EXTENSION: &str = "json";
/// Deepest folder of a suite that is looked into.
const FOLDERS_MAX: usize = 4;
/// Longest text of an instance in a line for people.
const SHOWN_CHARS_MAX: usize = 200;

/// A file of groups, and what came of them.
struct Source {
    label: String,
    groups: Vec<SchemaGroup>,
    tally: SchemaTally,
}

/// Whether the file's name says that it holds schemas.
pub(super) fn is_groups(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == EXTENSION)
}

/// The files of schemas in `folder` and in those below.
pub(super) fn suite(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    look_into(folder, 0, &mut paths)?;
    Ok(paths)
}

fn look_into(folder: &Path, depth: usize, paths: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() && depth < FOLDERS_MAX {
            look_into(&path, depth.saturating_add(1), paths)?;
        } else if is_groups(&path) {
            paths.push(path);
        }
    }
    Ok(())
}

/// Measures the constraint on the schemas of `paths`.
pub(super) fn perform(place: &Place, args: &Eval, paths: &[PathBuf]) -> Outcome {
    if let Some(other) = paths.iter().find(|path| !is_groups(path)) {
        let what = format!("{} holds cases: measure them apart from schemas", other.display());
        return Err(Failure::usage(anyhow::anyhow!(what)));
    }
    let mut sources = Vec::with_capacity(paths.len());
    for path in paths {
        let mut groups = read_groups(path).map_err(Failure::usage)?;
        groups.truncate(args.limit.map_or(usize::MAX, usize::from));
        let label = args.suite.as_deref().and_then(|suite| path.strip_prefix(suite).ok()).unwrap_or(path);
        sources.push(Source { label: label.display().to_string(), groups, tally: SchemaTally::default() });
    }
    let (choice, _) = Choice::without_agent(place, args.model.model.as_deref())?;
    let Choice::Gguf(model) = choice else {
        let what = "schemas are measured with a model's vocabulary: name a GGUF with --model";
        return Err(Failure::usage(anyhow::anyhow!(what)));
    };
    let probe = SchemaProbe::open(&model).map_err(Failure::usage)?;
    let mut all = SchemaTally::default();
    let mut screen = Screen::new();
    for source in &mut sources {
        for group in &source.groups {
            screen.progress(&format!("{}: {}", source.label, group.description));
            let played = play(&probe, group);
            for tally in [&mut source.tally, &mut all] {
                count(tally, group, &played);
            }
            if args.json {
                out::json(&object(&source.label, group, &played))?;
            } else if args.failures {
                screen.progress_ends();
                tell(&source.label, group, &played)?;
            }
        }
    }
    screen.progress_ends();
    if args.json {
        out::json(&summary(&sources, &all))?;
    } else {
        out::text(&table(&sources, &all))?;
    }
    Ok(Exit::Done)
}

/// What came of a group: why its schema is refused, or what was said of each instance.
type Played = Result<Vec<(String, Verdict)>, GrammarError>;

fn play(probe: &SchemaProbe, group: &SchemaGroup) -> Played {
    let taker = probe.compile(&group.schema)?;
    let ask = |test: &SchemaTest| {
        let text = spell(&group.schema, &test.data);
        let verdict = verdict(&taker, &text);
        (text, verdict)
    };
    Ok(group.tests.iter().map(ask).collect())
}

fn verdict(taker: &SchemaTaker<'_>, text: &str) -> Verdict {
    match taker.takes(text) {
        Ok(true) => Verdict::Taken,
        Ok(false) => Verdict::Refused,
        Err(reason) => Verdict::Failed(reason),
    }
}

/// What a group is counted under whose schema is refused.
fn keyword(error: &GrammarError) -> &str {
    match error {
        GrammarError::Schema { source, .. } => source.keyword().unwrap_or("(form or size)"),
        _ => "(the grammar's compiler)",
    }
}

fn count(tally: &mut SchemaTally, group: &SchemaGroup, played: &Played) {
    match played {
        Err(error) => tally.refused(group, keyword(error)),
        Ok(verdicts) => {
            tally.supported();
            for (test, (_, verdict)) in group.tests.iter().zip(verdicts) {
                tally.judged(test, verdict);
            }
        }
    }
}

/// Tells people what is refused or judged wrongly.
fn tell(label: &str, group: &SchemaGroup, played: &Played) -> Outcome<()> {
    let place = format!("{label}: {}", group.description);
    let verdicts = match played {
        Err(error) => return out::line(&printable(&format!("{place}: refused: {}", reason(error)))),
        Ok(verdicts) => verdicts,
    };
    for (test, (text, verdict)) in group.tests.iter().zip(verdicts) {
        let what = match verdict.rightness(test.valid) {
            Rightness::Right => continue,
            Rightness::FalseAccept => "FALSE ACCEPT",
            Rightness::FalseReject => "false reject",
        };
        let failure =
            if let Verdict::Failed(reason) = verdict { format!(" ({reason})") } else { String::new() };
        let text: String = text.chars().take(SHOWN_CHARS_MAX).collect();
        out::line(&printable(&format!("{place}: {what}: {}: {text}{failure}", test.description)))?;
    }
    Ok(())
}

fn reason(error: &GrammarError) -> String {
    match error {
        GrammarError::Schema { source, .. } => source.to_string(),
        GrammarError::Refused { reason, .. } => reason.clone(),
        other => other.to_string(),
    }
}

const HEADINGS: [&str; 7] = ["groups", "held %", "tests", "held %", "right %", "accepts", "rejects"];

fn table(sources: &[Source], all: &SchemaTally) -> String {
    let mut rows: Vec<(String, &SchemaTally)> =
        sources.iter().map(|source| (printable(&source.label), &source.tally)).collect();
    if sources.len() > 1 {
        rows.push(("all".to_owned(), all));
    }
    let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let mut text = format!("{:width$}", "");
    for heading in HEADINGS {
        let _ = write!(text, " {heading:>8}");
    }
    for (name, tally) in rows {
        let percent =
            |share: Share| share.percent().map_or("-".to_owned(), |percent| format!("{percent:.1}"));
        let cells = [
            tally.groups.whole.to_string(),
            percent(tally.groups),
            tally.tests.whole.to_string(),
            percent(tally.tests),
            percent(tally.right),
            tally.false_accepts.to_string(),
            tally.false_rejects.to_string(),
        ];
        let _ = write!(text, "\n{name:width$}");
        for cell in cells {
            let _ = write!(text, " {cell:>8}");
        }
    }
    text.push('\n');
    if !all.unsupported.is_empty() {
        let mut counts: Vec<(&String, &u64)> = all.unsupported.iter().collect();
        counts.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let counts: Vec<String> =
            counts.into_iter().map(|(keyword, count)| format!("{keyword} {count}")).collect();
        let _ = writeln!(text, "groups refused, by what can't be enforced: {}", counts.join(", "));
    }
    if all.failed > 0 {
        let _ = writeln!(text, "instances at which the constraint failed: {}", all.failed);
    }
    text
}

/// One group as an object.
fn object(label: &str, group: &SchemaGroup, played: &Played) -> Value {
    let tests = |verdicts: &[(String, Verdict)]| -> Vec<Value> {
        let all = group.tests.iter().zip(verdicts);
        all.map(|(test, (text, verdict))| {
            let failure = if let Verdict::Failed(reason) = verdict { Some(reason) } else { None };
            json!({
                "description": test.description,
                "text": text,
                "valid": test.valid,
                "taken": *verdict == Verdict::Taken,
                "failure": failure,
            })
        })
        .collect()
    };
    json!({
        "event": "schema",
        "file": label,
        "group": group.description,
        "unsupported": played.as_ref().err().map(keyword),
        "reason": played.as_ref().err().map(reason),
        "tests": played.as_ref().ok().map(|verdicts| tests(verdicts)),
    })
}

fn summary(sources: &[Source], all: &SchemaTally) -> Value {
    let files: BTreeMap<&str, Value> =
        sources.iter().map(|source| (source.label.as_str(), counts(&source.tally))).collect();
    json!({"event": "summary", "all": counts(all), "files": files})
}

fn counts(tally: &SchemaTally) -> Value {
    let share = |share: Share| json!({"part": share.part, "whole": share.whole, "percent": share.percent()});
    json!({
        "groups_supported": share(tally.groups),
        "tests_supported": share(tally.tests),
        "right": share(tally.right),
        "false_accepts": tally.false_accepts,
        "false_rejects": tally.false_rejects,
        "failed": tally.failed,
        "unsupported": tally.unsupported,
    })
}
