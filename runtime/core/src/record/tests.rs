use alloc::{string::String, vec, vec::Vec};

use proptest::prelude::*;

use super::*;
use crate::{rehearsal::hex, words::Class};

mod goldens;

use goldens::GOLDENS;

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn digests() -> Digests {
    Digests { spec: [1; 16], model: [2; 16], tools: [3; 16], template: [0xFF; 16] }
}

fn call(class: Class) -> Call {
    Call {
        id: CallId(300),
        tool: "dose".into(),
        arguments: r#"{"pulses":1}"#.into(),
        class,
        baseline: Some("counter 7".into()),
        wait_ms: Some(600_000),
    }
}

/// One record for every variant of everything a record can hold, in the goldens' order.
fn records() -> Vec<Record> {
    let bare = Call { baseline: None, wait_ms: None, ..call(Class::Observe) };
    let mut kinds = vec![
        Kind::Started {
            run: RunId(1),
            task: "cool".into(),
            task_id: Some("job".into()),
            seed: u64::MAX,
            digests: digests(),
        },
        Kind::Started { run: RunId(2), task: "cool".into(), task_id: None, seed: 0, digests: digests() },
        Kind::Booted { away_ms: None, aborted: false, changed: vec![], lost: None },
        Kind::Booted { away_ms: Some(70_000), aborted: true, changed: vec!["fan off".into()], lost: None },
        Kind::Booted { away_ms: None, aborted: false, changed: vec![], lost: Some(Then::Tell) },
        Kind::Booted { away_ms: None, aborted: false, changed: vec![], lost: Some(Then::RunAgain) },
        Kind::Booted { away_ms: None, aborted: false, changed: vec![], lost: Some(Then::Probe) },
        Kind::Booted { away_ms: None, aborted: false, changed: vec![], lost: Some(Then::Unknown) },
        Kind::Attempt { generation: GenerationId(200), number: 2 },
        Kind::Generated { tokens: vec![1, 128, u32::MAX], end: None },
        Kind::Generated { tokens: vec![], end: Some("done".into()) },
        Kind::Discarded { reason: "grammar".into() },
        Kind::GenerationFailed { reason: "too long".into() },
        Kind::Answered,
        Kind::Refused { reason: "no tool".into() },
        Kind::Called(bare),
    ];
    let classes =
        [Class::Safe, Class::Keyed { key_valid_s: 3_600 }, Class::ReadBack { settle_ms: 250 }, Class::Never];
    kinds.extend(classes.map(|class| Kind::Called(call(class))));
    kinds.extend([
        Kind::Ended { outcome: Outcome::Done("22 C".into()), then: Then::Tell },
        Kind::Ended { outcome: Outcome::NotStarted("busy".into()), then: Then::Tell },
        Kind::Ended { outcome: Outcome::MayHaveRun("late".into()), then: Then::RunAgain },
        Kind::EndedLate { call: CallId(300), outcome: Outcome::Done("22 C".into()) },
        Kind::Settled { found: Settlement::Done("ran".into()), then: Then::Tell },
        Kind::Settled { found: Settlement::NotDone, then: Then::RunAgain },
        Kind::Settled { found: Settlement::CantTell("bus".into()), then: Then::Unknown },
        Kind::Slept,
        Kind::ApprovalAsked { call: call(Class::Never), reason: "again".into() },
        Kind::ApprovalGiven,
        Kind::ApprovalRefused { reason: "no".into() },
        Kind::StopAsked { reason: "stop".into() },
    ]);
    kinds.extend(LIMITS.map(|limit| Kind::LimitReached { limit, used: 70_000, max: 5 }));
    kinds.extend([
        Kind::SafeSet { changed: vec!["off".into()], failed: vec!["fan".into(), "pump".into()] },
        Kind::ChangeAccepted { digests: digests() },
        Kind::Finished { how: End::Done },
        Kind::Finished { how: End::Failed("aborts".into()) },
        Kind::Finished { how: End::Stopped("stop".into()) },
        Kind::Finished { how: End::Limit(LimitName::Steps) },
    ]);
    let mut records: Vec<_> = kinds
        .into_iter()
        .map(|kind| Record { at: Moment { boot: 3, mono_ms: 1_000, clock: None }, kind })
        .collect();
    let clock = Some(1_900_000_000);
    records.push(Record { at: Moment { boot: 3, mono_ms: 1_000, clock }, kind: Kind::Answered });
    // Newer kinds follow behind: the order of the goldens before them stays.
    let pruned = [(300, Prune::Results), (3, Prune::Steps)];
    records.extend(pruned.map(|(through, what)| Record {
        at: Moment { boot: 3, mono_ms: 1_000, clock: None },
        kind: Kind::Pruned { through, what },
    }));
    let newer = LIMITS_LATER
        .map(|limit| Kind::LimitReached { limit, used: 5, max: 5 })
        .into_iter()
        .chain([
            Kind::Tainted { tool: "news".into() },
            Kind::Warned { limit: LimitName::Repeats, count: 300 },
        ])
        .chain([Kind::Rested { away_ms: None }, Kind::Rested { away_ms: Some(70_000) }]);
    records.extend(newer.map(|kind| Record { at: Moment { boot: 3, mono_ms: 1_000, clock: None }, kind }));
    records
}

const LIMITS: [LimitName; 7] = [
    LimitName::Steps,
    LimitName::Tokens,
    LimitName::Calls,
    LimitName::PoweredSeconds,
    LimitName::Context,
    LimitName::JournalBytes,
    LimitName::GenerationFailures,
];
const LIMITS_LATER: [LimitName; 3] = [LimitName::Repeats, LimitName::Alternations, LimitName::Errors];

/// Numbers every kind; a new one does not compile until it has a place here, and the test below
/// fails until it has a golden.
const fn place(kind: &Kind) -> usize {
    match kind {
        Kind::Started { .. } => 0,
        Kind::Booted { .. } => 1,
        Kind::Attempt { .. } => 2,
        Kind::Generated { .. } => 3,
        Kind::Discarded { .. } => 4,
        Kind::GenerationFailed { .. } => 5,
        Kind::Answered => 6,
        Kind::Refused { .. } => 7,
        Kind::Called(_) => 8,
        Kind::Ended { .. } => 9,
        Kind::EndedLate { .. } => 10,
        Kind::Settled { .. } => 11,
        Kind::Slept => 12,
        Kind::ApprovalAsked { .. } => 13,
        Kind::ApprovalGiven => 14,
        Kind::ApprovalRefused { .. } => 15,
        Kind::StopAsked { .. } => 16,
        Kind::LimitReached { .. } => 17,
        Kind::SafeSet { .. } => 18,
        Kind::ChangeAccepted { .. } => 19,
        Kind::Finished { .. } => 20,
        Kind::Pruned { .. } => 21,
        Kind::Tainted { .. } => 22,
        Kind::Warned { .. } => 23,
        Kind::Rested { .. } => 24,
    }
}

const KINDS: usize = 25;

#[test]
fn every_record_keeps_its_golden_bytes() {
    let records = records();
    let found: Vec<String> = records.iter().map(|record| hex(&record.encode())).collect();
    for (record, (found, golden)) in records.iter().zip(found.iter().zip(GOLDENS)) {
        assert_eq!(found, golden, "{record:?}");
        assert_eq!(Record::decode(&bytes(golden)).as_ref(), Ok(record));
    }
    assert_eq!(found.len(), GOLDENS.len(), "records without a golden: {:#?}", &found[GOLDENS.len()..]);
}

#[test]
fn every_kind_has_a_golden_and_its_place_on_flash() {
    let mut names = vec![""; KINDS];
    for record in records() {
        let place = place(&record.kind);
        names[place] = record.kind.name();
        // Version, boot, two bytes of monotonic time, the clock's absence, then the kind.
        if record.at.clock.is_none() {
            assert_eq!(usize::from(record.encode()[5]), place, "{record:?}");
        }
    }
    assert!(names.iter().all(|name| !name.is_empty()), "{names:?}");
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), KINDS, "two kinds share a name");
}

#[test]
fn every_limit_names_its_key() {
    let mut keys: Vec<_> = LIMITS.into_iter().chain(LIMITS_LATER).map(LimitName::key).collect();
    keys.sort_unstable();
    assert!(keys.windows(2).all(|pair| pair[0] != pair[1]), "{keys:?}");
}

#[test]
fn another_version_is_refused_by_number() {
    for record in records() {
        let mut bytes = record.encode();
        for version in [0, RECORD_VERSION + 1, 0xFF] {
            bytes[0] = version;
            let refused = DecodeError::Version { found: version, newest: RECORD_VERSION };
            assert_eq!(Record::decode(&bytes), Err(refused));
        }
    }
    assert_eq!(Record::decode(&[]), Err(DecodeError::Empty));
}

#[test]
fn leftover_bytes_are_refused() {
    for record in records() {
        for leftover in [&[0][..], &[0xFF; 7]] {
            let bytes = [&record.encode(), leftover].concat();
            let expected = Err(DecodeError::Leftover { bytes: leftover.len() });
            assert_eq!(Record::decode(&bytes), expected, "{record:?}");
        }
    }
}

#[test]
fn a_record_cut_at_any_byte_is_refused() {
    for record in records() {
        let bytes = record.encode();
        for length in 1..bytes.len() {
            assert_eq!(Record::decode(&bytes[..length]), Err(DecodeError::Malformed), "{record:?}");
        }
    }
}

#[test]
fn changed_digests_are_named() {
    let names = |other: Digests| digests().changed(&other).collect::<Vec<_>>();
    assert_eq!(names(digests()), [""; 0]);
    assert_eq!(names(Digests { spec: [0; 16], ..digests() }), ["board file"]);
    assert_eq!(names(Digests { model: [0; 16], ..digests() }), ["model"]);
    assert_eq!(names(Digests { tools: [0; 16], ..digests() }), ["tools"]);
    assert_eq!(names(Digests { template: [0; 16], ..digests() }), ["chat template"]);
    assert_eq!(names(Digests::default()), ["board file", "model", "tools", "chat template"]);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

    #[test]
    fn arbitrary_bytes_never_panic(
        mut bytes in proptest::collection::vec(any::<u8>(), 0..200),
        kind in 0..30_u8,
        versioned: bool,
    ) {
        if versioned && bytes.len() > 5 {
            bytes[..6].copy_from_slice(&[RECORD_VERSION, 1, 1, 1, 0, kind]);
        }
        if let Ok(record) = Record::decode(&bytes) {
            // Numbers may have been written longer than they need, so only the value is compared.
            prop_assert_eq!(Record::decode(&record.encode()), Ok(record));
        }
    }

    #[test]
    fn one_changed_byte_never_panics(at in 0..10_000_usize, to: u8) {
        let records = records();
        let mut bytes = records[at % records.len()].encode();
        let at = at / records.len() % bytes.len();
        bytes[at] = to;
        if let Ok(record) = Record::decode(&bytes) {
            prop_assert_eq!(Record::decode(&record.encode()), Ok(record));
        }
    }
}
