//! `llama-bench`: how fast llama.cpp itself decodes.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::files::{Files, ModelFile};

/// Tokens a second while `tokens` are decoded one by one, behind `prompt` others.
pub(crate) fn decode(
    files: &Files,
    model: &ModelFile,
    threads: u16,
    tokens: u32,
    prompt: u32,
) -> Result<f64> {
    let (tokens, prompt) = (tokens.to_string(), prompt.to_string());
    run(files, model, threads, &["-p", "0", "-n", &tokens, "-d", &prompt])
}

/// Tokens a second while a prompt of `tokens` is evaluated.
pub(crate) fn prompt(files: &Files, model: &ModelFile, threads: u16, tokens: u32) -> Result<f64> {
    run(files, model, threads, &["-p", &tokens.to_string(), "-n", "0"])
}

fn run(files: &Files, model: &ModelFile, threads: u16, what: &[&str]) -> Result<f64> {
    let mut command = Command::new(files.llama("llama-bench"));
    command.arg("--model").arg(&model.path).args(["--threads", &threads.to_string()]);
    command.args(what).args(["-r", "1", "-o", "json"]);
    let output = command.output().context("llama-bench")?;
    ensure!(output.status.success(), "llama-bench: {}", String::from_utf8_lossy(&output.stderr));
    let rows: Value = serde_json::from_slice(&output.stdout)?;
    rows.pointer("/0/avg_ts").and_then(Value::as_f64).context("llama-bench gave no speed")
}
