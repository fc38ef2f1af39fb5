//! `everstep check`: board file, tools, model and flash are looked at, and nothing is changed.

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

    if args.json.json {
        let found: serde_json::Map<_, _> =
            found.into_iter().map(|(what, result)| (what.replace(' ', "_"), json!(result))).collect();
        out::json(&found)?;
    } else {
        for (what, result) in found {
            out::line(&format!("{what:<11} ok: {result}"))?;
        }
    }
    Ok(Exit::Done)
}

/// The tools in the model's words.
pub(crate) fn definitions(tools: &everstep_tool::Toolbox) -> Vec<ToolDefinition> {
    let definitions = tools.definitions().iter().cloned();
    definitions
        .map(|tool| ToolDefinition { name: tool.name, summary: tool.summary, arguments: tool.arguments })
        .collect()
}
