//! One connection to a server, from its start to its end.

use std::{path::Path, process::Command, sync::Arc, time::Duration};

use rmcp::{
    RoleClient, ServiceExt as _,
    model::{
        CallToolRequestParams, CallToolResponse, ClientRequest, JsonObject, ListToolsRequest,
        PaginatedRequestParams, ServerResult, Tool,
    },
    service::{RunningService, ServiceError},
};
use tokio::time::timeout;

use super::{
    child::Child,
    client::Client,
    definition::Definition,
    link::Link,
    section::{McpSection, filled},
    stdio::{SendError, Stdio, drain},
    web,
};
use crate::{BoardSide, http::Shared};

/// Pages of a list of tools.
const PAGES_MAX: u32 = 32;
/// Tools that one server may have.
const TOOLS_MAX: usize = 1_024;
/// How long the last words of a process are waited for once it has ended.
const WORDS_WAIT: Duration = Duration::from_secs(1);
/// How a process ends that was ended here.
const OUR_SIGNAL: &str = "signal: 9";
/// How long the end of a connection is waited for.
const CLOSE_WAIT: Duration = Duration::from_secs(1);

/// A server as it is reached.
pub(super) struct Reached {
    pub(super) name: String,
    pub(super) section: McpSection,
    pub(super) board: BoardSide,
    shared: Arc<Shared>,
}

/// A server that was started and greeted.
pub(super) struct Connection {
    service: RunningService<RoleClient, Client>,
    pub(super) link: Arc<Link>,
    /// `None` where it is no process of this board.
    process: Option<Process>,
    /// Bytes of the whole list of its tools.
    list_bytes_max: usize,
}

/// A server's process, and the task that reads what it writes beside its messages.
struct Process {
    child: Child,
    drain: tokio::task::JoinHandle<()>,
}

impl Connection {
    /// Starts the server and greets it, within its `start_ms_max`.
    ///
    /// # Errors
    ///
    /// Why it isn't there; it is ended then.
    pub(super) async fn start(reached: &Reached) -> Result<Self, String> {
        let Reached { name, section, board, shared } = reached;
        let link = Link::new(&board.vault);
        let client = Client { link: Arc::clone(&link) };
        let limit = Duration::from_millis(section.start_ms_max.into());
        let (greeted, process) = if section.url.is_some() {
            let transport = web::transport(section, shared, &link)?;
            (timeout(limit, client.serve(transport)).await, None)
        } else {
            let (process, transport) = Process::start(name, section, board, &link).await?;
            (timeout(limit, client.serve(transport)).await, Some(process))
        };
        let what = match greeted {
            Ok(Ok(service)) => {
                let list_bytes_max = usize::try_from(section.answer_bytes_max).unwrap_or(usize::MAX);
                return Ok(Self { service, link, process, list_bytes_max });
            }
            Ok(Err(_)) if link.fault().is_some() => format!("server {name} did not start"),
            Ok(Err(error)) => {
                let why = link.excerpt(error.to_string().as_bytes(), true);
                format!("server {name} did not start: {why}")
            }
            Err(_) => {
                format!("server {name} was not ready within {} ms (`start_ms_max`)", section.start_ms_max)
            }
        };
        if let Some(process) = process {
            process.kill(&link).await;
        }
        Err(link.explain(&what))
    }

    /// What the server says of its tools now.
    ///
    /// # Errors
    ///
    /// Why it doesn't say.
    pub(super) async fn definitions(&self) -> Result<Vec<Definition>, String> {
        let mut found: Vec<Definition> = Vec::new();
        let (mut cursor, mut bytes) = (None, 0);
        self.link.ask();
        for _ in 0..PAGES_MAX {
            let page = PaginatedRequestParams::default().with_cursor(cursor);
            // Asked directly: a list that was kept from an earlier time is no answer.
            let request = ClientRequest::ListToolsRequest(ListToolsRequest::with_param(page));
            let answer = self.service.send_request(request).await;
            let page = match answer {
                Ok(ServerResult::ListToolsResult(page)) => page,
                Ok(_) => return Err("its list of tools is none".into()),
                Err(error) => return Err(self.link.excerpt(error.to_string().as_bytes(), true)),
            };
            // Each page is a message within its limit; many of them are as much for a small board as one.
            bytes = page.tools.iter().map(size).fold(bytes, usize::saturating_add);
            if bytes > self.list_bytes_max {
                let max = self.list_bytes_max;
                return Err(format!("its list of tools has more than {max} bytes (`answer_bytes_max`)"));
            }
            found.extend(page.tools.iter().map(Definition::new));
            if found.len() > TOOLS_MAX {
                return Err(format!("it has more than {TOOLS_MAX} tools"));
            }
            cursor = page.next_cursor;
            if cursor.is_none() {
                return Ok(found);
            }
        }
        Err(format!("its list of tools has more than {PAGES_MAX} pages"))
    }

    /// Calls a tool. The caller limits the time.
    pub(super) async fn call(
        &self,
        tool: &str,
        arguments: JsonObject,
    ) -> Result<CallToolResponse, ServiceError> {
        self.link.ask();
        let params = CallToolRequestParams::new(tool.to_owned()).with_arguments(arguments);
        self.service.call_tool_once(params).await
    }

    /// Whether a server that becomes another one, or says that its tools have changed, is noticed. One at an
    /// address without a session may be replaced between two requests, and has no way to say anything.
    pub(super) fn tells_changes(&self) -> bool {
        self.process.is_some() || self.link.is_listened_to()
    }

    /// Whether nothing can be asked any more.
    pub(super) fn is_over(&self) -> bool {
        self.service.is_transport_closed() || self.link.fault().is_some()
    }

    /// Ends the server at once, so that nothing that it was asked happens later. One that is elsewhere
    /// can't be ended; it is only asked nothing more.
    pub(super) async fn kill(&self) {
        if let Some(process) = &self.process {
            process.kill(&self.link).await;
        }
        self.service.cancellation_token().cancel();
    }

    /// Ends the connection in the order that servers expect: input closed, asked to end, made to end.
    pub(super) async fn end(mut self) {
        let _ = self.service.close_with_timeout(CLOSE_WAIT).await;
        if let Some(process) = &self.process {
            process.child.end().await;
        }
    }
}

impl Reached {
    pub(super) fn new(name: &str, section: &McpSection, board: &BoardSide, shared: &Arc<Shared>) -> Self {
        let (name, section, board) = (name.to_owned(), section.clone(), board.clone());
        Self { name, section, board, shared: Arc::clone(shared) }
    }
}

impl Process {
    async fn start(
        name: &str,
        section: &McpSection,
        board: &BoardSide,
        link: &Arc<Link>,
    ) -> Result<(Self, Stdio), String> {
        let command = command(section, board)?;
        let program = section.command.first().map_or("", String::as_str);
        let (child, pipes) = Child::start(command, board.bind_child)
            .await
            .map_err(|error| format!("server {name}: `{program}` can't be started: {error}"))?;
        let drain = tokio::spawn(drain(pipes.errors, Arc::clone(link)));
        let bytes_max = usize::try_from(section.answer_bytes_max).unwrap_or(usize::MAX);
        let transport = Stdio::new(pipes.input, pipes.output, bytes_max, link);
        Ok((Self { child, drain }, transport))
    }

    /// Ends the process, and takes note of what it wrote last, and of how it ended where the connection
    /// failed before.
    async fn kill(&self, link: &Arc<Link>) {
        // One that ended by itself tells more than one that was ended.
        let failed = link.fault().is_some();
        let by_itself = if failed { self.child.ends_within(WORDS_WAIT).await } else { None };
        let how = match by_itself {
            Some(how) => how,
            None => self.child.kill().await,
        };
        // Whoever left the group may still hold the pipe.
        for _ in 0..20 {
            if self.drain.is_finished() {
                break;
            }
            tokio::time::sleep(WORDS_WAIT / 20).await;
        }
        // One whose input was closed here may have ended on its own before the signal: that is no reason.
        if failed && !how.starts_with(OUR_SIGNAL) {
            link.ended(&how);
        }
    }
}

/// Bytes of a tool as a server tells it.
fn size(tool: &Tool) -> usize {
    serde_json::to_vec(tool).map_or(usize::MAX, |bytes| bytes.len())
}

/// Whether a request that failed so never left.
pub(super) fn never_left(error: &ServiceError) -> bool {
    match error {
        ServiceError::TransportSend(error) => {
            let begun = error.error.downcast_ref::<SendError>().map(|error| error.begun);
            !begun.or_else(|| web::begun(error.error.as_ref())).unwrap_or(true)
        }
        _ => false,
    }
}

/// The command, with an environment of its own.
fn command(section: &McpSection, board: &BoardSide) -> Result<Command, String> {
    let mut words = section.command.iter();
    let program = words.next().map_or("", String::as_str);
    // A path is the board file's, whatever folder the server runs in.
    let program = if program.contains('/') { absolute(&board.folder.join(program))? } else { program.into() };
    let mut command = Command::new(program);
    command.args(words).env_clear();
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.env("HOME", "/nonexistent").env("LANG", "C.UTF-8");
    for (name, value) in &section.env {
        command.env(name, filled(value, &board.vault)?);
    }
    let folder = section.dir.as_ref().map_or_else(|| board.folder.clone(), |dir| board.folder.join(dir));
    command.current_dir(absolute(&folder)?);
    Ok(command)
}

fn absolute(path: &Path) -> Result<std::path::PathBuf, String> {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    std::path::absolute(path).map_err(|error| format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mcp::tests::vault;

    /// A process that wrote a last line and ended by itself, with status 3.
    async fn ended(link: &Arc<Link>) -> Process {
        let mut command = Command::new("sh");
        command.args(["-c", "echo no paper >&2; exit 3"]);
        let (child, pipes) = Child::start(command, |_| {}).await.unwrap();
        let drain = tokio::spawn(drain(pipes.errors, Arc::clone(link)));
        child.ends_within(Duration::from_mins(1)).await.unwrap();
        Process { child, drain }
    }

    #[tokio::test]
    async fn how_a_process_ended_is_a_reason_only_where_the_connection_had_failed() {
        let link = Link::new(&vault(&[]));
        ended(&link).await.kill(&link).await;
        assert_eq!(link.explain("it said no"), "it said no; it wrote last: no paper");

        let link = Link::new(&vault(&[]));
        link.fail(|| "it closed the pipe".into());
        ended(&link).await.kill(&link).await;
        let whole = "it is gone: it closed the pipe (exit status: 3); it wrote last: no paper";
        assert_eq!(link.explain("it is gone"), whole);
    }
}
