//! `everstep replay`: applies the records again and explains what the agent waits for.

use crate::{
    args::{Json, Place},
    exit::{Exit, Outcome},
    explain, offline, out,
    site::Site,
};

pub(crate) fn perform(place: &Place, args: Json) -> Outcome {
    let site = Site::find(place)?;
    let agent = offline::read(&site)?;
    if args.json {
        out::json(&explain::object(&site.agent_name, agent.state()))?;
    } else {
        out::line(&explain::text(&site.agent_name, agent.state(), agent.limits()))?;
    }
    Ok(Exit::Done)
}
