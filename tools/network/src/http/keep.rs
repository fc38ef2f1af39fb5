//! What of an answer the model reads.

use everstep_core::RESULT_BYTES_LIMIT;
use serde_json::Value;

use super::section::{KeepSection, KeepText};
use crate::vault::Vault;

/// Names shown of an object that lacks what was looked for.
const NAMES_SHOWN_MAX: usize = 8;

/// The parts that the section keeps, without secrets. `whole` is false where the body was longer than
/// what was read.
///
/// # Errors
///
/// What the body lacks, said of it.
pub(crate) fn kept(keep: &KeepSection, body: &[u8], whole: bool, vault: &Vault) -> Result<String, String> {
    match keep {
        KeepSection::Text(KeepText { text_bytes }) => {
            let text = plain(&String::from_utf8_lossy(body));
            let text = vault.mask(&text);
            // Where reading stopped, the beginning of a secret may stand.
            let safe = if whole { text.len() } else { text.len().saturating_sub(vault.form_bytes_max()) };
            let bytes_max = usize::try_from(*text_bytes).unwrap_or(usize::MAX);
            Ok(cut(&text, safe.min(bytes_max)).trim().to_owned())
        }
        KeepSection::Pointer(pointer) => {
            let answer = json(body)?;
            Ok(shortened(&vault.mask(&shown(found(&answer, pointer)?))))
        }
        KeepSection::Pointers(pointers) => {
            let answer = json(body)?;
            let parts = pointers.iter().map(|pointer| {
                let name = pointer.rsplit('/').next().unwrap_or(pointer);
                Ok(format!("{name} {}", shown(found(&answer, pointer)?)))
            });
            let parts = parts.collect::<Result<Vec<_>, String>>()?;
            Ok(shortened(&vault.mask(&parts.join(", "))))
        }
    }
}

/// The beginning of an answer that reports an error, in one line. Where `whole` is false its end is missing,
/// and may have been the rest of a secret.
pub(super) fn excerpt(body: &[u8], whole: bool, vault: &Vault) -> String {
    const EXCERPT_BYTES_MAX: usize = 200;
    let text = vault.mask(&plain(&String::from_utf8_lossy(body)));
    let tail = if whole { 0 } else { vault.form_bytes_max() };
    let line = cut(&text, text.len().saturating_sub(tail));
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    cut(&line, EXCERPT_BYTES_MAX).to_owned()
}

fn json(body: &[u8]) -> Result<Value, String> {
    serde_json::from_slice(body).map_err(|error| format!("is no JSON: {error}"))
}

fn found<'a>(answer: &'a Value, pointer: &str) -> Result<&'a Value, String> {
    answer.pointer(pointer).ok_or_else(|| {
        let names = match answer {
            Value::Object(map) => map.keys().take(NAMES_SHOWN_MAX).map(String::as_str).collect::<Vec<_>>(),
            _ => Vec::new(),
        };
        format!(
            "has no {pointer}: it has {}",
            if names.is_empty() { "no names".into() } else { names.join(", ") }
        )
    })
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => plain(text),
        other => other.to_string(),
    }
}

/// Without letters that no person reads.
pub(crate) fn plain(text: &str) -> String {
    text.chars()
        .map(|letter| if letter.is_control() && letter != '\n' && letter != '\t' { ' ' } else { letter })
        .collect()
}

fn shortened(text: &str) -> String {
    cut(text, usize::try_from(RESULT_BYTES_LIMIT).unwrap_or(usize::MAX)).to_owned()
}

fn cut(text: &str, bytes_max: usize) -> &str {
    let mut end = bytes_max.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;

    const ANSWER: &[u8] = br#"{"room": {"air": 21.5, "note": "ok\u0000\n"}, "token": "abcdefgh1234"}"#;

    fn vault() -> Vault {
        Vault::new([("api".to_owned(), Zeroizing::new(b"abcdefgh1234".to_vec()))]).unwrap()
    }

    fn keep(text: &str) -> KeepSection {
        #[derive(serde::Deserialize)]
        struct Holder {
            keep: KeepSection,
        }
        toml::from_str::<Holder>(&format!("keep = {text}")).unwrap().keep
    }

    #[test]
    fn parts_are_kept_with_their_names() {
        let kept = |text: &str| kept(&keep(text), ANSWER, true, &vault());
        assert_eq!(kept("\"/room/air\"").unwrap(), "21.5");
        assert_eq!(kept("[\"/room/air\", \"/token\"]").unwrap(), "air 21.5, token [secret api]");
        assert_eq!(kept("\"/room/note\"").unwrap(), "ok \n");
        assert_eq!(kept("\"/none\"").unwrap_err(), "has no /none: it has room, token");
        assert_eq!(kept("{ text_bytes = 8 }").unwrap(), "{\"room\":");
    }

    #[test]
    fn a_secret_at_the_end_of_what_was_read_is_left_out() {
        let text = "x".repeat(300);
        let kept = |body: &str, whole| {
            kept(&keep("{ text_bytes = 1000 }"), body.as_bytes(), whole, &vault()).unwrap()
        };
        let torn = format!("{text}abcdefgh12");
        assert!(!kept(&torn, false).contains('a'));
        assert!(kept(&torn, true).ends_with("abcdefgh12"));
        // What is masked is cut behind the mask, not within the secret.
        assert_eq!(kept("abcdefgh1234", true), "[secret api]");
    }

    #[test]
    fn an_excerpt_is_one_line_without_a_secret_cut_or_whole() {
        assert_eq!(excerpt(b"no\r\n\r\nsuch abcdefgh1234", true, &vault()), "no such [secret api]");
        // The end of a body that was cut may be the beginning of a secret.
        assert_eq!(excerpt(b"invalid token abcdefgh12", true, &vault()), "invalid token abcdefgh12");
        assert_eq!(excerpt(b"invalid token abcdefgh12", false, &vault()), "");
        let cut = excerpt(format!("{}abcdefgh1234", "x".repeat(194)).as_bytes(), true, &vault());
        assert!(cut.starts_with("xxx") && !cut.contains('a'), "{cut}");
    }

    #[test]
    fn cuts_fall_between_letters() {
        assert_eq!((cut("äöü", 3), cut("abc", 9), cut("ä", 1)), ("ä", "abc", ""));
    }
}
