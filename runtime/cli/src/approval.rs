//! An approval that was given while nobody ran the board.
//!
//! The record of an approval is the intent of its call, so only a process that performs the call may
//! write it: a start that finds an intent must believe the call may have run. Until then the operator's
//! word waits in a file, with the digest of the call it is about.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use everstep_core::{Call, CallId, Phase, State};
use everstep_driver::call_digest;

use crate::site::Site;

/// The file, in the state folder, before the agent's name.
const NAME: &str = "approved-";

/// Why an approval was not kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeepError {
    #[error("call {call} is another one: its digest is {found}, see `everstep status`")]
    OtherCall { call: CallId, found: String },
    #[error("no call waits for approval: see `everstep status`")]
    NothingAsked,
    #[error("the approval can't be kept: {0}")]
    Io(#[from] io::Error),
}

fn path(site: &Site) -> PathBuf {
    site.in_state(Path::new(&format!("{NAME}{}", site.agent_name)))
}

fn asked(state: &State) -> Option<&Call> {
    match &state.run.as_ref()?.phase {
        Phase::Asking { call, .. } => Some(call),
        _ => None,
    }
}

fn line(call: &Call) -> String {
    format!("{} {}", call.id, call_digest(call))
}

/// Keeps the operator's word about the call that waits in `state`. Once this returns `Ok`, it survives
/// power loss.
pub(crate) fn keep(site: &Site, state: &State, digest: Option<&str>) -> Result<(), KeepError> {
    let call = asked(state).ok_or(KeepError::NothingAsked)?;
    let found = call_digest(call);
    if digest.is_some_and(|digest| digest != found) {
        return Err(KeepError::OtherCall { call: call.id, found });
    }
    let path = path(site);
    let fresh = path.with_extension("new");
    let mut file = File::create(&fresh)?;
    writeln!(file, "{}", line(call))?;
    file.sync_all()?;
    fs::rename(&fresh, &path)?;
    File::open(&site.state_dir)?.sync_all()?;
    Ok(())
}

/// The call that waits in `state` and was approved, if there is one. Call numbers are never used again,
/// so the word about an earlier call approves nothing.
pub(crate) fn waiting(site: &Site, state: &State) -> Option<CallId> {
    let approved = fs::read_to_string(path(site)).ok()?;
    asked(state).filter(|call| approved.trim() == line(call)).map(|call| call.id)
}

/// Takes back whatever word there is. On another flash a call may have the same number.
pub(crate) fn forget(site: &Site) -> io::Result<()> {
    match fs::remove_file(path(site)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(()) => File::open(&site.state_dir)?.sync_all(),
    }
}
