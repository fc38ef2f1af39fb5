//! The tools of a board file's broker, and calls of them as the runtime makes them.

use std::{collections::BTreeMap, fs, path::PathBuf, sync::Arc, time::Duration};

use everstep_board_linux::clock::{SystemClock, TrustRtc};
use everstep_core::{CallId, Outcome, Settlement};
use everstep_tool::{BoxFuture, Cancel, Clock, Context, Tool, ToolCall};
use everstep_tools_network::{BoardSide, NetworkSection, Vault, assemble};
use serde_json::Value;
use tempfile::TempDir;
use zeroize::Zeroizing;

/// A board's folder, its secrets and its clock.
pub struct Board {
    folder: TempDir,
    secrets: Vec<(String, String)>,
    clock: Arc<dyn Clock>,
}

/// The tools, by name.
pub type Tools = BTreeMap<String, Arc<dyn Tool>>;

impl Default for Board {
    fn default() -> Self {
        let clock = Arc::new(SystemClock::new(TrustRtc::Yes).unwrap());
        Self { folder: tempfile::tempdir().unwrap(), secrets: Vec::new(), clock }
    }
}

impl Board {
    /// Adds a secret.
    #[must_use]
    pub fn with_secret(mut self, name: &str, value: &str) -> Self {
        self.secrets.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Adds a file beside the board file.
    ///
    /// # Panics
    ///
    /// If it can't be written.
    #[must_use]
    pub fn with_file(self, name: &str, text: &str) -> Self {
        fs::write(self.folder.path().join(name), text).unwrap();
        self
    }

    /// Nobody has set the clock.
    #[must_use]
    pub fn without_time(mut self) -> Self {
        self.clock = Arc::new(NoClock);
        self
    }

    /// The tools of the board file's `[network]` section in `network`.
    ///
    /// # Errors
    ///
    /// What a start of the agent would say.
    ///
    /// # Panics
    ///
    /// If it is no TOML, or a secret is none.
    pub fn try_tools(&self, network: &str) -> Result<Tools, String> {
        let section: NetworkSection =
            toml::from_str(network).unwrap_or_else(|error| panic!("{error}\n{network}"));
        let secrets = self.secrets.iter();
        let secrets = secrets.map(|(name, value)| (name.clone(), Zeroizing::new(value.clone().into_bytes())));
        let side = BoardSide {
            vault: Arc::new(Vault::new(secrets).unwrap()),
            clock: Arc::clone(&self.clock),
            trusted_s: None,
            folder: PathBuf::from(self.folder.path()),
            bind_child: |_| {},
        };
        let tools = assemble(&section, &side).map_err(|(key, why)| format!("network.{key}: {why}"))?;
        Ok(tools.into_iter().map(|tool| (tool.spec().name.clone(), tool)).collect())
    }

    /// The same, where nothing is wrong.
    ///
    /// # Panics
    ///
    /// If something is.
    #[must_use]
    pub fn tools(&self, network: &str) -> Tools {
        self.try_tools(network).unwrap_or_else(|why| panic!("{why}"))
    }
}

/// Calls a tool once.
///
/// # Panics
///
/// If there is no such tool.
pub async fn call(tools: &Tools, name: &str, arguments: Value) -> Outcome {
    call_with(tools, name, arguments, &Cancel::default()).await
}

/// The same, with a flag that ends it early.
///
/// # Panics
///
/// If there is no such tool.
pub async fn call_with(tools: &Tools, name: &str, arguments: Value, cancel: &Cancel) -> Outcome {
    let tool = tools.get(name).unwrap_or_else(|| panic!("no {name} among {:?}", tools.keys()));
    let call = ToolCall { id: CallId(1), arguments, baseline: None, idempotency_key: None };
    let deadline = Duration::from_millis(tool.spec().run_ms_max.into());
    tool.run(&call, &Context { attempt: 1, deadline, cancel: cancel.clone() }).await
}

/// Calls a tool, and asks afterwards whether it ran.
///
/// # Errors
///
/// Why it can't be told beforehand.
///
/// # Panics
///
/// If there is no such tool.
pub async fn call_and_probe(
    tools: &Tools,
    name: &str,
    arguments: Value,
) -> Result<(Outcome, Settlement), String> {
    let tool = tools.get(name).unwrap_or_else(|| panic!("no {name} among {:?}", tools.keys()));
    let baseline = tool.baseline(&arguments).await?;
    let call = ToolCall { id: CallId(1), arguments, baseline, idempotency_key: None };
    let deadline = Duration::from_millis(tool.spec().run_ms_max.into());
    let outcome = tool.run(&call, &Context { attempt: 1, deadline, cancel: Cancel::default() }).await;
    Ok((outcome, tool.probe(&call).await))
}

/// A clock that nobody has set.
struct NoClock;

impl Clock for NoClock {
    fn now_ms(&self) -> u64 {
        0
    }

    fn unix_s(&self) -> Option<u64> {
        None
    }

    fn sleep(&self, _board_ms: u64) -> BoxFuture<'static, ()> {
        Box::pin(std::future::pending())
    }
}
