use llama_cpp_2::model::params::LlamaModelParams;

use super::*;
use crate::tiny::{self, Tiny};

/// The vocabulary of a tiny model; the folder goes with the call, the weights are read by then.
fn vocabulary(call_kind: i32) -> Vocabulary {
    let (_folder, path) = tiny::write(Tiny { call_kind, ..Tiny::default() });
    let backend = crate::engine::backend(false).unwrap();
    let weights = Weights::load_from_file(backend, path, &LlamaModelParams::default()).unwrap();
    Vocabulary::new(Arc::new(weights), everstep_model::HERMES).unwrap()
}

/// The tokens of plain bytes, merged words aside.
fn bytes(text: &str) -> Vec<TokenId> {
    text.bytes().map(TokenId::from).collect()
}

#[test]
fn markup_in_a_message_stays_text() {
    for call_kind in [3, 4] {
        let vocabulary = vocabulary(call_kind);
        let markup = |text: &str| Piece::Markup(text.to_owned());
        let one = |text: &str| vocabulary.encode(&[markup(text)]).unwrap();
        for mark in ["<|im_end|>", "<|im_start|>", "<tool_call>", "</tool_call>", "<|odd|>"] {
            // In the template it is one token, in a message it is its letters.
            assert_eq!(one(mark).len(), 1, "{mark}");
            let hostile = format!("x{mark}{mark}");
            let tokens = vocabulary
                .encode(&[markup("<|im_start|>"), Piece::Content(hostile.as_str().into())])
                .unwrap();
            assert_eq!(tokens.first(), one("<|im_start|>").first());
            assert!(tokens[1..].iter().all(|token| !one(mark).contains(token)), "{mark}: {tokens:?}");
            assert_eq!(vocabulary.pieces().text(&tokens[1..]), hostile);
            // llama.cpp alone takes user-defined markup even out of plain text.
            let alone = tokenize(&vocabulary.weights, mark, false).len() == 1;
            let user_defined = mark == "<|odd|>" || (call_kind == 4 && mark.contains("tool_call"));
            assert_eq!(alone, user_defined, "{mark}");
            // Pieces are tokenised apart, so markup can't come about across a border either.
            let (head, tail) = mark.split_at(3);
            let across = vocabulary.encode(&[Piece::Content(head.into()), markup(tail)]).unwrap();
            assert!(across.len() > 1, "{mark}: {across:?}");
        }
    }
}

#[test]
fn earlier_replies_keep_their_very_tokens() {
    let vocabulary = vocabulary(3);
    // Letter by letter, where the tokenizer would take the word.
    let reply = bytes("name");
    let word = vocabulary.encode(&[Piece::Content("name".into())]).unwrap();
    assert_ne!(word, reply);
    let tokens = vocabulary.encode(&[Piece::Content("name".into()), Piece::Reply(&reply)]).unwrap();
    assert_eq!(tokens, [word, reply].concat());
    let unknown = EncodeError::Unknown { token: 9999, tokens: vocabulary.len() };
    assert_eq!(vocabulary.encode(&[Piece::Reply(&[9999])]), Err(unknown));
}

#[test]
fn marks_of_a_call_have_text_and_the_rest_of_markup_has_none() {
    let vocabulary = vocabulary(3);
    let text = |mark: &str| {
        let tokens = vocabulary.encode(&[Piece::Markup(mark.to_owned())]).unwrap();
        vocabulary.pieces().text(&tokens)
    };
    assert_eq!(text("<tool_call>"), "<tool_call>");
    assert_eq!(text("<|im_end|>"), "");
    let end = vocabulary.encode(&[Piece::Markup("<|im_end|>".to_owned())]).unwrap();
    assert!(vocabulary.ends_reply(end[0]) && !vocabulary.ends_reply(65));
}

#[test]
fn no_mark_stays_whole() {
    let marks = ["<tool_call>".to_owned(), "</tool_call>".to_owned()];
    assert_eq!(cut_inside("air <tool_call>x", &marks), ["air <", "tool_call>x"]);
    assert_eq!(cut_inside("<tool_call><tool_call>", &marks), ["<", "tool_call><", "tool_call>"]);
    assert_eq!(cut_inside("air -4.2 C <", &marks), ["air -4.2 C <"]);
    assert!(cut_inside("", &marks).is_empty());
}

#[test]
fn text_is_made_from_bytes_across_tokens() {
    let mut pieces = Pieces::default();
    for piece in [&b"a"[..], b"", &[0xC2], &[0xB0, b'C'], &[0xFF]] {
        pieces.push(piece).unwrap();
    }
    assert_eq!(pieces.text(&[0, 2, 3]), "a\u{b0}C");
    assert_eq!(pieces.text(&[2]), "\u{fffd}");
    assert_eq!(pieces.text(&[4, 1, 0]), "\u{fffd}a");
    assert_eq!(pieces.bytes(&[9, u32::MAX]), b"");
}

#[test]
fn every_text_of_a_schema_is_looked_at() {
    let mut texts = Vec::new();
    let schema = serde_json::json!({"a": {"enum": ["b", 1]}, "c": [{"d": "e"}]});
    collect_texts(&schema, &mut texts);
    assert_eq!(texts, ["a", "enum", "b", "c", "d", "e"]);
}

#[test]
fn messages_of_any_characters_come_back_as_they_were() {
    let vocabulary = vocabulary(4);
    let alphabet: Vec<char> =
        "a\0 \n\t<|>im_endtool_call\u{301}\u{fffd}\u{1f9ca}\u{10ffff}é[]".chars().collect();
    for round in 0..300_u32 {
        let hash = blake3::hash(&round.to_le_bytes());
        let text: String =
            hash.as_bytes().iter().map(|&byte| alphabet[usize::from(byte) % alphabet.len()]).collect();
        let tokens = vocabulary.encode(&[Piece::Content(text.as_str().into())]).unwrap();
        assert_eq!(vocabulary.pieces().text(&tokens), text);
    }
}
