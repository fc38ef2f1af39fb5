//! A worker process of ours, from the outside.

use std::{
    env,
    fs::File,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, Result};

use crate::{
    files::ModelFile,
    process::Program,
    worker::{self, Answer, Ask},
};

/// An engine of ours at work.
pub(crate) struct Ours {
    pub(crate) program: Program,
    said: BufReader<std::process::ChildStdout>,
}

impl Ours {
    /// Starts one and waits until its model is loaded. `log` takes llama.cpp's log.
    pub(crate) fn start(
        model: &ModelFile,
        threads: u16,
        snapshots: Option<&Path>,
        log: Option<File>,
    ) -> Result<Self> {
        let mut command = Command::new(env::current_exe()?);
        command.arg(worker::NAME).arg(&model.path).arg(threads.to_string());
        command.args(snapshots).env("OMP_WAIT_POLICY", "passive").env("GOMP_SPINCOUNT", "0");
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        command.stderr(log.map_or_else(Stdio::null, Stdio::from));
        let mut program = Program::start(&mut command)?;
        let said = BufReader::new(program.0.stdout.take().context("the worker has no output")?);
        let mut ours = Self { program, said };
        ours.line().context("the worker did not load its model")?;
        Ok(ours)
    }

    pub(crate) fn ask(&mut self, ask: &Ask) -> Result<Answer> {
        let input = self.program.0.stdin.as_mut().context("the worker has no input")?;
        writeln!(input, "{}", serde_json::to_string(ask)?)?;
        let line = self.line().context("the worker did not answer")?;
        Ok(serde_json::from_str(&line)?)
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        anyhow::ensure!(self.said.read_line(&mut line)? > 0, "it has ended");
        Ok(line)
    }
}
