//! Records in words, for `journal` and for the screen.

use everstep_core::{Call, End, Kind, LimitName, Outcome, Prune, Record, Settlement, Then};
use everstep_model::SnapshotFact;
use serde_json::{Map, Value, json};

/// Bytes of a detail on one line; the rest is in `--json`.
const DETAIL_BYTES_MAX: usize = 200;

/// One record on one line, without its number.
pub(crate) fn line(record: &Record) -> String {
    let at = record.at;
    let (name, details) = (record.kind.name(), cut(&details(&record.kind)));
    let clock = at.clock.map(date).map(|date| format!(" {date}")).unwrap_or_default();
    format!("boot {} at {}{clock}  {name}  {details}", at.boot, seconds(at.mono_ms)).trim_end().to_owned()
}

/// A kind and its details on one line.
pub(crate) fn summary(kind: &Kind) -> String {
    format!("{}: {}", kind.name().replace('_', " "), cut(&details(kind)))
        .trim_end_matches([':', ' '])
        .to_owned()
}

/// One record as an object: number, moment, kind, and the kind's own fields.
pub(crate) fn object(sequence: u64, record: &Record) -> Map<String, Value> {
    let mut object = Map::new();
    object.insert("sequence".into(), json!(sequence));
    object.insert("boot".into(), json!(record.at.boot));
    object.insert("mono_ms".into(), json!(record.at.mono_ms));
    object.insert("clock".into(), json!(record.at.clock));
    object.insert("kind".into(), json!(record.kind.name()));
    // A kind is its name alone, or an object of its name and its fields.
    if let Ok(Value::Object(kind)) = serde_json::to_value(&record.kind) {
        for (_, mut fields) in kind {
            hex_digests(&mut fields);
            match fields {
                Value::Object(fields) => object.extend(fields),
                other => drop(object.insert("value".into(), other)),
            }
        }
    }
    object
}

/// Digests are lists of 16 numbers; people compare them in hex.
fn hex_digests(fields: &mut Value) {
    let Some(Value::Object(digests)) = fields.get_mut("digests") else { return };
    for digest in digests.values_mut() {
        let bytes: Vec<u8> = serde_json::from_value(digest.clone()).unwrap_or_default();
        *digest = Value::String(hex(&bytes));
    }
}

/// Bytes in hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string can't fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn details(kind: &Kind) -> String {
    match kind {
        Kind::Started { run, task, task_id, seed, .. } => {
            let id = task_id.as_ref().map(|id| format!(" (task id {id})")).unwrap_or_default();
            format!("run {run}: {task}{id}, seed {seed}")
        }
        Kind::Booted { away_ms, aborted, changed, lost } => booted(*away_ms, *aborted, changed, *lost),
        Kind::Attempt { generation, number } => format!("generation {generation}, attempt {number}"),
        Kind::Generated { tokens, end } => match end {
            Some(text) => format!("{} tokens, whole reply: {text}", tokens.len()),
            None => format!("{} tokens", tokens.len()),
        },
        Kind::Discarded { reason }
        | Kind::GenerationFailed { reason }
        | Kind::Refused { reason }
        | Kind::ApprovalRefused { reason }
        | Kind::StopAsked { reason } => reason.clone(),
        Kind::Answered | Kind::Slept | Kind::ApprovalGiven => String::new(),
        Kind::Called(call) => format!("{} ({})", self::call(call), call.class.name()),
        Kind::Ended { outcome, then } => format!("{}{}", self::outcome(outcome), follows(*then)),
        Kind::EndedLate { call, outcome } => format!("#{call} {}", self::outcome(outcome)),
        Kind::Settled { found, then } => format!("{}{}", settlement(found), follows(*then)),
        Kind::ApprovalAsked { call, reason } => format!("{}: {reason}", self::call(call)),
        Kind::LimitReached { limit: LimitName::Context, used, max } => format!(
            "prompt and reply need {used} tokens of context and there are {max}: raise \
             `model.context_tokens_max`, lower `limits.reply_tokens_max`, or shorten the task"
        ),
        Kind::LimitReached { limit, used, max } => format!("{}: {used} of {max}", limit.key()),
        Kind::SafeSet { changed, failed } => safe_set(changed, failed),
        Kind::ChangeAccepted { .. } => "goes on with another model, tool set or board file".into(),
        Kind::Finished { how } => end(how),
        Kind::Pruned { through, what } => pruned(*through, *what),
        Kind::Tainted { tool } => {
            format!("{tool} brings text from outside: sensitive calls need approval now")
        }
        Kind::Rested { away_ms: Some(away_ms) } => format!("no run for {}", seconds(*away_ms)),
        Kind::Rested { away_ms: None } => "no run for an unknown time".into(),
        Kind::Warned { limit, count } => format!("the model goes in circles ({}: {count})", limit.key()),
    }
}

fn booted(away_ms: Option<u64>, aborted: bool, changed: &[String], lost: Option<Then>) -> String {
    let mut parts = vec![match away_ms {
        Some(away_ms) => format!("after {}", seconds(away_ms)),
        None => "after an unknown time".into(),
    }];
    if aborted {
        parts.push("the process before had aborted".into());
    }
    parts.extend(changed.iter().cloned());
    parts.extend(lost.map(|then| format!("the call under way{}", follows(then))));
    parts.join("; ")
}

fn pruned(through: u32, what: Prune) -> String {
    match what {
        Prune::Results => format!("the context was full: long results in the first {through} turns shrink"),
        Prune::Steps => {
            format!("the context was full: the first {through} turns go, except for the task")
        }
    }
}

/// A call as people read it.
pub(crate) fn call(call: &Call) -> String {
    format!("#{} {} {}", call.id, call.tool, call.arguments)
}

/// An outcome as people read it.
pub(crate) fn outcome(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Done(text) => text.clone(),
        Outcome::NotStarted(reason) => format!("did not run: {reason}"),
        Outcome::MayHaveRun(reason) => format!("may have run: {reason}"),
    }
}

/// What a device told, as people read it.
pub(crate) fn settlement(found: &Settlement) -> String {
    match found {
        Settlement::Done(text) => format!("it ran: {text}"),
        Settlement::NotDone => "it did not run".into(),
        Settlement::CantTell(reason) => format!("can't tell: {reason}"),
    }
}

/// What was made safe, as people read it.
pub(crate) fn safe_set(changed: &[String], failed: &[String]) -> String {
    let failed = failed.iter().map(|what| format!("FAILED: {what}"));
    let all: Vec<_> = changed.iter().cloned().chain(failed).collect();
    if all.is_empty() { "everything was safe already".into() } else { all.join("; ") }
}

fn follows(then: Then) -> &'static str {
    match then {
        Then::Tell => "",
        Then::RunAgain => ", runs again",
        Then::Probe => ", is asked of the device",
        Then::Unknown => ", stays unknown",
    }
}

/// How a run ended, as people read it.
pub(crate) fn end(end: &End) -> String {
    match end {
        End::Done => "done".into(),
        End::Failed(reason) => format!("failed: {reason}"),
        End::Stopped(reason) => format!("stopped: {reason}"),
        End::Limit(limit) => format!("limit reached: {}", limit.key()),
    }
}

/// Milliseconds as seconds.
pub(crate) fn seconds(ms: u64) -> String {
    format!("{}.{:03} s", ms / 1_000, ms % 1_000)
}

/// Text on one line of bounded length.
pub(crate) fn cut(text: &str) -> String {
    let text: String = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    if text.len() <= DETAIL_BYTES_MAX {
        return text;
    }
    let end = (0..=DETAIL_BYTES_MAX).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    format!("{} …", text.get(..end).unwrap_or_default())
}

/// Seconds since 1970 as a date and time in UTC, on the Gregorian calendar.
pub(crate) fn date(unix_s: u64) -> String {
    let (mut days, second) = (unix_s / 86_400, unix_s % 86_400);
    let mut year = 1970;
    while days >= days_of_year(year) && year < 9999 {
        days -= days_of_year(year);
        year += 1;
    }
    let february = days_of_year(year) - 337;
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{:02}T{hour:02}:{minute:02}:{second:02}Z", days + 1)
}

fn days_of_year(year: u64) -> u64 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    if leap { 366 } else { 365 }
}

/// What became of a snapshot of the KV cache, where people should know.
pub(crate) fn kv_snapshot(fact: &SnapshotFact) -> Option<String> {
    match fact {
        SnapshotFact::Restored { file, tokens, of } => {
            Some(format!("goes on behind KV snapshot {file}: {tokens} of its {of} tokens serve"))
        }
        SnapshotFact::Refused { file, reason } => Some(format!("KV snapshot {file} is not used: {reason}")),
        SnapshotFact::Written { .. } => None,
        SnapshotFact::NotWritten { reason } => Some(format!("no KV snapshot is written: {reason}")),
    }
}

#[cfg(test)]
mod tests {
    use everstep_core::{CallId, Class, Digests, Moment, RunId};

    use super::*;

    fn record(kind: Kind) -> Record {
        Record { at: Moment { boot: 2, mono_ms: 61_005, clock: Some(1_795_400_000) }, kind }
    }

    #[test]
    fn dates_follow_the_calendar() {
        assert_eq!(date(0), "1970-01-01T00:00:00Z");
        assert_eq!(date(951_782_399), "2000-02-28T23:59:59Z");
        assert_eq!(date(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(date(1_709_251_199), "2024-02-29T23:59:59Z");
        assert_eq!(date(1_735_689_599), "2024-12-31T23:59:59Z");
        assert_eq!(date(4_107_542_400), "2100-03-01T00:00:00Z");
    }

    #[test]
    fn calls_are_one_line_with_their_class() {
        let call = Call {
            id: CallId(4),
            tool: "set_fan".into(),
            arguments: r#"{"percent":100}"#.into(),
            class: Class::Safe,
            baseline: None,
            wait_ms: None,
        };
        let line = line(&record(Kind::Called(call)));
        assert_eq!(
            line,
            r#"boot 2 at 61.005 s 2026-11-23T02:13:20Z  called  #4 set_fan {"percent":100} (safe)"#
        );
    }

    #[test]
    fn pruning_and_a_full_context_are_told_in_numbers_on_one_line() {
        let told = summary(&Kind::Pruned { through: 7, what: Prune::Results });
        assert_eq!(told, "pruned: the context was full: long results in the first 7 turns shrink");
        let told = summary(&Kind::Pruned { through: 7, what: Prune::Steps });
        assert_eq!(told, "pruned: the context was full: the first 7 turns go, except for the task");
        let most = u64::from(u32::MAX);
        let told = summary(&Kind::LimitReached { limit: LimitName::Context, used: most, max: most });
        assert!(told.contains("need 4294967295 tokens of context and there are 4294967295"), "{told}");
        assert!(told.ends_with("or shorten the task"), "the line was cut: {told}");
    }

    #[test]
    fn objects_carry_the_kind_s_fields_and_hex_digests() {
        let digests = Digests { model: [0xAB; 16], ..Digests::default() };
        let kind = Kind::Started { run: RunId(1), task: "x\ny".into(), task_id: None, seed: 7, digests };
        let object = object(3, &record(kind));
        assert_eq!(object["sequence"], 3);
        assert_eq!(object["kind"], "started");
        assert_eq!(object["task"], "x\ny");
        assert_eq!(object["digests"]["model"], "ab".repeat(16));
        let answered = super::object(4, &record(Kind::Answered));
        assert_eq!(answered.len(), 5);
    }

    #[test]
    fn long_text_is_cut_visibly_and_never_inside_a_letter() {
        let cut = cut(&"é".repeat(500));
        assert!(cut.ends_with("é …") && cut.len() <= DETAIL_BYTES_MAX + 4);
        assert_eq!(super::cut("a\nb"), "a b");
    }
}
