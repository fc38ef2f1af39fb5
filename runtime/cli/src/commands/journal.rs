//! `everstep journal`: every record on flash that no snapshot covers.

use serde_json::json;

use crate::{
    args::{Place, Read},
    describe,
    exit::{Exit, Outcome},
    offline::{self, Source},
    out,
    site::Site,
};

pub(crate) fn perform(place: &Place, args: &Read) -> Outcome {
    let site = Site::find(place)?;
    let all = offline::records(&site, &Source::of(&site, args.from.image.as_deref()))?;
    if all.snapshot_bytes > 0 {
        if args.json.json {
            out::json(&json!({"kind": "snapshot", "bytes": all.snapshot_bytes}))?;
        } else {
            out::line(&format!("        snapshot of {} bytes covers what was before", all.snapshot_bytes))?;
        }
    }
    for (sequence, record) in &all.behind {
        if args.json.json {
            out::json(&describe::object(*sequence, record))?;
        } else {
            out::line(&format!("{sequence:>6}  {}", describe::line(record)))?;
        }
    }
    Ok(Exit::Done)
}
