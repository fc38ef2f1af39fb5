//! A server as its tools share it: started at the first call, compared with its pins, started again when
//! it fails, as often as it may.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use everstep_core::{Class, Outcome};
use everstep_tool::Context;
use rmcp::{model::JsonObject, service::ServiceError};
use tokio::{
    sync::Mutex,
    time::{Instant, timeout},
};

use super::{
    connection::{Connection, Reached, never_left},
    definition::Definition,
    result::{is_final, outcome, protocol_error},
    starts::{NotNow, Starts},
};

/// How long a call waits for its turn to find the server ready, beyond the server's own start.
const TURN: Duration = Duration::from_secs(1);

/// A server.
pub(super) struct Server {
    reached: Reached,
    /// Digests of its tools, by the names that it gives them.
    pinned: BTreeMap<String, String>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    connection: Option<Arc<Connection>>,
    /// Tools whose promise is no longer the pinned one, and what became of it.
    changed: BTreeMap<String, &'static str>,
    starts: Starts,
    /// Why the server was lost, to be told where it isn't started again.
    lost: String,
}

impl Server {
    pub(super) fn new(reached: Reached, pinned: BTreeMap<String, String>) -> Self {
        Self { reached, pinned, state: Mutex::default() }
    }

    /// Calls `tool`, once.
    pub(super) async fn call(
        &self,
        tool: &str,
        arguments: JsonObject,
        class: Class,
        cx: &Context,
    ) -> Outcome {
        let cancelled = || Outcome::NotStarted("the call was cancelled before the server was asked".into());
        if cx.cancel.is_asked() {
            return cancelled();
        }
        let start_max = Duration::from_millis(self.reached.section.start_ms_max.into());
        // A call that waits longer than that would leave when nobody counts on it any more.
        let ready = match timeout(start_max + TURN, self.ready(tool)).await {
            Ok(ready) => ready,
            Err(_) => Err(format!("server {} is still busy with its start", self.reached.name)),
        };
        let connection = match ready {
            Ok(connection) => connection,
            Err(why) => return Outcome::NotStarted(why),
        };
        if cx.cancel.is_asked() {
            return cancelled();
        }
        let answer_ms_max = self.reached.section.answer_ms_max;
        let answer = async {
            // What was answered before the connection broke counts.
            tokio::select! {
                biased;
                answer = connection.call(tool, arguments) => answer,
                () = connection.link.failed() => Err(ServiceError::TransportClosed),
            }
        };
        let lost = match timeout(Duration::from_millis(answer_ms_max.into()), answer).await {
            Ok(Ok(answer)) if is_final(&answer) => {
                self.state.lock().await.starts.answered();
                return outcome(&answer, class, &self.reached.board.vault);
            }
            Ok(Ok(_)) => "goes on with it by itself, without an answer".to_owned(),
            Ok(Err(ServiceError::McpError(error))) => {
                self.state.lock().await.starts.answered();
                return protocol_error(&error, class, &self.reached.board.vault);
            }
            Ok(Err(error)) if never_left(&error) => {
                let why = self.lose(&connection, "could not be asked").await;
                return Outcome::NotStarted(why);
            }
            Ok(Err(ServiceError::UnexpectedResponse)) => "gave an answer that is none".to_owned(),
            Ok(Err(_)) => "was lost before it answered".to_owned(),
            Err(_) => format!("gave no answer within {answer_ms_max} ms (`answer_ms_max`)"),
        };
        // Nothing of this call may happen later, when it may have been repeated.
        Outcome::MayHaveRun(self.lose(&connection, &lost).await)
    }

    /// The connection, made where there is none, if `tool` is what it was when it was pinned.
    async fn ready(&self, tool: &str) -> Result<Arc<Connection>, String> {
        let mut state = self.state.lock().await;
        if let Some(connection) = state.connection.take() {
            if connection.is_over() {
                connection.kill().await;
                state.lost = connection.link.explain("it ended");
                state.starts.failed(Instant::now());
            } else {
                state.connection = Some(connection);
            }
        }
        let (connection, is_new) = match &state.connection {
            Some(connection) => (Arc::clone(connection), false),
            None => (self.start(&mut state).await?, true),
        };
        // One that would not be heard to change is asked, unless it was just now.
        let is_asked = !is_new && !connection.tells_changes();
        if connection.link.take_tools_changed() || is_asked {
            self.compare(&mut state, &connection).await?;
        }
        match state.changed.get(tool) {
            None => Ok(connection),
            Some(what) => {
                let server = &self.reached.name;
                Err(format!(
                    "tool {tool} of server {server} {what} since it was pinned: look at it with `everstep mcp pin {server}`"
                ))
            }
        }
    }

    async fn start(&self, state: &mut State) -> Result<Arc<Connection>, String> {
        self.begin(state).await?;
        let connection = match Connection::start(&self.reached).await {
            Ok(connection) => Arc::new(connection),
            Err(why) => {
                state.starts.failed(Instant::now());
                state.lost.clone_from(&why);
                return Err(why);
            }
        };
        self.compare(state, &connection).await?;
        state.connection = Some(Arc::clone(&connection));
        Ok(connection)
    }

    /// Takes a start out of the budget, and lets a short pause pass.
    async fn begin(&self, state: &mut State) -> Result<(), String> {
        let (server, restarts_max) = (&self.reached.name, self.reached.section.restarts_max);
        loop {
            let why = match state.starts.begin(Instant::now(), restarts_max) {
                Ok(()) => return Ok(()),
                Err(NotNow::Pausing { wait }) if wait <= TURN / 2 => {
                    tokio::time::sleep(wait).await;
                    continue;
                }
                Err(NotNow::Pausing { wait }) => {
                    format!("server {server} is started again in {} s", seconds(wait))
                }
                Err(NotNow::TooOften { wait }) => format!(
                    "server {server} was started again {restarts_max} times within an hour (`restarts_max`), and is left alone for {} s",
                    seconds(wait)
                ),
            };
            return Err(if state.lost.is_empty() { why } else { format!("{why}; {}", state.lost) });
        }
    }

    /// Compares what the server says of its tools with what is pinned.
    async fn compare(&self, state: &mut State, connection: &Arc<Connection>) -> Result<(), String> {
        let limit = Duration::from_millis(self.reached.section.start_ms_max.into());
        let found = match timeout(limit, connection.definitions()).await {
            Ok(Ok(found)) => found,
            Ok(Err(why)) => return Err(self.lose_list(state, connection, &why).await),
            Err(_) => {
                let why =
                    format!("it did not within {} ms (`start_ms_max`)", self.reached.section.start_ms_max);
                return Err(self.lose_list(state, connection, &why).await);
            }
        };
        state.changed = changed(&self.pinned, &found);
        Ok(())
    }

    async fn lose_list(&self, state: &mut State, connection: &Arc<Connection>, why: &str) -> String {
        connection.kill().await;
        state.connection = None;
        state.starts.failed(Instant::now());
        state.lost =
            connection.link.explain(&format!("server {} did not tell its tools: {why}", self.reached.name));
        state.lost.clone()
    }

    /// Ends a connection that failed, and tells why.
    async fn lose(&self, connection: &Arc<Connection>, what: &str) -> String {
        connection.kill().await;
        let why = connection.link.explain(&format!("server {} {what}", self.reached.name));
        let mut state = self.state.lock().await;
        if state.connection.as_ref().is_some_and(|other| Arc::ptr_eq(other, connection)) {
            state.connection = None;
            state.starts.failed(Instant::now());
        }
        state.lost.clone_from(&why);
        why
    }
}

fn seconds(wait: Duration) -> u64 {
    wait.as_secs().saturating_add(1)
}

/// Pinned tools that are not what they were.
fn changed(pinned: &BTreeMap<String, String>, found: &[Definition]) -> BTreeMap<String, &'static str> {
    let mut digests: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for definition in found {
        digests.entry(definition.name.as_str()).or_default().insert(definition.digest());
    }
    let pins = pinned.iter();
    pins.filter_map(|(tool, digest)| {
        let what = match digests.get(tool.as_str()) {
            None => "is gone",
            // Two of one name: nobody knows which one would be called.
            Some(found) if found.len() > 1 || !found.contains(digest) => "has changed",
            Some(_) => return None,
        };
        Some((tool.clone(), what))
    })
    .collect()
}
