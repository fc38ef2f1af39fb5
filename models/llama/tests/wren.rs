//! The bundled model through the engine, from outside.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use everstep_core::{ActivityId, GenerationId, TokenId};
use everstep_model::{Constraint, Message, Model, ModelEvent, Reply, Request, Sampling, ToolDefinition};
use everstep_model_llama::{EngineOptions, LlamaModel};
use serde_json::{Value, json};

fn wren() -> PathBuf {
    match env::var_os("EVERSTEP_WREN") {
        Some(path) => path.into(),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../wren/wren.gguf"),
    }
}

fn load(log: Option<PathBuf>) -> LlamaModel {
    let mut options = EngineOptions::new(wren());
    options.sampled_log = log;
    LlamaModel::load(options, Box::new(|_| {})).unwrap()
}

/// The cold room's tools, as the bundled model knows them.
fn tools() -> Vec<ToolDefinition> {
    let tool = |name: &str, summary: &str, properties: Value| {
        let required: Vec<&String> = properties.as_object().unwrap().keys().collect();
        let arguments = json!({
            "type": "object", "properties": properties, "required": required, "additionalProperties": false,
        });
        ToolDefinition { name: name.to_owned(), summary: summary.to_owned(), arguments }
    };
    let integer =
        |minimum: i32, maximum: i32| json!({"type": "integer", "minimum": minimum, "maximum": maximum});
    let text = || json!({"type": "string", "maxLength": 120});
    vec![
        tool("read_room", "Read air, ice, door, compressor and fan.", json!({})),
        tool("set_compressor", "Turn the compressor on or off.", json!({"on": {"type": "boolean"}})),
        tool("set_fan", "Set the fan.", json!({"percent": integer(0, 100)})),
        tool("run_defrost", "Melt the ice.", json!({"seconds": integer(60, 1800)})),
        tool("dose_antifreeze", "Dose antifreeze.", json!({"pulses": integer(1, 5)})),
        tool(
            "compare",
            "Compare two numbers.",
            json!({
                "value": {"type": "number"},
                "operator": {"type": "string", "enum": ["<", "<=", ">", ">=", "=="]},
                "limit": {"type": "number"},
            }),
        ),
        tool("wait", "Wait.", json!({"seconds": integer(1, 86400)})),
        tool("log", "Write a line.", json!({"text": text()})),
        tool("alert", "Call for help.", json!({"text": text()})),
    ]
}

fn request(task: &str) -> Request {
    Request {
        activity: ActivityId(1),
        generation: GenerationId(1),
        redo: 0,
        seed: 1,
        messages: vec![Message::System("You run a cold room.".to_owned()), Message::User(task.to_owned())],
        tools: tools(),
        generated: Vec::new(),
        tokens_max: 160,
        run_tokens_max: 16,
        constraint: Constraint::Calls,
        sampling: Sampling { temperature: 0.0, top_p: 1.0 },
    }
}

struct Outcome {
    tokens: Vec<TokenId>,
    end: Result<String, String>,
    evaluated: u32,
    cached: u32,
}

async fn generate(model: &mut LlamaModel, request: Request) -> Outcome {
    let mut outcome =
        Outcome { tokens: request.generated.clone(), end: Ok(String::new()), evaluated: 0, cached: 0 };
    model.submit(request);
    loop {
        match model.next_event().await {
            ModelEvent::Progress { evaluated, cached, .. } => {
                (outcome.evaluated, outcome.cached) = (evaluated, cached);
            }
            ModelEvent::Tokens { activity, tokens, end } => {
                outcome.tokens.extend(tokens);
                match end {
                    Some(text) => return Outcome { end: Ok(text), ..outcome },
                    None => model.accepted(activity, outcome.tokens.len()),
                }
            }
            ModelEvent::Failed { reason, .. } => return Outcome { end: Err(reason), ..outcome },
            other => panic!("unexpected {other:?}"),
        }
    }
}

/// What the room would answer.
fn result_of(tool: &str) -> &'static str {
    match tool {
        "read_room" => "air 2.0 C, ice 6 mm, door closed, compressor off, fan 0 percent",
        "set_compressor" => "compressor is on",
        "set_fan" => "fan is at 100 percent",
        "run_defrost" => "defrost started for 600 seconds",
        "dose_antifreeze" => "dosed 1 pulse, counter 1",
        "compare" => "true",
        "wait" => "waited 600 seconds",
        _ => "logged",
    }
}

/// Positions the log names as sampled or forced.
fn positions(log: &Path) -> Vec<usize> {
    let text = fs::read_to_string(log).unwrap();
    let lines = text.lines().filter(|line| !line.ends_with(" end"));
    let mut positions: Vec<usize> =
        lines.map(|line| line.split(' ').nth(1).unwrap().parse().unwrap()).collect();
    positions.sort_unstable();
    positions
}

/// Checks a reply as an outsider would: with another implementation of JSON Schema.
fn check_call(model: &LlamaModel, text: &str) -> Option<String> {
    match model.parse(text, &tools()) {
        Reply::Answer(_) => None,
        Reply::Call { tool, arguments } => {
            let tools = tools();
            let known = tools.iter().find(|known| known.name == tool).unwrap();
            assert!(jsonschema::is_valid(&known.arguments, &arguments), "{text}");
            Some(tool)
        }
        Reply::Malformed(why) => {
            assert!(text.trim().is_empty(), "{text:?}: {why}");
            None
        }
    }
}

#[tokio::test(flavor = "current_thread")]
async fn steps_keep_the_cache_and_a_cut_at_any_token_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("sampled");
    let mut model = load(Some(log.clone()));
    let mut other = load(None);
    let mut next = request("Bring the cold room to -18 C and report");
    let mut known_tokens = 0;
    for step in 1..=4 {
        next.generation = GenerationId(step);
        fs::write(&log, "").unwrap();
        let whole = generate(&mut other, next.clone()).await;
        // Nothing that an earlier step evaluated is evaluated again.
        assert!(whole.cached >= known_tokens, "step {step}: {} of {known_tokens}", whole.cached);
        known_tokens = whole.evaluated;
        let text = whole.end.clone().unwrap();
        let tool = check_call(&other, &text).unwrap_or_else(|| panic!("step {step} is no call: {text}"));
        for cut in 0..=whole.tokens.len() {
            fs::write(&log, "").unwrap();
            let mut resumed = next.clone();
            resumed.generated = whole.tokens.get(..cut).unwrap().to_vec();
            let resumed = generate(&mut model, resumed).await;
            assert_eq!(resumed.tokens, whole.tokens, "step {step} cut at {cut}");
            assert_eq!(resumed.end.as_ref(), Ok(&text));
            assert_eq!(positions(&log), (cut..whole.tokens.len()).collect::<Vec<_>>(), "cut at {cut}");
        }
        let said = Message::Assistant { tokens: whole.tokens, text };
        next.messages.extend([said, Message::Tool(result_of(&tool).to_owned())]);
    }
}

#[tokio::test(flavor = "current_thread")]
async fn heated_model_still_makes_only_valid_calls() {
    let mut model = load(None);
    let (mut calls, mut failures) = (0, 0);
    for (seed, temperature) in (0..90).zip([1.0, 3.0, 100.0].into_iter().cycle()) {
        let mut hot = request("Bring the cold room to -18 C and report");
        hot.seed = seed;
        hot.sampling.temperature = temperature;
        match generate(&mut model, hot).await.end {
            Ok(text) => calls += usize::from(check_call(&model, &text).is_some()),
            Err(reason) => {
                assert!(reason.contains("no end of the reply within 160 tokens"), "{reason}");
                failures += 1;
            }
        }
    }
    assert!(calls >= 30, "{calls} calls, {failures} without an end");
}

#[tokio::test(flavor = "current_thread")]
async fn dropped_handle_ends_a_generation_under_way() {
    let mut model = load(None);
    let long = request(&"Log this. ".repeat(200));
    model.submit(long);
    assert!(matches!(model.next_event().await, ModelEvent::Progress { .. }));
    drop(model);
}
