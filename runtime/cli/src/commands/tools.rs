//! `everstep tools`: the tools of the board, and under which terms the agent may call them.

mod try_one;

use everstep_tool::{Terms, ToolSpec, Trust, is_sensitive};
use serde_json::{Value, json};

use crate::{
    args::{Place, Tools, ToolsCommand},
    devices::Devices,
    exit::{Exit, Outcome},
    out, parts,
    site::Site,
};

pub(crate) fn perform(place: &Place, args: &Tools) -> Outcome {
    let site = Site::find(place)?;
    match &args.command {
        Some(ToolsCommand::Try { name, arguments, json }) => {
            try_one::perform(&site, name, arguments, json.json)
        }
        None => list(&site, args.json.json),
    }
}

/// One tool of the board, as the agent has it.
struct Row {
    spec: ToolSpec,
    /// The terms of its grant, where it is granted.
    terms: Option<Terms>,
}

fn list(site: &Site, as_json: bool) -> Outcome {
    // Nothing is connected: what the tools are doesn't depend on the devices' being there.
    let tools = Devices::describe(site)?;
    let granted = parts::toolbox(site, tools.clone())?;
    let rows: Vec<Row> = tools
        .iter()
        .map(|tool| {
            let own = tool.spec();
            // As the model is told of it, where it is.
            let narrowed = granted.specs().find(|spec| spec.name == own.name);
            Row { spec: narrowed.unwrap_or(own).clone(), terms: granted.terms(&own.name).cloned() }
        })
        .collect();
    if as_json {
        out::json(&rows.iter().map(object).collect::<Vec<_>>())?;
        return Ok(Exit::Done);
    }
    for row in &rows {
        out::line(&text(row))?;
        for line in row.terms.iter().flat_map(terms) {
            out::line(&format!("{:<16} {line}", ""))?;
        }
    }
    Ok(Exit::Done)
}

fn text(Row { spec, terms }: &Row) -> String {
    let granted = if terms.is_some() { "granted" } else { "denied" };
    let (name, class) = (&spec.name, spec.class.name());
    format!("{name:<16} {granted:<8} {class:<10} {:>6} ms  {}", spec.run_ms_max, spec.summary)
}

/// The terms of a grant in words, one a line.
fn terms(terms: &Terms) -> Vec<String> {
    let mut lines = Vec::new();
    for (name, limit) in &terms.arguments {
        let bounds = [("at least", &limit.min), ("at most", &limit.max)]
            .into_iter()
            .filter_map(|(words, bound)| bound.as_ref().map(|bound| format!("{words} {bound}")));
        let only = limit
            .only
            .iter()
            .map(|only| format!("only {}", only.iter().map(Value::to_string).collect::<Vec<_>>().join(", ")));
        lines.push(format!("{name}: {}", bounds.chain(only).collect::<Vec<_>>().join(", ")));
    }
    let counts = [(terms.calls_per_run_max, "run"), (terms.calls_per_day_max, "day")];
    lines.extend(
        counts.into_iter().filter_map(|(max, of)| max.map(|max| format!("at most {max} calls a {of}"))),
    );
    if terms.interval_s_min > 0 {
        lines.push(format!("at least {} s from one call to the next", terms.interval_s_min));
    }
    lines.extend(terms.concurrent_max.map(|max| format!("at most {max} open at once")));
    lines.extend(terms.sensitive.map(|sensitive| {
        let word = if sensitive { "waits" } else { "does not wait" };
        format!("{word} for an operator once text from outside is in the run")
    }));
    lines
}

fn object(Row { spec, terms }: &Row) -> Value {
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
        "granted": terms.is_some(),
        "terms": terms.as_ref().map(|terms| json!({
            "calls_per_run_max": terms.calls_per_run_max,
            "calls_per_day_max": terms.calls_per_day_max,
            "interval_s_min": terms.interval_s_min,
            "concurrent_max": terms.concurrent_max,
            "sensitive": terms.sensitive.unwrap_or_else(|| is_sensitive(spec)),
        })),
    })
}
