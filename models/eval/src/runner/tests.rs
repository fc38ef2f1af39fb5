use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU64, Ordering},
};

use everstep_model::{
    ActivityId, Message, ModelCard, ModelEvent, NextEvent, Reply, Request, Script, ScriptedModel, TokenId,
    ToolDefinition, ToolsRefused,
};
use serde_json::json;

use super::*;
use crate::judge;

fn tool(name: &str, properties: &Value) -> Value {
    let parameters = json!({"type": "object", "properties": properties, "additionalProperties": false});
    json!({"type": "function", "function": {"name": name, "parameters": parameters}})
}

/// A case that wants `calls`, or none.
fn case(calls: &Value) -> Case {
    let tools =
        [tool("read", &json!({})), tool("set_fan", &json!({"percent": {"type": "integer", "maximum": 100}}))];
    let key = if calls.is_null() { "expect_none" } else { "expect" };
    let value = if calls.is_null() { json!(true) } else { calls.clone() };
    let line = json!({"id": "a", "request": "go", "tools": tools, key: value});
    Case::parse(&line.to_string()).unwrap()
}

fn fan(percent: i64) -> Value {
    json!({"name": "set_fan", "arguments": {"percent": [percent]}})
}

fn read() -> Value {
    json!({"name": "read", "arguments": {}})
}

/// A scripted model whose requests can be looked at, and that may refuse tools.
struct Watched {
    inner: ScriptedModel,
    requests: Arc<Mutex<Vec<Request>>>,
    refuses: bool,
}

impl Model for Watched {
    fn card(&self) -> &ModelCard {
        self.inner.card()
    }
    fn check_tools(&mut self, _tools: &[ToolDefinition]) -> Result<(), ToolsRefused> {
        if self.refuses { Err(ToolsRefused { reason: "tool `read`: not so".to_owned() }) } else { Ok(()) }
    }
    fn submit(&mut self, request: Request) {
        self.requests.lock().unwrap().push(request.clone());
        self.inner.submit(request);
    }
    fn accepted(&mut self, activity: ActivityId, tokens: usize) {
        self.inner.accepted(activity, tokens);
    }
    fn cancel(&mut self, activity: ActivityId) {
        self.inner.cancel(activity);
    }
    fn next_event(&mut self) -> NextEvent<'_> {
        self.inner.next_event()
    }
    fn text(&self, tokens: &[TokenId]) -> String {
        self.inner.text(tokens)
    }
    fn parse(&self, text: &str, tools: &[ToolDefinition]) -> Reply {
        self.inner.parse(text, tools)
    }
}

/// A runner, and the requests its model gets. Each look at the clock is a second later.
fn runner(script: &str, constraint: Constraint, refuses: bool) -> (Runner, Arc<Mutex<Vec<Request>>>) {
    let requests = Arc::new(Mutex::new(Vec::new()));
    let inner = ScriptedModel::new(Script::parse("script", script).unwrap());
    let model = Watched { inner, requests: Arc::clone(&requests), refuses };
    let ticks = AtomicU64::new(0);
    let now: Now = Box::new(move || Duration::from_secs(ticks.fetch_add(1, Ordering::Relaxed)));
    let settings = Settings { constraint, reply_tokens_max: 200 };
    (Runner::new(Box::new(model), settings, now), requests)
}

fn call(tool: &str, arguments: &str) -> String {
    format!("[[reply]]\ncall = \"{tool}\"\narguments = '{arguments}'\n")
}

fn say(text: &str) -> String {
    format!("[[reply]]\nsay = '''{text}'''\n")
}

async fn play(script: &str, calls: &Value) -> (Played, usize) {
    let (mut runner, requests) = runner(script, Constraint::Calls, false);
    let played = runner.play(&case(calls)).await.unwrap();
    let asked = requests.lock().unwrap().len();
    (played, asked)
}

#[tokio::test]
async fn one_call_is_asked_for_once_and_greedily() {
    let (mut runner, requests) = runner(&call("set_fan", "{\"percent\": 30}"), Constraint::Calls, false);
    let played = runner.play(&case(&json!([fan(30)]))).await.unwrap();
    assert!(judge(&case(&json!([fan(30)])), &played).is_right());
    assert_eq!((&played.end, played.calls.len()), (&End::Called, 1));
    let requests = requests.lock().unwrap();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].messages, [Message::User("go".to_owned())], "no system text of ours");
    assert!(requests[0].sampling.temperature == 0.0);
    assert_eq!((requests[0].constraint, requests[0].tokens_max), (Constraint::Calls, 200));
}

#[tokio::test]
async fn several_calls_get_a_neutral_result_each() {
    let script = call("read", "{}") + &call("set_fan", "{\"percent\": 30}") + &call("read", "{}");
    let wanted = json!([read(), fan(30)]);
    let (mut runner, requests) = runner(&script, Constraint::Calls, false);
    let played = runner.play(&case(&wanted)).await.unwrap();
    assert!(judge(&case(&wanted), &played).is_right());
    assert_eq!(played.end, End::Called, "the third is not asked for");
    let requests = requests.lock().unwrap();
    assert_eq!(requests.len(), 2);
    let [Message::User(_), Message::Assistant { tokens, text }, Message::Tool(result)] =
        &requests[1].messages[..]
    else {
        panic!("{:?}", requests[1].messages)
    };
    assert_eq!(result, "ok");
    assert!(text.contains("read") && tokens.len() == text.len(), "the very tokens go back in");
    assert_ne!(requests[0].activity, requests[1].activity);
}

#[tokio::test]
async fn answer_ends_a_case_before_its_calls_are_there() {
    let script = call("read", "{}") + &say("Done.");
    let (played, asked) = play(&script, &json!([read(), fan(30)])).await;
    assert_eq!((played.end, played.calls.len(), asked), (End::Answered("Done.".to_owned()), 1, 2));
}

#[tokio::test]
async fn case_that_wants_none_is_asked_once() {
    let (played, asked) = play(&say("I can't."), &Value::Null).await;
    assert_eq!((&played.end, asked), (&End::Answered("I can't.".to_owned()), 1));
    assert!(judge(&case(&Value::Null), &played).is_right());
    let (played, asked) = play(&call("read", "{}"), &Value::Null).await;
    assert_eq!((&played.end, asked), (&End::Called, 1));
    assert!(!judge(&case(&Value::Null), &played).is_right());
}

#[tokio::test]
async fn call_that_would_not_run_names_its_fault() {
    for (script, part) in [
        (call("set_fan", "{\"percent\": 101}"), "/percent: 101 is greater"),
        (call("set_fan", "{\"percent\": \"30\"}"), "/percent"),
        (call("set_fan", "{\"percent\": 30, \"slow\": true}"), "slow"),
        (call("fan_set", "{\"percent\": 30}"), "no tool `fan_set`"),
    ] {
        let (played, _) = play(&script, &json!([fan(30)])).await;
        let fault = played.calls[0].fault.clone().unwrap();
        assert!(fault.contains(part), "{fault}");
        assert_eq!(judge(&case(&json!([fan(30)])), &played).valid, Some(false));
    }
}

#[tokio::test]
async fn what_is_no_reply_ends_the_case_with_its_reason() {
    let (played, _) = play(&say("<tool_call>{\"name\": \"read\"}</tool_call>"), &json!([read()])).await;
    assert!(
        matches!(&played.end, End::Malformed { text, .. } if text.starts_with("<tool_call>")),
        "{played:?}"
    );
    let (played, _) = play("[[reply]]\nfail = \"no memory\"\n", &json!([read()])).await;
    assert_eq!(played.end, End::Failed("no memory".to_owned()));
    let (played, _) = play(&say(&"x".repeat(201)), &json!([read()])).await;
    assert!(matches!(&played.end, End::Failed(why) if why.contains("200 tokens")), "{played:?}");
    let (played, _) = play(&format!("context_tokens_max = 201\n{}", say("x")), &json!([read()])).await;
    assert_eq!(played.end, End::TooLong { tokens: 202, tokens_max: 201 });
}

#[tokio::test]
async fn tools_that_can_t_be_enforced_are_refused_unless_nothing_is() {
    let (mut strict, requests) = runner(&call("read", "{}"), Constraint::Calls, true);
    let wanted = case(&json!([read()]));
    let played = strict.play(&wanted).await.unwrap();
    assert_eq!(played.end, End::Refused("tool `read`: not so".to_owned()));
    assert!(requests.lock().unwrap().is_empty());
    let (mut free, requests) = runner(&call("read", "{}"), Constraint::Off, true);
    assert_eq!(free.play(&wanted).await.unwrap().end, End::Called);
    assert_eq!(requests.lock().unwrap()[0].constraint, Constraint::Off);
}

#[tokio::test]
async fn schema_that_can_t_be_judged_by_is_refused_even_without_constraint() {
    let invalid = json!({"type": "function", "function": {"name": "read", "parameters": {"type": "objekt"}}});
    let twice = [tool("read", &json!({})), tool("read", &json!({}))];
    for (tools, part) in
        [(json!([invalid]), "`read`: its schema is not valid"), (json!(twice), "there twice")]
    {
        let line = json!({"id": "a", "request": "go", "tools": tools, "expect_none": true});
        let (mut runner, _) = runner(&say("x"), Constraint::Off, false);
        let played = runner.play(&Case::parse(&line.to_string()).unwrap()).await.unwrap();
        assert!(matches!(&played.end, End::Refused(why) if why.contains(part)), "{played:?}");
    }
}

#[tokio::test]
async fn time_is_measured_for_prompt_and_reply_apart() {
    let (played, _) = play(&say("four"), &Value::Null).await;
    // The clock is looked at when the case is asked, when its prompt is evaluated, and at its end.
    let expected = Timing {
        prompt_tokens: 0,
        cached_tokens: 2,
        prompt: Duration::from_secs(1),
        reply_tokens: 4,
        reply: Duration::from_secs(1),
    };
    assert_eq!(played.timing, expected);
}

#[tokio::test]
async fn model_that_is_gone_stops_everything() {
    struct Dead(ModelCard);
    impl Model for Dead {
        fn card(&self) -> &ModelCard {
            &self.0
        }
        fn submit(&mut self, _: Request) {}
        fn accepted(&mut self, _: ActivityId, _: usize) {}
        fn cancel(&mut self, _: ActivityId) {}
        fn next_event(&mut self) -> NextEvent<'_> {
            Box::pin(async { ModelEvent::Gone { reason: "aborted".to_owned() } })
        }
        fn text(&self, _: &[TokenId]) -> String {
            String::new()
        }
        fn parse(&self, _: &str, _: &[ToolDefinition]) -> Reply {
            Reply::Malformed(String::new())
        }
    }
    let card = ScriptedModel::new(Script::parse("script", "").unwrap()).card().clone();
    let settings = Settings { constraint: Constraint::Calls, reply_tokens_max: 1 };
    let mut runner = Runner::new(Box::new(Dead(card)), settings, Box::new(|| Duration::ZERO));
    let gone = runner.play(&case(&Value::Null)).await.unwrap_err();
    assert_eq!(gone.to_string(), "the model is gone: aborted");
}

/// A clock that goes on by a second each time it is looked at.
fn ticking() -> Now {
    let seconds = AtomicU64::new(0);
    Box::new(move || Duration::from_secs(seconds.fetch_add(1, Ordering::Relaxed)))
}

#[tokio::test(flavor = "current_thread")]
async fn request_that_is_only_timed_tells_its_tokens_and_both_times() {
    let script = Script::parse("script", "[[reply]]\nsay = \"all is well\"").unwrap();
    let settings = Settings { constraint: Constraint::Off, reply_tokens_max: 64 };
    let mut runner = Runner::new(Box::new(ScriptedModel::new(script)), settings, ticking());
    let ask = Ask { messages: vec![Message::User("go".to_owned())], tools: Vec::new(), settings };
    let timing = runner.time(&ask).await.unwrap();
    assert_eq!((timing.prompt, timing.reply), (Duration::from_secs(1), Duration::from_secs(1)));
    assert!(timing.reply_tokens > 0, "{timing:?}");
}

/// Several scripted models as one that works on several generations. The newest one says what it has to say
/// first, so that cases end in another order than they begin.
struct Many {
    workers: Vec<(Option<ActivityId>, ScriptedModel)>,
    busy_max: Arc<AtomicU64>,
}

impl Model for Many {
    fn card(&self) -> &ModelCard {
        self.workers[0].1.card()
    }
    fn generations_max(&self) -> usize {
        self.workers.len()
    }
    fn submit(&mut self, request: Request) {
        let free = self.workers.iter().position(|(whose, _)| whose.is_none()).expect("one is free");
        let mut worker = self.workers.remove(free);
        worker.0 = Some(request.activity);
        worker.1.submit(request);
        self.workers.push(worker);
        let busy = self.workers.iter().filter(|(whose, _)| whose.is_some()).count();
        self.busy_max.fetch_max(busy as u64, Ordering::Relaxed);
    }
    fn accepted(&mut self, activity: ActivityId, tokens: usize) {
        self.workers.iter_mut().for_each(|(_, worker)| worker.accepted(activity, tokens));
    }
    fn cancel(&mut self, activity: ActivityId) {
        for (whose, worker) in self.workers.iter_mut().filter(|(whose, _)| *whose == Some(activity)) {
            worker.cancel(activity);
            *whose = None;
        }
    }
    fn next_event(&mut self) -> NextEvent<'_> {
        Box::pin(async {
            let (whose, worker) = self.workers.iter_mut().rfind(|(whose, _)| whose.is_some()).unwrap();
            let event = worker.next_event().await;
            if !matches!(event, ModelEvent::Progress { .. } | ModelEvent::Tokens { end: None, .. }) {
                *whose = None;
            }
            event
        })
    }
    fn text(&self, tokens: &[TokenId]) -> String {
        self.workers[0].1.text(tokens)
    }
    fn parse(&self, text: &str, tools: &[ToolDefinition]) -> Reply {
        self.workers[0].1.parse(text, tools)
    }
}

#[tokio::test]
async fn cases_at_once_are_handed_out_in_order_and_as_when_played_alone() {
    let script = call("read", "{}").repeat(9);
    let mut cases: Vec<Case> = (1..=9).map(|calls| case(&json!(vec![read(); calls]))).collect();
    // One that is not played has its place among the others.
    let double = cases[3].tools[0].clone();
    cases[3].tools.push(double);
    let (mut alone, _) = runner(&script, Constraint::Calls, false);
    let busy_max = Arc::new(AtomicU64::new(0));
    let worker = || (None, ScriptedModel::new(Script::parse("script", &script).unwrap()));
    let many = Many { workers: (0..3).map(|_| worker()).collect(), busy_max: Arc::clone(&busy_max) };
    let settings = Settings { constraint: Constraint::Calls, reply_tokens_max: 200 };
    let mut together = Runner::new(Box::new(many), settings, Box::new(|| Duration::ZERO));
    // More than the model can are not played at once.
    let mut playing = together.playing(cases.iter(), 5);
    for (number, case) in cases.iter().enumerate() {
        let expected = alone.play(case).await.unwrap();
        let played = playing.next().await.unwrap().unwrap();
        assert_eq!((&played.end, &played.calls), (&expected.end, &expected.calls), "case {number}");
        assert_eq!(played.calls.len(), if number == 3 { 0 } else { number + 1 });
    }
    assert_eq!(playing.next().await, Ok(None));
    drop(playing);
    assert_eq!(busy_max.load(Ordering::Relaxed), 3);
    // Cases that are given up leave the model free.
    let mut playing = together.playing(cases.iter(), 3);
    assert!(playing.next().await.unwrap().is_some());
    drop(playing);
    assert_eq!(together.play(&cases[0]).await.unwrap().end, End::Called);
}
