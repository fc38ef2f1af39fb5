//! `everstep check`: board file, tools, devices, model and flash are looked at, and nothing is changed.

use everstep_board_linux::device::{self, Finding, Verdict};
use everstep_model::ToolDefinition;
use serde_json::json;

use crate::{
    args::{Model, Place},
    devices::Devices,
    exit::{Exit, Failure, Outcome},
    model::Choice,
    offline::{self, Source},
    out, parts,
    site::Site,
};

pub(crate) fn perform(place: &Place, args: &Model) -> Outcome {
    let site = Site::find(place)?;
    let mut found = vec![("board file", site.file.path().display().to_string())];
    let tools = parts::toolbox(&site, Devices::describe(&site)?)?;
    found.push(("tools", format!("{} granted, every schema can be enforced", tools.definitions().len())));

    let devices = device::look(&site.file.board.device);
    if devices.iter().any(|found| found.verdict == Verdict::Wrong) {
        // The rest takes its time, and changes nothing about this.
        report(args.json.json, &found, &devices)?;
        return Ok(Exit::Usage);
    }

    let choice = Choice::of(&site, args.model.model.as_deref())?;
    // With the snapshots of a run, which take memory, too; the load below keeps none.
    let card = choice.card(&site.file.board.model, site.kv_snapshots())?;
    let mut model = choice.load(&site.file.board.model, None, None)?;
    model.check_tools(&definitions(&tools)).map_err(Failure::usage)?;
    let memory = card.memory.and_then(|memory| memory.total());
    let memory = memory.map(|bytes| format!(", about {} MiB of memory", bytes.div_ceil(1 << 20)));
    found.push((
        "model",
        format!("{}, {} tokens of context{}", card.name, card.context_tokens, memory.unwrap_or_default()),
    ));

    let flash = match offline::image(&site, &Source::of(&site, None))? {
        Some(_) => {
            let agent = offline::read(&site, &Source::of(&site, None))?;
            format!("{} runs so far, readable to the end", agent.state().runs)
        }
        None => "none yet, the first run makes it".into(),
    };
    found.push(("flash", flash));

    report(args.json.json, &found, &devices)?;
    Ok(Exit::Done)
}

fn report(json: bool, found: &[(&str, String)], devices: &[Finding]) -> Outcome<()> {
    if json {
        let mut all: serde_json::Map<_, _> =
            found.iter().map(|(what, result)| (what.replace(' ', "_"), json!(result))).collect();
        if !devices.is_empty() {
            all.insert("devices".into(), json!(devices));
        }
        return out::json(&all);
    }
    for (what, result) in found {
        out::line(&format!("{what:<11} ok: {result}"))?;
    }
    for Finding { device, verdict, text } in devices {
        out::line(&format!("{:<11} {verdict}: {text}", format!("device {device}")))?;
    }
    Ok(())
}

/// The tools in the model's words.
pub(crate) fn definitions(tools: &everstep_tool::Toolbox) -> Vec<ToolDefinition> {
    let definitions = tools.definitions().iter().cloned();
    definitions
        .map(|tool| ToolDefinition { name: tool.name, summary: tool.summary, arguments: tool.arguments })
        .collect()
}
