//! Breaks the journal on purpose, one way after the other, and shows which test catches each.
//!
//! `journal-breaks [TEXT]` makes those whose name contains the text. It works on a copy below the target
//! folder and ends with 1 where a break isn't caught or can't be made.

use std::{
    collections::BTreeSet,
    env, fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

/// A broken journal may go in circles.
const RUN_S_MAX: &str = "600";
/// What `timeout` ends with where it had to end the tests.
const TIMED_OUT: i32 = 124;
const JOURNAL: &str = "runtime/journal";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Breaks {
    #[serde(rename = "break")]
    breaks: Vec<Break>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Break {
    name: String,
    caught_by: String,
    edit: Vec<Edit>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Edit {
    /// Below `runtime/journal/src`.
    file: String,
    /// Stands in the file exactly once.
    old: String,
    new: String,
}

fn main() -> Result<ExitCode> {
    let wanted = env::args().nth(1).unwrap_or_default();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize()?;
    let list = fs::read_to_string(root.join("tests/journal/breaks.toml"))?;
    let Breaks { breaks } = toml::from_str(&list)?;
    let bench = Bench::new(&root)?;
    let mut out = io::stdout().lock();

    let whole = bench.build()?.context("the journal doesn't build")?;
    let failed = bench.run(&whole, &[])?;
    ensure!(failed.is_empty(), "these fail without any break: {failed:?}");

    let mut missed = 0;
    for one in breaks.iter().filter(|one| one.name.contains(&wanted)) {
        let verdict = match bench.try_out(one) {
            Ok(caught_by) => format!("caught by {caught_by}"),
            Err(error) => {
                missed += 1;
                format!("NOT CAUGHT: {error:#}")
            }
        };
        writeln!(out, "{:<76} {verdict}", one.name)?;
    }
    writeln!(out, "{missed} not caught")?;
    Ok(if missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A copy of the journal and of what it needs.
struct Bench {
    tree: PathBuf,
    target: PathBuf,
}

impl Bench {
    fn new(root: &Path) -> Result<Self> {
        let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
        let bench = Self { tree: target.join("breaks/tree"), target: target.join("breaks/target") };
        let mut workspace: toml::Table = fs::read_to_string(root.join("Cargo.toml"))?.parse()?;
        let members = needed(root, &workspace)?;
        for member in &members {
            copy(&root.join(member), &bench.tree.join(member))?;
        }
        let table = workspace.get_mut("workspace").and_then(toml::Value::as_table_mut);
        let table = table.context("no workspace")?;
        table.insert("members".into(), members.into_iter().collect::<Vec<_>>().into());
        write(&bench.tree.join("Cargo.toml"), toml::to_string(&workspace)?.as_bytes())?;
        write(&bench.tree.join("Cargo.lock"), &fs::read(root.join("Cargo.lock"))?)?;
        Ok(bench)
    }

    /// Makes a break, runs the test that should catch it, and takes the break back. Gives the test that
    /// caught it; where the named one doesn't, any other.
    fn try_out(&self, one: &Break) -> Result<String> {
        let source = self.tree.join(JOURNAL).join("src");
        let mut whole: Vec<(PathBuf, String)> = Vec::new();
        let result = one
            .edit
            .iter()
            .try_for_each(|edit| {
                let path = source.join(&edit.file);
                let text = fs::read_to_string(&path).with_context(|| edit.file.clone())?;
                let found = text.matches(&edit.old).count();
                ensure!(
                    found == 1,
                    "can't be made: its text stands {found} times in {}: {}",
                    edit.file,
                    edit.old.trim()
                );
                write(&path, text.replace(&edit.old, &edit.new).as_bytes())?;
                whole.push((path, text));
                Ok(())
            })
            .and_then(|()| self.catch(one));
        // The oldest text last.
        for (path, text) in whole.iter().rev() {
            write(path, text.as_bytes())?;
        }
        result
    }

    fn catch(&self, one: &Break) -> Result<String> {
        let program = self.build()?.context("can't be made: it doesn't build")?;
        let caught = self.run(&program, &["--exact", &one.caught_by])?;
        if caught.contains(&one.caught_by) {
            return Ok(one.caught_by.clone());
        }
        match self.run(&program, &[])?.first() {
            Some(test) => Ok(format!("{test}, and not by {}", one.caught_by)),
            None => bail!("every test passes"),
        }
    }

    /// Builds the journal's tests. `None` where that fails.
    fn build(&self) -> Result<Option<PathBuf>> {
        let output = Command::new(env!("CARGO"))
            .args(["test", "--release", "--all-features", "--no-run", "--lib", "-p", "everstep-journal"])
            .args(["--message-format", "json", "--target-dir"])
            .arg(&self.target)
            .current_dir(&self.tree)
            .stderr(Stdio::null())
            .output()?;
        if !output.status.success() {
            return Ok(None);
        }
        let text = String::from_utf8(output.stdout)?;
        let mut programs = text.lines().filter_map(|line| {
            let (_, rest) = line.split_once("\"executable\":\"")?;
            Some(PathBuf::from(rest.split_once('"')?.0))
        });
        Ok(programs.next_back())
    }

    /// Runs tests; gives the names of those that failed.
    fn run(&self, program: &Path, arguments: &[&str]) -> Result<Vec<String>> {
        let output = Command::new("timeout")
            .arg(RUN_S_MAX)
            .arg(program)
            .args(arguments)
            .current_dir(self.tree.join(JOURNAL))
            .stderr(Stdio::null())
            .output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        if output.status.code() == Some(TIMED_OUT) {
            // The one under way goes in circles.
            return Ok(arguments.last().map(ToString::to_string).into_iter().collect());
        }
        ensure!(!text.contains("running 0 tests"), "there is no test {arguments:?}");
        let failed = |line: &str| Some(line.strip_prefix("test ")?.strip_suffix(" ... FAILED")?.to_owned());
        let failed: Vec<String> = text.lines().filter_map(failed).collect();
        ensure!(output.status.success() || !failed.is_empty(), "the tests end with {}", output.status);
        Ok(failed)
    }
}

/// The journal and every crate of ours that it or its tests need.
fn needed(root: &Path, workspace: &toml::Table) -> Result<BTreeSet<String>> {
    let paths = workspace.get("workspace").and_then(|table| table.get("dependencies"));
    let paths = paths.context("no dependencies")?;
    let mut needed = BTreeSet::new();
    let mut open = vec![JOURNAL.to_owned()];
    while let Some(member) = open.pop() {
        if !needed.insert(member.clone()) {
            continue;
        }
        let manifest: toml::Table = fs::read_to_string(root.join(&member).join("Cargo.toml"))?.parse()?;
        for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let names = manifest.get(kind).and_then(toml::Value::as_table);
            let path = |name: &String| paths.get(name)?.get("path")?.as_str().map(ToOwned::to_owned);
            open.extend(names.iter().flat_map(|names| names.keys()).filter_map(path));
        }
    }
    Ok(needed)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &to)?;
        } else {
            write(&to, &fs::read(entry.path())?)?;
        }
    }
    Ok(())
}

/// Leaves a file alone that is as it should be, so that nothing is built again for it.
fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    if fs::read(path).is_ok_and(|there| there == bytes) {
        return Ok(());
    }
    fs::create_dir_all(path.parent().context("no folder")?)?;
    fs::write(path, bytes).with_context(|| path.display().to_string())
}
