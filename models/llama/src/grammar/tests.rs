use everstep_model::HERMES;
use serde_json::{Value, json};
use toktrie::ApproximateTokEnv;

use super::*;

mod families;

/// A compiler over single bytes; what stands for markup there is not used.
fn grammars() -> Grammars {
    Grammars::with_environment(&ApproximateTokEnv::single_byte_env(), HERMES, ThoughtBegin::Never, |_| None)
        .unwrap()
}

#[expect(clippy::needless_pass_by_value, reason = "reads well with json!")]
fn tool(name: &str, properties: Value) -> ToolDefinition {
    let arguments = json!({
        "type": "object",
        "properties": properties,
        "required": properties.as_object().unwrap().keys().collect::<Vec<_>>(),
        "additionalProperties": false,
    });
    ToolDefinition { name: name.to_owned(), summary: String::new(), arguments }
}

fn tools() -> Vec<ToolDefinition> {
    vec![
        tool("set_fan", json!({"percent": {"type": "integer", "minimum": 0, "maximum": 100}})),
        tool("compare", json!({"value": {"type": "number"}, "operator": {"enum": ["<", "<="]}})),
        tool("say", json!({"text": {"type": "string"}})),
    ]
}

fn bytes(text: &str) -> Vec<TokenId> {
    text.bytes().map(TokenId::from).collect()
}

/// How many bytes of `text` the grammar takes, and whether the reply may end there.
fn taken(text: &str) -> (usize, bool) {
    let mut grammar = grammars().grammar(&tools(), 0).unwrap();
    let count = grammar.allowed_count(&bytes(text)).unwrap();
    for &token in &bytes(text)[..count] {
        grammar.accept(token).unwrap();
    }
    let ends = grammar.is_complete().unwrap() || grammar.may_end().unwrap();
    (count, ends)
}

#[test]
fn replies_are_text_or_one_whole_call() {
    for whole in [
        "The air is at -18.6 C.",
        "a < b, {\"name\": 1}\n</tool_call> \u{1f9ca}",
        "<tool_call>\n{\"name\": \"set_fan\", \"arguments\": {\"percent\": 100}}\n</tool_call>",
        "<tool_call>\n{\"name\": \"compare\", \"arguments\": {\"value\": -4.2, \"operator\": \"<=\"}}\n</tool_call>",
        "<tool_call>\n{\"name\": \"say\", \"arguments\": {\"text\": \"</tool_call> \\\"\u{e9}\"}}\n</tool_call>",
    ] {
        assert_eq!(taken(whole), (whole.len(), true), "{whole}");
    }
}

#[test]
fn what_misses_the_grammar_stops_at_the_first_wrong_byte() {
    // The bar marks where it must stop; no reply ends there.
    for case in [
        "<tool_call>|{\"name\"",
        "<tool_call>\n|\n",
        "<tool_call>\n{\"name\": \"|read_room",
        "<tool_call>\n{\"name\": \"set_fan\", \"arguments\": {|}}",
        "<tool_call>\n{\"name\": \"set_fan\", \"arguments\": {\"percent\": 10|1",
        "<tool_call>\n{\"name\": \"set_fan\", \"arguments\": {\"percent\": |-1",
        "<tool_call>\n{\"name\": \"set_fan\", \"arguments\": {\"percent\": |\"1",
        "<tool_call>\n{\"name\": \"set_fan\", \"arguments\": {\"percent\": |\n1",
        "<tool_call>\n{\"name\": \"set_fan\", \"arguments\": {\"percent\": 1|, \"x\": 2",
        "<tool_call>\n{\"name\": \"compare\", \"arguments\": {\"|operator",
        "<tool_call>\n{\"name\": \"compare\", \"arguments\": {\"value\": 1|e9",
        "<tool_call>\n{\"name\": \"compare\", \"arguments\": {\"value\": 1, \"operator\": \"|>",
        "<tool_call>\n{\"name\": \"set_fan\", \"arguments\": {\"percent\": 1}}\n</tool_call>|\n",
        "so: <tool_call|>",
    ] {
        let at = case.find('|').unwrap();
        let text = case.replacen('|', "", 1);
        let (count, ends) = taken(&text);
        assert_eq!(count, at, "{case}");
        assert_eq!(ends, case.contains("</tool_call>") || case.starts_with("so"), "{case}");
    }
}

#[test]
fn no_tools_mean_no_calls() {
    let mut grammar = grammars().grammar(&[], 0).unwrap();
    assert_eq!(grammar.allowed_count(&bytes("text <tool_call>")).unwrap(), "text <tool_call".len());
}

#[test]
fn complete_reply_takes_nothing_more() {
    let mut grammar = grammars().grammar(&tools(), 0).unwrap();
    let call = "<tool_call>\n{\"name\": \"set_fan\", \"arguments\": {\"percent\": 1}}\n</tool_call>";
    for &token in &bytes(call) {
        assert!(!grammar.is_complete().unwrap());
        grammar.accept(token).unwrap();
    }
    assert!(grammar.is_complete().unwrap());
    assert_eq!(grammar.allowed_count(&bytes("x")).unwrap(), 0);
}

#[test]
fn forced_text_needs_no_model() {
    let mut grammar = grammars().grammar(&tools(), 0).unwrap();
    for &token in &bytes("<tool_call>\n{\"name\": \"set") {
        grammar.accept(token).unwrap();
    }
    assert_eq!(grammar.forced().unwrap(), bytes("_fan\", \"arguments\": {\"percent\": "));
}

#[test]
fn error_is_never_freedom() {
    let mut grammar = grammars().grammar(&tools(), 0).unwrap();
    for &token in &bytes("<tool_call>\n{\"name\": \"") {
        grammar.accept(token).unwrap();
    }
    assert!(grammar.accept(TokenId::from(b'x')).is_err());
    // From here on everything fails, for good.
    assert!(grammar.mask().is_err());
    assert!(grammar.forced().is_err());
    assert!(grammar.may_end().is_err());
    assert!(grammar.is_complete().is_err());
    assert!(grammar.accept(TokenId::from(b's')).is_err());
    assert!(!matches!(grammar.allowed_count(&bytes("s")), Ok(count) if count > 0));
}

#[test]
fn lexer_that_grows_too_large_fails_the_mask() {
    let pattern = "^(a|b)*a(a|b){40}$";
    let tools = [tool("say", json!({"text": {"type": "string", "pattern": pattern}}))];
    let mut factory = grammars();
    factory.factory.limits_mut().max_lexer_states = 200;
    factory.factory.limits_mut().step_lexer_fuel = 2000;
    let mut grammar = factory.grammar(&tools, 0).unwrap();
    let mut walk = || {
        for &token in &bytes("<tool_call>\n{\"name\": \"say\", \"arguments\": {\"text\": \"") {
            grammar.accept(token)?;
        }
        for step in 0..2000_u32 {
            grammar.mask()?;
            grammar.accept(TokenId::from(if step.count_ones() % 2 == 0 { b'a' } else { b'b' }))?;
        }
        Ok::<(), ConstraintError>(())
    };
    assert!(walk().is_err());
    assert!(grammar.mask().is_err());
}

#[test]
fn grammar_is_compiled_once_per_tool_list() {
    let mut grammars = grammars();
    grammars.grammar(&tools(), 0).unwrap().accept(TokenId::from(b'x')).unwrap();
    // The kept one is still at its begin.
    let mut again = grammars.grammar(&tools(), 0).unwrap();
    assert_eq!(again.allowed_count(&bytes("<tool_call>\n")).unwrap(), 12);
    let mut other = grammars.grammar(&tools()[..1], 0).unwrap();
    let text = "<tool_call>\n{\"name\": \"say";
    assert_eq!(other.allowed_count(&bytes(text)).unwrap(), text.len() - 2);
}

#[test]
fn very_many_tools_and_very_large_ones_are_refused() {
    let many: Vec<_> = (0..=TOOLS_MAX).map(|number| tool(&format!("t{number}"), json!({}))).collect();
    assert!(matches!(grammars().grammar(&many, 0).err(), Some(GrammarError::Build { .. })));
    assert!(grammars().grammar(&many[..TOOLS_MAX], 0).is_ok());
}
