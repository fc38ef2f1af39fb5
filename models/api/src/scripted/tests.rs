use everstep_core::GenerationId;
use std::path::Path;

use serde_json::json;

use super::*;
use crate::{Constraint, Sampling};

const SCRIPT: &str = r#"
name = "rehearsal"

[[reply]]
call = "read_room"

[[reply]]
when = "door open"
times_max = 2
call = "alert"
arguments = '{"text": "the cold room door is open"}'

[[reply]]
call = "set_fan"
arguments = '{"percent": 100}'

[[reply]]
when = "notice: restarted"
call = "read_room"

[[reply]]
say = "The cold room is at -18.6 °C."
"#;

fn model(script: &str) -> ScriptedModel {
    ScriptedModel::new(Script::parse("test.toml", script).unwrap())
}

fn request(messages: Vec<Message>) -> Request {
    Request {
        activity: ActivityId(7),
        generation: GenerationId(1),
        redo: 0,
        seed: 1,
        messages,
        tools: Vec::new(),
        generated: Vec::new(),
        tokens_max: 500,
        run_tokens_max: 16,
        constraint: Constraint::Calls,
        sampling: Sampling { temperature: 0.0, top_p: 1.0 },
    }
}

fn user(text: &str) -> Message {
    Message::User(text.to_owned())
}

fn tool(text: &str) -> Message {
    Message::Tool(text.to_owned())
}

fn said() -> Message {
    Message::Assistant { tokens: vec![120], text: "x".to_owned() }
}

/// The next event, which must be there already.
async fn now(model: &mut ScriptedModel) -> ModelEvent {
    tokio::select! {
        biased;
        event = model.next_event() => event,
        () = future::ready(()) => panic!("no event is due"),
    }
}

async fn nothing_is_due(model: &mut ScriptedModel) {
    tokio::select! {
        biased;
        event = model.next_event() => panic!("{event:?} came too early"),
        () = future::ready(()) => {}
    }
}

/// Takes the whole generation, accepting each run.
async fn generate(model: &mut ScriptedModel, request: Request) -> (Vec<TokenId>, Result<String, String>) {
    let mut tokens = request.generated.clone();
    let run_tokens_max = usize::try_from(request.run_tokens_max).unwrap();
    model.submit(request);
    loop {
        match now(model).await {
            ModelEvent::Progress { .. } => {}
            ModelEvent::Tokens { activity, tokens: run, end } => {
                assert!(run.len() <= run_tokens_max);
                tokens.extend(run);
                if let Some(text) = end {
                    nothing_is_due(model).await;
                    return (tokens, Ok(text));
                }
                nothing_is_due(model).await;
                model.accepted(activity, tokens.len());
            }
            ModelEvent::Failed { reason, .. } | ModelEvent::PrefixRefused { reason, .. } => {
                return (tokens, Err(reason));
            }
            other => panic!("unexpected {other:?}"),
        }
    }
}

async fn reply(messages: Vec<Message>) -> Reply {
    let mut model = model(SCRIPT);
    let text = generate(&mut model, request(messages)).await.1.unwrap();
    model.parse(&text, &[])
}

fn call(name: &str, arguments: serde_json::Value) -> Reply {
    Reply::Call { tool: name.to_owned(), arguments }
}

#[tokio::test(flavor = "current_thread")]
async fn replies_follow_the_order_and_the_observations() {
    let mut messages = vec![Message::System("system".to_owned()), user("cool")];
    assert_eq!(reply(messages.clone()).await, call("read_room", json!({})));
    let alert = call("alert", json!({"text": "the cold room door is open"}));
    for _ in 0..2 {
        messages.extend([said(), tool("air 2.0 C, door open")]);
        assert_eq!(reply(messages.clone()).await, alert);
    }
    // The rule has been used up; the order goes on behind the first reply.
    messages.extend([said(), tool("air 2.0 C, door open")]);
    assert_eq!(reply(messages.clone()).await, call("set_fan", json!({"percent": 100})));
    // A notice behind a result is seen as well.
    messages.extend([said(), tool("fan is at 100 percent"), user("notice: restarted")]);
    assert_eq!(reply(messages.clone()).await, call("read_room", json!({})));
    messages.extend([said(), tool("air -18.6 C, door closed")]);
    assert_eq!(reply(messages).await, Reply::Answer("The cold room is at -18.6 °C.".to_owned()));
}

#[tokio::test(flavor = "current_thread")]
async fn nothing_is_sampled_beyond_one_run_ahead_of_what_is_durable() {
    let mut model = model(SCRIPT);
    model.submit(request(vec![user("cool")]));
    assert!(matches!(now(&mut model).await, ModelEvent::Progress { .. }));
    let ModelEvent::Tokens { activity, tokens, end: None } = now(&mut model).await else { panic!() };
    assert_eq!(tokens.len(), 16);
    nothing_is_due(&mut model).await;
    // Neither another activity nor a count ahead of what was sent frees more.
    model.accepted(ActivityId(8), 16);
    nothing_is_due(&mut model).await;
    model.accepted(activity, 4);
    let ModelEvent::Tokens { tokens, .. } = now(&mut model).await else { panic!() };
    assert_eq!(tokens.len(), 4);
    model.accepted(activity, 1_000_000);
    let ModelEvent::Tokens { tokens, .. } = now(&mut model).await else { panic!() };
    assert_eq!(tokens.len(), 16);
    model.cancel(ActivityId(8));
    model.accepted(activity, 36);
    model.cancel(activity);
    nothing_is_due(&mut model).await;
}

#[tokio::test(flavor = "current_thread")]
async fn generation_cut_at_any_token_goes_on_with_the_same_tokens() {
    let (whole, text) = generate(&mut model(SCRIPT), request(vec![user("cool")])).await;
    for cut in 0..=whole.len() {
        let mut request = request(vec![user("cool")]);
        request.generated = whole[..cut].to_vec();
        let (tokens, end) = generate(&mut model(SCRIPT), request).await;
        assert_eq!((tokens, end), (whole.clone(), text.clone()), "cut at {cut}");
    }
}

#[tokio::test(flavor = "current_thread")]
async fn prefix_that_the_script_does_not_say_is_refused() {
    let (whole, _) = generate(&mut model(SCRIPT), request(vec![user("cool")])).await;
    let mut changed = whole[..20].to_vec();
    changed[19] += 1;
    let longer = [whole.as_slice(), &[10]].concat();
    let foreign = vec![60, 100_000];
    for generated in [changed, longer, foreign] {
        let mut model = model(SCRIPT);
        let mut request = request(vec![user("cool")]);
        request.generated = generated;
        model.submit(request);
        let event = now(&mut model).await;
        assert!(matches!(event, ModelEvent::PrefixRefused { .. }), "{event:?}");
        nothing_is_due(&mut model).await;
    }
}

#[tokio::test(flavor = "current_thread")]
async fn limits_and_scripted_failures_end_the_generation() {
    let mut short = request(vec![user("cool")]);
    short.tokens_max = 20;
    let (tokens, end) = generate(&mut model(SCRIPT), short).await;
    assert_eq!(tokens.len(), 20);
    assert!(end.unwrap_err().contains("20 tokens"));

    let mut failing = model("[[reply]]\nfail = 'no memory'");
    assert_eq!(generate(&mut failing, request(vec![user("x")])).await.1, Err("no memory".to_owned()));
    let beyond = generate(&mut failing, request(vec![user("x"), said(), tool("y")])).await.1;
    assert!(beyond.unwrap_err().contains("no further reply"));

    let mut small = model("context_tokens_max = 510\n[[reply]]\nsay = 'x'");
    small.submit(request(vec![user("0123456789!")]));
    let full = ModelEvent::ContextFull { activity: ActivityId(7), tokens: 511, tokens_max: 510 };
    assert_eq!(now(&mut small).await, full);
}

#[tokio::test(flavor = "current_thread")]
async fn steps_that_are_left_out_count_as_replies_in_order() {
    let script = r#"
        [[reply]]
        say = "one"
        [[reply]]
        say = "two"
        [[reply]]
        say = "three"
        [[reply]]
        say = "four"
    "#;
    let notice = user("notice: 2 earlier steps are left out");
    for (messages, reply) in [
        (vec![user("count"), said(), tool("x"), said(), tool("x")], "three"),
        (vec![user("count"), notice.clone()], "three"),
        (vec![user("count"), notice, said(), tool("x")], "four"),
    ] {
        let (_, end) = generate(&mut model(script), request(messages)).await;
        assert_eq!(end.as_deref(), Ok(reply));
    }
}

#[test]
fn bad_scripts_are_refused_by_reply_and_reason() {
    for (text, word) in [
        ("replies = []", "replies"),
        ("[[reply]]", "exactly one"),
        ("[[reply]]\nsay = 'a'\ncall = 'b'", "exactly one"),
        ("[[reply]]\nsay = 'a'\narguments = '{}'", "`arguments`"),
        ("[[reply]]\ncall = 'a'\narguments = '[]'", "JSON object"),
        ("[[reply]]\nsay = 'a'\nwhen = ''", "`when` is empty"),
        ("[[reply]]\nsay = 'a'\ntimes_max = 1", "`times_max`"),
        ("[[reply]]\nsay = 'a'\nwhne = 'b'", "whne"),
        ("[[reply", "not valid"),
    ] {
        let error = Script::parse("bad.toml", text).unwrap_err().to_string();
        assert!(error.contains(word) && error.contains("bad.toml"), "{text:?} gave {error:?}");
    }
    let missing = Script::read(Path::new("no/such/script.toml")).unwrap_err();
    assert!(missing.to_string().contains("no/such/script.toml"));
}
