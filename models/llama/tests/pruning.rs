//! A run of the bundled model that outgrows its context, from outside: an agent without flash and
//! without devices.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::{env, num::NonZeroU32, path::Path};

use everstep_core::{
    ActivityId, Agent, Class, Digests, Effect, Event, Kind, LimitName, Limits, Moment, Move, NewCall,
    Outcome, Record, Run, Turn,
};
use everstep_model::{Constraint, Message, Model, ModelEvent, Reply, Request, Sampling, ToolDefinition};
use everstep_model_llama::{EngineOptions, LlamaModel};
use serde_json::json;

const CONTEXT_TOKENS: u32 = 700;
const REPLY_TOKENS: u32 = 120;
const SYSTEM: &str = "You run a cold room.";
/// What the room says whenever it is looked at, at some length.
const ROOM: &str = "air 2.0 C, ice 6 mm, door closed, compressor off, fan 0 percent; sensors 1 to 4: 2.0, 2.1, \
                    1.9 and 2.0 C; last defrost 3 hours ago";

fn load() -> LlamaModel {
    let path = env::var_os("EVERSTEP_WREN")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../wren/wren.gguf"), Into::into);
    let options =
        EngineOptions { context_tokens: NonZeroU32::new(CONTEXT_TOKENS), ..EngineOptions::new(path) };
    LlamaModel::load(options, Box::new(|_| {})).unwrap()
}

fn tools() -> Vec<ToolDefinition> {
    let tool = |name: &str, summary: &str, arguments| ToolDefinition {
        name: name.to_owned(),
        summary: summary.to_owned(),
        arguments,
    };
    let none = json!({"type": "object", "properties": {}, "additionalProperties": false});
    let seconds = json!({
        "type": "object", "properties": {"seconds": {"type": "integer", "minimum": 1, "maximum": 86400}},
        "required": ["seconds"], "additionalProperties": false,
    });
    vec![tool("read_room", "Read air, ice, door, compressor and fan.", none), tool("wait", "Wait.", seconds)]
}

/// The agent and its model, and what was seen of the prompts.
struct Bench {
    agent: Agent,
    model: LlamaModel,
    /// Tokens of the prompts that were evaluated, and how many of them the cache served.
    prompts: Vec<(u32, u32)>,
    prunings: Vec<usize>,
}

impl Bench {
    fn event(&mut self, event: Event) {
        let at = Moment { boot: 1, mono_ms: 0, clock: None };
        let kind = self.agent.decide(at, event).unwrap();
        if let Kind::Pruned { .. } = kind {
            self.prunings.push(self.prompts.len());
        }
        self.agent.apply(&Record { at, kind }).unwrap();
    }

    /// Does what is due; the room answers at once.
    async fn step(&mut self) {
        let event = match self.agent.effect() {
            Effect::BeginAttempt(activity) => Event::AttemptReady(activity),
            Effect::Generate { activity, run, tokens_max, .. } => {
                let request = request(activity, run, tokens_max);
                self.model.submit(request);
                return self.listen().await;
            }
            Effect::Decide { activity, text } => {
                let what = match self.model.parse(text, &tools()) {
                    Reply::Call { tool, arguments } => Move::Call(NewCall {
                        tool,
                        arguments: arguments.to_string(),
                        class: Class::Observe,
                        baseline: None,
                        wait_ms: None,
                    }),
                    // Whatever it says, it is kept at it.
                    Reply::Answer(_) => Move::Refused("error: not cold yet; read the room again".into()),
                    Reply::Malformed(why) => Move::Refused(format!("error: {why}")),
                };
                Event::Moved { activity, what }
            }
            Effect::CallTool { activity, .. } => {
                Event::CallEnded { activity, outcome: Outcome::Done(ROOM.into()) }
            }
            other => panic!("{other:?}"),
        };
        self.event(event);
    }

    async fn listen(&mut self) {
        loop {
            let event = match self.model.next_event().await {
                ModelEvent::Progress { evaluated, cached, total, .. } => {
                    if evaluated == total {
                        self.prompts.push((total, cached));
                    }
                    continue;
                }
                ModelEvent::Tokens { activity, tokens, end } => Event::Generated { activity, tokens, end },
                ModelEvent::Failed { activity, reason } => Event::GenerationFailed { activity, reason },
                ModelEvent::ContextFull { activity, tokens, tokens_max } => {
                    assert!(tokens > tokens_max && tokens_max == self.model.card().context_tokens);
                    Event::ContextFull { activity, tokens, tokens_max }
                }
                other => panic!("{other:?}"),
            };
            let goes_on = matches!(event, Event::Generated { end: None, .. });
            self.event(event);
            let Effect::Generate { activity, generation, .. } = self.agent.effect() else { return };
            if !goes_on {
                return;
            }
            let accepted = generation.tokens.len();
            self.model.accepted(activity, accepted);
        }
    }

    fn started(task: &str, limits: Limits) -> Self {
        let mut bench =
            Self { agent: Agent::new(limits), model: load(), prompts: Vec::new(), prunings: Vec::new() };
        let digests = Digests::default();
        bench.event(Event::TaskArrived { task: task.into(), task_id: None, seed: 1, digests });
        bench
    }

    fn run(&self) -> &Run {
        self.agent.run().unwrap()
    }
}

fn request(activity: ActivityId, run: &Run, tokens_max: u32) -> Request {
    let turns = run.turns.iter().map(|turn| match turn {
        Turn::Task(text) | Turn::Notice(text) => Message::User(text.clone()),
        Turn::Reply { tokens, text } => Message::Assistant { tokens: tokens.clone(), text: text.clone() },
        Turn::Result(text) => Message::Tool(text.clone()),
    });
    Request {
        activity,
        generation: everstep_core::GenerationId(run.step.0),
        redo: 0,
        seed: run.seed,
        messages: std::iter::once(Message::System(SYSTEM.into())).chain(turns).collect(),
        tools: tools(),
        generated: Vec::new(),
        tokens_max,
        run_tokens_max: 16,
        constraint: Constraint::Calls,
        sampling: Sampling { temperature: 0.0, top_p: 1.0 },
    }
}

/// Tokens of what comes before the task, which the cache serves to another task, too.
async fn head_tokens() -> u32 {
    let mut cached = 0;
    let mut model = load();
    for (activity, task) in [(ActivityId(1), "Cool the room."), (ActivityId(2), "What is it like?")] {
        let mut bench = Bench::started(task, Limits::default());
        bench.event(Event::AttemptReady(bench.agent.state().activity));
        model.submit(request(activity, bench.run(), REPLY_TOKENS));
        loop {
            match model.next_event().await {
                ModelEvent::Progress { activity: of, evaluated, cached: served, total } if of == activity => {
                    cached = served;
                    if evaluated == total {
                        break;
                    }
                }
                _ => {}
            }
        }
        model.cancel(activity);
    }
    cached
}

#[tokio::test(flavor = "current_thread")]
async fn long_run_goes_on_past_the_context_and_keeps_its_head_in_the_cache() {
    let head = head_tokens().await;
    assert!(head > 40, "{head} tokens of head");
    let limits = Limits {
        reply_tokens_max: REPLY_TOKENS,
        repeats_max: 1_000,
        alternations_max: 1_000,
        ..Limits::default()
    };
    let mut bench = Bench::started("Bring the cold room to -18 C and report", limits);
    while bench.run().step.0 <= 40 {
        bench.step().await;
    }
    let Bench { prompts, prunings, .. } = &bench;
    println!("{head} tokens of head, prunings before prompts {prunings:?}, (tokens, cached): {prompts:?}");
    // llama.cpp may have rounded up what was asked for.
    let context_tokens = bench.model.card().context_tokens;
    assert!(context_tokens < CONTEXT_TOKENS + 256);
    assert!(prompts.iter().all(|(total, _)| total + REPLY_TOKENS <= context_tokens), "{prompts:?}");
    // All that was evaluated by now is more than the context holds.
    let fresh: u32 = prompts.iter().map(|(total, cached)| total - cached).sum();
    assert!(fresh > 2 * context_tokens && prunings.len() > 2, "{fresh} tokens, {prunings:?}");
    for at in prunings {
        let (total, cached) = prompts[*at];
        assert!(cached >= head, "{cached} of {total} tokens from the cache, the head has {head}");
    }
    // Halves: most steps go on where the one before ended.
    let warm = prompts.windows(2).filter(|pair| pair[1].1 >= pair[0].0).count();
    assert!(warm > prompts.len() / 2, "{warm} of {}: {prompts:?}", prompts.len());
}

#[tokio::test(flavor = "current_thread")]
async fn task_that_can_t_fit_is_told_with_its_tokens() {
    let limits = Limits {
        reply_tokens_max: REPLY_TOKENS,
        repeats_max: 1_000,
        alternations_max: 1_000,
        ..Limits::default()
    };
    let mut bench = Bench::started(&"Look at it again. ".repeat(100), limits);
    bench.step().await;
    let Effect::Generate { activity, run, tokens_max, .. } = bench.agent.effect() else {
        panic!("no prompt")
    };
    let request = request(activity, run, tokens_max);
    bench.model.submit(request);
    let ModelEvent::ContextFull { tokens, tokens_max, .. } = bench.model.next_event().await else {
        panic!("it fits")
    };
    let at = Moment { boot: 1, mono_ms: 0, clock: None };
    let kind = bench.agent.decide(at, Event::ContextFull { activity, tokens, tokens_max }).unwrap();
    let (used, max) = (u64::from(tokens), u64::from(tokens_max));
    assert_eq!(kind, Kind::LimitReached { limit: LimitName::Context, used, max });
    assert!(tokens > tokens_max, "{tokens} of {tokens_max}");
}
