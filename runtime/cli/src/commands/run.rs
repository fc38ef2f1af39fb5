//! `everstep run`: begins a task or goes on with the unfinished one, and prints its result.

use std::{path::Path, sync::Arc};

use everstep_board_linux::{control::ControlServer, entropy, flash::LinuxFlash, owner::OwnerLock};
use everstep_core::{Agent, DecideError, End, Finished, Verdict};
use everstep_driver::{Approvals, Change, Command, DriveError, Driver, Observer, Parts, Pause, call_digest};
use everstep_model_llama::{
    SnapshotOptions, exec_with_passive_openmp, install_abort_marker, take_abort_marker,
};
use serde_json::json;
use tokio::sync::mpsc;

use crate::{
    approval,
    args::{Place, Run},
    describe,
    devices::{Devices, agent_or_safe_board, watchdog},
    exit::{Exit, Failure, Outcome},
    explain, log,
    model::Choice,
    out,
    parts::{self, boot_failure, drive_failure},
    plan::{Asked, Plan, plan},
    relay,
    screen::{Events, Screen},
    site::Site,
};

/// Left in the state folder by a process that aborted.
const ABORT_MARKER: &str = "aborted";
/// Every position the engine sampled, for a rehearsal to count.
const SAMPLED_LOG: &str = "sampled.log";

pub(crate) fn perform(place: &Place, args: &Run) -> Outcome {
    let site = Site::find(place)?;
    let choice = Choice::of(&site, args.model.model.as_deref())?;
    if choice.uses_threads(&site.file.board.model) {
        // Only comes back when it can't: then computing is slower on a busy machine, but right.
        let _ = exec_with_passive_openmp();
    }
    log::start(args.verbose);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(Failure::failed)?;
    runtime.block_on(work(&site, &choice, args))
}

async fn work(site: &Site, choice: &Choice, args: &Run) -> Outcome {
    site.make_state_dir()?;
    let lock = Arc::new(OwnerLock::take(&site.state_dir).map_err(Failure::usage)?);
    let before = agent_or_safe_board(site).await?;
    let asked = Asked {
        agent: &site.agent_name,
        task: args.task.as_deref(),
        task_id: args.task_id.as_deref(),
        default_task: site.agent.task.as_deref(),
    };
    let plan = plan(asked, before.state()).map_err(Failure::usage)?;
    if let Plan::Again(last) = plan {
        return result(args, &last);
    }

    // From here on someone may ask how far the run is, and end it.
    let server = ControlServer::bind(&site.state_dir, Arc::clone(&lock)).map_err(Failure::failed)?;
    let (relay, commands) = relay::start(server, site.limits());
    let worked = drive(site, choice, args, plan, &before, commands).await;
    relay.end().await;
    drop(lock);
    worked
}

/// Performs the plan, until the run is over or an operator is needed.
async fn drive(
    site: &Site,
    choice: &Choice,
    args: &Run,
    plan: Plan,
    before: &Agent,
    commands: mpsc::Receiver<Command>,
) -> Outcome {
    let devices = Devices::connect(site, before.state())?;
    let mut driver = start(site, choice, args, devices, commands).await?;
    if let Plan::Start(task) = plan {
        let seed = match args.seed {
            Some(seed) => seed,
            None => entropy::number().map_err(Failure::failed)?,
        };
        if let Err(error) = driver.start(task, args.task_id.clone(), seed) {
            return Err(parts::given_up(site, &driver, error).await);
        }
    }
    // The word is recorded and the call performed by the same process.
    if let Some(call) = approval::waiting(site, driver.agent().state()) {
        match driver.approval(call, Verdict::Approve) {
            Err(DriveError::Refused(DecideError::Stale)) => {
                out::note(&format!("the approval of call {call} came too late: it is no longer asked for"));
            }
            Err(error) => return Err(parts::given_up(site, &driver, error).await),
            Ok(()) => {}
        }
    }
    // Its word was used now, or is about an earlier call. What is recorded is performed in any case.
    if let Err(error) = approval::forget(site) {
        out::note(&format!("an approval that is used up can't be removed: {error}"));
    }
    match driver.drive().await.map_err(|error| drive_failure(site, error))? {
        Pause::AtRest(Some(last)) => result(args, &last),
        Pause::AtRest(None) => Err(Failure::failed(anyhow::anyhow!("the run ended without a result"))),
        Pause::NeedsApproval { call, reason } => {
            if args.events {
                Events::print(
                    "approval_asked",
                    json!({
                        "call": call.id, "digest": call_digest(&call), "tool": call.tool, "reason": reason,
                    }),
                );
            }
            out::note(&format!(
                "call {} waits for approval: {reason}. `everstep approve {1}` or `everstep refuse {1}`, then `everstep run`",
                describe::call(&call),
                call.id
            ));
            Ok(Exit::Approval)
        }
    }
}

/// Loads the model, opens the flash and boots the agent.
async fn start(
    site: &Site,
    choice: &Choice,
    args: &Run,
    devices: Devices,
    commands: mpsc::Receiver<Command>,
) -> Outcome<Driver<LinuxFlash>> {
    let tools = parts::toolbox(site, devices.tools.clone())?;
    let sampled_log = args.events.then(|| site.in_state(Path::new(SAMPLED_LOG)));
    let snapshots = match choice {
        Choice::Gguf(_) => snapshots_of(site),
        Choice::Scripted(_) => None,
    };
    let model = choice.load(&site.file.board.model, sampled_log, snapshots)?;
    let marker = site.in_state(Path::new(ABORT_MARKER));
    let aborted = take_abort_marker(&marker).map_err(Failure::failed)?;
    install_abort_marker(&marker).map_err(Failure::failed)?;
    let flash = site.open_flash()?;
    let screen = Screen::new();
    let observer: Box<dyn Observer> = if args.events { Box::new(Events(screen)) } else { Box::new(screen) };
    let change = if args.accept_change { Change::Accept } else { Change::Refuse };
    let parts = parts::assemble(site, flash, model, devices, tools, observer, commands)?;
    // Last: loading a model takes longer than a watchdog waits.
    let mut parts = Parts { aborted, change, heartbeat: watchdog(site)?, ..parts };
    if args.wait {
        parts.config.approvals = Approvals::Wait;
    }
    everstep_driver::boot(parts).await.map_err(|error| boot_failure(site, error))
}

/// Where snapshots of the KV cache go, if anywhere; says where that is not as the board file has it.
fn snapshots_of(site: &Site) -> Option<SnapshotOptions> {
    let snapshots = site.kv_snapshots();
    if snapshots.is_none() && site.file.board.model.kv_snapshot_bytes_max.get() > 0 {
        out::note(
            "no KV snapshots are kept, because `flash.seal` is set: after a cut the prompt is evaluated",
        );
    }
    snapshots
}

/// Prints how a run ended: its answer on standard output, anything else for people.
fn result(args: &Run, last: &Finished) -> Outcome {
    let exit = match &last.how {
        End::Done => Exit::Done,
        End::Failed(_) | End::Stopped(_) => Exit::Failed,
        End::Limit(_) => Exit::Limit,
    };
    if args.events {
        Events::print("result", explain::finished(last));
        return Ok(exit);
    }
    if args.json {
        out::json(&explain::finished(last))?;
        return Ok(exit);
    }
    if let Some(answer) = last.answer.as_ref().filter(|_| exit == Exit::Done) {
        out::line(answer)?;
    } else {
        out::note(&format!("run {} {}", last.run, describe::end(&last.how)));
    }
    Ok(exit)
}
