//! `everstep replay`: applies the records again and explains what the agent waits for.

use crate::{
    args::{Place, Read},
    exit::{Exit, Outcome},
    explain,
    offline::{self, Source},
    out,
    site::Site,
};

pub(crate) fn perform(place: &Place, args: &Read) -> Outcome {
    let site = Site::find(place)?;
    let agent = offline::read(&site, &Source::of(&site, args.from.image.as_deref()))?;
    if args.json.json {
        out::json(&explain::object(&site.agent_name, agent.state()))?;
    } else {
        out::line(&explain::text(&site.agent_name, agent.state(), agent.limits()))?;
    }
    Ok(Exit::Done)
}
