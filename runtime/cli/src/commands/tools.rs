//! `everstep tools`: the tools of the board, and which of them the agent may call.

use everstep_tool::{ToolSpec, Trust};
use serde_json::{Value, json};

use crate::{
    args::{Json, Place},
    devices::Devices,
    exit::{Exit, Failure, Outcome},
    out,
    site::Site,
};

pub(crate) fn perform(place: &Place, args: Json) -> Outcome {
    let site = Site::find(place)?;
    // Nothing is connected: what the tools are doesn't depend on the devices' being there.
    let tools = Devices::describe(&site)?;
    let specs: Vec<&ToolSpec> = tools.iter().map(|tool| tool.spec()).collect();
    let names: Vec<&str> = specs.iter().map(|spec| spec.name.as_str()).collect();
    site.file.check_grants(&names).map_err(Failure::usage)?;
    if args.json {
        let all: Vec<Value> = specs.iter().map(|spec| object(spec, is_granted(&site, spec))).collect();
        out::json(&all)?;
    } else {
        for spec in specs {
            out::line(&text(spec, is_granted(&site, spec)))?;
        }
    }
    Ok(Exit::Done)
}

fn is_granted(site: &Site, spec: &ToolSpec) -> bool {
    site.agent.grants.contains(&spec.name)
}

fn text(spec: &ToolSpec, granted: bool) -> String {
    let granted = if granted { "granted" } else { "denied" };
    let (name, class) = (&spec.name, spec.class.name());
    format!("{name:<16} {granted:<8} {class:<10} {:>6} ms  {}", spec.run_ms_max, spec.summary)
}

fn object(spec: &ToolSpec, granted: bool) -> Value {
    let trust = match spec.trust {
        Trust::Inside => "inside",
        Trust::Outside => "outside",
    };
    json!({
        "name": spec.name,
        "summary": spec.summary,
        "arguments": spec.arguments,
        "class": spec.class.name(),
        "trust": trust,
        "device": spec.device,
        "run_ms_max": spec.run_ms_max,
        "granted": granted,
    })
}
