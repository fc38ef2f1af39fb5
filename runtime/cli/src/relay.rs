//! Carries requests from the control socket to the driver, and its answers back.

use everstep_board_linux::control::{ControlReply, ControlRequest, ControlServer};
use everstep_core::{CallId, Limits, Verdict};
use everstep_driver::{Command, StatusReport};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
};

use crate::explain;

/// Commands that may wait for the driver.
const COMMANDS_MAX: usize = 16;

/// Carries until the driver is gone.
pub(crate) struct Relay(JoinHandle<()>);

/// Starts to carry to whoever has the receiver.
pub(crate) fn start(mut server: ControlServer, limits: Limits) -> (Relay, mpsc::Receiver<Command>) {
    let (commands, receiver) = mpsc::channel(COMMANDS_MAX);
    let carrying = tokio::spawn(async move {
        loop {
            tokio::select! {
                request = server.next() => match request {
                    Some((request, replier)) => replier.reply(carry(request, &commands, &limits).await),
                    None => break,
                },
                () = commands.closed() => break,
            }
        }
        server.close().await;
    });
    (Relay(carrying), receiver)
}

impl Relay {
    /// Waits until everybody who asked has an answer. The receiver must be gone.
    pub(crate) async fn end(self) {
        // One that panicked has nobody to answer any more.
        let _ = self.0.await;
    }
}

async fn carry(request: ControlRequest, commands: &mpsc::Sender<Command>, limits: &Limits) -> ControlReply {
    match request {
        ControlRequest::Status {} => {
            let (sender, receiver) = oneshot::channel();
            answer(commands, Command::Status(sender), receiver, |report| status(report, limits)).await
        }
        ControlRequest::Stop { reason } => {
            let (reply, receiver) = oneshot::channel();
            let done = "the run ends, with the actuators safe";
            answer(commands, Command::Stop { reason, reply }, receiver, |taken| {
                decided(taken, done, "there is no run to end")
            })
            .await
        }
        ControlRequest::Approve { call, digest } => {
            decide(commands, call, digest, Verdict::Approve, "approved").await
        }
        ControlRequest::Refuse { call, reason } => {
            decide(commands, call, None, Verdict::Refuse(reason), "refused").await
        }
    }
}

async fn decide(
    commands: &mpsc::Sender<Command>,
    call: u32,
    digest: Option<String>,
    verdict: Verdict,
    done: &'static str,
) -> ControlReply {
    let (reply, receiver) = oneshot::channel();
    let command = Command::Approval { call: CallId(call), digest, verdict, reply };
    answer(commands, command, receiver, |taken| {
        decided(
            taken,
            done,
            &format!("call {call} does not wait for approval, or is another one: see `everstep status`"),
        )
    })
    .await
}

/// Sends `command` and turns its answer into a reply.
async fn answer<T>(
    commands: &mpsc::Sender<Command>,
    command: Command,
    receiver: oneshot::Receiver<T>,
    reply: impl FnOnce(T) -> ControlReply,
) -> ControlReply {
    // The channel closes with the driver; a request that comes then is answered all the same.
    let _ = commands.send(command).await;
    match receiver.await {
        Ok(answer) => reply(answer),
        Err(_) => ControlReply::Refused { reason: "everstep is ending".into() },
    }
}

fn decided(taken: bool, done: &str, refused: &str) -> ControlReply {
    if taken {
        ControlReply::Done { message: done.into(), status: None }
    } else {
        ControlReply::Refused { reason: refused.into() }
    }
}

fn status(report: StatusReport, limits: &Limits) -> ControlReply {
    let StatusReport { agent, state } = report;
    let message = explain::text(&agent, &state, limits);
    ControlReply::Done { message, status: Some(explain::object(&agent, &state)) }
}
