//! `llama-server`, as a user would start it for an agent.

use std::{
    fs::File,
    net::{Ipv4Addr, TcpListener},
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use everstep_board_linux::clock::uptime;
use serde_json::{Value, json};
use ureq::Agent;

use crate::{
    files::{Files, ModelFile},
    process::Program,
    tools::{self, Offer},
};

/// The context Everstep sets up by default.
const CONTEXT_TOKENS: &str = "4096";
const START_S_MAX: u64 = 60;
const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// A server at work.
pub(crate) struct Server {
    pub(crate) program: Program,
    agent: Agent,
    address: String,
}

impl Server {
    /// Starts one and waits until it is ready.
    pub(crate) fn start(files: &Files, model: &ModelFile, threads: u16, log: Option<File>) -> Result<Self> {
        // Free a moment ago; whoever takes it in between makes the server end, and that is said.
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let mut command = Command::new(files.llama("llama-server"));
        command.arg("--model").arg(&model.path).args(["--host", "127.0.0.1", "--port", &port.to_string()]);
        command.args(["--threads", &threads.to_string(), "--threads-batch", &threads.to_string()]);
        // The prompt cache in memory is for many users; here is one.
        command.args(["--ctx-size", CONTEXT_TOKENS, "--parallel", "1", "--cache-ram", "0", "--jinja"]);
        command.args(["--no-ui", "--offline", "--no-warmup"]);
        if log.is_some() {
            // Below this it is silent about its buffers.
            command.args(["--verbosity", "4"]);
        }
        command.stdout(Stdio::null()).stderr(log.map_or_else(Stdio::null, Stdio::from));
        let mut server = Self {
            program: Program::start(&mut command)?,
            agent: Agent::config_builder().http_status_as_error(false).build().into(),
            address: format!("http://127.0.0.1:{port}"),
        };
        server.wait()?;
        Ok(server)
    }

    fn wait(&mut self) -> Result<()> {
        let began = uptime();
        while uptime().saturating_sub(began).as_secs() < START_S_MAX {
            if let Some(status) = self.program.0.try_wait()? {
                bail!("llama-server ended while starting: {status}");
            }
            let answer = self.agent.get(format!("{}/health", self.address)).call();
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(());
            }
            pause();
        }
        bail!("llama-server is not ready after {START_S_MAX} s")
    }

    /// One call that must be made; its name and arguments.
    pub(crate) fn call(&self, tools: Offer, task: &str) -> Result<(String, Value)> {
        let answer = self.chat(tools, task, &json!({"tool_choice": "required"}))?;
        let call = answer.pointer("/choices/0/message/tool_calls/0/function");
        let name = call.and_then(|call| call.get("name")?.as_str());
        let arguments = call.and_then(|call| call.get("arguments")?.as_str());
        let (name, arguments) = name.zip(arguments).with_context(|| format!("no call in {answer}"))?;
        Ok((name.to_owned(), serde_json::from_str(arguments)?))
    }

    /// The first token of a reply to `task`.
    pub(crate) fn first_token(&self, task: &str) -> Result<()> {
        let answer = self.chat(Offer::BuiltIn, task, &json!({"max_tokens": 1}))?;
        answer.pointer("/choices/0").map(drop).with_context(|| format!("no token in {answer}"))
    }

    fn chat(&self, tools: Offer, task: &str, more: &Value) -> Result<Value> {
        let mut body = json!({
            "messages": [{"role": "system", "content": tools::SYSTEM}, {"role": "user", "content": task}],
            "tools": tools.functions(), "temperature": 0,
        });
        if let (Some(body), Some(more)) = (body.as_object_mut(), more.as_object()) {
            body.extend(more.clone());
        }
        self.post("/v1/chat/completions", &body)
    }

    fn post(&self, path: &str, body: &Value) -> Result<Value> {
        let mut answer = self.agent.post(format!("{}{path}", self.address)).send_json(body)?;
        Ok(answer.body_mut().read_json()?)
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a program of others is waited for, which tells only when asked"
)]
fn pause() {
    thread::sleep(LOOK_AGAIN);
}
