//! The grammar of every family: what it writes is taken, what misses its form or a schema is not.

use everstep_model::{FAMILIES, Family, Reply};

use super::*;

fn of(family: &'static Family, thought: ThoughtBegin) -> Grammars {
    Grammars::with_environment(&ApproximateTokEnv::single_byte_env(), family, thought, |_| None).unwrap()
}

/// How many bytes of `text` the grammar takes, and whether the reply may end there.
fn walk(mut grammar: Grammar, text: &str) -> (usize, bool) {
    let count = grammar.allowed_count(&bytes(text)).unwrap();
    for &token in &bytes(text)[..count] {
        grammar.accept(token).unwrap();
    }
    (count, grammar.is_complete().unwrap() || grammar.may_end().unwrap())
}

/// Tools of all kinds of values, some of them optional.
fn tools() -> Vec<ToolDefinition> {
    let mut optional = tool(
        "mix",
        json!({
            "on": {"type": "boolean"},
            "text": {"type": "string", "minLength": 2, "maxLength": 5},
            "mode": {"enum": ["slow", "fast"]},
            "level": {"type": "integer", "minimum": 1, "maximum": 20},
            "list": {"type": "array", "items": {"type": "string"}},
        }),
    );
    optional.arguments["required"] = json!(["text", "level"]);
    vec![tool("read_room", json!({})), tool("say", json!({"text": {"type": "string"}})), optional]
}

/// Calls and their arguments: those that fit, and those that don't.
fn calls() -> Vec<(&'static str, Value, bool)> {
    vec![
        ("read_room", json!({}), true),
        ("say", json!({"text": "It is -4 \u{b0}C, \u{1f9ca}."}), true),
        ("say", json!({"text": "two\nlines"}), true),
        ("say", json!({"text": ""}), true),
        ("say", json!({"text": "5"}), true),
        ("mix", json!({"on": true, "text": "abc", "mode": "fast", "level": 12, "list": ["a", "b"]}), true),
        ("mix", json!({"text": "ab", "level": 20}), true),
        ("mix", json!({"on": false, "text": "ab", "level": 1}), true),
        ("mix", json!({"text": "ab", "mode": "slow", "level": 1, "list": []}), true),
        ("mix", json!({"text": "a", "level": 1}), false),
        ("mix", json!({"text": "abcdef", "level": 1}), false),
        ("mix", json!({"text": "ab", "level": 21}), false),
        ("mix", json!({"text": "ab", "mode": "stop", "level": 1}), false),
        ("mix", json!({"text": "ab"}), false),
        ("mix", json!({"level": 1, "text": "ab"}), false),
        ("mix", json!({"text": "ab", "level": 1, "list": [1]}), false),
        ("mix", json!({"on": 1, "text": "ab", "level": 1}), false),
        ("say", json!({"text": "x", "more": 1}), false),
        ("say", json!({}), false),
        ("shout", json!({"text": "x"}), false),
    ]
}

/// Arguments with the white space that the grammar asks for.
fn spaced(value: &Value) -> String {
    match value {
        Value::Array(items) => format!("[{}]", items.iter().map(spaced).collect::<Vec<_>>().join(", ")),
        Value::Object(entries) => {
            let entries = entries.iter().map(|(key, value)| format!("{}: {}", json!(key), spaced(value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

#[test]
fn every_family_s_calls_are_held_to_their_schemas_and_read_back() {
    let tools = tools();
    for family in FAMILIES {
        let mut grammars = of(family, ThoughtBegin::Never);
        for (name, arguments, fits) in calls() {
            // The forms without JSON around write a list with no space; the grammar wants one.
            let text = family.write_call(name, &spaced(&arguments)).replace("\",\"", "\", \"");
            let (count, ends) = walk(grammars.grammar(&tools, 0).unwrap(), &text);
            let taken = count == text.len() && ends;
            assert_eq!(taken, fits, "{}: {text:?} up to {count}", family.name);
            if fits {
                let call = Reply::Call { tool: name.to_owned(), arguments };
                assert_eq!(family.parse(&text, ThoughtBegin::Never, &tools), call, "{}", family.name);
            }
        }
    }
}

#[test]
fn every_family_s_reply_is_an_answer_or_one_whole_call() {
    let tools = tools();
    for family in FAMILIES {
        let mut grammars = of(family, ThoughtBegin::Never);
        let call = family.write_call("read_room", "{}");
        let mut ends = |text: &str| {
            let (count, ends) = walk(grammars.grammar(&tools, 0).unwrap(), text);
            count == text.len() && ends
        };
        assert!(ends("The air is at -18.6 C; a < b, [1] and {2}.\n"), "{}", family.name);
        assert!(ends(&call), "{}", family.name);
        for text in [
            format!("I read. {call}"),
            format!("{call} done"),
            format!("{call}\n"),
            format!("{call}{call}"),
            call[..call.len() - 1].to_owned(),
            family.call_open.to_owned(),
        ] {
            assert!(!ends(&text), "{}: {text:?}", family.name);
        }
        // Without tools there are no calls.
        assert!(walk(of(family, ThoughtBegin::Never).grammar(&[], 0).unwrap(), &call).0 < call.len());
    }
}

#[test]
fn bare_objects_can_not_pass_for_an_answer() {
    let llama = Family::by_name("llama3").unwrap();
    for text in ["{\"parameters\": {}", " {\"name\"", "\n\t{", "{}"] {
        let (count, _) = walk(of(llama, ThoughtBegin::Never).grammar(&tools(), 0).unwrap(), text);
        assert!(count < text.len(), "{text:?}");
    }
}

#[test]
fn thought_is_free_before_a_reply_and_is_no_call() {
    let tools = tools();
    for name in ["qwen3", "qwen3.5", "smollm3"] {
        let family = Family::by_name(name).unwrap();
        let gap = family.thought.unwrap().gap;
        let call = family.write_call("read_room", "{}");
        let hidden = family.write_call("shout", "{\"text\": 1}");
        for (begin, open) in [(ThoughtBegin::InReply, "<think>"), (ThoughtBegin::InPrompt, "")] {
            let ends = |text: &str| {
                let (count, ends) = walk(of(family, begin).grammar(&tools, 1000).unwrap(), text);
                count == text.len() && ends
            };
            for inner in ["\nIt is \u{b0}C < 3 </thin", "", &hidden] {
                let text = format!("{open}{inner}</think>{gap}{call}");
                assert!(ends(&text), "{name}: {text:?}");
                assert!(
                    matches!(family.parse(&text, begin, &tools), Reply::Call { tool, .. } if tool == "read_room")
                );
                let text = format!("{open}{inner}</think>{gap}Done.");
                assert!(ends(&text), "{name}: {text:?}");
                assert_eq!(family.parse(&text, begin, &tools), Reply::Answer("Done.".to_owned()));
            }
            assert_eq!(ends(&call), begin == ThoughtBegin::InReply);
            assert!(begin == ThoughtBegin::InPrompt || !ends(&format!("{call} <think>b</think>{gap}c")));
            for text in [
                format!("{open}a</think>{gap}{hidden}"),
                format!("{open}a</think>{call}"),
                format!("{open}a</think>{gap}b</think>{gap}c"),
                format!("{open}a"),
            ] {
                assert!(!ends(&text), "{name} {begin:?}: {text:?}");
            }
        }
    }
}

/// Plays a thought that would never end: whatever is forced is taken, else `filler`.
fn think(mut grammar: Grammar, kept: &[TokenId], filler: &[u8]) -> Vec<TokenId> {
    let mut tokens = kept.to_vec();
    for &token in kept {
        assert_eq!(grammar.allowed_count(&[token]).unwrap(), 1);
        grammar.accept(token).unwrap();
    }
    for step in 0..60 {
        let mut forced = grammar.forced().unwrap();
        let allowed = grammar.allowed_count(&forced).unwrap();
        forced.truncate(allowed);
        if forced.is_empty() {
            let token = TokenId::from(filler[step % filler.len()]);
            if grammar.allowed_count(&[token]).unwrap() == 0 {
                break;
            }
            forced = vec![token];
        }
        for token in forced {
            grammar.accept(token).unwrap();
            tokens.push(token);
        }
    }
    tokens
}

#[test]
fn thought_is_ended_at_its_limit_and_wherever_it_was_cut() {
    let family = Family::by_name("qwen3").unwrap();
    for (begin, open) in [(ThoughtBegin::InReply, "<think>"), (ThoughtBegin::InPrompt, "")] {
        let mut grammars = of(family, begin);
        let mut grammar = |limit| grammars.grammar(&tools(), limit).unwrap();
        let whole = think(grammar(5), &bytes(open), b"x");
        let expected = format!("{open}xxxxx\n</think>\n\nxxx");
        assert_eq!(&whole[..expected.len()], bytes(&expected), "{begin:?}");
        for cut in 0..expected.len() {
            if cut >= open.len() {
                assert_eq!(
                    think(grammar(5), &whole[..cut], b"x")[..expected.len()],
                    bytes(&expected),
                    "cut at {cut}"
                );
            }
        }
        // A limit of nothing ends it at once; thought that ends before its limit is let be.
        let none = format!("{open}\n</think>\n\n");
        assert_eq!(think(grammar(0), &bytes(open), b"x")[..none.len()], bytes(&none));
        let short = format!("{open}a</think>\n\n");
        let text = think(grammar(5), &bytes(&short), b"x");
        assert_eq!(text.len(), short.len() + 60);
    }
}

#[test]
fn thought_is_never_ended_inside_of_a_character() {
    let family = Family::by_name("qwen3").unwrap();
    let grammar = of(family, ThoughtBegin::InReply).grammar(&tools(), 3).unwrap();
    let ice = "\u{1f9ca}".as_bytes();
    let begun = [bytes("<think>a"), ice[..2].iter().map(|&byte| TokenId::from(byte)).collect()].concat();
    // The filler goes on with the character; only then the end may come.
    let tokens = think(grammar, &begun, &[ice[2], ice[3]]);
    let text: Vec<u8> = tokens.iter().map(|&token| u8::try_from(token).unwrap()).collect();
    let text = String::from_utf8_lossy(&text);
    assert!(text.starts_with("<think>a\u{1f9ca}\n</think>\n\n"), "{text}");
}

#[test]
fn marks_that_are_tokens_are_asked_for_as_tokens() {
    let marks = |family: &Family, all: &[&str]| {
        let tokens: Vec<String> = all.iter().map(|mark| (*mark).to_owned()).collect();
        let token = move |text: &str| {
            tokens.iter().position(|mark| mark == text).map(|at| 300 + TokenId::try_from(at).unwrap())
        };
        Marks::new(family, token)
    };
    let qwen = Family::by_name("qwen3").unwrap();
    let all = ["<tool_call>", "</tool_call>", "<think>", "</think>"];
    let with = marks(qwen, &all);
    let source = Source::new(qwen, ThoughtBegin::InReply, &with).whole();
    assert!(source.contains("thought: <[302]> THOUGHT? <[303]> \"\\n\\n\""), "{source}");
    let gemma = Family::by_name("gemma4").unwrap();
    let with = marks(gemma, &["<|tool_call>", "<tool_call|>", "<|\"|>"]);
    let mut source = Source::new(gemma, ThoughtBegin::Never, &with);
    source.tool("say", &tools()[1].arguments).unwrap();
    let source = source.whole();
    assert!(source.contains("parameter_0_0: \"text:\" <[302]> TEXT_0_0? <[302]>"), "{source}");
    // A mark in the middle of what ends a text could not be told from the text.
    let coder = Family::by_name("qwen3.5").unwrap();
    let with = marks(coder, &["</parameter>"]);
    assert!(Source::new(coder, ThoughtBegin::Never, &with).tool("say", &tools()[1].arguments).is_err());
}

#[test]
fn schemas_that_no_parameter_list_can_hold_are_refused_by_tool_and_keyword() {
    let family = Family::by_name("qwen3.5").unwrap();
    let property = |schema: Value| json!({"type": "object", "properties": {"a": schema}});
    for (arguments, words) in [
        (json!({"type": "object", "anyOf": [{"required": ["a"]}]}), "`anyOf` at /"),
        (json!({"type": "object", "required": ["a"]}), "no schema"),
        (property(json!({"$ref": "#/properties/a"})), "`$ref`"),
        (property(json!({"$ref": "#"})), "`$ref`"),
        (property(json!({"type": "string", "allOf": [{"minLength": 1}]})), "`allOf`"),
        (property(json!({"anyOf": [{"enum": ["a"]}, {"enum": ["b"]}]})), "`anyOf`"),
        (property(json!({"enum": ["a", "</parameter>"]})), "mark that ends it"),
        (json!({"type": "object", "properties": {"a b": {"type": "string"}}}), "letters"),
    ] {
        let tool = ToolDefinition { name: "pump".to_owned(), summary: String::new(), arguments };
        let error = of(family, ThoughtBegin::Never).grammar(&[tool], 0).err().unwrap();
        let text = format!(
            "{error} {}",
            std::error::Error::source(&error).map_or(String::new(), ToString::to_string)
        );
        assert!(text.contains("`pump`") && text.contains(words), "{text}");
    }
}

#[test]
fn alternatives_of_a_pattern_keep_their_own_anchors() {
    let family = Family::by_name("qwen3.5").unwrap();
    let schema = json!({"type": "string", "pattern": "^a|b$"});
    let tools = [ToolDefinition {
        name: "say".to_owned(),
        summary: String::new(),
        arguments: json!({"type": "object", "properties": {"text": schema}, "required": ["text"]}),
    }];
    let mut grammars = of(family, ThoughtBegin::Never);
    for (said, fits) in [("a", true), ("ax", true), ("xb", true), ("xa", false), ("bx", false), ("", false)] {
        let text = family.write_call("say", &json!({"text": said}).to_string());
        let (count, ends) = walk(grammars.grammar(&tools, 0).unwrap(), &text);
        assert_eq!(count == text.len() && ends, fits, "{text:?} up to {count}");
    }
}

#[test]
fn bare_strings_are_held_to_their_pattern_and_references() {
    let family = Family::by_name("qwen3.5").unwrap();
    let tools = [ToolDefinition {
        name: "say".to_owned(),
        summary: String::new(),
        arguments: json!({
            "type": "object",
            "properties": {
                "code": {"type": "string", "pattern": "^[a-c]{2}/[0-9]+$"},
                "part": {"type": "string", "pattern": "x[0-9]"},
                "mode": {"anyOf": [{"$ref": "#/$defs/mode"}, {"type": "null"}]},
            },
            "required": ["code", "part", "mode"],
            "$defs": {"mode": {"type": "string", "enum": ["on", "off"]}},
        }),
    }];
    let mut grammars = of(family, ThoughtBegin::Never);
    for (code, part, mode, fits) in [
        ("ab/10", "x1", "on", true),
        ("ab/10", "a\nx1b", "off", true),
        ("ab/", "x1", "on", false),
        ("aab/1", "x1", "on", false),
        ("ab/1x", "x1", "on", false),
        ("ab/1", "x", "on", false),
        ("ab/1", "x1", "null", false),
    ] {
        let arguments = json!({"code": code, "part": part, "mode": mode});
        let text = family.write_call("say", &arguments.to_string());
        let (count, ends) = walk(grammars.grammar(&tools, 0).unwrap(), &text);
        assert_eq!(count == text.len() && ends, fits, "{text:?} up to {count}");
        if fits {
            assert_eq!(
                family.parse(&text, ThoughtBegin::Never, &tools),
                Reply::Call { tool: "say".to_owned(), arguments }
            );
        }
    }
}
