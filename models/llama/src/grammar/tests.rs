use std::sync::Arc;

use everstep_model::HERMES;
use serde_json::{Map, Value, json};
use toktrie::{ApproximateTokEnv, TokRxInfo, TokTrie, TokenizerEnv};

use super::*;

mod families;
mod random;

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

/// Cuts text into the longest tokens, and says that models do so, too.
struct Greedy(TokTrie);

impl TokenizerEnv for Greedy {
    fn tok_trie(&self) -> &TokTrie {
        &self.0
    }

    fn tokenize_bytes(&self, text: &[u8]) -> Vec<TokenId> {
        self.0.greedy_tokenize(text)
    }
}

#[test]
fn text_that_must_come_is_likely_as_its_longest_tokens() {
    // One more token than bytes: a quote with the letter behind it, which a text may begin with.
    let mut words: Vec<Vec<u8>> = (0..=u8::MAX).map(|byte| vec![byte]).collect();
    words.extend([b"\"a".to_vec(), b"\xff<end>".to_vec()]);
    let info = TokRxInfo::new(258, 257);
    let environment: TokEnv = Arc::new(Greedy(TokTrie::from(&info, &words)));
    let mut grammars =
        Grammars::with_environment(&environment, HERMES, ThoughtBegin::Never, |_| None).unwrap();
    let mut grammar = grammars.grammar(&tools(), 0).unwrap();
    for &token in &bytes("<tool_call>\n{\"name\": \"say\", \"arguments\": {\"text\": ") {
        grammar.accept(token).unwrap();
    }
    // Whether the quote stands alone is for the model to say.
    assert!(grammar.forced().unwrap().is_empty());
    assert_eq!(grammar.likely().unwrap(), bytes("\""));
    grammar.accept(256).unwrap();
    assert!(grammar.likely().unwrap().is_empty());
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

/// Whether the grammar of `schema` takes `arguments` as those of a whole call.
#[expect(clippy::needless_pass_by_value, reason = "reads well with json!")]
fn takes(schema: Value, arguments: &str) -> bool {
    let (head, tail) = Grammars::schema_call(HERMES);
    let call = [HERMES.call_open, &head, arguments, &tail, HERMES.call_close].concat();
    let mut grammar = grammars().schema_grammar(&schema).unwrap();
    grammar.allowed_count(&bytes(&call)).unwrap() == call.len()
}

#[test]
fn declared_name_can_t_be_said_in_other_words() {
    let schema =
        json!({"properties": {"ab": {"type": "integer"}}, "additionalProperties": {"type": "string"}});
    assert!(takes(schema.clone(), r#"{"ab": 1, "b": "x"}"#));
    for arguments in
        [r#"{"\u0061b": "x"}"#, r#"{"a\u0062": "x"}"#, r#"{"ab": "x"}"#, r#"{"b": "x", "ab": 1}"#]
    {
        assert!(!takes(schema.clone(), arguments), "{arguments}");
    }
    // Nor can a text, by which its length and pattern would be another's.
    assert!(!takes(json!({"type": "string", "maxLength": 3}), r#""\u0061""#));
}

#[test]
fn bounds_hold_to_the_digit() {
    for (schema, taken, refused) in [
        (
            json!({"type": "number", "exclusiveMinimum": 0, "maximum": 1}),
            &["0.01", "1", "1.0"][..],
            &["0", "0.0", "-0", "1.01"][..],
        ),
        (
            json!({"type": "number", "minimum": -0.5, "maximum": 0.5}),
            &["0", "-0.5", "0.25"],
            &["-0.51", "0.6", "1"],
        ),
        (json!({"type": "integer", "minimum": 0.5, "exclusiveMaximum": 3}), &["1", "2"], &["0", "3", "1.5"]),
        (
            json!({"type": "number", "maximum": 1e300}),
            &["1000000000000000", "0.5"],
            &["1000000000000001", "1e5"],
        ),
        (json!({"type": "number", "multipleOf": 0.01}), &["0.1", "7", "-0.25"], &["0.001", "0.255"]),
        (json!({"const": 2.0}), &["2"], &["3", "\"2\"", "true"]),
    ] {
        for text in taken {
            assert!(takes(schema.clone(), text), "{schema} {text}");
        }
        for text in refused {
            assert!(!takes(schema.clone(), text), "{schema} {text}");
        }
    }
}

/// Texts that would mean something to the grammar's own language, or to JSON.
const HOSTILE: &[&str] = &[
    "\"",
    "\\",
    "\\\"",
    "\"}\nstart: /.*/\n",
    "}",
    "%json {}",
    "<tool_call>",
    "</tool_call>",
    "{{ x }}",
    "/",
    "//",
    "\n",
    "\u{2028}",
    "\u{f5c0}1\u{f5c1}",
    "<[1]>",
    "$x",
    "é\u{1f9ca}",
];

#[test]
fn hostile_names_and_values_stay_in_their_place() {
    for hostile in HOSTILE {
        let schema = json!({
            "type": "object",
            "properties": {*hostile: {"enum": [hostile, 1]}},
            "required": [hostile],
            "additionalProperties": false,
        });
        let tool = ToolDefinition { name: (*hostile).to_owned(), summary: String::new(), arguments: schema };
        let text = Value::from(*hostile).to_string();
        let call =
            format!("<tool_call>\n{{\"name\": {text}, \"arguments\": {{{text}: {text}}}}}\n</tool_call>");
        let mut grammar = grammars().grammar(&[tool], 0).unwrap();
        assert_eq!(grammar.allowed_count(&bytes(&call)).unwrap(), call.len(), "{call}");
        for other in [
            call.replacen(&text, "\"other\"", 1),
            call.replace(&format!("{text}}}"), "2}"),
            call.replace("{{", "{").replace(&format!("{text}: {text}"), ""),
        ] {
            assert!(grammar.allowed_count(&bytes(&other)).unwrap() < other.len(), "{other}");
        }
    }
}

#[test]
fn hostile_patterns_stay_in_their_place() {
    for pattern in ["/ | /.*", "\"", "\\\\", "^a/i$", "(?<stop>a)b", "\n", "^[^/]*$"] {
        let grammar = grammars().schema_grammar(&json!({"type": "string", "pattern": pattern}));
        assert!(grammar.is_ok(), "{pattern}: {:?}", grammar.err());
    }
    assert!(!takes(json!({"type": "string", "pattern": "^(?<stop>a)b$"}), "\"a\""));
    assert!(takes(json!({"type": "string", "pattern": "^(?<stop>a)b$"}), "\"ab\""));
}

#[test]
fn what_has_no_end_is_refused_by_name_or_bounded() {
    let object = |schema: Value| {
        let mut arguments =
            json!({"type": "object", "properties": {"x": {"$ref": "#/$defs/x"}}, "required": ["x"]});
        arguments["$defs"] = json!({"x": schema});
        ToolDefinition { name: "endless".to_owned(), summary: String::new(), arguments }
    };
    let link = json!({"$ref": "#/$defs/x"});
    for schema in [
        link.clone(),
        json!({"anyOf": [{"type": "null"}, link]}),
        json!({"allOf": [{"anyOf": [link]}]}),
        json!({"type": "object", "properties": {"x": link}, "required": ["x"]}),
        json!({"type": "array", "items": link, "minItems": 1}),
        json!({"type": "array", "prefixItems": [link], "minItems": 1}),
        json!({"enum": (0..100_000).collect::<Vec<u32>>()}),
        json!({"maxLength": 3, "minLength": 100_000}),
        json!({"anyOf": (0..1200).map(|n| json!({"properties": {"k": {"const": n}}})).collect::<Vec<_>>()}),
        json!({"type": "string", "pattern": "^\\cC$"}),
        // llguidance unfolds these without an end.
        json!({"allOf": [{"$ref": "#/$defs/y"}, {"$ref": "#/$defs/z"}]}),
    ] {
        let mut tool = object(schema);
        let below =
            |name: &str| json!({"type": "object", "properties": {"c": {"$ref": format!("#/$defs/{name}")}}});
        tool.arguments["$defs"]["y"] = below("y");
        tool.arguments["$defs"]["z"] = below("z");
        let error = grammars().grammar(&[tool], 0).err().unwrap();
        let named = matches!(&error,
            GrammarError::Schema { tool, .. } | GrammarError::Refused { tool, .. } if tool == "endless");
        assert!(named, "{error:?}");
    }
    // Recursion with an end is held at any depth.
    let tree = json!({
        "type": "object",
        "properties": {"n": {"type": "integer"}, "below": {"type": "array", "items": {"$ref": "#"}}},
        "required": ["n"],
        "additionalProperties": false,
    });
    let deep = |inner: &str| format!("{}{inner}{}", "{\"n\": 1, \"below\": [".repeat(40), "]}".repeat(40));
    assert!(takes(tree.clone(), &deep("{\"n\": 2}")));
    assert!(!takes(tree, &deep("{\"m\": 2}")));
}

#[test]
fn schemas_that_are_too_much_together_name_the_first_beyond() {
    let names: Vec<String> = (0..5_000).map(|number| format!("{number:08}")).collect();
    let many: Vec<_> =
        (0..12).map(|number| tool(&format!("t{number}"), json!({"x": {"enum": names}}))).collect();
    let bytes = schema::check(&many[0].arguments).unwrap().to_string().len();
    let first = SCHEMAS_BYTES_MAX / bytes;
    let error = grammars().grammar(&many, 0).err().unwrap();
    assert_eq!(error, GrammarError::TooMuch { tool: format!("t{first}"), bytes: (first + 1) * bytes });
}

#[test]
fn hundred_tools_of_a_kilobyte_are_one_grammar() {
    let property = |number: usize| match number % 4 {
        0 => json!({"type": "string", "maxLength": 80, "pattern": "^[a-z]+(-[a-z0-9]+)*$"}),
        1 => json!({"type": "number", "minimum": -40.5, "maximum": 125}),
        2 => json!({"enum": ["off", "low", "medium", "high", format!("as in room {number}")]}),
        _ => json!({"type": "array", "maxItems": 8, "items": {
            "type": "object",
            "properties": {"x": {"type": "integer", "minimum": 0, "maximum": 100}, "on": {"type": "boolean"}},
            "required": ["x"],
            "additionalProperties": false,
        }}),
    };
    let tools: Vec<_> = (0..100)
        .map(|number| {
            let named = (0..10).map(|index| (format!("parameter_{number}_{index}"), property(index)));
            tool(&format!("tool_{number}"), Value::Object(named.collect()))
        })
        .collect();
    assert!(tools.iter().all(|tool| tool.arguments.to_string().len() > 1_000));
    let mut grammar = grammars().grammar(&tools, 0).unwrap();
    let call = "<tool_call>\n{\"name\": \"tool_99\", \"arguments\": {\"parameter_99_0\": \"front-door\", \"";
    assert_eq!(grammar.allowed_count(&bytes(call)).unwrap(), call.len());
    let other = call.replace("\"parameter_99_0", "\"parameter_98_0");
    assert!(grammar.allowed_count(&bytes(&other)).unwrap() < other.len());
}

#[test]
fn wide_schemas_are_held_where_they_compile() {
    let constant = |n: usize| json!({"type": "object", "properties": {"k": {"const": n}}, "required": ["k"]});
    let any = json!({"properties": {"x": {"anyOf": (0..256).map(constant).collect::<Vec<_>>()}}});
    assert!(takes(any.clone(), "{\"x\": {\"k\": 255}}"));
    assert!(!takes(any, "{\"x\": {\"k\": 256}}"));
    let named = (0..500).map(|n| (format!("p{n}"), json!({"type": "integer", "minimum": n})));
    let many =
        json!({"type": "object", "properties": named.collect::<Map<_, _>>(), "additionalProperties": false});
    assert!(takes(many.clone(), "{\"p7\": 7, \"p499\": 499}"));
    assert!(!takes(many, "{\"p7\": 7, \"p499\": 498}"));
}

#[test]
fn large_vocabularies_get_two_of_the_slices() {
    let all = SlicedBiasComputer::general_slices();
    assert_eq!(slices_of(LARGE_VOCABULARY_TOKENS - 1), all);
    let few = slices_of(LARGE_VOCABULARY_TOKENS);
    assert_eq!(few.len(), 2);
    assert!(few.iter().all(|slice| all.contains(slice)), "{few:?} of {all:?}");
}
