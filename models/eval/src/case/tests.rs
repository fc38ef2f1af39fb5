use super::*;

/// A good line, with `key` replaced, or taken out where `value` is null.
fn line(changes: &[(&str, Value)]) -> String {
    let mut line = json!({
        "id": "a",
        "request": "turn on the fan",
        "tools": [{"type": "function", "function": {
            "name": "set_fan",
            "description": "Set the fan.",
            "parameters": {"type": "object", "properties": {"percent": {"type": "integer"}}},
        }}],
        "expect": [{"name": "set_fan", "arguments": {"percent": [100]}}],
    });
    for (key, value) in changes {
        let object = line.as_object_mut().unwrap();
        if value.is_null() {
            object.remove(*key)
        } else {
            object.insert((*key).to_owned(), value.clone())
        };
    }
    line.to_string()
}

fn error(changes: &[(&str, Value)]) -> String {
    Case::parse(&line(changes)).unwrap_err().to_string()
}

#[test]
fn request_and_messages_come_through_without_a_system_text_of_ours() {
    let case = Case::parse(&line(&[])).unwrap();
    assert_eq!(case.messages, [Message::User("turn on the fan".to_owned())]);
    assert_eq!((case.id.as_str(), case.kind.as_deref(), case.calls_wanted()), ("a", None, 1));
    assert_eq!((case.tools[0].name.as_str(), case.tools[0].summary.as_str()), ("set_fan", "Set the fan."));

    let said = json!([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Go."}]);
    let case = Case::parse(&line(&[
        ("request", Value::Null),
        ("messages", said),
        ("expect", Value::Null),
        ("expect_none", json!(true)),
        ("kind", json!("none")),
    ]));
    let case = case.unwrap();
    let expected = [Message::System("Be brief.".to_owned()), Message::User("Go.".to_owned())];
    assert_eq!(case.messages, expected);
    assert_eq!((case.want, case.kind.as_deref()), (Want::NoCall, Some("none")));
}

#[test]
fn tool_without_parameters_takes_none() {
    let tools = json!([{"type": "function", "function": {"name": "set_fan", "strict": true}}]);
    let expect = json!([{"name": "set_fan", "arguments": {}}]);
    let case = Case::parse(&line(&[("tools", tools), ("expect", expect)])).unwrap();
    assert_eq!(case.tools[0].arguments["additionalProperties"], false);
    assert_eq!(case.tools[0].summary, "");
}

#[test]
fn line_that_is_no_json_says_where() {
    let error = Case::parse("{\"id\": \"a\",}").unwrap_err();
    assert!(matches!(error, CaseError::Json { column: 12, .. }), "{error:?}");
    assert!(!error.to_string().contains("line"), "{error}");
    assert!(matches!(Case::parse("{\"id\":"), Err(CaseError::Json { .. })));
    let two = format!("{} {}", line(&[]), line(&[]));
    assert!(matches!(Case::parse(&two), Err(CaseError::Json { .. })));
    assert!(matches!(Case::parse("[]"), Err(CaseError::Form { .. })));
}

#[test]
fn unknown_and_missing_keys_are_named() {
    assert!(error(&[("requst", json!("x"))]).contains("unknown field `requst`, expected one of `id`"));
    assert!(error(&[("id", Value::Null)]).contains("missing field `id`"));
    assert!(error(&[("tools", Value::Null)]).contains("missing field `tools`"));
    assert!(error(&[("id", json!(3))]).contains("expected a string"));
    let bare = json!([{"name": "set_fan", "parameters": {}}]);
    assert!(error(&[("tools", bare)]).contains("unknown field `name`, expected `type` or `function`"));
    let other = json!([{"type": "retrieval", "function": {"name": "x"}}]);
    assert!(error(&[("tools", other)]).contains("unknown variant `retrieval`"));
    let more = json!([{"name": "set_fan", "arguments": {}, "id": 1}]);
    assert!(error(&[("expect", more)]).contains("unknown field `id`"));
    let role = json!([{"role": "developer", "content": "x"}]);
    assert!(error(&[("request", Value::Null), ("messages", role)]).contains("unknown variant `developer`"));
}

#[test]
fn exactly_one_request_and_exactly_one_expectation() {
    let said = json!([{"role": "user", "content": "x"}]);
    assert_eq!(error(&[("messages", said)]), CaseError::Request.to_string());
    assert_eq!(error(&[("request", Value::Null)]), CaseError::Request.to_string());
    for changes in [
        &[("expect", Value::Null)][..],
        &[("expect_none", json!(true))],
        &[("expect", json!([]))],
        &[("expect", Value::Null), ("expect_none", json!(false))],
    ] {
        assert_eq!(error(changes), CaseError::Want.to_string());
    }
}

#[test]
fn messages_lead_up_to_a_reply() {
    let user = json!({"role": "user", "content": "x"});
    let system = json!({"role": "system", "content": "x"});
    let reply = json!({"role": "assistant", "content": "x"});
    let result = json!({"role": "tool", "content": "x"});
    let (steps, early) = (json!([user, reply, result]), json!([user, result]));
    let case = Case::parse(&line(&[("request", Value::Null), ("messages", steps)])).unwrap();
    let said = Message::Assistant { tokens: Vec::new(), text: "x".to_owned() };
    assert_eq!(case.messages[1..], [said, Message::Tool("x".to_owned())]);
    for (said, word) in [
        (early, "without a call"),
        (json!([user, reply]), "end in a user's"),
        (json!([]), "end in a user's"),
        (json!([user, system]), "not the first"),
        (json!([system]), "end in a user's"),
    ] {
        let error = error(&[("request", Value::Null), ("messages", said)]);
        assert!(error.contains(word), "{error}");
    }
}

#[test]
fn expectation_that_can_t_be_met_is_refused() {
    let unknown = json!([{"name": "set_pump", "arguments": {}}]);
    assert!(error(&[("expect", unknown)]).contains("`set_pump`, which is not among its tools"));
    let bare = json!([{"name": "set_fan", "arguments": {"percent": 100}}]);
    assert!(error(&[("expect", bare)]).contains("`expect[0].arguments.percent` is no list"));
    let call = json!({"name": "set_fan", "arguments": {}});
    assert!(error(&[("expect", json!(vec![call; CALLS_MAX + 1]))]).contains("65 calls"));
}
