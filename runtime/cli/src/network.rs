//! What is outside the board: the tools that reach it, and the secrets they send.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use everstep_board_linux::{
    child::end_with_us,
    clock::{SystemClock, TrustRtc},
    secret,
};
use everstep_tool::Tool;
use everstep_tools_network::{BoardSide, NetworkSection, Vault, assemble};

use crate::{
    exit::{Failure, Outcome},
    site::Site,
};

/// Refuses a section that can't work, by its key.
pub(crate) fn check(site: &Site, section: &NetworkSection) -> Outcome<()> {
    section.check().map_err(|(key, message)| wrong(site, "network", &key, message))
}

/// Calls a day that the tools of each host may make together, by what their specs call it.
pub(crate) fn budgets(site: &Site, tools: &[Arc<dyn Tool>]) -> BTreeMap<String, u32> {
    let devices = tools.iter().filter_map(|tool| tool.spec().device.as_deref());
    site.file.board.network.as_ref().map_or_else(BTreeMap::new, |section| section.budgets(devices))
}

/// The tools of `[network]`. Secrets are read, nothing is connected to and no server is started. `trusted_s`
/// is the latest time that the board trusted and kept.
pub(crate) fn tools(site: &Site, trusted_s: Option<u64>) -> Outcome<Vec<Arc<dyn Tool>>> {
    let Some(section) = &site.file.board.network else { return Ok(Vec::new()) };
    let board = board_side(site, trusted_s)?;
    assemble(section, &board).map_err(|(key, message)| wrong(site, "network", &key, message))
}

/// What the board brings to what is outside of it: its secrets, and the time.
pub(crate) fn board_side(site: &Site, trusted_s: Option<u64>) -> Outcome<BoardSide> {
    let board = &site.file.board;
    let folder = site.file.resolve(Path::new(""));
    let secrets = secret::load(&board.secret, &folder)
        .map_err(|(name, error)| wrong(site, "secret", &name, error.to_string()))?;
    let vault =
        Vault::new(secrets).map_err(|error| wrong(site, "secret", error.name(), error.to_string()))?;
    // Hosts are real, also for a board in a simulated world, and so is the time of their certificates.
    let trust = if board.clock.trust_rtc { TrustRtc::Yes } else { TrustRtc::No };
    let clock = Arc::new(SystemClock::new(trust).map_err(Failure::failed)?);
    Ok(BoardSide { vault: Arc::new(vault), clock, trusted_s, folder, bind_child: end_with_us })
}

/// Something is wrong with a section: its line, its key, and what is allowed.
pub(crate) fn wrong(site: &Site, section: &str, key: &str, message: String) -> Failure {
    let key = format!("{section}.{key}");
    Failure::usage(site.file.wrong(key.trim_end_matches('.'), message))
}
