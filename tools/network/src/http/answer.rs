//! What an answer means for a call: done, certainly not done, or unknown.

use std::time::UNIX_EPOCH;

use everstep_core::{Class, Outcome};
use http::{HeaderMap, StatusCode, header::RETRY_AFTER};

use super::{
    keep::{excerpt, kept},
    section::KeepSection,
};
use crate::{
    exchange::{Answer, End},
    vault::Vault,
};

/// Seconds a host is left alone that names a date while the board has no clock.
const WAIT_S: u64 = 60;

/// What surrounds an answer.
pub(super) struct Asked<'a> {
    pub(super) keep: &'a KeepSection,
    pub(super) class: Class,
    /// The secret that was sent, by name.
    pub(super) secret: Option<&'a str>,
    /// Who answered.
    pub(super) host: &'a str,
    /// How long the host asks to be left alone, in seconds.
    pub(super) wait_s: Option<u64>,
    pub(super) body_bytes_max: usize,
}

/// The outcome of a call that was answered.
pub(super) fn outcome(answer: &Answer, asked: &Asked<'_>, vault: &Vault) -> Outcome {
    let status = answer.status;
    if status.is_success() {
        return success(answer, asked, vault);
    }
    let why = refusal(answer, asked, vault);
    if ran_for_sure_not(status, asked.class) { Outcome::NotStarted(why) } else { Outcome::MayHaveRun(why) }
}

/// A client's error is the server's word that it did nothing; not so where it says that the request came
/// at a bad time, met another one, or was only begun. A read that is refused is simply refused.
fn ran_for_sure_not(status: StatusCode, class: Class) -> bool {
    let is_read = class == Class::Observe;
    match status {
        StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT => true,
        StatusCode::CONFLICT | StatusCode::TOO_MANY_REQUESTS => is_read,
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY => false,
        _ => status.is_client_error() || (is_read && status.is_redirection()),
    }
}

fn success(answer: &Answer, asked: &Asked<'_>, vault: &Vault) -> Outcome {
    let of_answer = |why: String| format!("the answer {why}");
    let (host, status) = (asked.host, answer.status.as_u16());
    let is_read = asked.class == Class::Observe;
    let bytes_max = asked.body_bytes_max;
    let is_text = matches!(asked.keep, KeepSection::Text(_));
    let text = match &answer.end {
        End::TooLong | End::Whole if is_text => {
            kept(asked.keep, &answer.body, answer.end == End::Whole, vault).map_err(of_answer)
        }
        End::Whole if answer.body.len() <= bytes_max => {
            kept(asked.keep, &answer.body, true, vault).map_err(of_answer)
        }
        End::TooLong | End::Whole => {
            Err(format!("the answer has more than {bytes_max} bytes (`answer_bytes_max`)"))
        }
        End::Packed => Err("the answer is packed, and nothing is unpacked here".into()),
        // The server may have broken off in the middle of the work.
        End::Broken(why) => {
            return Outcome::MayHaveRun(format!("the answer of {host} broke off: {why}"));
        }
    };
    match text {
        Ok(text) if text.is_empty() => Outcome::Done(format!("done ({status})")),
        Ok(text) => Outcome::Done(text),
        Err(why) if is_read => Outcome::NotStarted(format!("{host}: {why}")),
        // It ran; only what it said is of no use.
        Err(why) => Outcome::Done(format!("done ({status}), but {why}")),
    }
}

fn refusal(answer: &Answer, asked: &Asked<'_>, vault: &Vault) -> String {
    let (host, status) = (asked.host, answer.status);
    let reason = status.canonical_reason().map_or_else(String::new, |reason| format!(" {reason}"));
    let secret = match (status, asked.secret) {
        (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, Some(secret)) => {
            format!(": it does not take the secret `{secret}`")
        }
        (StatusCode::UNAUTHORIZED, None) => ": it wants a secret, and `secret_header` names none".into(),
        _ => String::new(),
    };
    let said = match answer.end {
        End::Packed => String::new(),
        _ => excerpt(&answer.body, answer.end == End::Whole, vault),
    };
    let said = if said.is_empty() { said } else { format!(": {said}") };
    let wait =
        asked.wait_s.map_or_else(String::new, |wait_s| format!("; it asks to be left alone for {wait_s} s"));
    format!("{host} answered {}{reason}{secret}{said}{wait}", status.as_u16())
}

/// How long the host asks to be left alone, in seconds.
pub(super) fn wait_s(headers: &HeaderMap, status: StatusCode, now_s: Option<u64>) -> Option<u64> {
    if !status.is_client_error() && !status.is_server_error() {
        return None;
    }
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(text.parse().unwrap_or(u64::MAX));
    }
    let until_s = httpdate::parse_http_date(text).ok()?.duration_since(UNIX_EPOCH).ok()?.as_secs();
    Some(now_s.map_or(WAIT_S, |now_s| until_s.saturating_sub(now_s)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLASSES: [Class; 5] = [
        Class::Observe,
        Class::Safe,
        Class::Keyed { key_valid_s: 60 },
        Class::ReadBack { settle_ms: 0 },
        Class::Never,
    ];

    fn ended(status: u16, end: End, body: &str, class: Class) -> Outcome {
        let answer = Answer {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::new(),
            body: body.into(),
            end,
        };
        let keep = KeepSection::Pointer("/ok".into());
        let asked =
            Asked { keep: &keep, class, secret: Some("api"), host: "a:443", wait_s: None, body_bytes_max: 9 };
        outcome(&answer, &asked, &Vault::default())
    }

    #[test]
    fn the_server_s_word_decides_whether_a_call_ran() {
        for class in CLASSES {
            let is_read = class == Class::Observe;
            for status in 300..600 {
                let certain = match status {
                    408 | 425 => false,
                    409 | 429 | 300..=306 | 309..=399 => is_read,
                    _ => status < 500,
                };
                let outcome = ended(status, End::Whole, "", class);
                let told = matches!(outcome, Outcome::NotStarted(_));
                assert_eq!(told, certain, "{status} {class:?}: {outcome:?}");
                assert!(told || matches!(outcome, Outcome::MayHaveRun(_)), "{outcome:?}");
            }
        }
    }

    #[test]
    fn a_success_ran_whatever_its_body_is_unless_it_broke_off() {
        for class in CLASSES {
            let is_read = class == Class::Observe;
            assert_eq!(ended(200, End::Whole, r#"{"ok": 7}"#, class), Outcome::Done("7".into()));
            for (end, body) in
                [(End::Whole, "no json"), (End::TooLong, "{"), (End::Packed, ""), (End::Whole, "{}")]
            {
                let outcome = ended(201, end, body, class);
                match outcome {
                    Outcome::NotStarted(why) => {
                        assert!(is_read && why.starts_with("a:443: the answer"), "{why}");
                    }
                    Outcome::Done(text) => {
                        assert!(!is_read && text.starts_with("done (201), but the answer"), "{text}");
                    }
                    Outcome::MayHaveRun(why) => panic!("{why}"),
                }
            }
            let broken = ended(200, End::Broken("eof".into()), r#"{"ok": 7}"#, class);
            assert_eq!(broken, Outcome::MayHaveRun("the answer of a:443 broke off: eof".into()));
        }
    }

    #[test]
    fn a_refused_secret_is_told_by_its_name() {
        for status in [401, 403] {
            let Outcome::NotStarted(why) = ended(status, End::Whole, "bad\n  token", Class::Never) else {
                panic!()
            };
            assert!(why.contains("it does not take the secret `api`: bad token"), "{why}");
        }
    }

    #[test]
    fn seconds_and_dates_to_wait_are_read() {
        let wait = |value: &str, now_s| {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, value.parse().unwrap())]);
            wait_s(&headers, StatusCode::SERVICE_UNAVAILABLE, now_s)
        };
        assert_eq!(wait("120", None), Some(120));
        assert_eq!(wait("99999999999999999999999", None), Some(u64::MAX));
        assert_eq!(wait("Sun, 06 Nov 1994 08:49:37 GMT", Some(784_111_777 - 5)), Some(5));
        assert_eq!(wait("Thu, 29 Feb 2024 00:00:00 GMT", Some(1_709_164_800)), Some(0));
        assert_eq!(wait("Sun, 06 Nov 1994 08:49:37 GMT", None), Some(WAIT_S));
        for wrong in [
            "",
            "-5",
            "soon",
            "Sun, 06 Nov 1994",
            "Sun, 06 Foo 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 25:49:37 GMT",
        ] {
            assert_eq!(wait(wrong, None), None, "{wrong}");
        }
        assert_eq!(wait_s(&HeaderMap::new(), StatusCode::OK, None), None);
    }
}
