//! An approval that was given while nobody ran the board.
//!
//! The record of an approval is the intent of its call, so only a process that performs the call may
//! write it: a start that finds an intent must believe the call may have run. Until then the operator's
//! word waits in a file.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use everstep_core::{CallId, Phase, State};

use crate::site::Site;

/// The file, in the state folder.
const NAME: &str = "approved";

fn path(site: &Site) -> PathBuf {
    site.in_state(Path::new(NAME))
}

/// Keeps the operator's word about `call`. Once this returns `Ok`, it survives power loss.
pub(crate) fn keep(site: &Site, call: CallId) -> io::Result<()> {
    let (path, fresh) = (path(site), site.in_state(Path::new("approved.new")));
    let mut file = File::create(&fresh)?;
    writeln!(file, "{call}")?;
    file.sync_all()?;
    fs::rename(&fresh, &path)?;
    File::open(&site.state_dir)?.sync_all()
}

/// The call that waits in `state` and was approved, if there is one. Call numbers are never used again,
/// so the word about an earlier call approves nothing.
pub(crate) fn waiting(site: &Site, state: &State) -> Option<CallId> {
    let approved: u32 = fs::read_to_string(path(site)).ok()?.trim().parse().ok()?;
    match &state.run.as_ref()?.phase {
        Phase::Asking { call, .. } if call.id == CallId(approved) => Some(call.id),
        _ => None,
    }
}
