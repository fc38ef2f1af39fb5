//! `everstep status`, `stop`, `approve`, `refuse`: through the owner, or as the owner where nobody
//! runs.

use std::{convert::Infallible, time::Duration};

use everstep_board_linux::{
    control::{self, AskError, ControlReply, ControlRequest, Reached},
    owner::OwnerLock,
};
use everstep_core::{CallId, Event, Moment, Record, Verdict};
use everstep_driver::Pause;
use everstep_journal::{BUFFER_BYTES, Budget, Entry, Journal};

use crate::{
    approval,
    args::{Approve, Json, Place, Refuse, Stop},
    describe,
    devices::{Devices, agent_or_safe_board},
    exit::{Exit, Failure, Outcome},
    explain,
    offline::{self, Source},
    out, parts,
    site::Site,
};

/// How long the owner may take: it answers between two steps, and loads its model first.
const WAIT_MAX: Duration = Duration::from_mins(1);

pub(crate) fn status(place: &Place, args: Json) -> Outcome {
    let site = Site::find(place)?;
    let (text, object) = match control::ask(&site.state_dir, &ControlRequest::Status {}, WAIT_MAX) {
        Ok(ControlReply::Done { message, status }) => (message, status.unwrap_or_default()),
        Ok(ControlReply::Refused { reason }) => return Err(Failure::failed(anyhow::anyhow!(reason))),
        Err(AskError::NobodyRuns) => {
            let agent = offline::read(&site, &Source::of(&site, None))?;
            let mut text = explain::text(&site.agent_name, agent.state(), agent.limits());
            if let Some(call) = approval::waiting(&site, agent.state()) {
                text = format!("{text}\nCall {call} is approved: `everstep run` performs it.");
            }
            (
                format!("{text}\nNo everstep runs this board."),
                explain::object(&site.agent_name, agent.state()),
            )
        }
        Err(error) => return Err(Failure::failed(error)),
    };
    if args.json {
        out::json(&object)?;
    } else {
        out::line(&text)?;
    }
    Ok(Exit::Done)
}

pub(crate) fn stop(place: &Place, args: &Stop) -> Outcome {
    let request = ControlRequest::Stop { reason: args.reason.clone() };
    decide(place, &request, |site, lock| {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .map_err(Failure::failed)?;
        runtime.block_on(stop_alone(site, lock, args.reason.clone()))
    })
}

pub(crate) fn approve(place: &Place, args: &Approve) -> Outcome {
    let request = ControlRequest::Approve { call: args.call, digest: args.digest.clone() };
    let digest = args.digest.as_deref();
    decide(place, &request, |site, lock| decide_alone(site, lock, args.call, digest, Verdict::Approve))
}

pub(crate) fn refuse(place: &Place, args: &Refuse) -> Outcome {
    let request = ControlRequest::Refuse { call: args.call, reason: args.reason.clone() };
    let verdict = Verdict::Refuse(args.reason.clone());
    decide(place, &request, |site, lock| decide_alone(site, lock, args.call, None, verdict))
}

/// Lets the owner do it, or does it with the owner's lock.
fn decide(
    place: &Place,
    request: &ControlRequest,
    alone: impl FnOnce(&Site, OwnerLock) -> Outcome<String>,
) -> Outcome {
    let site = Site::find(place)?;
    if !site.flash_path().exists() {
        return Err(Failure::usage(anyhow::anyhow!(
            "{} has never run: there is nothing to decide",
            site.agent_name
        )));
    }
    let message = match control::reach(&site.state_dir, request, WAIT_MAX).map_err(Failure::failed)? {
        Reached::Answer(ControlReply::Done { message, .. }) => message,
        Reached::Answer(ControlReply::Refused { reason }) => {
            return Err(Failure::usage(anyhow::anyhow!(reason)));
        }
        Reached::Owner(lock) => alone(&site, lock)?,
    };
    out::line(&message)?;
    Ok(Exit::Done)
}

/// Ends the run as its own process would have: the safe states are set and the end is recorded. The
/// model isn't needed, so a missing one is no reason not to stop.
async fn stop_alone(site: &Site, lock: OwnerLock, reason: String) -> Outcome<String> {
    let agent = agent_or_safe_board(site).await?;
    let Some(run) = agent.run() else {
        let ended = agent.state().last.as_ref();
        let ended = ended.map(|last| format!(": run {} {}", last.run, describe::end(&last.how)));
        return Err(Failure::usage(anyhow::anyhow!("there is no run to end{}", ended.unwrap_or_default())));
    };
    let devices = Devices::connect(site, agent.state())?;
    let mut driver = parts::boot_to_stop(site, run, devices).await?;
    if let Err(error) = driver.stop(reason) {
        return Err(parts::given_up(site, &driver, error).await);
    }
    let pause = driver.drive().await.map_err(|error| parts::drive_failure(site, error))?;
    drop(lock);
    match pause {
        Pause::AtRest(Some(last)) => Ok(format!("run {} {}", last.run, describe::end(&last.how))),
        _ => Err(Failure::failed(anyhow::anyhow!("the run did not end: see `everstep status`"))),
    }
}

/// Records a decision about a call. The next start goes on from it.
fn decide_alone(
    site: &Site,
    lock: OwnerLock,
    call: u32,
    digest: Option<&str>,
    verdict: Verdict,
) -> Outcome<String> {
    let agent = offline::read(site, &Source::of(site, None))?;
    let newest = agent.state().timeline;
    // No time passes while nobody runs; the next start knows how long it was.
    let at = Moment { boot: newest.boot, mono_ms: newest.mono_ms, clock: newest.clock };
    let approved = verdict == Verdict::Approve;
    let kind = agent.decide(at, Event::Approval { call: CallId(call), verdict }).map_err(|_| {
        Failure::usage(anyhow::anyhow!("call {call} does not wait for approval: see `everstep status`"))
    })?;
    if approved {
        approval::keep(site, agent.state(), digest).map_err(Failure::usage)?;
        drop(lock);
        return Ok(format!("call {call} is approved; `everstep run` performs it"));
    }
    let mut buffer = vec![0; BUFFER_BYTES];
    let visit = |_: Entry<'_>| Ok::<(), Infallible>(());
    let flash = site.open_flash()?;
    let region = flash.region(site.agent_region());
    let recovered = Journal::recover(flash, region, Budget::default(), &mut buffer, visit);
    let (mut journal, _) = recovered.map_err(|error| site.flash_needs_attention(error))?;
    journal.append(&Record { at, kind }.encode()).map_err(|error| site.flash_needs_attention(error))?;
    drop(lock);
    Ok(format!("call {call} is refused; `everstep run` goes on"))
}
