//! Decoding and constrained calls.

use anyhow::{Result, ensure};
use everstep_board_linux::clock::uptime;
use serde_json::{Value, json};

use crate::{
    files::{Files, ModelFile},
    llama_bench,
    ours::Ours,
    pairs::{self, Side},
    report::Row,
    server::Server,
    tools::{self, Offer},
    worker::Ask,
};

/// Tokens that are decoded in one measurement, behind a first run of them, whose time is the prompt's too.
const DECODED: u32 = 48;
/// Tokens of the runs in which they are handed over, as a board has them by default.
const RUN_TOKENS: u32 = 16;
const REPLY_TOKENS: u32 = 128;
/// Tokens that llama-bench evaluates at once, and sentences of a task of about as many with its tools.
const PROMPT_TOKENS: u32 = 512;
const PROMPT_SENTENCES: usize = 10;

/// Free decoding beside llama-bench, in tokens a second, behind a prompt of the same length. Goal: at least
/// 0.98 times as fast.
pub(crate) fn decode(files: &Files, model: &ModelFile, threads: u16, count: usize) -> Result<Row> {
    let mut ours = Ours::start(model, threads, None, None)?;
    let mut ask = Ask {
        task: tools::TASK.to_owned(),
        tools: Offer::BuiltIn,
        constrained: false,
        tokens_max: DECODED + RUN_TOKENS,
        run_tokens_max: RUN_TOKENS,
        wait_for_snapshot: false,
    };
    let prompt = ours.ask(&ask)?.prompt_tokens;
    let mut asked = 0_u32;
    let paired = pairs::measure(count, |side| match side {
        Side::Ours => {
            // A model that means its reply ends it soon: as many replies as it takes.
            let (mut tokens, mut seconds) = (0, 0.0);
            while tokens < DECODED {
                asked += 1;
                ask.task = format!("{} {asked}", tools::TASK);
                let answer = ours.ask(&ask)?;
                let decoded = answer.tokens.saturating_sub(answer.first_tokens);
                ensure!(decoded > 0, "{} ends its replies too soon to measure them", model.name);
                tokens += decoded;
                seconds += answer.last_s - answer.first_s;
            }
            Ok(f64::from(tokens) / seconds)
        }
        Side::Theirs => llama_bench::decode(files, model, threads, DECODED, prompt),
    })?;
    Ok(Row {
        what: "decode",
        model: model.name,
        peer: "llama-bench",
        unit: "tokens/s",
        goal: "ratio >= 0.98",
        paired,
        notes: json!({"tokens": DECODED, "prompt_tokens": prompt}),
    })
}

/// Evaluating a prompt of about 500 tokens beside llama-bench, in tokens a second.
pub(crate) fn prompt(files: &Files, model: &ModelFile, threads: u16, count: usize) -> Result<Row> {
    let mut ours = Ours::start(model, threads, None, None)?;
    let (mut asked, mut tokens) = (0_u32, 0);
    let paired = pairs::measure(count.div_ceil(2), |side| match side {
        Side::Ours => {
            // Another beginning each time, or the cache would serve it.
            asked += 1;
            let task = format!("{asked} {}", tools::task_of(PROMPT_SENTENCES));
            let ask = Ask { task, constrained: false, tools: Offer::Devices, tokens_max: 1, ..asks() };
            let answer = ours.ask(&ask)?;
            tokens = answer.prompt_tokens - answer.cached_tokens;
            Ok(f64::from(tokens) / answer.first_s)
        }
        Side::Theirs => llama_bench::prompt(files, model, threads, PROMPT_TOKENS),
    })?;
    Ok(Row {
        what: "prompt",
        model: model.name,
        peer: "llama-bench",
        unit: "tokens/s",
        goal: "",
        paired,
        notes: json!({"tokens": [tokens, PROMPT_TOKENS]}),
    })
}

/// One call of one tool under the tools' schemas, the prompt being in the cache. Goal: half the time.
pub(crate) fn call(files: &Files, offer: Offer, threads: u16, count: usize) -> Result<Row> {
    let model = files.large();
    let mut ours = Ours::start(&model, threads, None, None)?;
    let server = Server::start(files, &model, threads, None)?;
    let ask = Ask { tools: offer, ..asks() };
    let (mut reply, mut forced, mut cached, mut prompt) = (0, 0, 0, 0);
    let paired = pairs::measure(count, |side| match side {
        Side::Ours => {
            let answer = ours.ask(&ask)?;
            same_call(offer, &spoken(&answer.text)?)?;
            (reply, forced) = (answer.tokens, answer.forced);
            (cached, prompt) = (answer.cached_tokens, answer.prompt_tokens);
            Ok(answer.last_s * 1e3)
        }
        Side::Theirs => {
            let began = uptime();
            let call = server.call(offer, tools::TASK)?;
            let took = uptime().saturating_sub(began).as_secs_f64();
            same_call(offer, &call)?;
            Ok(took * 1e3)
        }
    })?;
    let what = match offer {
        Offer::BuiltIn => "call with a text",
        Offer::Devices => "call with choices",
    };
    Ok(Row {
        what,
        model: model.name,
        peer: "llama-server",
        unit: "ms",
        goal: "ratio <= 0.5",
        paired,
        notes: json!({"reply_tokens": reply, "forced": forced, "prompt_tokens": prompt, "cached_tokens": cached}),
    })
}

/// A constrained call behind the task, with the built-in tools.
fn asks() -> Ask {
    Ask {
        task: tools::TASK.to_owned(),
        tools: Offer::BuiltIn,
        constrained: true,
        tokens_max: REPLY_TOKENS,
        run_tokens_max: RUN_TOKENS,
        wait_for_snapshot: false,
    }
}

/// Name and arguments of a call in the Hermes form.
fn spoken(text: &str) -> Result<(String, Value)> {
    let inner = text.trim().strip_prefix("<tool_call>").and_then(|rest| rest.strip_suffix("</tool_call>"));
    let call: Value = serde_json::from_str(inner.unwrap_or(text))?;
    let name = call.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    Ok((name, call.get("arguments").cloned().unwrap_or_default()))
}

fn same_call(offer: Offer, (name, arguments): &(String, Value)) -> Result<()> {
    let (wanted, with) = offer.call();
    ensure!(name == wanted && *arguments == with, "another call: {name} {arguments}");
    Ok(())
}
