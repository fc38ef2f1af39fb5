//! A message in words for the model: what it says, where it came, how old it is.

use std::time::Duration;

use super::watch::{Line, Message, Origin};
use crate::{
    http::{KeepSection, kept, plain},
    vault::Vault,
};

/// The message as the model reads it.
///
/// # Errors
///
/// What the message lacks that is kept of it.
pub(super) fn told(message: &Message, keep: &KeepSection, vault: &Vault) -> Result<String, String> {
    let topic = plain(&message.topic).replace(['\n', '\t'], " ");
    let said = kept(keep, &message.payload, message.is_whole, vault);
    let said = said.map_err(|why| {
        let cut = if message.is_whole { "" } else { ", and it was too long to be kept whole" };
        format!("the message at {topic} {why}{cut}")
    })?;
    let said = if said.is_empty() { "(an empty message)".to_owned() } else { said };
    let age_s = message.at.elapsed().as_secs();
    let origin = match message.origin {
        Origin::Live => format!("it came {age_s} s ago"),
        Origin::Retained => {
            format!("the broker retains it: it came {age_s} s ago and may be much older")
        }
        Origin::Kept => {
            format!("it was kept by the broker while this board was away: it came {age_s} s ago and is older")
        }
    };
    let cut = if message.is_whole { "" } else { "; its end was left out" };
    Ok(format!("{said}\n({topic}; {origin}{cut})"))
}

/// Why nothing new can come in, if so.
pub(super) fn why(line: &Line, limit: Duration) -> Option<String> {
    match line {
        Line::Up => None,
        Line::Down(why) => Some(why.clone()),
        Line::New | Line::CatchingUp => {
            Some(format!("the broker did not get ready within {} s", limit.as_secs_f32()))
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;
    use crate::{http::KeepText, rehearsal::vault};

    fn message(payload: &[u8], origin: Origin, is_whole: bool) -> Message {
        Message {
            topic: "lab/\u{7}air".into(),
            payload: payload.to_vec(),
            is_whole,
            origin,
            at: Instant::now(),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_tells_where_it_came_from_and_its_age() {
        let keep = KeepSection::default();
        let said = |payload: &[u8], origin, is_whole| {
            told(&message(payload, origin, is_whole), &keep, &vault(&[("api", "tok-1234567890")])).unwrap()
        };
        assert_eq!(said(b"21.5", Origin::Live, true), "21.5\n(lab/ air; it came 0 s ago)");
        assert_eq!(said(b"", Origin::Live, true), "(an empty message)\n(lab/ air; it came 0 s ago)");
        let retained = said(b"on\x1b[2J", Origin::Retained, true);
        assert_eq!(
            retained,
            "on [2J\n(lab/ air; the broker retains it: it came 0 s ago and may be much older)"
        );
        let kept = said(b"tok-1234567890", Origin::Kept, false);
        assert!(kept.contains("kept by the broker while this board was away"), "{kept}");
        assert!(kept.ends_with("its end was left out)") && !kept.contains("tok-"), "{kept}");
        let old = message(b"1", Origin::Live, true);
        tokio::time::advance(Duration::from_secs(75)).await;
        assert!(told(&old, &keep, &vault(&[])).unwrap().ends_with("it came 75 s ago)"));
    }

    #[tokio::test]
    async fn what_a_message_lacks_is_told_with_its_topic() {
        let keep = KeepSection::Pointer("/air".into());
        let error = told(&message(br#"{"a": 1}"#, Origin::Live, true), &keep, &vault(&[])).unwrap_err();
        assert_eq!(error, "the message at lab/ air has no /air: it has a");
        let error = told(&message(br#"{"a": "#, Origin::Live, false), &keep, &vault(&[])).unwrap_err();
        assert!(error.contains("is no JSON") && error.ends_with("too long to be kept whole"), "{error}");
        let short = KeepSection::Text(KeepText { text_bytes: 2 });
        assert!(
            told(&message(b"12345", Origin::Live, true), &short, &vault(&[])).unwrap().starts_with("12\n")
        );
    }
}
