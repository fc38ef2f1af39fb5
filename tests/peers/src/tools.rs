//! The tools of a board file's devices, and calls of them as the runtime makes them.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test's set-up may fail")]

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use everstep_board_linux::{
    config::BoardKind,
    device::{DeviceSection, Finding, assemble, check, look},
};
use everstep_core::{CallId, Outcome, Settlement};
use everstep_driver::Actuators;
use everstep_tool::{BoxFuture, Cancel, Context, Tool, ToolCall};
use everstep_tools_device::BoardParts;
use serde_json::Value;

/// The sections of the devices in `board`, with `AT` for where the peer is.
///
/// # Panics
///
/// If they are not what a board may have.
#[must_use]
pub fn sections(board: &str, at: &str) -> BTreeMap<String, DeviceSection> {
    let board = board.replace("AT", at);
    let board: BTreeMap<String, BTreeMap<String, DeviceSection>> =
        toml::from_str(&board).unwrap_or_else(|error| panic!("{error}"));
    let sections = board.get("device").unwrap().clone();
    check(&sections, BoardKind::Linux).unwrap_or_else(|error| panic!("{error}"));
    sections
}

/// The tools and actuators of a board.
pub struct Tools {
    /// The tools, by name.
    pub tools: BTreeMap<String, Arc<dyn Tool>>,
    /// What is made safe.
    pub actuators: BoardActuators,
}

/// The board's actuators, for the driver.
#[derive(Clone)]
pub struct BoardActuators(everstep_tools_device::Actuators);

impl Actuators for BoardActuators {
    fn boot(&self) -> BoxFuture<'static, Vec<String>> {
        self.0.boot()
    }

    fn set_safe(&self) -> BoxFuture<'static, (Vec<String>, Vec<String>)> {
        self.0.set_safe()
    }
}

impl Tools {
    /// The tools of the devices in `board`, with `AT` for where the peer is.
    ///
    /// # Panics
    ///
    /// If they are not what a board may have.
    #[must_use]
    pub fn of(board: &str, at: &str) -> Self {
        let BoardParts { tools, actuators } =
            assemble(&sections(board, at), &BTreeMap::new()).unwrap_or_else(|error| panic!("{error}"));
        let tools = tools.into_iter().map(|tool| (tool.spec().name.clone(), tool)).collect();
        Self { tools, actuators: BoardActuators(actuators) }
    }

    /// The tool of this name.
    ///
    /// # Panics
    ///
    /// If there is none.
    #[must_use]
    pub fn get(&self, name: &str) -> &dyn Tool {
        self.tools.get(name).unwrap_or_else(|| panic!("no {name} among {:?}", self.tools.keys())).as_ref()
    }

    /// A call as it is recorded: with its baseline.
    ///
    /// # Errors
    ///
    /// Why it is refused.
    pub async fn intend(&self, name: &str, arguments: Value) -> Result<ToolCall, String> {
        let baseline = self.get(name).baseline(&arguments).await?;
        Ok(ToolCall { id: CallId(1), arguments, baseline, idempotency_key: None })
    }

    /// One try of a call.
    pub async fn run(&self, name: &str, call: &ToolCall) -> Outcome {
        let cx = Context { attempt: 1, deadline: Duration::from_secs(5), cancel: Cancel::default() };
        self.get(name).run(call, &cx).await
    }

    /// A call without any trouble around it.
    pub async fn call(&self, name: &str, arguments: Value) -> Outcome {
        match self.intend(name, arguments).await {
            Ok(call) => self.run(name, &call).await,
            Err(why) => Outcome::NotStarted(why),
        }
    }

    /// What the device says of an earlier try.
    pub async fn probe(&self, name: &str, call: &ToolCall) -> Settlement {
        self.get(name).probe(call).await
    }
}

/// What `everstep check` finds.
#[must_use]
pub fn findings(board: &str, at: &str) -> Vec<Finding> {
    look(&sections(board, at))
}
