//! `everstep eval`: how often a model makes the right call, on a user's own cases.

mod report;
mod schemas;

use std::path::{Path, PathBuf};

use everstep_board_linux::clock::uptime;
use everstep_eval::{Case, End, Judgement, Played, Runner, Settings, judge};
use everstep_model::Constraint;
use everstep_model_llama::exec_with_passive_openmp;

use self::report::{Report, describe_end, failure_line};
use crate::{
    args::{Eval, Place},
    exit::{Exit, Failure, Outcome},
    model::Choice,
    out,
    screen::Screen,
};

/// Cases that are not played and told on standard error; `--failures` shows all.
const NOTES_MAX: u64 = 10;
/// How the name of a file of cases ends in a suite.
const SUITE_EXTENSION: &str = "jsonl";

/// A file of cases, read and checked.
struct Source {
    path: PathBuf,
    cases: Vec<Case>,
}

pub(crate) fn perform(place: &Place, args: &Eval) -> Outcome {
    // Everything that can be wrong with the input is found before a model is loaded.
    let paths = match &args.suite {
        Some(folder) => suite(folder)?,
        None => args.files.clone(),
    };
    if paths.iter().any(|path| schemas::is_groups(path)) {
        return schemas::perform(place, args, &paths);
    }
    let sources = sources(args, paths)?;
    let (choice, section) = Choice::without_agent(place, args.model.model.as_deref())?;
    if choice.uses_threads(&section) {
        // Only comes back when it can't: then computing is slower on a busy machine, but right.
        let _ = exec_with_passive_openmp();
    }
    let constraint = if args.no_constraint { Constraint::Off } else { Constraint::Calls };
    let settings = Settings { constraint, reply_tokens_max: args.reply_tokens };
    let runner =
        Runner::new(choice.load_for(&section, args.parallel, None, None)?, settings, Box::new(uptime));
    let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(Failure::failed)?;
    runtime.block_on(play(args, runner, &sources, constraint))
}

async fn play(args: &Eval, mut runner: Runner, sources: &[Source], constraint: Constraint) -> Outcome {
    let paths: Vec<&Path> = sources.iter().map(|source| source.path.as_path()).collect();
    let mut report = Report::new(&paths);
    let mut screen = Screen::new();
    let cases = || sources.iter().flat_map(|source| source.cases.iter());
    let mut playing = runner.playing(cases(), usize::from(args.parallel));
    for (file, source) in sources.iter().enumerate() {
        for (number, case) in source.cases.iter().enumerate() {
            screen.progress(&report.progress(file, number, source.cases.len()));
            let Some(played) = playing.next().await.map_err(Failure::failed)? else { break };
            let judgement = judge(case, &played);
            report.count(file, case, judgement, &played);
            if args.json {
                out::json(&report.case(file, case, judgement, &played))?;
            } else {
                screen.progress_ends();
                tell(args, &report, file, case, (judgement, &played))?;
            }
        }
    }
    drop(playing);
    screen.progress_ends();
    if args.json {
        out::json(&report.summary(runner.model().card(), constraint))?;
    } else {
        out::text(&report.table())?;
    }
    Ok(Exit::Done)
}

/// Tells people about one case, where there is something to tell.
fn tell(
    args: &Eval,
    report: &Report,
    file: usize,
    case: &Case,
    (judgement, played): (Judgement, &Played),
) -> Outcome<()> {
    let is_played = !matches!(played.end, End::Refused(_) | End::TooLong { .. });
    if args.failures {
        if !judgement.is_right() {
            out::line(&failure_line(report.label(file), case, played))?;
        }
    } else if !is_played && report.not_played() <= NOTES_MAX {
        let (label, id) = (report.label(file), &case.id);
        out::note(&format!("{label} {id}: {}", describe_end(&played.end).unwrap_or_default()));
        if report.not_played() == NOTES_MAX {
            out::note("further cases that are not played are only counted; `--failures` shows them");
        }
    }
    Ok(())
}

/// Reads every file, each cut to `--limit`.
fn sources(args: &Eval, paths: Vec<PathBuf>) -> Outcome<Vec<Source>> {
    let read = paths.into_iter().map(|path| {
        let mut cases = everstep_eval::read(&path).map_err(Failure::usage)?;
        cases.truncate(args.limit.map_or(usize::MAX, usize::from));
        Ok(Source { path, cases })
    });
    read.collect()
}

/// The files of cases in `folder`, by name; without any, those of schemas in it and below.
fn suite(folder: &Path) -> Outcome<Vec<PathBuf>> {
    let failed = |error: std::io::Error| {
        Failure::usage(anyhow::Error::new(error).context(format!("suite {} can't be read", folder.display())))
    };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|extension| extension == SUITE_EXTENSION) {
            paths.push(path);
        }
    }
    if paths.is_empty() {
        paths = schemas::suite(folder).map_err(failed)?;
    }
    if paths.is_empty() {
        let what = format!(
            "suite {} has no file *.{SUITE_EXTENSION} of cases or *.json of schemas",
            folder.display()
        );
        return Err(Failure::usage(anyhow::anyhow!(what)));
    }
    paths.sort();
    Ok(paths)
}
