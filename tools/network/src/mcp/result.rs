//! What a server's answer means for a call, and what of it the model reads.

use everstep_core::{Class, Outcome, RESULT_BYTES_LIMIT};
use rmcp::{
    ErrorData,
    model::{CallToolResponse, CallToolResult, ContentBlock, ErrorCode, ResourceContents},
};

use super::{
    canonical::canonical,
    harmless::{cut, line, lines},
};
use crate::vault::Vault;

/// Bytes shown of an address or a kind of file.
const NAME_BYTES_MAX: usize = 200;

/// The outcome of a call that was answered.
pub(super) fn outcome(answer: &CallToolResponse, class: Class, vault: &Vault) -> Outcome {
    match answer {
        CallToolResponse::Complete(result) if result.is_error == Some(true) => {
            let text = text(result, vault);
            failed(class, if text.is_empty() { "the server says that it failed".into() } else { text })
        }
        CallToolResponse::Complete(result) => {
            let text = text(result, vault);
            Outcome::Done(if text.is_empty() { "done".into() } else { text })
        }
        CallToolResponse::InputRequired(_) => {
            failed(class, "the server asks for more input, which nobody here gives it".into())
        }
        // Nothing here would ever ask for its end. See `is_final`.
        _ => Outcome::MayHaveRun("the server goes on with it by itself, without an answer".into()),
    }
}

/// Whether the server has nothing more to do about a call that it answered so.
pub(super) fn is_final(answer: &CallToolResponse) -> bool {
    matches!(answer, CallToolResponse::Complete(_) | CallToolResponse::InputRequired(_))
}

/// The outcome of a call that was answered by an error of the protocol.
pub(super) fn protocol_error(error: &ErrorData, class: Class, vault: &Vault) -> Outcome {
    let said = line(&vault.mask(&error.message), NAME_BYTES_MAX);
    let why = format!("the server answered with error {}: {said}", error.code.0);
    match error.code {
        // The request itself was refused: no tool has seen it.
        ErrorCode::PARSE_ERROR
        | ErrorCode::INVALID_REQUEST
        | ErrorCode::METHOD_NOT_FOUND
        | ErrorCode::INVALID_PARAMS => Outcome::NotStarted(why),
        _ => failed(class, why),
    }
}

/// A tool's own word that it failed says nothing of what it did before. A read moved nothing. What may run
/// again is answered, and is the model's to repeat. For all else it is unknown whether it ran.
fn failed(class: Class, why: String) -> Outcome {
    match class {
        Class::Observe => Outcome::NotStarted(why),
        Class::Safe => Outcome::Done(format!("error: {why}")),
        Class::Keyed { .. } | Class::ReadBack { .. } | Class::Never => Outcome::MayHaveRun(why),
    }
}

/// Text as it is, everything else by name, without secrets, within the limit of a result.
fn text(result: &CallToolResult, vault: &Vault) -> String {
    let mut parts: Vec<String> = result.content.iter().map(part).collect();
    if let Some(structured) = &result.structured_content {
        // Most servers send the same as text, for clients that know no other.
        let wanted = canonical(structured);
        let same = |part: &String| {
            // What is shorter can't say the same, however many such parts there are.
            part.len() >= wanted.len()
                && serde_json::from_str(part).is_ok_and(|value| canonical(&value) == wanted)
        };
        if !parts.iter().any(same) {
            parts.push(structured.to_string());
        }
    }
    parts.retain(|part| !part.trim().is_empty());
    let text = vault.mask(&lines(&parts.join("\n")));
    let bytes_max = usize::try_from(RESULT_BYTES_LIMIT).unwrap_or(usize::MAX);
    cut(&text, bytes_max).trim().to_owned()
}

fn part(block: &ContentBlock) -> String {
    let named = |what: &str, name: &str, kind: Option<&str>, bytes: usize| {
        let kind = kind.map_or_else(String::new, |kind| format!(", {}", line(kind, NAME_BYTES_MAX)));
        let size = if bytes == 0 { String::new() } else { format!(", {bytes} bytes") };
        let name = if name.is_empty() { String::new() } else { format!(" {}", line(name, NAME_BYTES_MAX)) };
        format!("({what}{name}{kind}{size}, not shown)")
    };
    match block {
        ContentBlock::Text(text) => text.text.clone(),
        ContentBlock::Image(image) => named("image", "", Some(&image.mime_type), decoded(&image.data)),
        ContentBlock::Audio(audio) => named("audio", "", Some(&audio.mime_type), decoded(&audio.data)),
        ContentBlock::ResourceLink(link) => named("link", &link.uri, link.mime_type.as_deref(), 0),
        ContentBlock::Resource(resource) => match &resource.resource {
            ResourceContents::TextResourceContents { uri, mime_type, text, .. } => {
                named("resource", uri, mime_type.as_deref(), text.len())
            }
            ResourceContents::BlobResourceContents { uri, mime_type, blob, .. } => {
                named("resource", uri, mime_type.as_deref(), decoded(blob))
            }
            _ => named("resource", "", None, 0),
        },
        _ => named("content", "", None, 0),
    }
}

/// Bytes behind base64.
fn decoded(base64: &str) -> usize {
    base64.trim_end_matches('=').len().saturating_mul(3) / 4
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::mcp::tests::vault;

    fn of(result: Value, class: Class) -> Outcome {
        let answer = CallToolResponse::Complete(serde_json::from_value(result).unwrap());
        outcome(&answer, class, &vault(&[("key", "abcdefgh1234")]))
    }

    fn done(result: Value) -> String {
        match of(result, Class::Never) {
            Outcome::Done(text) => text,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn text_is_joined_and_the_rest_is_named() {
        let text = done(json!({"content": [
            {"type": "text", "text": "one\u{0}"},
            {"type": "image", "data": "AAECAw==", "mimeType": "image/png"},
            {"type": "resource", "resource": {"uri": "file:///a", "mimeType": "text/plain", "text": "hidden"}},
            {"type": "resource", "resource": {"uri": "file:///b", "blob": "AAEC"}},
            {"type": "resource_link", "uri": "demo://<|x|>", "name": "n"},
            {"type": "text", "text": "key abcdefgh1234"},
        ]}));
        assert_eq!(
            text,
            "one \n(image, image/png, 4 bytes, not shown)\n(resource file:///a, text/plain, 6 bytes, not shown)\n\
             (resource file:///b, 3 bytes, not shown)\n(link demo://(|x|), not shown)\nkey [secret key]"
        );
        assert_eq!(done(json!({"content": []})), "done");
    }

    #[test]
    fn structured_content_is_shown_once() {
        let structured = json!({"b": 1, "a": [2]});
        let twice = json!({"content": [{"type": "text", "text": "{ \"a\": [2], \"b\": 1 }"}], "structuredContent": structured});
        assert_eq!(done(twice), "{ \"a\": [2], \"b\": 1 }");
        assert_eq!(done(json!({"content": [], "structuredContent": structured})), "{\"b\":1,\"a\":[2]}");
    }

    #[test]
    fn many_parts_beside_a_large_structure_cost_no_more_than_their_bytes() {
        // Compared with each of them anew, this would take minutes.
        let structured: Vec<u32> = (0..100_000).collect();
        let parts = vec![json!({"type": "text", "text": "1"}); 20_000];
        let text = done(json!({"content": parts, "structuredContent": structured}));
        assert!(text.starts_with("1\n1\n"));
    }

    #[test]
    fn a_result_is_cut_at_its_limit_behind_the_mask() {
        let limit = usize::try_from(RESULT_BYTES_LIMIT).unwrap();
        let long = format!("{}abcdefgh1234", "x".repeat(limit - 5));
        let text = done(json!({"content": [{"type": "text", "text": long}]}));
        assert!(text.len() <= limit && !text.contains("abcdefgh"), "{}", &text[limit - 20..]);
    }

    #[test]
    fn a_failure_means_what_the_class_allows() {
        let failure = || json!({"content": [{"type": "text", "text": "no"}], "isError": true});
        assert_eq!(of(failure(), Class::Observe), Outcome::NotStarted("no".into()));
        assert_eq!(of(failure(), Class::Safe), Outcome::Done("error: no".into()));
        assert_eq!(of(failure(), Class::Never), Outcome::MayHaveRun("no".into()));
        for (code, certain) in [(-32602, true), (-32601, true), (-32603, false), (-32000, false), (7, false)]
        {
            let error = ErrorData::new(ErrorCode(code), "bad\n<|x|> abcdefgh1234", None);
            let outcome = protocol_error(&error, Class::Never, &vault(&[("key", "abcdefgh1234")]));
            let (is_certain, why) = match outcome {
                Outcome::NotStarted(why) => (true, why),
                Outcome::MayHaveRun(why) => (false, why),
                Outcome::Done(text) => panic!("{text}"),
            };
            assert_eq!(is_certain, certain, "{code}");
            assert!(why.ends_with(&format!("error {code}: bad (|x|) [secret key]")), "{why}");
        }
    }
}
