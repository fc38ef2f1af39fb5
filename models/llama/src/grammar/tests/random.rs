//! Whatever a grammar lets through is right for another implementation of JSON Schema.
//!
//! Seeded schemas of every keyword that is enforced, and from each grammar texts of a model that wants
//! anything. A failure names its seed.

use super::*;

/// Schemas that are tried; `EVERSTEP_SEEDS` asks for another number.
const SEEDS: u64 = 600;
/// Texts that are drawn from each grammar.
const TEXTS: u32 = 12;
/// Longest text that is drawn.
const STEPS_MAX: u32 = 400;
/// From here on, a text is brought to its end.
const STEPS_FREE: u32 = 120;
/// What is drawn where it may come, mostly.
const LIKED: &[u8] = b"abx019-. \\\"u\xC3\xA9{}[],:tfn";

struct Draws(u64);

impl Draws {
    fn below(&mut self, count: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % count
    }

    fn one<'t, T>(&mut self, of: &'t [T]) -> &'t T {
        &of[self.below(of.len())]
    }

    fn is(&mut self, one_in: usize) -> bool {
        self.below(one_in) == 0
    }
}

fn number(draws: &mut Draws) -> Value {
    let numbers = [
        json!(0),
        json!(1),
        json!(-1),
        json!(0.5),
        json!(-0.5),
        json!(0.25),
        json!(2),
        json!(-3),
        json!(10),
        json!(99.99),
        json!(-0.001),
        json!(1e-7),
        json!(100_000),
        json!(-2.0),
        json!(1e15),
        json!(-1e300),
        json!(0.1),
        json!(0.9),
        json!(-1.75),
        json!(7.0),
    ];
    draws.one(&numbers).clone()
}

fn constant(draws: &mut Draws, depth: u32) -> Value {
    match draws.below(if depth == 0 { 4 } else { 6 }) {
        0 => json!(null),
        1 => json!(draws.is(2)),
        2 => number(draws),
        3 => json!(*draws.one(&["", "a", "b", "a\"b\\", "\n", "é", "x1"])),
        4 => (0..draws.below(3)).map(|_| constant(draws, depth - 1)).collect(),
        _ => {
            let keys = ["a", "b", "é\""];
            let kept = keys.iter().take(draws.below(4));
            Value::Object(kept.map(|key| ((*key).to_owned(), constant(draws, depth - 1))).collect())
        }
    }
}

/// Adds some keywords that speak about `kind`.
fn about(draws: &mut Draws, kind: &str, depth: u32, schema: &mut Map<String, Value>) {
    let mut put = |draws: &mut Draws, one_in, keyword: &str, value: &mut dyn FnMut(&mut Draws) -> Value| {
        if draws.is(one_in) {
            let value = value(draws);
            schema.insert(keyword.to_owned(), value);
        }
    };
    let inner = |draws: &mut Draws| if depth == 0 { json!(true) } else { schema_of(draws, depth - 1) };
    match kind {
        "string" => {
            put(draws, 3, "minLength", &mut |draws| json!(draws.below(4)));
            put(draws, 3, "maxLength", &mut |draws| json!(draws.below(6)));
            let patterns =
                ["^a", "b$", "^[ab]*$", "^(a|b|\\d)+$", "a.b", "^\\S+$", "é", "^x{2,3}|b", "\\\\", "\""];
            put(draws, 3, "pattern", &mut |draws| json!(*draws.one(&patterns)));
        }
        "integer" | "number" => {
            for keyword in ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"] {
                put(draws, 4, keyword, &mut number);
            }
            let steps =
                [json!(2), json!(3), json!(0.5), json!(0.01), json!(7.0), json!(1), json!(0.25), json!(1.5)];
            put(draws, 5, "multipleOf", &mut |draws| draws.one(&steps).clone());
        }
        "array" => {
            put(draws, 2, "items", &mut |draws| inner(draws));
            put(draws, 3, "prefixItems", &mut |draws| (0..=draws.below(2)).map(|_| inner(draws)).collect());
            put(draws, 3, "minItems", &mut |draws| json!(draws.below(3)));
            put(draws, 3, "maxItems", &mut |draws| json!(draws.below(4)));
        }
        "object" => {
            let names = ["a", "b", "é\"", "x1"];
            put(draws, 2, "properties", &mut |draws| {
                let count = draws.below(3);
                Value::Object(
                    names.iter().take(count).map(|name| ((*name).to_owned(), inner(draws))).collect(),
                )
            });
            put(draws, 3, "required", &mut |draws| json!([*draws.one(&names)]));
            put(draws, 2, "additionalProperties", &mut |draws| {
                if draws.is(2) { json!(false) } else { inner(draws) }
            });
        }
        _ => {}
    }
}

fn schema_of(draws: &mut Draws, depth: u32) -> Value {
    let kinds = ["string", "integer", "number", "array", "object", "null", "boolean"];
    let mut schema = Map::new();
    let list = |draws: &mut Draws| -> Value {
        (0..=draws.below(2)).map(|_| schema_of(draws, depth.saturating_sub(1))).collect()
    };
    match draws.below(if depth == 0 { 7 } else { 11 }) {
        0 => {
            schema.insert("const".to_owned(), constant(draws, 2));
        }
        1 => {
            let values: Vec<Value> = (0..=draws.below(3)).map(|_| constant(draws, 1)).collect();
            schema.insert("enum".to_owned(), json!(values));
        }
        // Several types, or none said.
        2 => {
            let (one, other) = (*draws.one(&kinds), *draws.one(&kinds));
            if draws.is(2) {
                schema.insert("type".to_owned(), if one == other { json!(one) } else { json!([one, other]) });
            }
            about(draws, one, depth, &mut schema);
            about(draws, other, depth, &mut schema);
        }
        3..7 => {
            let kind = *draws.one(&kinds[..5]);
            schema.insert("type".to_owned(), json!(kind));
            about(draws, kind, depth, &mut schema);
        }
        composed => {
            let keyword = ["anyOf", "allOf", "$ref", "oneOf"][composed - 7];
            let value = if keyword == "$ref" { json!("#/$defs/x~1y") } else { list(draws) };
            let (kind, is_first) = (*draws.one(&kinds), draws.is(2));
            let mut beside = Map::new();
            if draws.is(2) {
                about(draws, kind, depth, &mut beside);
            }
            if is_first {
                schema.insert(keyword.to_owned(), value.clone());
            }
            schema.append(&mut beside);
            schema.insert(keyword.to_owned(), value);
        }
    }
    Value::Object(schema)
}

/// Draws one text of `grammar`, or gives up where none ends in time.
fn draw(draws: &mut Draws, mut grammar: Grammar) -> Option<Vec<u8>> {
    let (head, _) = Grammars::schema_call(HERMES);
    let opened = [HERMES.call_open, &head].concat();
    for &token in &bytes(&opened) {
        grammar.accept(token).unwrap();
    }
    let mut text = Vec::new();
    for step in 0..STEPS_MAX {
        if grammar.is_complete().unwrap() {
            return Some(text);
        }
        let mask = grammar.mask().unwrap();
        let may = |byte: u8| mask.is_allowed(TokenId::from(byte));
        let closing: Vec<u8> = b"\"]}\n<".iter().copied().filter(|&byte| may(byte)).collect();
        let liked: Vec<u8> = LIKED.iter().copied().filter(|&byte| may(byte)).collect();
        let all: Vec<u8> = (0..=u8::MAX).filter(|&byte| may(byte)).collect();
        let from = match (draws.below(8), step > STEPS_FREE) {
            (0, false) => &all,
            (_, true) if !closing.is_empty() => &closing,
            _ if !liked.is_empty() => &liked,
            _ => &all,
        };
        let byte = *draws.one(from);
        grammar.accept(TokenId::from(byte)).unwrap();
        text.push(byte);
    }
    None
}

#[test]
fn what_a_grammar_lets_through_is_valid() {
    let seeds = std::env::var("EVERSTEP_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(SEEDS);
    let grammars = grammars();
    let (mut compiled, mut texts) = (0, 0);
    for seed in 0..seeds {
        let mut draws = Draws(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let mut schema = schema_of(&mut draws, 2);
        schema["$defs"] = json!({"x/y": schema_of(&mut draws, 1)});
        let Ok(grammar) = grammars.schema_grammar(&schema) else { continue };
        compiled += 1;
        let (_, tail) = Grammars::schema_call(HERMES);
        for _ in 0..TEXTS {
            let Some(text) = draw(&mut draws, grammar.clone()) else { continue };
            texts += 1;
            let text = String::from_utf8(text).unwrap();
            let arguments = text.strip_suffix(&[&tail, HERMES.call_close].concat()).unwrap();
            // Where no type is said, a number may be more than a parser reads: that is no call then.
            let Ok(value) = serde_json::from_str::<Value>(arguments) else {
                assert!(arguments.contains(['e', 'E']) || arguments.len() > 300, "seed {seed}: {arguments}");
                continue;
            };
            assert!(jsonschema::is_valid(&schema, &value), "seed {seed}: {schema} takes {arguments}");
        }
    }
    // Most schemas compile, and most texts end; or nothing was tried.
    assert!(
        compiled * 3 > seeds && texts > compiled * u64::from(TEXTS) / 2,
        "{compiled} schemas, {texts} texts"
    );
}
