//! Carries requests from the control socket to the driver, and its answers back.

use everstep_board_linux::control::{ControlReply, ControlRequest, ControlServer};
use everstep_core::{CallId, Limits, Verdict};
use everstep_driver::{Command, StatusReport};
use tokio::sync::{mpsc, oneshot};

use crate::explain;

/// Commands that may wait for the driver.
const COMMANDS_MAX: usize = 16;

/// Starts to carry. Ends with the runtime, or when the driver is gone.
pub(crate) fn start(mut server: ControlServer, limits: Limits) -> mpsc::Receiver<Command> {
    let (commands, receiver) = mpsc::channel(COMMANDS_MAX);
    tokio::spawn(async move {
        while let Some((request, replier)) = server.next().await {
            replier.reply(carry(request, &commands, &limits).await);
        }
    });
    receiver
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
