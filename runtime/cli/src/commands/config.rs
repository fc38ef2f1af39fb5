//! `everstep config`: the board file with every default filled in.

use crate::{
    args::Place,
    exit::{Exit, Failure, Outcome},
    out,
    site::Site,
};

pub(crate) fn perform(place: &Place) -> Outcome {
    let site = Site::find(place)?;
    let text = toml::to_string(&site.file.board).map_err(Failure::failed)?;
    out::text(&format!("# {}\n# state: {}\n\n{text}", site.file.path().display(), site.state_dir.display()))?;
    Ok(Exit::Done)
}
