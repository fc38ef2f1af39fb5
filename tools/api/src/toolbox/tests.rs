use everstep_core::Outcome;
use serde_json::json;

use super::*;
use crate::{BoxFuture, Context, ToolCall, builtin};

struct Stub(ToolSpec);

impl Tool for Stub {
    fn spec(&self) -> &ToolSpec {
        &self.0
    }

    fn run<'a>(&'a self, _call: &'a ToolCall, _cx: &'a Context) -> BoxFuture<'a, Outcome> {
        Box::pin(async { Outcome::Done("done".into()) })
    }
}

fn spec(name: &str, properties: &Value) -> ToolSpec {
    let names: Vec<_> = properties.as_object().unwrap().keys().cloned().collect();
    ToolSpec {
        name: name.into(),
        summary: format!("does {name}"),
        arguments: json!({"type": "object", "properties": properties, "required": names, "additionalProperties": false}),
        class: Class::Safe,
        trust: Trust::Inside,
        device: None,
        run_ms_max: 100,
    }
}

fn tool(name: &str, properties: &Value) -> Arc<dyn Tool> {
    Arc::new(Stub(spec(name, properties)))
}

fn grants(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

fn set_fan() -> Arc<dyn Tool> {
    tool("set_fan", &json!({"percent": {"type": "integer", "minimum": 0, "maximum": 100}}))
}

fn mixer() -> Arc<dyn Tool> {
    tool(
        "mix",
        &json!({
            "zeal": {"type": "number"},
            "mode": {"type": "string", "enum": ["slow", "fast"]},
            "parts": {"type": "array", "maxItems": 2, "items": {
                "type": "object",
                "properties": {"name": {"type": "string", "maxLength": 5}, "share": {"type": "number"}},
                "required": ["name", "share"],
                "additionalProperties": false,
            }},
        }),
    )
}

fn toolbox() -> Toolbox {
    let tools = vec![set_fan(), mixer(), tool("open_vault", &json!({})), Arc::new(builtin::Wait::default())];
    Toolbox::new(tools, &grants(&["mix", "set_fan", "wait"])).unwrap()
}

fn refusal(tool: &str, arguments: &Value) -> String {
    match toolbox().check(tool, arguments) {
        Ok(checked) => panic!("{tool} {} was allowed", checked.arguments),
        Err(refusal) => refusal.to_string(),
    }
}

#[test]
fn nothing_is_called_that_is_not_granted_by_name() {
    assert_eq!(refusal("open_vault", &json!({})), "refused: open_vault is not granted to this agent");
    assert_eq!(
        refusal("set_fun", &json!({"percent": 1})),
        "error: there is no tool set_fun; the tools are mix, set_fan, wait"
    );
    assert!(toolbox().get("open_vault").is_none());
    let none = Toolbox::new(vec![set_fan()], &grants(&[])).unwrap();
    assert!(none.definitions().is_empty());
    assert!(none.check("set_fan", &json!({"percent": 1})).is_err());
}

#[test]
fn refusals_say_which_argument_what_it_must_be_and_what_it_is() {
    for (tool, arguments, expected) in [
        ("set_fan", json!({"percent": 140}), "error: set_fan: percent must be at most 100, got 140"),
        ("set_fan", json!({"percent": -1}), "error: set_fan: percent must be at least 0, got -1"),
        ("set_fan", json!({"percent": 1.5}), "error: set_fan: percent must be a whole number, got 1.5"),
        ("set_fan", json!({"percent": "30"}), "error: set_fan: percent must be a whole number, got \"30\""),
        ("set_fan", json!({}), "error: set_fan: percent is missing"),
        ("set_fan", json!({"percent": 1, "speed": 2}), "error: set_fan: there is no argument speed"),
        ("set_fan", json!([1]), "error: set_fan: the arguments must be an object, got [1]"),
        (
            "mix",
            json!({"zeal": 1, "mode": "medium", "parts": []}),
            "error: mix: mode must be one of \"slow\", \"fast\", got \"medium\"",
        ),
        (
            "mix",
            json!({"zeal": 1, "mode": "slow", "parts": [{"name": "water", "share": null}]}),
            "error: mix: parts.0.share must be a number, got null",
        ),
        (
            "mix",
            json!({"zeal": 1, "mode": "slow", "parts": [{"name": "aquavit", "share": 1}]}),
            "error: mix: parts.0.name must have at most 5 characters, got \"aquavit\"",
        ),
        ("wait", json!({"seconds": 0}), "error: wait: seconds must be at least 1, got 0"),
    ] {
        assert_eq!(refusal(tool, &arguments), expected);
    }
}

#[test]
fn refusals_stay_short_and_on_one_line() {
    let long = "x\n".repeat(10_000);
    for text in [
        refusal(&long, &json!({})),
        refusal("mix", &json!({"zeal": 1, "mode": long, "parts": []})),
        refusal("set_fan", &json!({"percent": 1, long: 2})),
    ] {
        assert!(text.len() < 300 && !text.contains('\n'), "{text}");
    }
}

#[test]
fn equal_calls_are_equal_text() {
    let toolbox = toolbox();
    let text = |arguments: &Value| toolbox.check("mix", arguments).map(|checked| checked.arguments).unwrap();
    let expected = r#"{"zeal":-4,"mode":"slow","parts":[{"name":"a","share":0.5}]}"#;
    for arguments in [
        json!({"zeal": -4, "mode": "slow", "parts": [{"name": "a", "share": 0.5}]}),
        json!({"parts": [{"share": 0.50, "name": "a"}], "mode": "slow", "zeal": -4.0}),
    ] {
        assert_eq!(text(&arguments), expected);
    }
    let checked = toolbox.check("set_fan", &json!({"percent": 100.0})).unwrap();
    assert_eq!(checked.arguments, r#"{"percent":100}"#);
    assert_eq!(checked.value["percent"].as_u64(), Some(100), "a typed tool can read it");
}

#[test]
fn arguments_that_would_not_fit_a_record_are_refused() {
    let talk = tool("talk", &json!({"text": {"type": "string"}}));
    let toolbox = Toolbox::new(vec![talk], &grants(&["talk"])).unwrap();
    let frame = r#"{"text":""}"#.len();
    let text = |bytes: usize| json!({"text": "x".repeat(bytes)});
    assert!(toolbox.check("talk", &text(ARGUMENTS_BYTES_MAX - frame)).is_ok());
    let refused = toolbox.check("talk", &text(ARGUMENTS_BYTES_MAX - frame + 1)).err();
    assert_eq!(refused, Some(Refusal::TooLong { tool: "talk".into(), bytes: ARGUMENTS_BYTES_MAX + 1 }));
}

#[test]
fn only_the_wait_is_slept() {
    let toolbox = toolbox();
    assert_eq!(toolbox.check("wait", &json!({"seconds": 600})).unwrap().wait_ms, Some(600_000));
    assert_eq!(toolbox.check("set_fan", &json!({"percent": 1})).unwrap().wait_ms, None);
}

#[test]
fn definitions_follow_the_grants() {
    let names: Vec<_> = toolbox().definitions().iter().map(|tool| tool.name.clone()).collect();
    assert_eq!(names, ["mix", "set_fan", "wait"]);
}

fn error(tools: Vec<Arc<dyn Tool>>, names: &[&str]) -> String {
    Toolbox::new(tools, &grants(names)).err().unwrap().to_string()
}

#[test]
fn grants_that_can_not_be_honoured_stop_the_start() {
    let two = || vec![set_fan(), mixer()];
    assert_eq!(error(two(), &["set_fun"]), "there is no tool `set_fun`: this board has mix, set_fan");
    assert_eq!(error(two(), &["mix", "set_fan", "mix"]), "tool `mix` is granted twice");
    assert_eq!(error(vec![set_fan(), set_fan()], &[]), "two tools are called `set_fan`");
    let many: Vec<_> = (0..=TOOLS_MAX).map(|n| format!("t{n}")).collect();
    let tools = many.iter().map(|name| tool(name, &json!({}))).collect();
    let names: Vec<_> = many.iter().map(String::as_str).collect();
    assert_eq!(error(tools, &names), "65 tools are granted, at most 64 may be");
}

#[test]
fn keyword_that_can_not_be_enforced_stops_the_start_by_tool_and_keyword() {
    for (property, keyword) in [
        (json!({"type": "string", "format": "email"}), "format"),
        (json!({"not": {}}), "not"),
        (json!({"oneOf": [{}]}), "oneOf"),
        (json!({"type": "array", "uniqueItems": true}), "uniqueItems"),
        (json!({"$ref": "#/properties/y"}), "$ref"),
        (json!({"$ref": "https://example.com/schema"}), "$ref"),
        (json!({"maxLenght": 3}), "maxLenght"),
        (json!({"if": {}, "then": {}}), "if"),
    ] {
        assert_eq!(
            error(vec![tool("odd", &json!({"x": property}))], &["odd"]),
            format!("tool `odd`: schema keyword `{keyword}` at /properties/x can't be enforced")
        );
    }
    let deep = json!({"x": {"anyOf": [{}, {"items": {"contains": {}}}]}});
    assert!(error(vec![tool("odd", &deep)], &["odd"]).contains("/properties/x/anyOf/1/items"));
    // A property may be called like a keyword.
    assert!(
        Toolbox::new(vec![tool("fine", &json!({"format": {"type": "string"}}))], &grants(&["fine"])).is_ok()
    );
}

#[test]
fn schemas_in_a_wrong_form_stop_the_start() {
    for (arguments, what) in [
        (json!(true), "of type `object`"),
        (json!({"type": "string"}), "of type `object`"),
        (json!({"type": "object", "properties": []}), "properties are no object"),
        (json!({"type": "object", "properties": {"x": 3}}), "neither an object nor a truth value"),
        (json!({"type": "object", "properties": {"x": {"maximum": "3"}}}), "/properties/x/maximum"),
        (json!({"type": "object", "properties": {"x": {"pattern": "("}}}), "/properties/x/pattern"),
        (json!({"type": "object", "description": "x".repeat(SCHEMA_BYTES_MAX)}), "at most 8192"),
    ] {
        let odd = Arc::new(Stub(ToolSpec { arguments, ..spec("odd", &json!({})) }));
        let text = error(vec![odd], &["odd"]);
        assert!(text.starts_with("tool `odd`: schema: ") && text.contains(what), "{text}");
    }
    let mut deep = json!({});
    for _ in 0..=SCHEMA_DEPTH_MAX {
        deep = json!({"items": deep});
    }
    assert!(error(vec![tool("odd", &json!({"x": deep}))], &["odd"]).contains("too deep"));
}

#[test]
fn specs_beyond_their_limits_stop_the_start() {
    let fine = || spec("fine", &json!({}));
    for (odd, what) in [
        (ToolSpec { name: String::new(), ..fine() }, "a name has 1 to 64"),
        (ToolSpec { name: "Fan".into(), ..fine() }, "a name has"),
        (ToolSpec { name: "x".repeat(65), ..fine() }, "a name has"),
        (ToolSpec { summary: String::new(), ..fine() }, "a summary is one line"),
        (ToolSpec { summary: "two\nlines".into(), ..fine() }, "a summary is one line"),
        (ToolSpec { summary: "x".repeat(SUMMARY_BYTES_MAX + 1), ..fine() }, "a summary is one line"),
        (ToolSpec { run_ms_max: 0, ..fine() }, "run_ms_max is 0"),
        (ToolSpec { run_ms_max: RUN_MS_LIMIT + 1, ..fine() }, "it must be 1 to 600000"),
    ] {
        let text = error(vec![Arc::new(Stub(odd))], &[]);
        assert!(text.contains(what), "{text}");
    }
}

#[test]
fn digest_changes_with_everything_a_run_relies_on() {
    let digest = |spec: ToolSpec| {
        let names = grants(&[&spec.name]);
        Toolbox::new(vec![Arc::new(Stub(spec))], &names).unwrap().digest()
    };
    let base = || spec("pump", &json!({"n": {"type": "integer"}}));
    let mut seen = vec![digest(base())];
    assert_eq!(seen[0], digest(base()));
    for changed in [
        ToolSpec { name: "pumq".into(), ..base() },
        ToolSpec { summary: "does pumps".into(), ..base() },
        ToolSpec { class: Class::Never, ..base() },
        ToolSpec { class: Class::ReadBack { settle_ms: 1 }, ..base() },
        ToolSpec { class: Class::ReadBack { settle_ms: 2 }, ..base() },
        ToolSpec { trust: Trust::Outside, ..base() },
        spec("pump", &json!({"n": {"type": "number"}})),
    ] {
        let digest = digest(changed);
        assert!(!seen.contains(&digest));
        seen.push(digest);
    }
    let pair = |names: &[&str]| Toolbox::new(vec![set_fan(), mixer()], &grants(names)).unwrap().digest();
    assert_ne!(pair(&["mix", "set_fan"]), pair(&["set_fan", "mix"]), "the order is what the model sees");
}

#[test]
fn limits_of_a_grant_are_told_enforced_and_part_of_the_digest() {
    let limit: crate::ArgumentLimit = serde_json::from_str(r#"{"max": 80}"#).unwrap();
    let arguments = BTreeMap::from([("percent".to_owned(), limit)]);
    let granted = Grant { tool: "set_fan".into(), terms: Terms { arguments, ..Terms::default() } };
    let narrow = Toolbox::new(vec![set_fan()], std::slice::from_ref(&granted)).unwrap();
    assert_eq!(narrow.definitions()[0].arguments["properties"]["percent"]["maximum"], 80);
    assert!(narrow.check("set_fan", &json!({"percent": 80})).is_ok());
    let refused = narrow.check("set_fan", &json!({"percent": 81})).err().unwrap().to_string();
    assert_eq!(refused, "error: set_fan: percent must be at most 80, got 81");
    let wide = Toolbox::new(vec![set_fan()], &grants(&["set_fan"])).unwrap();
    assert_ne!(narrow.digest(), wide.digest(), "a changed limit is a changed tool");
    assert!(wide.check("set_fan", &json!({"percent": 81})).is_ok());

    let wrong = Toolbox::new(vec![mixer()], &[Grant { tool: "mix".into(), ..granted }]).err().unwrap();
    assert!(matches!(&wrong, ToolboxError::Limit { argument, .. } if argument == "percent"), "{wrong}");
}
