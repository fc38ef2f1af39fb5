use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

use everstep_core::GenerationId;
use everstep_model::{Constraint, FamilyFrom, Message, Sampling};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::{
    LoadProgress,
    tiny::{self, Tiny},
};

mod calls;
mod cuts;
mod drafts;
mod families;
mod loading;
mod several;
mod snapshots;

/// A loaded model, with the folder it lies in.
struct Loaded {
    model: LlamaModel,
    log: PathBuf,
    _folder: TempDir,
}

fn load(tiny: Tiny) -> Loaded {
    let (folder, path) = tiny::write(tiny);
    let log = folder.path().join("sampled");
    let mut options = EngineOptions::new(path);
    options.sampled_log = Some(log.clone());
    let model = LlamaModel::load(options, Box::new(|_| {})).unwrap();
    Loaded { model, log, _folder: folder }
}

fn tool(name: &str, arguments: Value) -> ToolDefinition {
    ToolDefinition { name: name.to_owned(), summary: format!("Does {name}."), arguments }
}

fn tools() -> Vec<ToolDefinition> {
    let object = |properties: Value| {
        let required: Vec<&String> = properties.as_object().unwrap().keys().collect();
        json!({
            "type": "object", "properties": properties, "required": required, "additionalProperties": false,
        })
    };
    vec![
        tool("read_room", object(json!({}))),
        tool("set_fan", object(json!({"percent": {"type": "integer", "minimum": 0, "maximum": 100}}))),
        tool(
            "compare",
            object(json!({
                "value": {"type": "number"},
                "operator": {"enum": ["<", "<=", ">", ">=", "=="]},
                "limit": {"type": "number"},
            })),
        ),
        tool("log", object(json!({"text": {"type": "string", "maxLength": 12}}))),
    ]
}

fn request(text: &str) -> Request {
    Request {
        activity: ActivityId(1),
        generation: GenerationId(1),
        redo: 0,
        seed: 1,
        messages: vec![Message::System("be brief".to_owned()), Message::User(text.to_owned())],
        tools: tools(),
        generated: Vec::new(),
        tokens_max: 200,
        run_tokens_max: 16,
        constraint: Constraint::Calls,
        sampling: Sampling { temperature: 1.0, top_p: 1.0 },
    }
}

/// What came of a generation.
#[derive(Debug, Clone, PartialEq)]
struct Outcome {
    tokens: Vec<TokenId>,
    end: Result<String, String>,
    cached: u32,
    evaluated: u32,
}

/// Works a generation to its end and acknowledges each run.
async fn generate(model: &mut LlamaModel, request: Request) -> Outcome {
    let mut outcome =
        Outcome { tokens: request.generated.clone(), end: Ok(String::new()), cached: 0, evaluated: 0 };
    let (activity, run_tokens_max) = (request.activity, request.run_tokens_max as usize);
    model.submit(request);
    loop {
        match model.next_event().await {
            ModelEvent::Progress { cached, evaluated, .. } => {
                (outcome.cached, outcome.evaluated) = (cached, evaluated);
            }
            ModelEvent::Tokens { activity: whose, tokens, end } => {
                assert_eq!(whose, activity);
                assert!(tokens.len() <= run_tokens_max, "{} tokens in one run", tokens.len());
                outcome.tokens.extend(tokens);
                if let Some(text) = end {
                    assert_eq!(text, model.text(&outcome.tokens));
                    outcome.end = Ok(text);
                    return outcome;
                }
                model.accepted(activity, outcome.tokens.len());
            }
            ModelEvent::Failed { reason, .. } => {
                outcome.end = Err(reason);
                return outcome;
            }
            ModelEvent::PrefixRefused { reason, .. } => {
                outcome.end = Err(format!("refused: {reason}"));
                return outcome;
            }
            other => panic!("unexpected {other:?}"),
        }
    }
}

/// How often each position of each generation was sampled or forced.
fn counts(log: &Path) -> HashMap<(u32, usize), usize> {
    let mut counts = HashMap::new();
    for line in fs::read_to_string(log).unwrap().lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let [generation, position, _, kind] = words[..] else { panic!("line {line:?}") };
        if kind != "end" {
            *counts.entry((generation.parse().unwrap(), position.parse().unwrap())).or_default() += 1;
        }
    }
    counts
}
