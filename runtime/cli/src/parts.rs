//! Puts a driver together from a board's concrete parts, and names what went wrong.

use std::{collections::BTreeMap, sync::Arc};

use everstep_board_linux::{
    entropy,
    flash::{FlashError, LinuxFlash},
};
use everstep_core::{Class, Run};
use everstep_driver::{
    BootError, Change, Command, DriveError, Driver, Observer, Parts, SharedFlash, Silent, StoreError,
};
use everstep_model::Model;
use everstep_tool::{Tool, Toolbox, ToolboxError};
use tokio::sync::mpsc;

use crate::{
    devices::Devices,
    exit::{Failure, Outcome},
    idle::IdleModel,
    network,
    site::Site,
};

/// The tools that the agent may call.
pub(crate) fn toolbox(site: &Site, tools: Vec<Arc<dyn Tool>>) -> Outcome<Toolbox> {
    let names: Vec<String> = tools.iter().map(|tool| tool.spec().name.clone()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    site.file.check_grants(&names).map_err(Failure::usage)?;
    check_sharing(site, &tools)?;
    let budgets = network::budgets(site, &tools);
    let granted = Toolbox::new(tools, &site.agent.granted());
    granted.map(|granted| granted.with_budgets(budgets)).map_err(|error| {
        let agent = &site.agent_name;
        let key = match &error {
            ToolboxError::Limit { name, argument, .. } => {
                format!("agent.{agent}.tool.{name}.arguments.{argument}")
            }
            _ => format!("agent.{agent}.grants"),
        };
        Failure::usage(site.file.wrong(&key, error.to_string()))
    })
}

/// Refuses two agents that may move the same device, unless its section says that they may.
fn check_sharing(site: &Site, tools: &[Arc<dyn Tool>]) -> Outcome<()> {
    let board = &site.file.board;
    let mut movers: BTreeMap<&str, &str> = BTreeMap::new();
    for (name, agent) in &board.agent {
        for spec in tools.iter().map(|tool| tool.spec()).filter(|spec| agent.grants.contains(&spec.name)) {
            let Some(device) = spec.device.as_deref().filter(|_| spec.class != Class::Observe) else {
                continue;
            };
            let Some(section) = board.device.get(device).filter(|section| !section.shared) else { continue };
            let first = movers.entry(device).or_insert(name);
            if first != name {
                let message = format!(
                    "`{}` moves the {} `{device}`, which agent `{first}` may move too: grant it to one of them, \
                     or set `device.{device}.shared = true`",
                    spec.name,
                    section.kind()
                );
                return Err(Failure::usage(site.file.wrong(&format!("agent.{name}.grants"), message)));
            }
        }
    }
    Ok(())
}

/// Everything a boot needs.
pub(crate) fn assemble(
    site: &Site,
    flash: SharedFlash<LinuxFlash>,
    model: Box<dyn Model>,
    devices: Devices,
    tools: Toolbox,
    observer: Box<dyn Observer>,
    commands: mpsc::Receiver<Command>,
) -> Outcome<Parts<LinuxFlash>> {
    let mut salt = [0; 16];
    entropy::fill(&mut salt).map_err(Failure::failed)?;
    Ok(Parts {
        flash,
        board_region: site.file.layout().board,
        agent_region: site.agent_region(),
        config: site.config(),
        model,
        tools: Arc::new(tools),
        actuators: devices.actuators,
        heartbeat: None,
        clock: devices.clock,
        timeline: devices.timeline,
        entropy: salt,
        observer,
        commands,
        aborted: false,
        change: Change::Refuse,
    })
}

/// Boots the agent only to end its run. No model is loaded and no change is refused: whatever it
/// began with, it ends here.
pub(crate) async fn boot_to_stop(site: &Site, run: &Run, devices: Devices) -> Outcome<Driver<LinuxFlash>> {
    let model = Box::new(IdleModel::of(&run.digests));
    let tools = toolbox(site, devices.tools.clone())?;
    let (_sender, commands) = mpsc::channel(1);
    let parts = assemble(site, site.open_flash()?, model, devices, tools, Box::new(Silent), commands)?;
    let parts = Parts { change: Change::Accept, ..parts };
    everstep_driver::boot(parts).await.map_err(|error| boot_failure(site, error))
}

/// What a failed boot means for the operator.
pub(crate) fn boot_failure(site: &Site, error: BootError<FlashError>) -> Failure {
    match error {
        BootError::Changed { .. } => {
            let advice = "`everstep run --accept-change` goes on all the same, `everstep stop` ends it";
            Failure::usage(anyhow::anyhow!("{error}: {advice}"))
        }
        BootError::Store(error) => store_failure(site, error),
        BootError::Tools(error) => Failure::usage(error),
        BootError::Drive(error) => drive_failure(site, error),
    }
}

/// What a failed run means for the operator.
pub(crate) fn drive_failure(site: &Site, error: DriveError<FlashError>) -> Failure {
    match error {
        DriveError::Store(error) => store_failure(site, error),
        DriveError::OutOfPlace(error) => site.flash_needs_attention(error),
        DriveError::Refused(error) => Failure::usage(error),
        error @ DriveError::ModelGone { .. } => Failure::failed(error),
    }
}

/// The same where the process ends with it outside of `drive`: what can't be recorded any more is made safe.
pub(crate) async fn given_up(
    site: &Site,
    driver: &Driver<LinuxFlash>,
    error: DriveError<FlashError>,
) -> Failure {
    if !matches!(error, DriveError::Refused(_)) {
        driver.set_safe().await;
    }
    drive_failure(site, error)
}

/// What a failed store means for the operator: a full disk is no damage, and needs another advice.
fn store_failure(site: &Site, error: StoreError<FlashError>) -> Failure {
    match error.flash() {
        Some(full @ FlashError::DiskFull(_)) => {
            Failure::flash(anyhow::anyhow!("flash {}: {full}", site.flash_path().display()))
        }
        // The next start goes on: what is on flash needs no attention, but the part does.
        Some(failed @ (FlashError::Program { source, .. } | FlashError::Erase { source, .. })) => {
            Failure::flash(anyhow::anyhow!("flash {}: {failed}: {source}", site.flash_path().display()))
        }
        _ => site.flash_needs_attention(error),
    }
}
