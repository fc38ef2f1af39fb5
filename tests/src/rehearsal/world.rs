//! The world's process, as a rehearsal uses it: started fresh, made slow where a kill is aimed, asked
//! at the end.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use everstep_board_sim::{
    ask,
    protocol::Request,
    world::{By, Change as WorldChange, DeviceName, LineFault, Verdict, When},
};
use serde_json::{Value, json};

use super::oracle::Change;
use crate::harness::Chance;

/// How long an answer of the world may take.
const IO_MAX: Duration = Duration::from_secs(10);
/// How much slower a line is made where a kill is aimed: long enough for a kill to arrive, far below
/// any time limit.
const SLOW_MS: u32 = 60;
/// The lines a tool call can be caught on.
const LINES: [DeviceName; 5] =
    [DeviceName::ROOM, DeviceName::COMPRESSOR, DeviceName::FAN, DeviceName::HEATER, DeviceName::PUMP];

/// A world of its own for one run.
pub(crate) struct WorldProcess {
    child: Child,
    socket: PathBuf,
    log: PathBuf,
}

impl WorldProcess {
    /// Starts the world in `folder`, and waits until it listens.
    pub(crate) fn start(program: &Path, further: &[String], folder: &Path) -> Result<Self> {
        let (socket, log) = (folder.join("world.sock"), folder.join("world.jsonl"));
        let mut child = Command::new(program)
            .arg("serve")
            .args([Path::new("--socket"), &socket, Path::new("--log"), &log])
            .args(further)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("start {}", program.display()))?;
        let stdout = child.stdout.take().context("the world has no output")?;
        let world = Self { child, socket, log };
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        ensure!(line.contains("listens"), "the world did not start: {line:?}");
        Ok(world)
    }

    /// Makes the next answer of every line slow, before or after what moves has moved.
    pub(crate) fn slow_down(&self, chance: &mut Chance) -> Result<()> {
        for device in LINES {
            let when = if chance.percent(50) { When::Before } else { When::After };
            let fault = LineFault { device, when, slow_ms: Some(SLOW_MS), count: 1 };
            let _: Value = self.ask(&Request::LineFault { fault })?;
        }
        Ok(())
    }

    /// Whether a call answers before a kill can arrive: it is not on any line.
    pub(crate) fn is_off_line(event: &Value) -> bool {
        let tool = event.get("tool").and_then(Value::as_str);
        !matches!(tool, Some("read_room" | "set_compressor" | "set_fan" | "run_defrost" | "dose_antifreeze"))
    }

    /// Checks the room, as it was at `at_ms`, against the task.
    pub(crate) fn check(&self, target_c: f64, answer: &str, at_ms: Option<u64>) -> Result<Verdict> {
        self.ask(&Request::Check { target_c, answer: answer.into(), at_ms })
    }

    /// What the log says was done by command, in terms of tools.
    pub(crate) fn changes(&self) -> Result<Vec<Change>> {
        let log = fs::read_to_string(&self.log).with_context(|| format!("read {}", self.log.display()))?;
        let mut changes = Vec::new();
        for line in log.lines() {
            let change: WorldChange = serde_json::from_str(line).context("a line of the world's log")?;
            if change.by == By::Command {
                changes.push(tool_change(&change));
            }
        }
        Ok(changes)
    }

    fn ask<T: serde::de::DeserializeOwned>(&self, request: &Request) -> Result<T> {
        ask(&self.socket, IO_MAX, request).with_context(|| format!("ask the world {request:?}"))
    }
}

impl Drop for WorldProcess {
    fn drop(&mut self) {
        // It holds nothing that is needed any more.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn tool_change(change: &WorldChange) -> Change {
    let (tool, arguments) = match change.device.as_str() {
        "compressor" => ("set_compressor", json!({"on": change.to == json!("on")})),
        "fan" => ("set_fan", change.args.clone()),
        "heater" => ("run_defrost", change.args.clone()),
        "pump" => ("dose_antifreeze", change.args.clone()),
        _ => ("nobody", Value::Null),
    };
    Change { tool: tool.into(), arguments }
}
