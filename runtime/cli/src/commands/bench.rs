//! `everstep bench`: how fast a model is on this machine, and how much memory it takes.

mod report;
mod roof;
mod series;

use everstep_board_linux::clock::uptime;
use everstep_eval::AskError;
use everstep_model::ToolDefinition;
use everstep_model_llama::exec_with_passive_openmp;
use serde_json::json;

use self::{
    report::Report,
    series::{Series, Subject},
};
use crate::{
    args::{BOARD_DEFAULT, Bench, Place},
    commands::check::definitions,
    devices::Devices,
    exit::{Exit, Failure, Outcome},
    model::Choice,
    out, parts,
    screen::Screen,
    site::Site,
};

pub(crate) fn perform(place: &Place, args: &Bench) -> Outcome {
    let (choice, section) = Choice::without_agent(place, args.model.model.as_deref())?;
    if !matches!(choice, Choice::Gguf(_)) {
        let what = "only a GGUF can be measured: a script takes no time; give `--model FILE.gguf`";
        return Err(Failure::usage(anyhow::anyhow!(what)));
    }
    if choice.uses_threads(&section) {
        // Only comes back when it can't: then computing is slower on a busy machine, but right.
        let _ = exec_with_passive_openmp();
    }
    let is_named = place.board != std::path::Path::new(BOARD_DEFAULT) || place.board.exists();
    let subject = if is_named { of_board(place)? } else { built_in() };
    let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(Failure::failed)?;
    let series = Series::new(choice, section, subject, args.reply_tokens)?;
    runtime.block_on(measure(args, &series))
}

async fn measure(args: &Bench, series: &Series) -> Outcome {
    let mut screen = Screen::new();
    let mut report = Report::default();
    for run in 1..=args.runs.get() {
        screen.progress(&format!("run {run} of {}", args.runs));
        report.add(series.run().await?);
    }
    screen.progress("measuring how fast memory is read");
    report.roof(roof::read_bytes_per_s(report.threads(), uptime));
    screen.progress_ends();
    if args.json {
        out::json(&report.object())?;
    } else {
        out::text(&report.table())?;
    }
    Ok(Exit::Done)
}

/// What the board's agent is told, and the tools it may call.
fn of_board(place: &Place) -> Outcome<Subject> {
    let site = Site::find(place)?;
    let tools = parts::toolbox(&site, Devices::describe(&site)?)?;
    Ok(Subject { system: site.agent.system.clone(), tools: definitions(&tools) })
}

/// A few tools of a usual kind, for where there is no board.
fn built_in() -> Subject {
    let tool = |name: &str, summary: &str, properties: serde_json::Value| {
        let required: Vec<String> =
            properties.as_object().into_iter().flat_map(|all| all.keys().cloned()).collect();
        let arguments = json!({
            "type": "object", "properties": properties, "required": required, "additionalProperties": false,
        });
        ToolDefinition { name: name.to_owned(), summary: summary.to_owned(), arguments }
    };
    let integer = |most: u32| json!({"type": "integer", "minimum": 0, "maximum": most});
    Subject {
        system: "You run a cold room. Call one tool at a time, then report.".to_owned(),
        tools: vec![
            tool("read_room", "Read air, ice, door, compressor and fan.", json!({})),
            tool("set_fan", "Set the fan.", json!({"percent": integer(100)})),
            tool("wait", "Wait.", json!({"seconds": integer(86_400)})),
            tool("log", "Write a line.", json!({"text": {"type": "string", "maxLength": 120}})),
        ],
    }
}

/// What a request that can't be timed means for the operator.
fn failure(error: AskError) -> Failure {
    match error {
        AskError::Gone(_) => Failure::failed(error),
        AskError::Refused(_) | AskError::TooLong { .. } => Failure::usage(error),
    }
}
