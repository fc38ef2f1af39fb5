//! Calls can't miss their schema, whatever the weights want.

use super::*;

/// Checks one finished reply from outside: parsed, and validated by another implementation.
fn check_reply(model: &LlamaModel, text: &str) -> &'static str {
    match model.parse(text, &tools()) {
        Reply::Answer(_) => "answer",
        Reply::Malformed(why) => {
            // Only white space is text and still no answer.
            assert!(text.trim().is_empty(), "{text:?}: {why}");
            "blank"
        }
        Reply::Call { tool, arguments } => {
            let tools = tools();
            let known = tools.iter().find(|known| known.name == tool);
            let known = known.unwrap_or_else(|| panic!("unknown tool {tool:?} in {text:?}"));
            assert!(jsonschema::is_valid(&known.arguments, &arguments), "{text:?}");
            // The one form of white space, keys in the schema's order.
            let order = known.arguments["properties"].as_object().unwrap().keys();
            assert!(arguments.as_object().unwrap().keys().eq(order), "{text:?}");
            let head = format!("<tool_call>\n{{\"name\": \"{tool}\", \"arguments\": {{");
            assert!(text.starts_with(&head) && text.ends_with("}}\n</tool_call>"), "{text:?}");
            "call"
        }
    }
}

#[tokio::test(flavor = "current_thread")]
async fn random_weights_give_only_calls_that_fit_their_schema() {
    for (call_kind, runs) in [(3, 60), (4, 30), (1, 30)] {
        let mut loaded = load(Tiny { call_kind, ..Tiny::default() });
        let mut seen: HashMap<&str, u32> = HashMap::new();
        for seed in 0..runs {
            let mut request = request("cool");
            request.seed = seed;
            // The begin of a call, so that most runs come to one.
            let opened = open_call(&loaded.model, call_kind);
            request.generated = if seed % 4 == 0 { Vec::new() } else { opened };
            let outcome = generate(&mut loaded.model, request).await;
            let what = match &outcome.end {
                Ok(text) => check_reply(&loaded.model, text),
                Err(reason) => {
                    assert!(reason.contains("no end of the reply within 200 tokens"), "{reason}");
                    "limit"
                }
            };
            *seen.entry(what).or_default() += 1;
        }
        assert!(seen.get("call").is_some_and(|&calls| u64::from(calls) > runs / 3), "{call_kind}: {seen:?}");
    }
}

/// The tokens a call begins with.
pub(super) fn open_call(model: &LlamaModel, call_kind: i32) -> Vec<TokenId> {
    if call_kind == 1 {
        return model_bytes("<tool_call>\n");
    }
    (256..400).find(|&token| model.text(&[token]) == "<tool_call>").into_iter().collect()
}

/// The tiny model's tokens of plain bytes.
fn model_bytes(text: &str) -> Vec<TokenId> {
    text.bytes().map(TokenId::from).collect()
}

#[tokio::test(flavor = "current_thread")]
async fn kept_tokens_that_miss_the_grammar_are_refused() {
    let mut loaded = load(Tiny::default());
    let opened = open_call(&loaded.model, 3);
    let with = |text: &str| [opened.clone(), model_bytes(text)].concat();
    for (generated, fits) in [
        (with("\n{\"name\": \"set_fan\", \"arguments\": {\"percent\": 10"), true),
        (with("\n{\"name\": \"set_fan\", \"arguments\": {\"percent\": 101"), false),
        (with("\n{\"name\": \"set_fan\", \"arguments\": {\"percent\":1"), false),
        (with("\n{\"name\": \"set_fun"), false),
        (with("\n{\"name\": \"compare\", \"arguments\": {\"value\": 1, \"operator\": \"!"), false),
        (with("\n{\"name\": \"read_room\", \"arguments\": {\"x"), false),
        ([with(""), opened.clone()].concat(), false),
        (vec![100_000], false),
        // The end of a turn is never a token of a reply.
        ((256..400).filter(|&token| loaded.model.text(&[token]).is_empty()).take(2).collect(), false),
    ] {
        let mut request = request("cool");
        request.generated = generated;
        let end = generate(&mut loaded.model, request).await.end;
        let refused = end.as_ref().is_err_and(|reason| reason.starts_with("refused"));
        assert_eq!(refused, !fits, "{end:?}");
    }
}

#[tokio::test(flavor = "current_thread")]
async fn tools_that_cannot_be_enforced_are_refused_by_name() {
    let mut model = load(Tiny::default()).model;
    model.check_tools(&tools()).unwrap();
    let property = |schema: Value| json!({"type": "object", "properties": {"a": schema}, "required": ["a"]});
    for (bad, words) in [
        (tool("pump", json!({"type": "object", "minProperties": 1})), ["`pump`", "`minProperties`"]),
        (tool("pump", property(json!({"pattern": "(?=x)"}))), ["`pump`", ""]),
        (tool("pump", property(json!({"enum": []}))), ["`pump`", ""]),
        (tool("log", json!({"type": "object"})), ["`log`", "twice"]),
        (tool("x<|im_end|>", json!({"type": "object"})), ["<|im_end|>", "markup"]),
        (tool("pump", property(json!({"description": "<tool_call>"}))), ["`pump`", "<tool_call>"]),
    ] {
        let mut all = tools();
        all.push(bad);
        let refused = model.check_tools(&all).unwrap_err().to_string();
        assert!(words.iter().all(|word| refused.contains(word)), "{refused}");
        // A generation with them does not start either.
        let mut request = request("x");
        request.tools = all;
        let end = generate(&mut model, request).await.end.unwrap_err();
        assert!(words.iter().all(|word| end.contains(word)), "{end}");
    }
}

#[tokio::test(flavor = "current_thread")]
async fn free_generation_keeps_markup_out() {
    let mut loaded = load(Tiny::default());
    for seed in 0..10 {
        let mut request = request("cool");
        request.constraint = Constraint::Off;
        request.seed = seed;
        request.tokens_max = 60;
        for token in generate(&mut loaded.model, request).await.tokens {
            assert!(!loaded.model.text(&[token]).is_empty(), "token {token} is markup");
        }
    }
}
