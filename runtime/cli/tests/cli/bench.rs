//! A board in a folder of its own, and the real binary on it.

use std::{
    hash::{Hash, Hasher},
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use serde_json::Value;

/// A board without devices: the built-in tools are enough for a whole run.
pub(crate) const BOARD: &str = r#"
[board]
name = "bench"
kind = "linux"

[flash]
bytes = 524_288
board_bytes = 32_768
region_bytes = 262_144

[model]
path = "scripted:script.toml"

[agent.clerk]
system = "You compare numbers."
grants = ["compare", "wait", "log"]
"#;

/// Compares, then answers.
pub(crate) const SCRIPT: &str = r#"
[[reply]]
call = "compare"
arguments = '{"value": 3, "operator": ">", "limit": 2}'

[[reply]]
say = "3 is more than 2."
"#;

/// Waits for an hour, then answers.
pub(crate) const LONG_WAIT: &str = r#"
[[reply]]
call = "wait"
arguments = '{"seconds": 3600}'

[[reply]]
say = "An hour has passed."
"#;

/// A board file, a script and a state folder.
pub(crate) struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    pub(crate) fn new(script: &str) -> Self {
        Self::in_folder(tempfile::tempdir().unwrap(), script)
    }

    /// A bench on a disk that takes direct writes: the folder for temporary files may be none.
    pub(crate) fn on_disk(script: &str) -> Self {
        Self::in_folder(tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap(), script)
    }

    fn in_folder(folder: tempfile::TempDir, script: &str) -> Self {
        let bench = Self { folder };
        bench.write("agent.toml", BOARD);
        bench.write("script.toml", script);
        bench
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    /// Replaces text in the board file.
    pub(crate) fn change_board(&self, from: &str, to: &str) {
        let board = std::fs::read_to_string(self.path("agent.toml")).unwrap();
        assert!(board.contains(from), "{from}");
        self.write("agent.toml", &board.replace(from, to));
    }

    pub(crate) fn flash(&self) -> PathBuf {
        self.path("state/flash.bin")
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_everstep"));
        command.args(arguments).arg("--board").arg(self.path("agent.toml"));
        // What the developer has set must not decide a test.
        for variable in ["EVERSTEP_BOARD", "EVERSTEP_STATE_DIR", "EVERSTEP_LOG"] {
            command.env_remove(variable);
        }
        command.stdin(Stdio::null());
        command
    }

    pub(crate) fn everstep(&self, arguments: &[&str]) -> Told {
        Told::from(self.command(arguments).output().unwrap())
    }

    /// Runs a command that may write no file beyond `blocks` of 512 bytes. That acts as a full disk
    /// does, and needs no rights.
    pub(crate) fn run_limited(&self, blocks: u32, arguments: &[&str]) -> Told {
        let run = self.command(arguments);
        let mut limited = Command::new("sh");
        let script = format!("ulimit -f {blocks} && exec \"$0\" \"$@\"");
        limited.args(["-c", &script]).arg(run.get_program()).args(run.get_args());
        Told::from(limited.output().unwrap())
    }

    /// Starts a run and returns once `kind` is on flash.
    pub(crate) fn run_until(&self, kind: &str, arguments: &[&str]) -> Running {
        let all = [&["run", "--events"], arguments].concat();
        let mut child = self.command(&all).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let seen = lines.any(|line| {
            let event: Value = serde_json::from_str(&line.unwrap()).unwrap();
            event["kind"] == kind
        });
        assert!(seen, "{kind} was never recorded");
        Running { child, lines: Box::new(lines.map_while(Result::ok)) }
    }
}

/// A run under way.
pub(crate) struct Running {
    pub(crate) child: Child,
    lines: Box<dyn Iterator<Item = String>>,
}

impl Running {
    /// Kills it with SIGKILL.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for its end; returns the exit code and the last event.
    pub(crate) fn end(mut self) -> (i32, Value) {
        let last = self.lines.by_ref().last().unwrap_or_default();
        let code = self.child.wait().unwrap().code().unwrap();
        (code, serde_json::from_str(&last).unwrap_or_default())
    }
}

/// What a command printed with `--json`.
pub(crate) fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// A hash of a file's bytes.
pub(crate) fn hash(path: &Path) -> u64 {
    let mut hasher = std::hash::DefaultHasher::new();
    std::fs::read(path).unwrap().hash(&mut hasher);
    hasher.finish()
}

/// What a command told.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Told {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Told {
    /// Checks that the command refused with `code`, nothing on standard output, and one line that
    /// contains each of `parts`.
    #[track_caller]
    pub(crate) fn refuses(&self, code: i32, parts: &[&str]) {
        assert_eq!(self.code, code, "{self:?}");
        assert_eq!(self.out, "", "{self:?}");
        assert_eq!(self.err.lines().count(), 1, "{self:?}");
        for part in parts {
            assert!(self.err.contains(part), "{part:?} is not in {self:?}");
        }
    }

    /// Checks that the command did what it was asked, and returns its standard output.
    #[track_caller]
    pub(crate) fn done(self) -> String {
        assert_eq!(self.code, 0, "{self:?}");
        self.out
    }
}

/// Every file in `folder`, by name, with a hash of its bytes; the lock, which says who ran last, apart.
pub(crate) fn contents(folder: &Path) -> Vec<(PathBuf, u64)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_file() && !path.ends_with("owner.lock") {
            found.push((path.clone(), hash(&path)));
        }
    }
    found.sort();
    found
}
